from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from financeops.core.errors import NotFound, Unavailable
from financeops.core.payments import Status
from financeops.core.periods import EPOCH, Grain
from financeops.core.rollup import Rollup
from financeops.store import verify as verification
from financeops.store.tenants import find_tenant
from financeops.store.verify import set_timezone, verify
from tests.builders import NOON, tenant
from tests.store.recorded import (
    check_ledger,
    insert,
    record,
    refund,
    stored_changes,
    stored_rollups,
)

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
    report = await verify(db, "tenant_1")
    assert (report.seq, report.differences, report.repaired) == (43, [], False)
    assert report.checked == len(await stored_rollups(db))


async def test_planted_differences_are_reported_and_left_alone(db, payments):
    await plant_differences(db)
    report = await verify(db, "tenant_1")
    assert len(report.differences) == 4
    assert not report.repaired
    total = next(each for each in report.differences if each.place == TOTAL)
    assert total.kept - total.counted == Rollup({("card", Status.SUCCESS): (0, 5)})
    assert len((await verify(db, "tenant_1")).differences) == 4


async def test_planted_differences_are_repaired(db, payments):
    await plant_differences(db)
    report = await verify(db, "tenant_1", repair=True)
    assert (len(report.differences), report.repaired) == (4, True)
    await check_ledger(db)
    assert (await verify(db, "tenant_1", repair=True)).repaired is False


async def test_another_tenant_is_neither_counted_nor_repaired(db, payments):
    await record(db, insert(tenant_id="tenant_12"), of=tenant("tenant_12"))
    before = await stored_rollups(db, "tenant_12")
    await plant_differences(db)
    await verify(db, "tenant_1", repair=True)
    assert await stored_rollups(db, "tenant_12") == before


@pytest.fixture
async def busy(db, other_db, payments):
    """Another process pays and refunds without a pause, until asked to stop."""
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
    monkeypatch.setattr(verification, "_CHUNK", 5)  # so that much is written while it reads
    for _ in range(3):
        assert (await verify(db, "tenant_1")).differences == []
    await busy()
    assert len(await stored_changes(db)) > 43, "it was busy"


async def test_planted_differences_are_repaired_while_others_write(db, busy):
    await plant_differences(db)
    report = await verify(db, "tenant_1", repair=True)
    assert (len(report.differences), report.repaired) == (4, True)
    assert (await verify(db, "tenant_1")).differences == []
    await busy()
    await check_ledger(db)


async def test_rollups_are_cut_in_another_zone_while_others_write(db, busy):
    assert (await set_timezone(db, "tenant_1", "Asia/Kathmandu")).repaired
    await busy()
    assert (await find_tenant(db, "tenant_1")).timezone == "Asia/Kathmandu"
    await check_ledger(db)


async def test_verifying_needs_the_changes_since_it_began(db, payments, monkeypatch):
    """Without them it does not guess."""
    count_payments = verification._count_payments

    async def count_then_expire(*args):
        await count_payments(*args)
        await record(db, insert())
        await db.changes.delete_many({})

    monkeypatch.setattr(verification, "_count_payments", count_then_expire)
    with pytest.raises(Unavailable, match="change log"):
        await verify(db, "tenant_1")


async def test_an_unknown_tenant_is_not_found(db):
    with pytest.raises(NotFound):
        await verify(db, "nobody")
