"""What only a replica set does: elections, missing permissions, transactions that it ends itself."""

from __future__ import annotations

import asyncio
import subprocess
import time
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest

from financeops.store.database.connection import close, connect
from financeops.store.schema import prepare
from financeops.store.writing.ledger import commit
from tests.builders import NOON, tenant
from tests.mongodb.conftest import CONTAINERS, as_user, failing, step_down, with_option
from tests.store.recorded import insert
from tests.verification import verified

pytestmark = pytest.mark.timeout(600)


async def test_a_user_who_may_only_read_and_write_starts_twice_beside_a_writer(
    admin, database_uri, start, held
):
    name = database_uri.partition("?")[0].rpartition("/")[2]
    admin[name].command("createUser", "app", pwd="secret", roles=["readWrite"])
    uri = as_user(database_uri, "app", "secret", name)
    try:
        first = await asyncio.to_thread(start, uri)
        ledger = await held(first.url)
        async with ledger.at_work():
            # Whoever changes a collection has to wait for a transaction that works with it.
            with admin.start_session() as session, session.start_transaction():
                admin[name].payments.find_one(session=session)
                began = time.monotonic()
                await asyncio.to_thread(start, uri)
                assert time.monotonic() - began < 10
                await ledger.acknowledge_more(20)
    finally:
        admin[name].command("dropUser", "app")


async def test_after_kill_9_within_a_transaction_the_successor_writes_within_ten_seconds(
    admin, database_uri, start
):
    server = await asyncio.to_thread(start, database_uri)
    sale = {"amount": 5, "method": "card", "status": "success"}
    async with httpx.AsyncClient(base_url=server.url, timeout=60) as http:
        assert (await http.post("/payments", json=sale)).status_code == 201
        blocked = {"blockConnection": True, "blockTimeMS": 60_000}
        with failing(admin, "alwaysOn", "commitTransaction", **blocked):
            posted = asyncio.create_task(http.post("/payments", json=sale))
            # Its transaction has the tenant's lock when another one conflicts with it.
            while not _in_transaction(admin):
                assert not posted.done()
                await asyncio.sleep(0.05)
            server.kill()
            with pytest.raises(httpx.TransportError):
                await posted
    began = time.monotonic()
    successor = await asyncio.to_thread(start, database_uri)
    async with httpx.AsyncClient(base_url=successor.url, timeout=60) as http:
        while (await http.post("/payments", json=sale)).status_code == 503:
            pass
    assert time.monotonic() - began < 10


def _in_transaction(admin) -> bool:
    ours = {"appName": "financeops", "transaction": {"$exists": True}}
    stages = [{"$currentOp": {"allUsers": True, "idleSessions": True}}, {"$match": ours}]
    return bool(list(admin.admin.aggregate(stages)))


@pytest.mark.skipif(
    CONTAINERS is None,
    reason="cuts a node off: FINANCEOPS_TEST_MONGODB_CONTAINERS says what its container is called",
)
async def test_the_primary_is_cut_off_during_a_commit(replica_set, database_uri, start, held):
    server = await asyncio.to_thread(start, database_uri)
    ledger = await held(server.url)
    _, port = replica_set.primary
    container = CONTAINERS.format(port=port)
    async with ledger.at_work():
        await ledger.acknowledge_more(15)
        blocked = {"blockConnection": True, "blockTimeMS": 3000}
        with failing(replica_set, "alwaysOn", "commitTransaction", **blocked):
            subprocess.run(["docker", "pause", container], check=True)  # noqa: ASYNC221 - at once
            try:
                # Another one is elected, and asked what became of the commits.
                await ledger.acknowledge_more(15)
            finally:
                subprocess.run(["docker", "unpause", container], check=True)  # noqa: ASYNC221
        await ledger.acknowledge_more(15)


async def test_step_downs_under_load_lose_and_double_nothing(
    replica_set, database_uri, start, held
):
    server = await asyncio.to_thread(start, database_uri)
    ledger = await held(server.url)
    async with ledger.at_work():
        for _ in range(4):
            await ledger.acknowledge_more(25)
            await asyncio.to_thread(step_down, replica_set, seconds=5)
        await ledger.acknowledge_more(25)


async def test_a_uri_that_prefers_secondaries_is_written_and_read_like_any_other(
    admin, database_uri, start, held
):
    preferred = with_option(database_uri, "readPreference=secondaryPreferred")
    server = await asyncio.to_thread(start, preferred)
    ledger = await held(server.url)
    async with ledger.at_work():
        await ledger.acknowledge_more(60)


async def test_four_processes_on_one_tenant_all_make_progress(admin, database_uri, start, held):
    servers = [await asyncio.to_thread(start, database_uri) for _ in range(4)]
    ledger = await held(*[server.url for server in servers])
    async with ledger.at_work():
        await ledger.acknowledge_more(200)
    shares = sorted(ledger.acknowledged.values())
    assert len(shares) == 4, ledger.acknowledged
    assert shares[0] > shares[-1] / 5, ledger.acknowledged


async def test_short_transactions_are_enough_for_200_000_rollups_and_no_query_scans(
    admin, database_uri, start
):
    """Each payment is in a quarter hour and a currency of its own."""
    name = database_uri.partition("?")[0].rpartition("/")[2]
    await _fill(database_uri, hours=25_000)
    assert admin[name].rollups.count_documents({"grain": "quarter"}) == 200_000
    limit = {"setParameter": 1, "transactionLifetimeLimitSeconds": 3}
    before = admin.admin.command(limit)["was"]
    admin[name].command("profile", 2)
    try:
        server = await asyncio.to_thread(start, database_uri)
        async with httpx.AsyncClient(base_url=server.url, timeout=300) as http:
            sale = {"amount": 5, "method": "card", "status": "success", "reference": uuid4().hex}
            assert (await http.post("/payments", json=sale)).status_code == 201
            payment = (await http.post("/payments", json=sale)).json()["_id"]
            assert (await http.post(f"/payments/{payment}/refund")).status_code == 200
            for path in (
                "/api/analytics/metrics",
                *(f"/api/analytics/snapshot?period={each}" for each in ("day", "year")),
                "/api/analytics/trends?period=month",
                "/payments?limit=50&status=success",
                "/payments/months",
            ):
                assert (await http.get(path)).status_code == 200, path
            report = await verified(http)
    finally:
        admin.admin.command({**limit, "transactionLifetimeLimitSeconds": before})
        admin[name].command("profile", 0)
    assert report["checked"] > 200_000
    assert (report["differences"], report["shown"]) == ([], [])
    scanned = {"planSummary": {"$regex": "COLLSCAN"}, "docsExamined": {"$gt": 10}}
    found = admin[name]["system.profile"].find(scanned, {"ns": 1, "command": 1})
    assert [(each["ns"], each["command"]) for each in found] == []


async def _fill(uri: str, *, hours: int) -> None:
    """Record a payment in each quarter hour and in two currencies."""
    db = await connect(uri)
    await prepare(db, [])
    for first in range(0, hours, 125):
        operations = [
            insert(created_at=NOON - timedelta(hours=first, minutes=15 * n), currency=currency)
            for n in range(500)
            for currency in ("USD", "EUR")
        ]
        await commit(db, tenant(), operations, now=NOON)
    await close(db)
