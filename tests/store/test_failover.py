"""What only a replica set does, played by a proxy before the embedded one (`tests/proxy.py`)."""

from __future__ import annotations

import asyncio
from time import monotonic
from zoneinfo import ZoneInfo

import pytest

from financeops.core.errors import Unavailable, Unsure
from financeops.core.periods import Period
from financeops.core.questions import Question
from financeops.core.selection import Selection
from financeops.store.database.connection import close, connect
from financeops.store.reading.queries import list_payments
from financeops.store.reading.reader import Reader
from financeops.store.schema import prepare
from financeops.store.verifying.counting import Count, catch_up
from financeops.store.verifying.verify import verify
from financeops.store.writing.ledger import commit
from financeops.store.writing.operations import Result
from tests.builders import NOON, tenant
from tests.proxy import UNKNOWN_COMMIT
from tests.store.recorded import check_ledger, insert, record, refund, stored_payments

READS = {"find", "aggregate", "count", "distinct"}


@pytest.fixture
def db(proxied_db):
    """A prepared database behind the proxy."""
    return proxied_db


async def test_no_read_can_be_rolled_back_or_be_older_than_earlier_ones(proxy):
    db = await connect(f"{proxy.uri}&readPreference=secondaryPreferred&readConcernLevel=local")
    await prepare(db, [])
    payment, _ = await record(db, insert("once"), insert())
    await record(db, refund(payment))
    await commit(db, tenant(), [insert("once")], now=NOON)
    asked = Question(period=Period.DAY)
    assert (await Reader(db).answer("tenant_1", asked, as_of=NOON)).rollup
    assert (await list_payments(db, "tenant_1", Selection(), limit=5)).payments
    assert not (await verify(db, "tenant_1", as_of=NOON)).differences
    await close(db)

    reads = [command for command in proxy.seen if next(iter(command)) in READS]
    # Reads in a transaction use the concern with which it began.
    whole = [each for each in reads if "txnNumber" not in each or "startTransaction" in each]
    concerns = {command.get("readConcern", {}).get("level") for command in whole}
    assert concerns == {"majority", "snapshot"}
    modes = {command.get("$readPreference", {"mode": "primary"})["mode"] for command in reads}
    # A directly addressed server may be of any kind; of a replica set it must be the primary.
    assert modes <= {"primary", "primaryPreferred"}


@pytest.mark.parametrize("code", [1, 6, 7, 89, 133, 202, 262, 290, 365, 433, 449, 11601, 14031])
async def test_a_passing_error_is_reported_as_unavailable(code, proxy, db):
    await record(db, insert())
    fault = proxy.fail("find", "update", code=code, times=float("inf"))
    with pytest.raises(Unavailable):
        await list_payments(db, "tenant_1", Selection(), limit=5)
    with pytest.raises(Unavailable):
        await commit(db, tenant(), [insert()], now=NOON)
    assert fault.happened >= 2
    proxy.heal()
    assert len((await list_payments(db, "tenant_1", Selection(), limit=5)).payments) == 1


@pytest.mark.parametrize(
    "fault",
    [
        {"code": 91, "labels": UNKNOWN_COMMIT},
        {"code": 91, "labels": UNKNOWN_COMMIT, "after": True},
        {},
        {"after": True},
        {"code": 1},
        {"code": 1, "after": True},
    ],
    ids=["refused", "answer-lost", "cut", "cut-after", "failed", "failed-after"],
)
@pytest.mark.parametrize("reference", ["once", None])
async def test_a_commit_is_repeated_until_its_outcome_is_known(fault, reference, proxy, db):
    failed = proxy.fail("commitTransaction", times=5, **fault)
    (outcome,) = await commit(db, tenant(), [insert(reference)], now=NOON)
    assert failed.happened == 5
    assert outcome.result is Result.CREATED
    assert [payment.id for payment in await stored_payments(db)] == [outcome.payment.id]
    await check_ledger(db)


async def test_a_commit_survives_the_election_of_a_primary(proxy, db):
    began = monotonic()
    failed = proxy.fail("commitTransaction", code=189, labels=UNKNOWN_COMMIT, times=float("inf"))
    asyncio.get_running_loop().call_later(11, proxy.heal)
    await record(db, insert("a"))
    assert monotonic() - began > 10
    assert failed.happened > 10
    await check_ledger(db)


@pytest.mark.parametrize("after", [False, True], ids=["lost", "committed"])
@pytest.mark.parametrize("then", [{"code": 1}, {}, {"code": 14031}], ids=["failed", "away", "full"])
async def test_no_later_failure_settles_whether_a_commit_took_effect(
    after, then, proxy, db, monkeypatch
):
    """As on a full disk: the embedded database fails at a commit, and then at whatever it is asked."""
    monkeypatch.setattr("financeops.store.database.transactions.COMMIT_SECONDS", 1.0)
    await record(db, insert("before"))
    proxy.fail("commitTransaction", code=1, after=after)
    if not after:
        # It has forgotten the transaction, so that all of it is tried again.
        proxy.fail("commitTransaction", code=251, labels=("TransientTransactionError",))

    async def fail_from_now_on(command):
        if "commitTransaction" in command:
            proxy.fail("commitTransaction", "update", times=float("inf"), **then)

    proxy.before = fail_from_now_on
    with pytest.raises(Unsure) as unsure:
        await commit(db, tenant(), [insert("once")], now=NOON)
    proxy.before = None
    proxy.heal()
    (outcome,) = await commit(db, tenant(), [insert("once")], now=NOON)
    assert [outcome.payment.id] == list(unsure.value.payment_ids)
    assert outcome.result is (Result.DUPLICATE if after else Result.CREATED)
    await check_ledger(db)


async def test_a_full_disk_is_named(proxy, db):
    await record(db, insert())
    proxy.fail("insert", code=14031)
    with pytest.raises(Unavailable, match="disk of the database is full") as full:
        await record(db, insert())
    assert not isinstance(full.value, Unsure)
    proxy.answer("insert", times=1, writeErrors=[{"index": 0, "code": 14031, "errmsg": "no room"}])
    with pytest.raises(Unavailable, match="disk of the database is full"):
        await record(db, insert())
    proxy.fail("find", code=1)
    with pytest.raises(Unavailable, match="as it does when its disk is full"):
        await list_payments(db, "tenant_1", Selection(), limit=5)


async def test_a_session_that_is_to_be_ended_is_not_reused(proxy, db, monkeypatch):
    monkeypatch.setattr("financeops.store.database.transactions.COMMIT_SECONDS", 0.0)
    await record(db, insert())
    proxy.fail("commitTransaction", code=50, labels=UNKNOWN_COMMIT, times=float("inf"))
    proxy.seen.clear()
    with pytest.raises(Unavailable):
        await record(db, insert())
    proxy.heal()
    others = 0
    async with asyncio.timeout(30):
        while "killSessions" not in proxy.names():
            await record(db, insert(tenant_id="other"), of=tenant("other"))
            others += 1
    (killed,) = proxy.seen[proxy.names().index("killSessions")]["killSessions"]
    begun = [each["lsid"] for each in proxy.seen if "startTransaction" in each]
    assert begun[0] == killed
    assert len(begun) > others > 0
    assert killed not in begun[1:]


async def test_a_plan_that_is_outdated_every_time_is_given_up(proxy, db, monkeypatch):
    """As if another process created the tenant first each time."""
    monkeypatch.setattr("financeops.store.writing.ledger.TRANSACTION_SECONDS", 0.5)
    payment, _ = await record(db, insert(), insert())
    planned = proxy.fail("update", code=11000, times=float("inf"))
    async with asyncio.timeout(10):
        with pytest.raises(Unavailable) as given_up:
            await commit(db, tenant(), [insert("new"), refund(payment)], now=NOON)
    assert not isinstance(given_up.value, Unsure)
    assert 2 < planned.happened < 50, "not once only, and not as often as the processor can"
    proxy.heal()
    assert len(await stored_payments(db)) == 2
    await check_ledger(db)


async def test_an_answer_that_is_outdated_every_time_is_given_up(proxy, db, other_db, monkeypatch):
    monkeypatch.setattr("financeops.store.reading.reader._PATIENCE_SECONDS", 0.2)
    await record(db, insert())

    async def repair(command):
        if "startTransaction" in command:
            await other_db.tenants.update_one({"_id": "tenant_1"}, {"$inc": {"repairs": 1}})

    proxy.before = repair
    asked = Question(period=Period.DAY)
    async with asyncio.timeout(10):
        with pytest.raises(Unavailable):
            await Reader(db).answer("tenant_1", asked, as_of=NOON)
    proxy.before = None
    assert (await Reader(db).answer("tenant_1", asked, as_of=NOON)).rollup


async def test_catching_up_does_not_wait_for_changes_of_an_emptied_database(db):
    await record(db, insert())
    async with asyncio.timeout(10):
        with pytest.raises(Unavailable):
            await catch_up(db, "tenant_1", Count(ZoneInfo("UTC"), 0), 5)
