"""The database goes away and returns; the server goes away and returns."""

import asyncio
import signal
import time
from contextlib import suppress

import httpx
import pytest
import socketio
from socketio.exceptions import ConnectionError as NotConnected

from tests.database import EmbeddedDatabase, fresh_name, with_database
from tests.server.listener import PATH, Listener, seqs
from tests.server.problem import problem
from tests.verification import verified

ORDER = {"amount": 1, "method": "card", "status": "success"}


@pytest.fixture
def database(tmp_path):
    """A database process for one test, which it may kill."""
    process = EmbeddedDatabase(tmp_path / "mongodb")
    process.start()
    yield process
    process.kill()


async def answers(http, path="/ready", *, status=200, seconds=30):
    """Wait until the route answers with this status."""
    async with asyncio.timeout(seconds):
        # Another process cannot set an event of this one.
        while (await http.get(path)).status_code != status:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_without_a_database_there_is_503_and_then_everything_recovers(start, database):
    server = start(with_database(database.uri, fresh_name()))
    async with httpx.AsyncClient(base_url=server.url, timeout=30) as http:
        payment = (await http.post("/payments", json={**ORDER, "reference": "a"})).json()
        async with Listener(server.url) as listener:
            await listener.event("connected")
            database.kill()
            began = time.monotonic()
            asked = [
                ("GET", "/ready"),
                ("GET", "/api/analytics/metrics"),
                ("GET", "/api/analytics/snapshot"),
                ("GET", "/payments"),
                ("GET", f"/payments/{payment['_id']}"),
                ("GET", "/payments/export"),
                ("POST", "/payments"),
                ("POST", f"/payments/{payment['_id']}/refund"),
                ("POST", "/payments/seed"),
            ]
            refused = await asyncio.gather(
                *(
                    http.request(
                        method,
                        path,
                        json=ORDER if (method, path) == ("POST", "/payments") else None,
                    )
                    for method, path in asked
                ),
                http.post("/payments/batch", json=[ORDER]),
            )
            assert time.monotonic() - began < 12
            for response in refused:
                problem(response, 503)
                assert int(response.headers["retry-after"]) > 0
            assert (await http.get("/health")).status_code == 200
            database.start()
            await answers(http)
            again = await http.post("/payments", json={**ORDER, "reference": "a"})
            assert again.status_code == 200
            assert (await http.post("/payments", json=ORDER)).status_code == 201
            metrics = (await http.get("/api/analytics/metrics")).json()
            assert metrics["totalPayments"] == 2
            await listener.event("payment_event")
            assert seqs(listener) == [2]
    assert server.stop() == 0
    assert "Traceback" not in server.said, server.said


async def test_the_simulation_waits_for_the_database(start, database):
    server = start(
        with_database(database.uri, fresh_name()),
        simulate=True,
        simulate_interval=0.05,
    )

    async with httpx.AsyncClient(base_url=server.url, timeout=30) as http:

        async def simulated_beyond(seq, *, seconds=30):
            async with asyncio.timeout(seconds):
                while True:
                    response = await http.get("/api/analytics/metrics")
                    if response.status_code == 200 and response.json()["seq"] > seq:
                        return response.json()["seq"]
                    await asyncio.sleep(0.05)

        await simulated_beyond(3)
        database.kill()
        await answers(http, status=503)
        database.start()
        await answers(http)
        now = (await http.get("/api/analytics/metrics")).json()["seq"]
        await simulated_beyond(now + 3)
        assert (await verified(http))["differences"] == []


async def test_a_client_that_connects_without_a_database_is_accepted_later(start, database):
    server = start(with_database(database.uri, fresh_name()))
    database.kill()
    connected = asyncio.Event()
    client = socketio.AsyncClient(reconnection=False)
    client.on("connected", lambda _: connected.set())
    refused = []
    client.on("connect_error", refused.append)

    async def try_to_connect():
        with suppress(NotConnected):
            await client.connect(server.url, socketio_path=PATH, transports=["websocket"])

    async with asyncio.timeout(60):
        await try_to_connect()
        assert not connected.is_set()
        database.start()
        while not connected.is_set():
            await try_to_connect()
            await asyncio.wait([asyncio.create_task(connected.wait())], timeout=1)
    # The connection was lost, not refused: a refused client does not retry by itself.
    assert not any(isinstance(each, dict) and "data" in each for each in refused)
    await client.disconnect()


async def test_nothing_acknowledged_is_lost_when_the_server_is_killed(start, database_uri):
    server = start(database_uri)
    acknowledged, enough = [], asyncio.Event()

    async def pay(http, payer):
        for number in range(1000):
            reference = f"{payer}-{number}"
            try:
                answer = await http.post("/payments", json={**ORDER, "reference": reference})
            except httpx.TransportError:
                return
            if answer.status_code == 201:
                acknowledged.append(reference)
            if len(acknowledged) >= 200:
                enough.set()

    async with httpx.AsyncClient(base_url=server.url, timeout=30) as http:
        paying = asyncio.gather(*(pay(http, payer) for payer in range(8)))
        await enough.wait()
        server.kill()
        await paying
    server = start(database_uri)
    async with httpx.AsyncClient(base_url=server.url, timeout=60) as http:
        async with Listener(server.url, auth={"seq": 0}) as listener:
            metrics = (await http.get("/api/analytics/metrics")).json()
            await listener.event("payment_event", metrics["seq"])
            events = listener.all("payment_event")
            assert seqs(listener) == list(range(1, metrics["seq"] + 1))
            published = {event["payment"]["reference"] for event in events}
            assert published >= set(acknowledged)
            assert metrics["totalPayments"] == len(published)
        assert (await verified(http))["differences"] == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_stop_is_graceful_and_quick(start, database_uri, number):
    """What was accepted is committed, answered and published, with sockets of both kinds open."""
    server = start(database_uri)
    async with (
        httpx.AsyncClient(base_url=server.url, timeout=30) as http,
        httpx.AsyncClient(base_url=server.url, timeout=30) as poller,
    ):
        listener = Listener(server.url)
        await listener.__aenter__()
        await listener.event("connected")
        opened = (await poller.get("/ws/payments/?EIO=4&transport=polling")).text
        sid = opened.partition('"sid":"')[2].partition('"')[0]
        poll = asyncio.create_task(poller.get(f"/ws/payments/?EIO=4&transport=polling&sid={sid}"))
        paying = [asyncio.create_task(http.post("/payments", json=ORDER)) for _ in range(60)]
        await asyncio.wait(paying, return_when=asyncio.FIRST_COMPLETED)
        began = time.monotonic()
        code = await asyncio.to_thread(server.end, number)
        assert time.monotonic() - began < 8
        assert code == 0
        assert "Traceback" not in server.said, server.said
        paid = await asyncio.gather(*paying, return_exceptions=True)
        recorded = [each for each in paid if getattr(each, "status_code", None) == 201]
        assert recorded
        heard = {event["payment"]["_id"] for event in listener.all("payment_event")}
        assert heard >= {each.json()["_id"] for each in recorded}
        poll.cancel()
        await asyncio.gather(poll, return_exceptions=True)
        await listener.client.disconnect()
