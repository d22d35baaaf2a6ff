"""kill -9 under load: what was acknowledged is recorded, counted once and published once."""

import asyncio
from collections import Counter
from decimal import Decimal
from typing import Self
from uuid import uuid4

import httpx
import pytest

from financeops.cli.running.addresses import free_port
from tests.database import NAMED_URI, EmbeddedDatabase, with_database
from tests.e2e.listener import Listener
from tests.processes import start_server
from tests.verification import verified

WRITERS = 6
ENOUGH = 60
"""Answers to wait for before the kill, and again after the recovery."""


class Load:
    """Writers that post payments until told to stop, and remember what was acknowledged."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._stop = asyncio.Event()
        self._more = asyncio.Condition()
        self.acknowledged: dict[str, Decimal] = {}
        self.statuses: Counter[int | str] = Counter()

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(self._write(n)) for n in range(WRITERS)]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop.set()
        await asyncio.gather(*self._tasks)

    async def acknowledge_more(self, count: int) -> None:
        """Wait until this many more payments have been acknowledged."""
        goal = len(self.acknowledged) + count
        async with asyncio.timeout(120), self._more:
            await self._more.wait_for(lambda: len(self.acknowledged) >= goal)

    async def _write(self, number: int) -> None:
        async with httpx.AsyncClient(base_url=self._url, timeout=30) as http:
            while not self._stop.is_set():
                # Half of them one by one, half in batches of ten; each with its own reference.
                items = [self.payment() for _ in range(1 if number % 2 else 10)]
                try:
                    await self._post(http, items)
                except httpx.TransportError as error:
                    self.statuses[type(error).__name__] += 1
                    # The process is gone: wait before retrying.
                    await asyncio.sleep(0.05)

    async def _post(self, http: httpx.AsyncClient, items: list[dict]) -> None:
        # Sent again until it is answered: that is what the reference is for.
        if len(items) == 1:
            answer = await http.post("/payments", json=items[0])
        else:
            answer = await http.post("/payments/batch", json=items)
        self.statuses[answer.status_code] += 1
        if answer.is_success:
            if len(items) > 1:
                assert answer.json()["rejected"] == 0, answer.text
            async with self._more:
                for item in items:
                    self.acknowledged[item["reference"]] = Decimal(item["amount"])
                self._more.notify_all()
        else:
            assert answer.status_code == 503, answer.text
            assert int(answer.headers["Retry-After"]) >= 1

    @staticmethod
    def payment() -> dict:
        """One payment with a reference of its own."""
        reference = uuid4().hex
        amount = 1 + int(reference[:4], 16) % 500
        return {"amount": amount, "method": "card", "status": "success", "reference": reference}


async def recorded(http: httpx.AsyncClient) -> dict[str, Decimal]:
    """Return reference and amount of every payment; fail if one is recorded twice."""
    answer = await http.get("/payments/export", params={"format": "ndjson"})
    payments = [httpx.Response(200, text=line).json() for line in answer.text.splitlines()]
    found = {payment["reference"]: Decimal(payment["amount"]) for payment in payments}
    assert len(found) == len(payments)
    return found


async def check_books(url: str, load: Load) -> int:
    """Nothing acknowledged is lost, and every figure is what the payments add up to."""
    async with httpx.AsyncClient(base_url=url, timeout=60) as http:
        found = await recorded(http)
        metrics = (await http.get("/api/analytics/metrics")).json()
        verification = await verified(http)
    lost = load.acknowledged.keys() - found.keys()
    assert not lost, f"{len(lost)} of {len(load.acknowledged)} acknowledged payments are lost"
    assert metrics["totalPayments"] == len(found) == metrics["seq"]
    assert metrics["totalVolume"] == sum(found.values())
    assert verification["differences"] == []
    return metrics["seq"]


async def test_kill_9_of_the_server_loses_nothing_and_repeats_nothing(database_uri):
    port = free_port()
    server = start_server(database_uri, port=port)
    listener = await Listener.start(server.url, "tenant_1", transports="websocket", seq=0)
    try:
        async with Load(server.url) as load:
            await load.acknowledge_more(ENOUGH)
            server.kill()
            server = start_server(database_uri, port=port)
            await load.acknowledge_more(ENOUGH)
        seq = await check_books(server.url, load)
        # Also what was committed but not yet published at the kill.
        heard = await listener.events(seq)
    finally:
        await listener.stop()
        server.stop()
    assert [event["seq"] for event in heard] == list(range(1, seq + 1))
    assert load.acknowledged.keys() <= {event["payment"]["reference"] for event in heard}


@pytest.mark.skipif(
    NAMED_URI is not None, reason="kills its database: only one of its own may be killed"
)
async def test_kill_9_of_the_database_loses_nothing_and_the_server_recovers(tmp_path):
    database = EmbeddedDatabase(tmp_path)
    database.start()
    server = start_server(with_database(database.uri, "financeops"), database_timeout=1)
    listener = await Listener.start(server.url, "tenant_1", transports="websocket", seq=0)
    try:
        async with Load(server.url) as load:
            await load.acknowledge_more(ENOUGH)
            database.kill()
            async with httpx.AsyncClient(base_url=server.url, timeout=60) as http:
                for away in (
                    await http.get("/ready"),
                    await http.get("/api/analytics/metrics"),
                    await http.post("/payments", json=Load.payment()),
                ):
                    assert away.status_code == 503
                    assert int(away.headers["Retry-After"]) >= 1
                assert (await http.get("/health")).status_code == 200
            database.start()
            await load.acknowledge_more(ENOUGH)
        seq = await check_books(server.url, load)
        heard = await listener.events(seq)
    finally:
        await listener.stop()
        server.stop()
        database.kill()
    assert [event["seq"] for event in heard] == list(range(1, seq + 1))
