"""Clients that request missed events and then read nothing cost little memory, which is freed."""

import asyncio
import gc
import json
import re
import socket
from urllib.parse import urlsplit

import httpx
import psutil
from websockets.frames import Frame, Opcode

from financeops.tasks import end
from server.housekeeping import MANY_GONE, collect_gone

EVENTS = 5000
CLIENTS = 12
MEGABYTE = 1 << 20


async def deaf_client(url):
    """A websocket that requests all events, and reads nothing once its session has begun."""
    parts = urlsplit(url)
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, (parts.hostname, parts.port))
    reader, writer = await asyncio.open_connection(sock=sock)
    writer.write(
        b"GET /ws/payments/?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost\r\n"
        b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    await reader.readuntil(b"maxPayload")
    ask = b"40" + json.dumps({"seq": 0}).encode()
    writer.write(Frame(Opcode.TEXT, ask).serialize(mask=True))
    writer.transport.pause_reading()
    return writer


async def cut_offs(http):
    text = (await http.get("/metrics")).text
    return float(re.search(r"^\w+stream_cut_offs_total (\S+)$", text, re.MULTILINE)[1])


async def test_memory_for_clients_that_never_read_is_bounded_and_freed(server):
    def memory():
        return psutil.Process(server.process.pid).memory_info().rss

    async with httpx.AsyncClient(base_url=server.url, timeout=60) as http:
        ordinary = {"amount": 1, "method": "card", "status": "success"}
        long = {"reference": "\N{GRINNING FACE}" * 195, "customerId": "\N{GRINNING FACE}" * 200}
        for start in range(0, EVENTS, 1000):
            orders = [
                ordinary | long | {"reference": f"{long['reference']}{place}"}
                for place in range(start, start + 1000)
            ]
            answer = await http.post("/payments/batch", json=orders)
            assert answer.json()["created"] == len(orders)
        once = None
        for times in (1, 2, 3):
            clients = await asyncio.gather(*(deaf_client(server.url) for _ in range(CLIENTS)))
            async with asyncio.timeout(60):
                while await cut_offs(http) < times * len(clients):  # noqa: ASYNC110 - of a process
                    await asyncio.sleep(0.05)
            for client in clients:
                client.transport.abort()
                await asyncio.sleep(0)  # its socket is open until then
            once = once or memory()
        # Later clients reuse the memory of the first. It was 3 MB and more for each of them, so twice this.
        assert memory() - once < 3 * CLIENTS * MEGABYTE


async def test_garbage_of_many_clients_is_collected():
    class Session:
        """Like engine.io's, it is part of a reference cycle."""

        def __init__(self, freed):
            self.handler = self.handle
            self.freed = freed

        def handle(self):
            """Do nothing."""

        def __del__(self):
            self.freed.set()

    freed, gone = asyncio.Event(), 0
    gc.disable()  # automatic collection would free it at some time
    collecting = asyncio.create_task(collect_gone(lambda: gone, pause=0.01))
    Session(freed)
    gone = MANY_GONE
    try:
        async with asyncio.timeout(10):
            await freed.wait()
    finally:
        gc.enable()
        await end([collecting])
