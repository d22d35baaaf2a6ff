"""Figures by dimension, from the ledger to the reader, and beyond the limit of different values."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from financeops.core.breakdown import breakdown
from financeops.core.dimensions import EVERY_VALUE, MAX_VALUES, Dimension
from financeops.core.facets import NO_VALUE
from financeops.core.metrics import attempts, total_volume
from financeops.core.periods import Window
from financeops.core.questions import Question
from financeops.core.rollup import rollup_of, total
from financeops.core.selection import Selection
from financeops.store.migrating import migrate
from financeops.store.reading.queries import list_payments
from financeops.store.reading.reader import Reader
from financeops.store.tenants import COUNTED
from financeops.store.verifying.verify import verify
from tests.builders import NOON, tenant
from tests.store.recorded import check_ledger, insert, record, refund, stored_payments

UTC_ZONE = ZoneInfo("UTC")
HOUR = timedelta(hours=1)


async def figures(reader, by, **question):
    answer = await reader.answer("tenant_1", Question(**question), as_of=NOON + HOUR, details=True)
    return breakdown(answer.rollup, by)


async def every_row_can_be_asked_for(reader, by, rows, **question):
    """A row's value as a facet gives its payments, which together are all."""
    for row in rows:
        value = NO_VALUE if row.value is None else row.value
        chosen = {"method": value} if by is Dimension.METHOD else {"facets": ((by, value),)}
        answer = await reader.answer("tenant_1", Question(**question | chosen), as_of=NOON + HOUR)
        counted = attempts(answer.rollup), total_volume(answer.rollup)
        assert counted == (row.count, row.volume), (by, row.value)


async def test_figures_by_dimension_are_those_of_the_payments(db):
    """Read again, and by a reader that adds changes to what it remembers; in windows, by method."""
    warm = Reader(db)
    said = [
        {"country": "DE", "network": "visa"},
        {"country": "FR", "channel": "web"},
        {"country": "DE", "method": "paypal"},
        {},
    ]
    statuses = [{}, {"status": "failed"}, {"status": "failed", "failure_stage": "blocked"}]
    operations = [
        insert(created_at=NOON - n * 7 * HOUR, amount=100 + n, **said[n % 4], **statuses[n % 3])
        for n in range(24)
    ]
    await record(db, *operations[:9])
    await figures(warm, Dimension.COUNTRY)
    paid, *_ = await record(db, *operations[9:])
    await record(db, refund(paid))
    payments = await stored_payments(db)
    windows = [
        Window(NOON - 30 * HOUR, NOON),
        Window(NOON - timedelta(hours=50, minutes=7), NOON - timedelta(hours=3, minutes=1)),
    ]
    for asked in ({}, {"method": "card"}, *({"window": window} for window in windows)):
        inside = [
            each
            for each in payments
            if each.method == asked.get("method", each.method)
            and ("window" not in asked or each.created_at in asked["window"])
        ]
        everything = total(rollup_of(each, UTC_ZONE, EVERY_VALUE) for each in inside)
        for by in Dimension:
            expected = breakdown(everything, by)
            assert await figures(warm, by, **asked) == expected, (asked, by)
            assert await figures(Reader(db), by, **asked) == expected, (asked, by)
            if not asked or by is Dimension.COUNTRY:
                question = {} if by is Dimension.METHOD else asked
                await every_row_can_be_asked_for(warm, by, expected, **question)
    await check_ledger(db)
    report = await verify(db, "tenant_1", as_of=NOON + HOUR, reader=warm)
    assert (report.differing, report.shown) == (0, [])


async def test_plain_figures_read_no_details(proxied_db, proxy):
    await record(proxied_db, insert(country="DE"))
    proxy.seen.clear()
    await Reader(proxied_db).answer("tenant_1", Question(), as_of=NOON)
    assert "details" not in str(proxy.seen)
    await Reader(proxied_db).answer("tenant_1", Question(), as_of=NOON, details=True)
    assert "details" in str(proxy.seen)


async def test_values_beyond_the_limit_are_counted_together(db):
    values = [f"v{n:03}" for n in range(MAX_VALUES + 5)]
    warm = Reader(db)
    await record(db, *(insert(channel=value) for value in values[:150]))
    assert len(await figures(warm, Dimension.CHANNEL)) == 150
    paid = await record(db, *(insert(channel=value) for value in values[100:]))
    await record(db, refund(paid[0]), refund(paid[-1]))
    for reader in (warm, Reader(db)):
        rows = await figures(reader, Dimension.CHANNEL)
        assert [(row.value, row.count) for row in rows[:2]] == [("other", 5), ("v100", 2)]
        assert len(rows) == MAX_VALUES + 1
        await every_row_can_be_asked_for(reader, Dimension.CHANNEL, rows[:3])
    found = await list_payments(db, "tenant_1", Selection(facets=(("channel", "other"),)), limit=9)
    assert sorted(each.channel for each in found.payments) == values[-5:]
    last = Question(facets=(("channel", values[-1]),))  # a value that no row shows by itself
    assert attempts((await warm.answer("tenant_1", last, as_of=NOON)).rollup) == 1
    report = await verify(db, "tenant_1", as_of=NOON, reader=warm)
    assert (report.differing, report.shown) == (0, [])


async def test_a_wrong_count_by_dimension_is_found_and_repaired(db):
    await record(db, insert(country="DE"), insert(country="FR"), insert())
    wrong = {"$inc": {"dimensions.card.country.DE.succeeded.n": 1}}
    await db.rollups.update_one({"_id": {"$regex": "total.*details$"}}, wrong)
    await db.rollups.delete_one({"_id": {"$regex": "month.*details$"}})
    report = await verify(db, "tenant_1", as_of=NOON, repair=True)
    assert {each.grain.value for each in report.differences} == {"total", "month"}
    await check_ledger(db)


# --- what an earlier version counted


async def as_before(db, tenant_id="tenant_1", *, since=0):
    """Make the tenant one that the version before wrote, from a number of its sequence on."""
    await db.rollups.delete_many({"_id": {"$regex": f"^{tenant_id}.*details$"}})
    await db.rollups.update_many({"tenantId": tenant_id}, {"$unset": {"failures": ""}})
    await db.tenants.update_one(
        {"_id": tenant_id},
        {"$unset": {"dimensions": ""}, "$set": {COUNTED: since}},
    )


@pytest.mark.parametrize("commits", [1, 3, 4, 6])
async def test_a_recount_that_was_interrupted_is_resumed(commits, db, proxied_db, proxy):
    for name in ("tenant_1", "tenant_2"):
        operations = [
            insert(created_at=NOON - n * 20 * HOUR, country="DE", status=status, tenant_id=name)
            for n, status in enumerate(["success", "failed"] * 5)
        ]
        await record(db, *operations, of=tenant(name))
        await as_before(db, name)
    recount = asyncio.create_task(migrate(proxied_db))
    seen = 0

    async def cut(command):
        nonlocal seen
        seen += "commitTransaction" in command
        if seen == commits:
            recount.cancel()

    proxy.before = cut
    with pytest.raises(asyncio.CancelledError):
        await recount
    await record(db, insert(country="FR", status="failed"))
    await migrate(db)
    for name in ("tenant_1", "tenant_2"):
        await check_ledger(db, name)
        known = await db.tenants.find_one({"_id": name})
        assert known[COUNTED] == known["seq"]


async def test_what_an_earlier_version_wrote_meanwhile_is_recounted(db):
    """It still runs while this one counts: its changes have no details, and no failures by stage."""
    said = {"country": "DE", "status": "failed"}
    await record(db, insert(**said), insert(channel="web"))
    await migrate(db)
    before = await db.tenants.find_one({"_id": "tenant_1"})
    await migrate(db)
    assert await db.tenants.find_one({"_id": "tenant_1"}) == before  # there was nothing to do
    await record(db, insert(**said), insert(country="FR"))
    await as_before(db, since=2)
    await migrate(db)
    await check_ledger(db)
    assert (await db.tenants.find_one({"_id": "tenant_1"}))[COUNTED] == 4


async def test_failures_of_a_version_without_stages_get_theirs(db):
    """What the table says of their codes, unless the sender did."""
    codes = ["insufficient_funds", "stolen_card", "elevated_risk_level", "timeout", "no_idea", None]
    failed = [insert(status="failed", decline_code=code) for code in codes]
    said = insert(status="failed", decline_code="timeout", failure_stage="abandoned")
    before = await record(db, *failed, said, insert())
    of_no_stage = {"failureStage": "", "declineKind": ""}
    await db.payments.update_many({"failureStage": {"$ne": "abandoned"}}, {"$unset": of_no_stage})
    assert await stored_payments(db) != before
    await as_before(db)
    await migrate(db)
    assert await stored_payments(db) == before
    assert (await db.tenants.find_one({"_id": "tenant_1"}))["takenBack"] == 1
    await check_ledger(db)


async def test_of_many_values_the_most_frequent_are_counted_by_themselves(db):
    """When an earlier version recorded them: otherwise the first ones are."""
    values = [f"v{n:03}" for n in range(MAX_VALUES + 1)]
    often = values[-1]
    await record(db, *(insert(channel=value) for value in [*values, often]))
    await as_before(db)
    await migrate(db)
    rows = await figures(Reader(db), Dimension.CHANNEL)
    assert [(row.value, row.count) for row in rows[:2]] == [(often, 2), ("other", 1)]
    report = await verify(db, "tenant_1", as_of=NOON)
    assert (report.differing, report.shown) == (0, [])
