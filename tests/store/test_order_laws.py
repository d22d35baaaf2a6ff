"""Attempts of orders: in any order of arrival, in any grouping, the same numbers and figures."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from financeops.core.metrics import metrics
from financeops.core.orders import MAX_ATTEMPTS
from financeops.core.payments import EventType, Status
from financeops.core.periods import Grain
from financeops.core.rollup import deltas, total
from financeops.store.migrating import migrate
from financeops.store.schema import BY_ORDER
from financeops.store.tenants import COUNTED
from financeops.store.verifying.verify import verify
from financeops.store.writing.ledger import commit
from financeops.store.writing.operations import Result
from tests.builders import NOON, tenant
from tests.store.recorded import (
    check_ledger,
    insert,
    recomputed,
    record,
    refund,
    stored_changes,
    stored_payments,
    stored_rollups,
    without_hours,
)

RULES = settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
MINUTE = timedelta(minutes=1)

tries = st.lists(
    st.fixed_dictionaries(
        {
            "order_id": st.none() | st.sampled_from("ab"),
            "status": st.sampled_from(Status),
            "currency": st.sampled_from(["USD", "USD", "EUR"]),
            "method": st.sampled_from(["card", "paypal"]),
            # Equal times, the border of a quarter hour, other days and months.
            "created_at": st.sampled_from(
                [NOON, NOON - MINUTE, NOON - 14 * MINUTE, NOON - timedelta(days=40)]
            ),
        }
    ),
    min_size=1,
    max_size=8,
)
"""Attempts of two orders, and payments without one."""


def shop():
    """A tenant of its own."""
    return tenant(f"t-{uuid4().hex[:8]}")


def asked(one, fields, n):
    """The n-th attempt, with the same key each time."""
    declined = {} if fields["status"] is Status.FAILED else {"decline_code": None}
    return insert(f"try {n}", tenant_id=one.id, **declined, **fields)


def in_groups(draw, operations):
    """The operations in order, in transactions of any size."""
    while operations:
        size = draw(st.integers(1, len(operations)))
        yield operations[:size]
        operations = operations[size:]


def check_figures(payments, rollups):
    """Assert that the order figures of the totals are those counted order by order."""
    orders = {}
    for each in sorted(payments, key=lambda each: (each.created_at, each.id)):
        orders.setdefault(each.order_id or each.id, []).append(each)
    for attempts in orders.values():
        if attempts[0].order_id is None:
            assert (attempts[0].attempt, attempts[0].recovered_by) == (None, None)
            continue
        assert [each.attempt for each in attempts] == list(range(1, len(attempts) + 1))
        won = [n for n, each in enumerate(attempts, 1) if each.status is not Status.FAILED]
        recovered = won[0] if won and won[0] > 1 else None
        assert [each.recovered_by for each in attempts[1:]] == [None] * (len(attempts) - 1)
        assert attempts[0].recovered_by == recovered
    for currency in {each.currency for each in payments}:
        sums = [kept for place, kept in rollups.items() if place[0] == currency]
        places = [place for place in rollups if place[0] == currency]
        first = [each for each in orders.values() if each[0].currency == currency]
        well = [each for each in first if any(one.status is not Status.FAILED for one in each)]
        at_once = [each for each in first if each[0].status is not Status.FAILED]
        for grain in Grain:
            some = total(
                kept for place, kept in zip(places, sums, strict=True) if place[1] is grain
            )
            figures = metrics(some, currency=currency)
            assert (figures.orders, figures.succeeded_orders) == (len(first), len(well))
            if first:
                share = 100 * len(at_once) / len(first)
                assert abs(float(figures.first_attempt_rate) - share) < 1e-5
            if len(first) > len(at_once):
                share = 100 * (len(well) - len(at_once)) / (len(first) - len(at_once))
                assert abs(float(figures.recovered_share) - share) < 1e-5
            else:
                assert figures.recovered_share is None


@RULES
@given(tries=tries, data=st.data())
async def test_the_order_of_arrival_does_not_matter(db, other_db, tries, data):
    """Whatever the batches, and whichever process writes them; sent twice, it counts once."""
    ends = []
    for together in (False, True):
        one = shop()
        sent = data.draw(st.permutations([*enumerate(tries), *list(enumerate(tries))[:2]]))
        groups = list(in_groups(data.draw, [asked(one, fields, n) for n, fields in sent]))
        if together:
            answers = await asyncio.gather(
                *(
                    commit((db, other_db)[n % 2], one, group, now=NOON)
                    for n, group in enumerate(groups)
                )
            )
        else:
            answers = [await commit(db, one, group, now=NOON) for group in groups]
        results = {each.result for outcomes in answers for each in outcomes}
        assert results <= {Result.CREATED, Result.DUPLICATE}
        await check_ledger(db, one.id)
        report = await verify(db, one.id, as_of=NOON)
        assert (report.differing, report.shown, report.misnumbered) == (0, [], [])
        payments = await stored_payments(db, one.id)
        rollups = await stored_rollups(db, one.id)
        check_figures(payments, rollups)
        # A listener knows no more than the changes.
        changes = await stored_changes(db, one.id)
        heard = deltas(changes, ZoneInfo(one.timezone))
        assert {place: without_hours(kept, place) for place, kept in heard.items()} == rollups
        ends.append(rollups)
    # Ids depend on the tenant, and decide between attempts of one moment.
    moments = [(each["order_id"], each["created_at"]) for each in tries if each["order_id"]]
    if len(set(moments)) == len(moments):
        assert ends[0] == ends[1]


async def test_a_late_success_is_counted_where_the_order_began(db):
    one = shop()
    day = timedelta(days=1)
    told = {"tenant_id": one.id, "order_id": "o"}
    (first,) = await record(
        db, insert(status="failed", created_at=NOON - day, **told), of=one, now=NOON
    )
    assert (first.attempt, first.recovered_by) == (1, None)
    (later,) = await record(db, insert(created_at=NOON, decline_code=None, **told), of=one)
    assert (later.attempt, later.recovered_by) == (2, None)
    *_, change = await stored_changes(db, one.id)
    assert (change.type, change.payment.id) == (EventType.UPDATED, first.id)
    assert (change.payment.recovered_by, change.previous.recovered_by) == (2, None)
    days = {
        place[2]: kept
        for place, kept in (await stored_rollups(db, one.id)).items()
        if place[1] is Grain.DAY
    }
    figures = [metrics(kept, currency="USD") for _, kept in sorted(days.items())]
    assert [(each.orders, each.succeeded_orders) for each in figures] == [(1, 1), (0, 0)]


async def test_an_earlier_attempt_numbers_the_others_anew_and_a_refund_follows(db):
    one = shop()
    told = {"tenant_id": one.id, "order_id": "o", "decline_code": None}
    (late,) = await record(db, insert(created_at=NOON, **told), of=one)
    early = insert(created_at=NOON - MINUTE, **told)
    await record(db, early, refund(late), of=one)
    numbers = {each.id: each.attempt for each in await stored_payments(db, one.id)}
    assert sorted(numbers.values()) == [1, 2]
    assert numbers[late.id] == 2
    *_, moved = await stored_changes(db, one.id)
    assert (moved.type, moved.previous_status) == (EventType.UPDATED, Status.REFUNDED)
    await check_ledger(db, one.id)
    assert (await verify(db, one.id, as_of=NOON)).differences == []


async def orders_of_a_shop(db, one):
    """Record two orders and a payment without one; return the payments."""
    told = {"tenant_id": one.id, "status": "failed"}
    await record(
        db,
        insert(order_id="o", created_at=NOON - MINUTE, **told),
        insert(order_id="o", created_at=NOON, tenant_id=one.id, decline_code=None),
        insert(order_id="p", created_at=NOON, **told),
        insert(created_at=NOON, **told),
        of=one,
    )
    return await stored_payments(db, one.id)


async def test_wrong_numbers_are_found_and_repaired(db):
    one = shop()
    payments = await orders_of_a_shop(db, one)
    await db.payments.update_one({"tenantId": one.id, "attempt": 2}, {"$set": {"attempt": 3}})
    for repair, found in ((False, ["o"]), (True, ["o"]), (False, [])):
        report = await verify(db, one.id, as_of=NOON, repair=repair)
        assert (report.misnumbered, report.repaired) == (found, repair)
    repaired = await stored_payments(db, one.id)
    assert [each.attempt for each in repaired] == [each.attempt for each in payments]
    assert await stored_rollups(db, one.id) == recomputed(payments, one.timezone)


async def test_attempts_that_an_earlier_version_recorded_are_numbered_at_a_start(db):
    """Each is a change, so that whoever listens knows; where all are numbered there is none."""
    one = shop()
    payments = await orders_of_a_shop(db, one)
    rollups = await stored_rollups(db, one.id)
    gone = {"attempt": "", "recoveredBy": ""}
    await db.payments.update_many({"tenantId": one.id}, {"$unset": gone})
    await db.changes.update_many(
        {}, {"$unset": {f"events.$[].payment.{name}": "" for name in gone}}
    )
    parts = {"retries": "", "recovered": "", "dimensions": ""}
    await db.rollups.update_many({"tenantId": one.id}, {"$unset": parts})
    await db.tenants.update_one({"_id": one.id}, {"$set": {COUNTED: 0}})
    for _ in range(2):
        await migrate(db)
        numbered = await stored_payments(db, one.id)
        assert [(each.attempt, each.recovered_by) for each in numbered] == [
            (each.attempt, each.recovered_by) for each in payments
        ]
        assert await stored_rollups(db, one.id) == rollups
        assert len(await stored_changes(db, one.id)) == 4 + 3
        await check_ledger(db, one.id)


async def test_an_order_has_a_limited_number_of_attempts(db):
    one = shop()
    told = {"tenant_id": one.id, "order_id": "o", "status": "failed"}
    many = [insert(created_at=NOON - n * MINUTE, **told) for n in range(MAX_ATTEMPTS - 1)]
    await record(db, *many, of=one)
    other = insert(created_at=NOON, tenant_id=one.id, order_id="p", decline_code=None)
    late = [insert(created_at=NOON + (40 - n) * MINUTE, **told) for n in range(40)]
    answers = await commit(db, one, [late[0], other, *late[1:]], now=NOON)
    created, rejected = Result.CREATED, Result.REJECTED
    assert [each.result for each in answers] == [created, created, *[rejected] * 39]
    assert "1,000 attempts" in str(answers[2].error)
    assert answers[2].error.field == "orderId"
    await check_ledger(db, one.id)


async def test_orders_are_found_by_an_index_of_payments_that_have_one(db):
    indexes = await db.payments.index_information()
    (ours,) = [each for each in indexes.values() if each["key"] == BY_ORDER]
    assert ours["sparse"]
