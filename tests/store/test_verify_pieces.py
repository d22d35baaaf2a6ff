"""Verifying and repairing go piece by piece, and leave the ledger right wherever they end."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from math import inf

import pytest
from pymongo.errors import OperationFailure

from financeops.core.errors import Conflict, Unavailable
from financeops.core.periods import EPOCH, Grain
from financeops.core.questions import Question
from financeops.store.changes import MAX_BATCH
from financeops.store.documents import rollup_id
from financeops.store.reading.reader import Reader
from financeops.store.tenants import find_record
from financeops.store.verifying import comparing, counting
from financeops.store.verifying import verify as verification
from financeops.store.verifying.counting import Step
from financeops.store.verifying.verify import set_timezone, verify
from tests.builders import NOON
from tests.store.recorded import check_ledger, insert, record, stored_rollups

REFUSED = 8000
"""An error code that repeating does not help."""


@pytest.fixture
def db(proxied_db):
    """A prepared database behind the proxy."""
    return proxied_db


@pytest.fixture
async def payments(db):
    """Twelve payments on as many days: 12 quarter hours, 12 days, a month, all time."""
    created = [NOON - n * timedelta(days=0.5) for n in range(12)]
    return await record(db, *(insert(created_at=at) for at in created))


@pytest.fixture
def small_pieces(monkeypatch):
    monkeypatch.setattr(comparing, "_PIECE", 5)


@pytest.fixture
def once_counted(proxy, other_db):
    """``once_counted(act)``: another client acts after payments are counted, before comparing."""

    def register(act):
        async def before(command):
            if command.get("find") == "rollups":
                proxy.before = nothing
                await act(other_db)

        nothing, proxy.before = proxy.before, before

    return register


def finds_of(proxy, collection):
    return [each["filter"] for each in proxy.seen if each.get("find") == collection]


async def test_an_interrupted_repair_has_repaired_the_pieces_before(
    db, proxy, payments, small_pieces
):
    before = await stored_rollups(db)
    places = sorted(before)
    reader, asked = Reader(db), Question()
    right = (await reader.answer("tenant_1", asked, as_of=NOON)).rollup
    await db.rollups.delete_many({"tenantId": "tenant_1"})

    def refuse_the_third(progress):
        if (progress.step, progress.done) == (Step.DIFFERENCES, 10):
            proxy.fail("update", times=inf, code=REFUSED)

    with pytest.raises(OperationFailure, match="the test wants it so"):
        await verify(db, "tenant_1", as_of=NOON, repair=True, progress=refuse_the_third)
    proxy.heal()
    assert await stored_rollups(db) == {place: before[place] for place in places[:10]}
    assert (await find_record(db, "tenant_1")).repairs == 2, "each piece has readers forget"
    report = await verify(db, "tenant_1", as_of=NOON, reader=reader, repair=True)
    assert (report.differing, report.repaired) == (len(places) - 10, True)
    assert (await reader.answer("tenant_1", asked, as_of=NOON)).rollup == right
    await check_ledger(db)


@pytest.mark.parametrize("command", ["update", "delete", "commitTransaction"])
async def test_an_interrupted_change_of_zone_changed_nothing(
    db, proxy, payments, small_pieces, command
):
    """Before its first write, after it wrote what is new, or when it wants to commit."""
    zone = (await find_record(db, "tenant_1")).tenant.timezone
    proxy.fail(command, times=inf, code=REFUSED)
    with pytest.raises(OperationFailure, match="the test wants it so"):
        await set_timezone(db, "tenant_1", "Asia/Kathmandu")
    proxy.heal()
    assert (await find_record(db, "tenant_1")).tenant.timezone == zone
    await check_ledger(db)
    assert (await set_timezone(db, "tenant_1", "Asia/Kathmandu")).repaired
    await check_ledger(db)


async def test_a_change_of_zone_is_one_transaction(db, proxy, payments, small_pieces):
    proxy.seen.clear()
    assert (await set_timezone(db, "tenant_1", "Asia/Kathmandu")).differing > 5
    (_,) = {
        (each["lsid"]["id"], each["txnNumber"])
        for each in proxy.seen
        if next(iter(each)) in {"insert", "update", "delete"}
        and next(iter(each.values())) in {"tenants", "rollups"}
    }
    await check_ledger(db)


async def test_a_change_of_zone_is_of_bounded_size(db, payments, monkeypatch):
    monkeypatch.setattr(verification, "MOST_CUT", 3)
    with pytest.raises(Conflict, match="the limit is 3"):
        await set_timezone(db, "tenant_1", "Asia/Kathmandu")
    assert (await find_record(db, "tenant_1")).repairs == 0
    await check_ledger(db)


@pytest.mark.parametrize("repair", [False, True])
async def test_a_zone_that_changes_meanwhile_is_kept(db, payments, once_counted, repair):
    once_counted(lambda other_db: set_timezone(other_db, "tenant_1", "Asia/Kathmandu"))
    with pytest.raises(Unavailable, match="another time zone meanwhile"):
        await verify(db, "tenant_1", as_of=NOON, repair=repair)
    assert (await find_record(db, "tenant_1")).tenant.timezone == "Asia/Kathmandu"
    await check_ledger(db)


async def test_verifying_needs_the_changes_since_it_began(db, payments, once_counted):
    """It does not guess what the log no longer holds."""

    async def record_and_expire(other_db):
        await record(other_db, insert())
        await other_db.changes.delete_many({})

    once_counted(record_and_expire)
    with pytest.raises(Unavailable, match="change log"):
        await verify(db, "tenant_1", as_of=NOON)


async def test_the_change_log_is_read_in_pieces(db, proxy, payments, once_counted):
    async def record_many(other_db):
        for _ in range(3):
            await record(other_db, *(insert() for _ in range(400)))

    once_counted(record_many)
    report = await verify(db, "tenant_1", as_of=NOON)
    assert (report.seq, report.differing) == (1212, 0)
    read = [each["lastSeq"] for each in finds_of(proxy, "changes") if "lastSeq" in each]
    assert read
    assert all(each["$lte"] - each["$gt"] <= MAX_BATCH for each in read), read


async def test_a_difference_that_a_change_hides_is_found(db, payments, monkeypatch):
    """A total that is too high by a payment looks right when such a one comes while it is read."""
    wrong = {"methods.card.success.n": 1, "methods.card.success.amount": 1850, "hours.card.12": 1}
    total = {"_id": rollup_id("tenant_1", ("USD", Grain.TOTAL, EPOCH))}
    await db.rollups.update_one(total, {"$inc": wrong})
    last_seq = comparing.last_seq

    async def record_and_tell(*args):
        monkeypatch.setattr(comparing, "last_seq", last_seq)
        await record(db, insert(amount=1850, created_at=NOON))
        return await last_seq(*args)

    monkeypatch.setattr(comparing, "last_seq", record_and_tell)
    report = await verify(db, "tenant_1", as_of=NOON, repair=True)
    assert [each.grain for each in report.differences] == [Grain.TOTAL]
    await check_ledger(db)


async def test_rollups_of_days_without_payments_are_found(db, proxy, payments):
    within, outside = NOON - timedelta(hours=1), EPOCH
    for grain, start in ((Grain.QUARTER, within), (Grain.DAY, outside)):
        place = {"tenantId": "tenant_1", "currency": "USD", "grain": grain.value, "start": start}
        stray = {"_id": rollup_id("tenant_1", ("USD", grain, start)), **place}
        counted = {"methods": {"crypto": {"failed": {"n": 1, "amount": 7}}}}
        await db.rollups.insert_one(stray | counted)
    proxy.seen.clear()
    report = await verify(db, "tenant_1", as_of=NOON)
    assert [each.start for each in report.differences] == [outside, within]
    assert any("$gte" in each["_id"] for each in finds_of(proxy, "rollups"))


async def test_progress_is_reported(db, payments, small_pieces):
    await db.rollups.delete_many({"grain": "day"})
    heard = []
    await verify(db, "tenant_1", as_of=NOON, progress=heard.append)
    assert list(dict.fromkeys(each.step for each in heard)) == list(Step)
    assert all(each.done <= each.of for each in heard)
    assert (heard[0].done, heard[0].of) == (12, 12)


async def test_others_are_served_while_it_counts(db, payments, monkeypatch):
    """Only a part of what is read at once is counted before others have their turn."""
    monkeypatch.setattr(counting, "_SLICE", 1)
    turns = 0

    async def take_turns():
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(take_turns())
    count = counting.Count
    seen = []
    counted = count.count

    def noted(self, *args, **more):
        seen.append(turns)
        return counted(self, *args, **more)

    monkeypatch.setattr(count, "count", noted)
    await verify(db, "tenant_1", as_of=NOON)
    other.cancel()
    assert len(set(seen)) == len(seen) == 12
