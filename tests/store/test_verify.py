from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from financeops.core.errors import NotFound
from financeops.core.metrics import attempts
from financeops.core.payments import Status
from financeops.core.periods import EPOCH, Grain, Period, buckets
from financeops.core.questions import Question
from financeops.core.rollup import Rollup
from financeops.store.reading import reader as reading
from financeops.store.reading.answers import _TOTAL
from financeops.store.reading.book import page_of
from financeops.store.reading.reader import Reader
from financeops.store.rollups import read_rollups
from financeops.store.tenants import find_tenant
from financeops.store.verifying import counting
from financeops.store.verifying.verify import set_timezone, verify
from tests.builders import NOON, tenant
from tests.store.recorded import (
    check_ledger,
    insert,
    record,
    refund,
    stored_changes,
    stored_rollups,
)

UTC_ZONE = ZoneInfo("UTC")
TOTAL = ("USD", Grain.TOTAL, EPOCH)


@pytest.fixture
async def payments(db):
    """Forty payments over forty days, some of them failed or refunded."""
    paid = await record(
        db,
        *(
            insert(
                amount=n,
                status="failed" if n % 5 == 0 else "success",
                created_at=NOON - n * timedelta(days=1, minutes=7),
            )
            for n in range(40)
        ),
    )
    await record(db, *(refund(each) for each in paid[1:4]))
    return paid


async def plant_differences(db):
    """Make one rollup too high, lose one, make one up, and damage one."""
    await db.rollups.update_one(
        {"_id": {"$regex": "total"}}, {"$inc": {"methods.card.success.amount": 5}}
    )
    await db.rollups.delete_one({"grain": "month"})
    stray = {"tenantId": "tenant_1", "currency": "USD", "grain": "day", "start": EPOCH}
    stray["methods"] = {"crypto": {"failed": {"n": 1, "amount": 7}}}
    await db.rollups.insert_one({"_id": "tenant_1|USD|day|1970-01-01T00:00:00", **stray})
    await db.rollups.update_one({"grain": "quarter"}, {"$unset": {"methods": 1}})


async def test_a_sound_ledger_has_no_differences(db, payments):
    report = await verify(db, "tenant_1", as_of=NOON)
    assert (report.seq, report.differences, report.repaired) == (43, [], False)
    assert report.shown == []
    assert report.checked == len(await stored_rollups(db))


async def test_planted_differences_are_reported_and_left_unchanged(db, payments):
    await plant_differences(db)
    report = await verify(db, "tenant_1", as_of=NOON)
    assert len(report.differences) == 4
    assert not report.repaired
    total = next(each for each in report.differences if each.place == TOTAL)
    assert total.kept - total.counted == Rollup({("card", Status.SUCCESS): (0, 5)})
    assert len((await verify(db, "tenant_1", as_of=NOON)).differences) == 4


async def test_planted_differences_are_repaired(db, payments):
    await plant_differences(db)
    report = await verify(db, "tenant_1", as_of=NOON, repair=True)
    assert (len(report.differences), report.repaired) == (4, True)
    await check_ledger(db)
    assert (await verify(db, "tenant_1", as_of=NOON, repair=True)).repaired is False


async def test_another_tenant_is_neither_counted_nor_repaired(db, payments):
    await record(db, insert(tenant_id="tenant_12"), of=tenant("tenant_12"))
    before = await stored_rollups(db, "tenant_12")
    await plant_differences(db)
    await verify(db, "tenant_1", as_of=NOON, repair=True)
    assert await stored_rollups(db, "tenant_12") == before


@pytest.fixture
async def busy(db, other_db, payments):
    """Another client records and refunds without a pause, until asked to stop."""
    stopping = asyncio.Event()

    async def write():
        while not stopping.is_set():
            now = datetime.now(UTC)
            paid = await record(other_db, insert(), insert(status="failed"), now=now)
            await record(other_db, refund(paid[0]), insert(created_at=NOON), now=now)

    writer = asyncio.create_task(write())

    async def stop():
        stopping.set()
        await writer

    yield stop
    await stop()


async def test_a_busy_ledger_has_no_differences(db, busy, monkeypatch):
    monkeypatch.setattr(counting, "_CHUNK", 5)  # so that much is written while it reads
    reader = Reader(db)
    for _ in range(3):
        report = await verify(db, "tenant_1", as_of=datetime.now(UTC), reader=reader)
        assert (report.differences, report.shown) == ([], [])
        assert report.asked == 2 * (1 + sum(len(buckets(p, NOON, UTC_ZONE)) + 2 for p in Period))
    await busy()
    assert len(await stored_changes(db)) > 43, "it was busy"


async def test_planted_differences_are_repaired_while_others_write(db, busy):
    await plant_differences(db)
    report = await verify(db, "tenant_1", as_of=NOON, repair=True)
    assert (len(report.differences), report.repaired) == (4, True)
    assert (await verify(db, "tenant_1", as_of=NOON)).differences == []
    await busy()
    await check_ledger(db)


async def test_rollups_are_recomputed_in_another_zone_while_others_write(db, busy):
    assert (await set_timezone(db, "tenant_1", "Asia/Kathmandu")).repaired
    await busy()
    assert (await find_tenant(db, "tenant_1")).timezone == "Asia/Kathmandu"
    await check_ledger(db)


async def test_wrong_figures_are_reported_even_if_the_totals_are_right(db, monkeypatch):
    """As if each page were read with the days that overlap it, one of which is on the next."""

    async def reaching_into(db, record, currency, grain, window, *, details, session):
        if details:
            return []
        held = record.held(window)
        return await read_rollups(db, record.tenant, currency, grain, held, session=session)

    monkeypatch.setattr(reading, "rollups_starting_in", reaching_into)
    page = EPOCH + 320 * timedelta(days=64)  # 2026-01-28
    in_new_york = tenant(timezone="America/New_York")
    created = [page + n * timedelta(days=1, hours=3) for n in range(-3, 4)]
    await record(db, *(insert(amount=1, created_at=at) for at in created), of=in_new_york)
    report = await verify(db, "tenant_1", as_of=page + timedelta(days=5), reader=Reader(db))
    assert report.differences == []
    month = [each for each in report.shown if each.period is Period.MONTH]
    assert {each.remembered for each in month} == {True, False}
    assert {attempts(each.shown - each.counted) for each in month} == {1}
    report = await verify(db, "tenant_1", as_of=page + timedelta(days=33), repair=True)
    assert {(each.period, each.previous) for each in report.shown} == {(Period.MONTH, True)}
    assert report.repaired is False, "the rollups are right: there is nothing to repair"


async def test_wrong_remembered_figures_are_reported_and_forgotten(db, payments):
    reader = Reader(db)
    question = Question()
    await reader.answer("tenant_1", question, as_of=NOON)
    (place, rollup) = next(reader.books["tenant_1"].rollups("USD", _TOTAL))
    reader.books["tenant_1"].keep_page(page_of(place), [(place, rollup + rollup)])
    for repair in (False, True):
        report = await verify(db, "tenant_1", as_of=NOON, reader=reader, repair=repair)
        assert report.differences == []
        (found,) = report.shown
        assert (found.period, found.remembered) == (None, True)
        assert found.shown == found.counted + found.counted
        assert report.repaired is repair
    assert (await verify(db, "tenant_1", as_of=NOON, reader=reader)).shown == []


async def test_wrong_totals_are_shown_only_by_a_reader_that_remembers_nothing(db, payments):
    reader = Reader(db)
    for period in (None, *Period):
        question = Question(period=period)
        compare = period is not None
        await reader.answer("tenant_1", question, as_of=NOON, in_buckets=compare, compare=compare)
    await plant_differences(db)
    report = await verify(db, "tenant_1", as_of=NOON, reader=reader)
    assert {each.remembered for each in report.shown} == {False}
    mended = await verify(db, "tenant_1", as_of=NOON, reader=reader, repair=True)
    assert (mended.repaired, mended.shown) == (True, [])


async def test_every_currency_is_asked_for(db, payments):
    await record(db, insert(currency="JPY"))
    alone = (await verify(db, "tenant_1", as_of=NOON)).asked
    await record(db, insert(currency="EUR"))
    # Yen, the tenant's dollars and all together, then euros, too.
    assert (await verify(db, "tenant_1", as_of=NOON)).asked == alone * 4 // 3


async def test_an_unknown_tenant_is_not_found(db):
    with pytest.raises(NotFound):
        await verify(db, "nobody", as_of=NOON)
