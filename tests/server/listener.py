"""A Socket.IO client that records its events."""

import asyncio

import socketio

PATH = "ws/payments"


class Listener:
    """Connected while entered."""

    def __init__(self, url, *, auth=None, query="", transports=("websocket",)):
        self.client = socketio.AsyncClient(reconnection=False)
        self.heard = []
        self._news = asyncio.Condition()
        self._url = url + (f"?{query}" if query else "")
        self._auth = auth
        self._transports = list(transports)
        self.client.on("*", self._hear)

    async def _hear(self, event, data):
        async with self._news:
            self.heard.append((event, data))
            self._news.notify_all()

    async def __aenter__(self):
        await self.client.connect(
            self._url, socketio_path=PATH, auth=self._auth, transports=self._transports
        )
        return self

    async def __aexit__(self, *_):
        await self.client.disconnect()

    def all(self, name):
        return [data for event, data in self.heard if event == name]

    async def until(self, true, *, seconds=15):
        async with asyncio.timeout(seconds), self._news:
            await self._news.wait_for(true)

    async def event(self, name, count=1):
        """Wait for the `count`-th event of that name, and return it."""
        await self.until(lambda: len(self.all(name)) >= count)
        return self.all(name)[count - 1]


def seqs(listener):
    return [event["seq"] for event in listener.all("payment_event")]
