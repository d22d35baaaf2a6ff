"""Compare this project's fan-out of live events with stock `sio.emit(room=...)`.

    python -m benchmarks.fanout [--clients 200] [--rate 1000] [--seconds 10]

One server process and one process with all clients, on 127.0.0.1. Latency is measured from the moment an event was due, so that
a server that falls behind cannot hide it. Every client checks that no event is missing or out of order.
"""

import argparse
import asyncio
import gc
import json
import os
import socket
import sys
import time
from array import array

import socketio
import uvicorn
import uvloop

from server.live.fanout import Fanout

PATH = "/ws/payments"
ROOM = "tenant_1"
FIRST = 10_000_000  # numbers and times have a fixed width, so that the clients find them without a JSON parser
FILLING = {
    "type": "payment_received",
    "payment": {
        "_id": "675700aa5f1b2c3d4e5f6071",
        "tenantId": ROOM,
        "amount": 1850.5,
        "currency": "USD",
        "method": "card",
        "status": "success",
        "createdAt": "2024-12-09T14:00:00.000Z",
        "source": "simulation",
        "customerId": "customer_0042",
        "country": "DE",
    },
    "previousStatus": None,
    "timestamp": "2024-12-09T14:00:00.000Z",
}
HEAD = b'42["payment_event",{"seq":'
SEQ = slice(len(HEAD), len(HEAD) + 8)
DUE = slice(SEQ.stop + len(b',"due":'), SEQ.stop + len(b',"due":') + 16)


# --- the server process


async def serve(kind, seconds, rate):
    sio = socketio.AsyncServer(async_mode="asgi")
    fanout = Fanout(sio)

    @sio.event
    async def connect(sid, environ, auth):  # noqa: ARG001 - what python-socketio passes
        await sio.enter_room(sid, ROOM)
        fanout.join(ROOM, sid)

    @sio.event
    async def disconnect(sid, reason):  # noqa: ARG001
        fanout.leave(sid)

    listening = socket.create_server(("127.0.0.1", 0), backlog=1024)
    server = uvicorn.Server(
        uvicorn.Config(
            socketio.ASGIApp(sio, socketio_path=PATH),
            http="httptools",
            ws="websockets-sansio",
            ws_per_message_deflate=False,
            lifespan="off",
            log_level="error",
            timeout_graceful_shutdown=2,
        )
    )
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    running = asyncio.create_task(fanout.run())
    print(json.dumps({"port": listening.getsockname()[1]}), flush=True)
    await asyncio.to_thread(sys.stdin.readline)  # all clients are connected
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 50)
    before, start = os.times(), time.monotonic_ns()
    sent = await produce(sio, fanout if kind == "fanout" else None, start, seconds, rate)
    elapsed = (time.monotonic_ns() - start) / 1e9
    after = os.times()
    print(
        json.dumps(
            {
                "sent": sent,
                "cpu": (after.user + after.system - before.user - before.system) / elapsed,
                "raw": fanout.raw_writes,
                "fallback": fanout.fallback_writes,
                "cut_offs": fanout.cut_offs,
            }
        ),
        flush=True,
    )
    await asyncio.to_thread(sys.stdin.readline)
    running.cancel()
    server.should_exit = True
    await serving


async def produce(sio, fanout, start, seconds, rate):
    """Send each event when it is due; stop when the time is over, however many have been sent."""
    tail = json.dumps(FILLING, separators=(",", ":"))[1:].encode()
    end = start + seconds * 1_000_000_000
    sent = 0
    while (now := time.monotonic_ns()) < end:
        due_by_now = min((now - start) * rate // 1_000_000_000 + 1, seconds * rate)
        if due_by_now > sent:
            dues = [start + n * 1_000_000_000 // rate for n in range(sent, due_by_now)]
            if fanout:
                fanout.send(
                    ROOM,
                    "payment_event",
                    [
                        b'{"seq":%d,"due":%016d,' % (FIRST + n, due // 1000 + 10**15) + tail
                        for n, due in enumerate(dues, sent)
                    ],
                )
                sent = due_by_now
            else:
                due = dues[0] // 1000 + 10**15
                event = {"seq": FIRST + sent, "due": due, **FILLING}
                await sio.emit("payment_event", event, room=ROOM)
                sent += 1
        await asyncio.sleep(0 if due_by_now > sent else 0.001)
    return sent


# --- the client process


class Client(asyncio.Protocol):
    """A WebSocket client that finds number and time of each event at fixed places in its frames."""

    def __init__(self, latencies):
        self.latencies = latencies
        self.buffer = b""
        self.upgraded = False
        self.events = 0
        self.faults = 0
        self.last_at = 0
        self.ready = asyncio.get_running_loop().create_future()

    def connection_made(self, transport):
        self.transport = transport
        port = transport.get_extra_info("peername")[1]
        transport.write(
            f"GET {PATH}/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
        )

    def data_received(self, data):
        data = self.buffer + data if self.buffer else data
        at = 0
        if not self.upgraded:
            head = data.find(b"\r\n\r\n")
            if head < 0:
                self.buffer = data
                return
            self.upgraded = True
            at = head + 4
        now = time.monotonic_ns() // 1000 + 10**15
        size = len(data)
        while size - at >= 2:
            length, body = data[at + 1], at + 2
            if length == 126:
                if size - at < 4:
                    break
                length, body = data[at + 2] << 8 | data[at + 3], at + 4
            if size - body < length:
                break
            if length > 200:
                self.event(data, body, now)
            else:
                self.control(data[body : body + length])
            at = body + length
        self.buffer = data[at:]

    def event(self, data, body, now):
        if int(data[body + SEQ.start : body + SEQ.stop]) != FIRST + self.events:
            self.faults += 1
        self.events += 1
        self.latencies.append(now - int(data[body + DUE.start : body + DUE.stop]))
        self.last_at = now

    def control(self, packet):
        if packet[:1] == b"0":
            self.text(b"40")
        elif packet == b"2":
            self.text(b"3")
        elif packet[:2] == b"40":
            self.ready.set_result(None)

    def text(self, packet):
        self.transport.write(bytes([0x81, 0x80 | len(packet), 0, 0, 0, 0]) + packet)


async def measure(kind, clients, seconds, rate):
    command = [sys.executable, "-m", "benchmarks.fanout", "--serve", kind]
    command += ["--seconds", str(seconds), "--rate", str(rate)]
    pipe = asyncio.subprocess.PIPE
    server = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
    try:
        async with asyncio.timeout(seconds * 3 + 30):
            port = json.loads(await server.stdout.readline())["port"]
            latencies = array("q")
            loop = asyncio.get_running_loop()
            protocols = []
            for _ in range(clients):
                _, client = await loop.create_connection(
                    lambda: Client(latencies), "127.0.0.1", port
                )
                protocols.append(client)
                await client.ready
            gc.collect()
            start = time.monotonic_ns() // 1000 + 10**15
            server.stdin.write(b"go\n")
            report = json.loads(await server.stdout.readline())
            last = -1
            while sum(c.events for c in protocols) not in (report["sent"] * clients, last):
                last = sum(c.events for c in protocols)
                await asyncio.sleep(1)  # a whole second without an event: no more will come
            server.stdin.write(b"stop\n")
            for client in protocols:
                client.transport.abort()
            await server.wait()
    finally:
        if server.returncode is None:
            server.kill()
            await server.wait()
    ordered = sorted(latencies)
    took = (max(c.last_at for c in protocols) - start) / 1e6
    return report | {
        "delivered": len(ordered) / took,
        "p50": ordered[len(ordered) // 2] / 1000,
        "p99": ordered[len(ordered) * 99 // 100] / 1000,
        "missing": report["sent"] * clients - len(ordered),
        "faults": sum(c.faults for c in protocols),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--rate", type=int, default=1000, help="events per second")
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--serve", choices=["fanout", "stock"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        uvloop.run(serve(options.serve, options.seconds, options.rate))
        return
    results = {
        kind: uvloop.run(measure(kind, options.clients, options.seconds, options.rate))
        for kind in ("fanout", "stock")
    }
    report(results, options)


def report(results, options):
    ours, stock = results["fanout"], results["stock"]
    wanted = options.clients * options.rate
    print(f"{options.clients} clients x {options.rate} events/s for {options.seconds} s")
    print(f"{'':28}{'fan-out':>12}{'sio.emit':>12}{'ratio':>9}")
    for label, key, scale in (
        (f"delivered/s (of {wanted:,})", "delivered", 1),
        ("p50 latency, ms", "p50", 1),
        ("p99 latency, ms", "p99", 1),
        ("CPU of the server, % of core", "cpu", 100),
    ):
        a, b = ours[key] * scale, stock[key] * scale
        print(f"{label:28}{a:12,.1f}{b:12,.1f}{a / b:9.3f}")
    for label, key in (
        ("events sent", "sent"),
        ("missing", "missing"),
        ("out of order", "faults"),
        ("raw writes", "raw"),
        ("fallback writes", "fallback"),
        ("cut-offs", "cut_offs"),
    ):
        print(f"{label:28}{ours[key]:12,}{stock[key]:12,}")


if __name__ == "__main__":
    main()
