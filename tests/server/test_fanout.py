import asyncio
import functools
import gc
import json
import random
import socket
import weakref
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import aiohttp
import engineio.payload
import pytest
import socketio
import uvicorn
import uvloop
import websockets

from server.live.fanout import Fanout

PATH = "/ws/payments"
ROOM = "tenant_1"


def on_uvloop(test):
    """Run on the production loop, with a limit on every wait."""

    @functools.wraps(test)
    def run(*args, **kwargs):
        async def bounded():
            async with asyncio.timeout(20):
                await test(*args, **kwargs)

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(bounded())

    return run


class Stream:
    """A real server of numbered events that knows which client should get which."""

    def __init__(self, sio, fanout, port):
        self.sio, self.fanout, self.port = sio, fanout, port
        self.sent = {}
        self.joined_at = {}
        self.sids = {}
        self.gone = asyncio.Queue()

    def send(self, count=1, *, room=ROOM, size=0):
        first = self.sent.get(room, 0) + 1
        self.sent[room] = first + count - 1
        self.fanout.send(
            room, "payment_event", [event(n, size) for n in range(first, first + count)]
        )

    async def flow(self, total, *, room=ROOM):
        """Send 1 to 5 events at a time, several thousand per second."""
        while self.sent.get(room, 0) < total:
            self.send(min(random.randint(1, 5), total - self.sent.get(room, 0)), room=room)
            await asyncio.sleep(0.001)

    def session(self, name):
        return self.sio.eio.sockets[self.sio.manager.eio_sid_from_sid(self.sids[name], "/")]


def event(n, size=0):
    return json.dumps({"n": n, "note": "Žižkov €", "pad": "x" * size}, ensure_ascii=False).encode()


def through_a_middleware(app):
    async def wrapped(scope, receive, send):
        async def passed_on(message):
            await send(message)

        await app(scope, receive, passed_on)

    return wrapped


@asynccontextmanager
async def serving(*, ticking=True, deflate=False, middleware=None, **options):
    sio = socketio.AsyncServer(async_mode="asgi")
    fanout = Fanout(sio, **options)
    listening = socket.create_server(("127.0.0.1", 0))
    stream = Stream(sio, fanout, listening.getsockname()[1])

    @sio.event
    async def connect(sid, environ, auth):
        room = auth.get("room", ROOM)
        fanout.join(room, sid)
        stream.joined_at[auth["name"]] = stream.sent.get(room, 0)
        stream.sids[auth["name"]] = sid

    @sio.event
    async def disconnect(sid, reason):
        fanout.leave(sid)
        stream.gone.put_nowait(sid)

    app = socketio.ASGIApp(sio, socketio_path=PATH)
    config = uvicorn.Config(
        middleware(app) if middleware else app,
        http="httptools",
        ws="websockets-sansio",
        ws_per_message_deflate=deflate,
        lifespan="off",
        log_level="error",
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    serve = asyncio.create_task(server.serve(sockets=[listening]))
    run = asyncio.create_task(fanout.run() if ticking else asyncio.sleep(0))
    try:
        yield stream
    finally:
        run.cancel()
        with suppress(asyncio.CancelledError):
            await run
        await sio.shutdown()
        for session in sio.eio.sockets.values():
            session.queue.put_nowait(None)  # ends a poll without a client
        server.should_exit = True
        await serve


class Listener:
    """An ordinary Socket.IO client that notes the number of each event."""

    def __init__(self, client, name):
        self.client, self.name = client, name
        self.numbers = []
        self._news = asyncio.Event()

    def heard(self, data):
        self.numbers.append(data["n"])
        self._news.set()

    async def until(self, number):
        while not self.numbers or self.numbers[-1] < number:
            self._news.clear()
            await self._news.wait()


@asynccontextmanager
async def listening(stream, name="listener", *, room=ROOM, transports=("websocket",)):
    client = socketio.AsyncClient(reconnection=False)
    listener = Listener(client, name)
    client.on("payment_event", listener.heard)
    await client.connect(
        f"http://127.0.0.1:{stream.port}",
        socketio_path=PATH,
        auth={"room": room, "name": name},
        transports=list(transports) if transports else None,
    )
    try:
        yield listener
    finally:
        # Otherwise a polling client waits for its last poll, which the server leaves open until its next ping.
        await client.eio.disconnect(abort=True)
        await client.wait()


@asynccontextmanager
async def raw_websocket(stream, name, **options):
    """A websocket without a Socket.IO library, so that the test decides when it reads."""
    url = f"ws://127.0.0.1:{stream.port}{PATH}/?EIO=4&transport=websocket"
    async with websockets.connect(url, **{"compression": None, **options}) as ws:
        assert (await ws.recv())[0] == "0"
        await ws.send(f"40{json.dumps({'name': name})}")
        assert (await ws.recv())[:2] == "40"
        yield ws
        ws.transport.abort()


@asynccontextmanager
async def small_receive_buffer(stream):
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", stream.port))
    yield sock


class Polling:
    """A polling client whose every request the test makes."""

    def __init__(self, http, port):
        self.http = http
        self.url = f"http://127.0.0.1:{port}{PATH}/?EIO=4&transport=polling"
        self.sid = None

    async def get(self):
        async with self.http.get(self.url) as response:
            return response.status, (await response.text()).split("\x1e")

    async def open(self, name):
        _, (packet,) = await self.get()
        self.sid = json.loads(packet[1:])["sid"]
        self.url += f"&sid={self.sid}"
        async with self.http.post(self.url, data=f"40{json.dumps({'name': name})}") as response:
            assert response.status == 200
        _, (packet,) = await self.get()
        assert packet[:2] == "40"


def numbers(packets):
    prefix = '42["payment_event",'
    return [json.loads(p[2:])[1]["n"] for p in packets if p.startswith(prefix)]


@pytest.fixture
def python_client_polls_without_limit(monkeypatch):
    # python-engineio refuses more than 16 packets in one answer, in its client too; browsers have no such limit.
    monkeypatch.setattr(engineio.payload.Payload, "max_decode_packets", 1_000_000)


@pytest.mark.usefixtures("python_client_polls_without_limit")
@pytest.mark.parametrize(
    "transports", [("websocket",), ("polling",), None], ids=["websocket", "polling", "upgrade"]
)
@on_uvloop
async def test_each_client_gets_every_event_since_its_join_once_and_in_order(transports):
    async with serving() as stream, AsyncExitStack() as stack:
        flow = asyncio.create_task(stream.flow(2_000))
        listeners = [
            await stack.enter_async_context(listening(stream, f"client {i}", transports=transports))
            for i in range(5)
        ]
        await flow
        assert stream.joined_at["client 4"] < 2_000  # they came while events flowed
        for listener in listeners:
            await listener.until(2_000)
            assert listener.numbers == list(range(stream.joined_at[listener.name] + 1, 2_001))


@on_uvloop
async def test_a_websocket_is_written_raw_once_per_tick_whether_direct_or_upgraded():
    async with (
        serving(ticking=False) as stream,
        listening(stream, "direct") as direct,
        listening(stream, "upgraded", transports=None) as upgraded,
    ):
        await asyncio.gather(*(idle(stream, name) for name in ("direct", "upgraded")))
        for _ in range(50):
            stream.send(20)
            stream.fanout.flush()
        await direct.until(1000)
        await upgraded.until(1000)
        assert stream.fanout.raw_writes == 100
        assert stream.fanout.fallback_writes == 0


async def idle(stream, name):
    """Whether engine.io has sent its first packet (the connect packet)."""
    while stream.session(name).queue._unfinished_tasks:  # noqa: ASYNC110 - nothing to wait on
        await asyncio.sleep(0)


@on_uvloop
async def test_polling_clients_and_unknown_servers_get_ordinary_packets():
    async with (
        serving(ticking=False, middleware=through_a_middleware) as stream,
        listening(stream) as listener,
        aiohttp.ClientSession() as http,
    ):
        polling = Polling(http, stream.port)
        await polling.open("polling")
        for _ in range(10):
            stream.send(10)
            stream.fanout.flush()
        await listener.until(100)
        assert listener.numbers == list(range(1, 101))
        _, packets = await polling.get()
        assert numbers(packets) == list(range(1, 101))
        assert (stream.fanout.raw_writes, stream.fanout.fallback_writes) == (0, 20)


@on_uvloop
async def test_a_compressed_websocket_stays_compressed():
    async with (
        serving(deflate=True) as stream,
        raw_websocket(stream, "compressed", compression="deflate") as ws,
    ):
        stream.send(100)
        assert numbers([await ws.recv() for _ in range(100)]) == list(range(1, 101))
        assert stream.fanout.raw_writes == 0
        assert ws.protocol.extensions


@on_uvloop
async def test_events_sent_in_the_middle_of_an_upgrade_stay_in_order():
    async with serving(ticking=False) as stream, aiohttp.ClientSession() as http:
        polling = Polling(http, stream.port)
        await polling.open("upgrading")

        def send_now(count):
            stream.send(count)
            stream.fanout.flush()

        send_now(10)
        _, packets = await polling.get()
        got = numbers(packets)
        poll = asyncio.create_task(polling.get())
        async with http.ws_connect(polling.url.replace("polling", "websocket")) as ws:
            await ws.send_str("2probe")
            assert await ws.receive_str() == "3probe"
            send_now(10)
            got += numbers((await poll)[1])  # a client waits for its last poll before it continues
            send_now(10)
            assert stream.session("upgrading").upgrading
            assert stream.fanout.raw_writes == 0
            await ws.send_str("5")
            while stream.fanout.raw_writes < 100:
                send_now(7)
                await asyncio.sleep(0)
            while len(got) < stream.sent[ROOM]:
                got += numbers([await ws.receive_str()])
        assert got == list(range(1, stream.sent[ROOM] + 1))


@pytest.mark.parametrize("size", [100, 30_000], ids=["flowing", "the connection often full"])
@on_uvloop
async def test_messages_to_one_client_and_raw_writes_do_not_overtake_each_other(size):
    async with (
        serving(ticking=False, max_bytes=1 << 26) as stream,
        listening(stream) as listener,
    ):
        await idle(stream, "listener")
        sid = stream.sids["listener"]
        dice = random.Random(7)  # the same sequence each time
        while stream.sent.get(ROOM, 0) < 2000:
            if dice.random() < 0.5:
                stream.send(dice.randint(1, 3), size=size)
                stream.fanout.flush()
            else:
                stream.sent[ROOM] = n = stream.sent.get(ROOM, 0) + 1
                await stream.sio.emit("payment_event", {"n": n, "pad": "y" * size}, to=sid)
            for _ in range(dice.randint(0, 4)):
                await asyncio.sleep(0)
        await listener.until(stream.sent[ROOM])
        assert listener.numbers == list(range(1, stream.sent[ROOM] + 1))
        assert stream.fanout.raw_writes > 50
        assert stream.fanout.fallback_writes > 50


@on_uvloop
async def test_a_client_that_joins_between_two_ticks_gets_only_later_events():
    async with serving(ticking=False) as stream, listening(stream, "first") as first:
        stream.send(3)
        async with listening(stream, "second") as second:
            stream.send(2)
            stream.fanout.flush()
            stream.send(1)
            stream.fanout.flush()
            await asyncio.gather(first.until(6), second.until(6))
            assert first.numbers == [1, 2, 3, 4, 5, 6]
            assert second.numbers == [4, 5, 6]


@on_uvloop
async def test_a_room_gets_no_events_of_another():
    async with (
        serving() as stream,
        listening(stream, "one", room="tenant_1") as one,
        listening(stream, "two", room="tenant_2") as two,
    ):
        await asyncio.gather(
            stream.flow(500, room="tenant_1"),
            stream.flow(300, room="tenant_2"),
            stream.flow(100, room="tenant_3"),
        )
        await asyncio.gather(one.until(500), two.until(300))
        assert one.numbers == list(range(1, 501))
        assert two.numbers == list(range(1, 301))


@on_uvloop
async def test_after_a_pause_an_event_is_written_at_once_and_a_stop_writes_the_rest():
    async with serving(interval=3600) as stream, listening(stream) as listener:
        stream.send()
        await listener.until(1)
        stream.send()  # an hour early
    assert listener.numbers == [1]
    async with AsyncExitStack() as stack:
        async with serving(interval=3600) as stream:
            listener = await stack.enter_async_context(listening(stream))
            stream.send()
            await listener.until(1)
            stream.send()
        await listener.until(2)


@on_uvloop
async def test_a_websocket_that_stops_reading_is_cut_off_and_the_others_lose_nothing():
    async with (
        serving(max_bytes=1 << 18, patience=0.2) as stream,
        listening(stream, "healthy") as healthy,
        small_receive_buffer(stream) as sock,
        raw_websocket(stream, "stuck", sock=sock, max_queue=1),
    ):
        stuck = stream.session("stuck")
        connection = stream.fanout._wires[stuck].protocol.transport
        most = 0
        sent_bytes = 0
        while not stream.fanout.cut_offs:
            stream.send(10, size=4000)
            sent_bytes += 40_000
            await healthy.until(stream.sent[ROOM])
            most = max(most, connection.get_write_buffer_size())
        assert await stream.gone.get() == stream.sids["stuck"]
        assert most < (1 << 18) + 1_000_000 < sent_bytes + 1_000_000
        assert stuck.closed
        assert connection.is_closing()
        stream.send(100)
        await healthy.until(stream.sent[ROOM])
        assert healthy.numbers == list(range(1, stream.sent[ROOM] + 1))
        assert (stream.fanout.cut_offs, stream.fanout.clients) == (1, 1)


@on_uvloop
async def test_a_polling_client_that_stops_polling_is_cut_off_and_its_queue_dropped():
    async with (
        serving(patience=0.2) as stream,
        listening(stream, "healthy") as healthy,
        aiohttp.ClientSession() as http,
    ):
        polling = Polling(http, stream.port)
        await polling.open("stuck")
        stuck = stream.session("stuck")
        while not stream.fanout.cut_offs:
            stream.send(50)
            await healthy.until(stream.sent[ROOM])
        assert await stream.gone.get() == stream.sids["stuck"]
        assert stuck.queue.qsize() <= 1  # the packet that ends it
        assert (await polling.get())[0] == 400  # after which clients reconnect
        assert healthy.numbers == list(range(1, stream.sent[ROOM] + 1))
        assert polling.sid not in stream.sio.eio.sockets


@on_uvloop
async def test_a_client_that_stops_in_the_middle_of_an_upgrade_is_cut_off():
    async with serving(patience=0.1) as stream, aiohttp.ClientSession() as http:
        polling = Polling(http, stream.port)
        await polling.open("stuck")
        async with http.ws_connect(polling.url.replace("polling", "websocket")) as ws:
            await ws.send_str("2probe")
            assert await ws.receive_str() == "3probe"
            while not stream.fanout.cut_offs:
                stream.send(100)
                await asyncio.sleep(0)
            assert await stream.gone.get() == stream.sids["stuck"]
            with suppress(ConnectionError):
                assert (await ws.receive()).type in {
                    aiohttp.WSMsgType.CLOSED,
                    aiohttp.WSMsgType.ERROR,
                }


@pytest.mark.usefixtures("python_client_polls_without_limit")
@pytest.mark.parametrize("transports", [("websocket",), ("polling",)], ids=["websocket", "polling"])
@on_uvloop
async def test_a_burst_beyond_all_limits_does_not_cut_off_a_client_that_reads(transports):
    async with serving() as stream, listening(stream, transports=transports) as listener:
        for _ in range(5):
            stream.send(3000, size=1000)
            await listener.until(stream.sent[ROOM] - 2999)
        await listener.until(15_000)
        assert listener.numbers == list(range(1, 15_001))
        assert stream.fanout.cut_offs == 0


@on_uvloop
async def test_nothing_is_kept_for_clients_that_left(monkeypatch):
    monkeypatch.setattr("server.live.fanout._LINGER", 0.01)
    async with serving() as stream:
        # engine.io itself keeps a session until its next ping is due and its monitor has run.
        stream.sio.eio.ping_interval = 0.1
        stream.sio.eio.start_service_task = False
        async with listening(stream) as listener:
            stream.send()
            await listener.until(1)
            session = weakref.ref(stream.session("listener"))
        await stream.gone.get()
        stream.send()
        assert stream.fanout.clients == 0
        assert not stream.fanout._rooms
        assert not stream.fanout._pending
        while session() is not None:
            gc.collect()
            await asyncio.sleep(0)
        assert not stream.fanout._wires
