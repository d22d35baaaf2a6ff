"""What happened to payments counts when it happened: in every rollup, book, window and period."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from random import Random
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from financeops.core.act_terms import DisputeTerms, FeesTerms
from financeops.core.disputes import DisputeStatus
from financeops.core.facets import NO_VALUE, holds
from financeops.core.fees import FeeKind
from financeops.core.metrics import metrics
from financeops.core.periods import DAY, EPOCH, HOUR, MILLISECOND, QUARTER, Window
from financeops.core.questions import Question
from financeops.core.rollup import rollup_of, total
from financeops.store.act_times import ACTS_IN
from financeops.store.migrating import migrate
from financeops.store.reading.reader import Reader
from financeops.store.schema import BY_ACT
from financeops.store.tenants import COUNTED
from financeops.store.verifying.verify import verify
from financeops.store.writing.ledger import commit
from financeops.store.writing.operations import Dispute, Fees, Refund, Result
from tests import borders
from tests.acts import acts_in, acts_of
from tests.builders import NOON, at, tenant
from tests.store.recorded import check_ledger, insert, stored_payments, stored_rollups

PAGE = EPOCH + 324 * 64 * DAY  # 2026-10-10T00:00Z
RULES = settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def shop(zone="Asia/Kathmandu"):
    return tenant(f"t-{uuid4().hex[:8]}", timezone=zone)


def beside(rng):
    """A few milliseconds or quarter hours: so acts and windows share quarter hours and cut them."""
    return rng.choice([0, 0, 1, 3]) * QUARTER + rng.choice([0, 0, 1, 2, 60_000]) * MILLISECOND


def acts_around(rng, payment, centre):
    """Some of all that may happen to a payment of 10 dollars, close to a moment."""
    first, last = sorted(max(payment.created_at, centre + beside(rng)) for _ in range(2))
    name = {"payment_id": payment.id}
    possible = [
        Refund(**name, amount=Decimal(1), at=first, refund_id="1" * 24, keyed=True),
        Refund(**name, amount=Decimal(2), at=last, refund_id="2" * 24, keyed=True),
        Fees(**name, terms=FeesTerms(fees=((FeeKind.TAX, Decimal("-0.5"), first),))),
        Fees(**name, terms=FeesTerms(fees=((FeeKind.OTHER, Decimal("0.7"), None),), at=last)),
        Dispute(**name, terms=DisputeTerms(id="d", status=DisputeStatus.OPEN, at=first)),
        Dispute(
            **name,
            terms=DisputeTerms(
                id="d", status=rng.choice([DisputeStatus.WON, DisputeStatus.LOST]), at=last
            ),
        ),
        Refund(**name),
    ]
    return rng.sample(possible, rng.randint(1, len(possible)))


async def right(reader, of, payments, window, zone=None, *, facets=()):
    """Check the answer for a window and the one before it; return the former."""
    question = Question(window=window, timezone=zone, facets=facets)
    answer = await reader.answer(of.id, question, as_of=NOON, in_buckets=True, compare=True)
    own = ZoneInfo(zone or of.timezone)
    payments = [each for each in payments if holds(facets, each, answer.listed)]

    def expected(inside):
        made = [rollup_of(each, own) for each in payments if each.created_at in inside]
        return total([*made, acts_in(payments, inside)])

    assert answer.rollup == expected(window)
    assert answer.bucket_rollups == [expected(each) for each in answer.buckets]
    assert answer.previous == expected(answer.previous_window)
    return answer


@RULES
@given(zone=st.sampled_from(list(borders.PRESENTS)), seed=st.integers(0, 2**32))
async def test_windows_that_cut_quarter_hours_hold_what_happened_in_them(
    db, other_db, *, zone, seed
):
    """At borders of pages, days and clocks, by a reader that remembers and one that does not."""
    rng = Random(seed)
    own = ZoneInfo(zone)
    one = shop(zone)
    now = borders.present_of(own)
    centre = min(borders.border(rng, own, now - 70 * DAY, now), now)
    warm = Reader(db)
    for _ in range(2):
        made = [centre - rng.choice([0 * DAY, DAY, 40 * DAY]) + beside(rng) for _ in range(4)]
        made = [max(EPOCH, each) for each in made]
        new = [
            insert(
                tenant_id=one.id,
                amount=1000,
                created_at=each,
                country=rng.choice([None, "DE", "FR"]),
                fee_amount=rng.choice([None, None, 7, -7]),
            )
            for each in made
        ]
        recorded = [each.payment for each in await commit(other_db, one, new, now=now)]
        for payment in recorded[1:]:
            await commit(other_db, one, acts_around(rng, payment, centre), now=now)
        payments = await stored_payments(db, one.id)
        moments = [act.at for each in payments for act in acts_of(each)]
        for reader in (warm, Reader(db)):
            for _ in range(2):
                start = rng.choice(moments) + rng.choice([-1, 0, 1]) * MILLISECOND
                length = rng.choice([MILLISECOND, QUARTER, HOUR, DAY, 41 * DAY]) + beside(rng)
                window = Window(start, start + length)
                await right(reader, one, payments, window)
            facets = (("country", rng.choice(["DE", "FR", NO_VALUE, "other"])),)
            await right(reader, one, payments, window, facets=facets)
    short = Window(max(EPOCH, centre - DAY - beside(rng)), centre + beside(rng) + MILLISECOND)
    foreign = rng.choice(list(borders.PRESENTS))
    await right(warm, one, payments, short, foreign)
    await right(warm, one, payments, short, foreign, facets=(("country", "DE"),))
    await check_ledger(db, one.id)


async def test_a_refund_counts_when_it_happened_and_its_payment_when_it_was_made(db):
    one = shop()
    created, back = PAGE - 30 * DAY, PAGE + timedelta(minutes=7)
    new = insert(tenant_id=one.id, amount=1000, created_at=created)
    (made,) = await commit(db, one, [new], now=NOON)
    warm = Reader(db)
    cut = [
        Window(back - MILLISECOND, back),
        Window(back, back + MILLISECOND),
        Window(back - DAY, back),
        Window(back - DAY, back + MILLISECOND),
        Window(created, back + MILLISECOND),
    ]
    for window in cut:
        await right(warm, one, [made.payment], window)
    refund = Refund(
        payment_id=made.payment.id, amount=Decimal(4), at=back, refund_id="1" * 24, keyed=True
    )
    (refunded,) = await commit(db, one, [refund], now=NOON)
    for reader in (warm, Reader(db)):
        found = [
            metrics((await right(reader, one, [refunded.payment], each)).rollup, currency="USD")
            for each in cut
        ]
        assert [each.activity_refunds_count for each in found] == [0, 1, 0, 1, 1]
        assert [each.activity_refunds_volume for each in found] == [0, 400, 0, 400, 400]
        assert [each.refunded_volume for each in found] == [0, 0, 0, 0, 400]
        ever = await reader.answer(one.id, Question(), as_of=NOON)
        assert metrics(ever.rollup, currency="USD").activity_refunds_volume == 400


async def some_shop(db):
    """A shop to whose payments all kinds of acts happened, weeks later."""
    one, rng = shop(), Random(3)
    made = [
        insert(tenant_id=one.id, amount=1000, created_at=NOON - n * 5 * DAY) for n in range(20, 30)
    ]
    for outcome in await commit(db, one, made, now=NOON):
        acts = acts_around(rng, outcome.payment, NOON - rng.randint(1, 40) * DAY)
        assert Result.REJECTED not in {
            each.result for each in await commit(db, one, acts[:1], now=NOON)
        }
        await commit(db, one, acts[1:], now=NOON)
    return one


async def test_acts_of_an_earlier_version_are_counted_and_found_at_a_start(db):
    one = await some_shop(db)
    before = [await stored_rollups(db, one.id), await places(db, one)]
    await db.payments.update_many({"tenantId": one.id}, {"$unset": {ACTS_IN: ""}})
    await db.rollups.delete_many({"tenantId": one.id, "methods": {}})
    await db.rollups.update_many({"tenantId": one.id}, {"$unset": {"activity": ""}})
    await db.tenants.update_one({"_id": one.id}, {"$unset": {COUNTED: "", "lastActAt": ""}})
    await migrate(db)
    assert [await stored_rollups(db, one.id), await places(db, one)] == before
    await check_ledger(db, one.id)
    payments = await stored_payments(db, one.id)
    for payment in payments:
        for act in acts_of(payment):
            await right(Reader(db), one, payments, Window(act.at, act.at + MILLISECOND))


async def places(db, of):
    found = await db.payments.find({"tenantId": of.id}).sort("_id").to_list()
    return [each.get(ACTS_IN) for each in found]


async def test_wrong_activity_is_found_and_repaired(db):
    one = await some_shop(db)
    reader = Reader(db)
    assert (await verify(db, one.id, as_of=NOON, reader=reader)).shown == []
    away = await db.rollups.delete_many({"tenantId": one.id, "methods": {}})
    assert away.deleted_count
    wrong = await db.rollups.find_one({"tenantId": one.id, "grain": "total"})
    act = next(iter(wrong["activity"]["card"]))
    await db.rollups.update_one({"_id": wrong["_id"]}, {"$inc": {f"activity.card.{act}.n": 1}})
    lost = await db.payments.find({"tenantId": one.id, ACTS_IN: {"$ne": None}}).to_list()
    await db.payments.update_one({"_id": lost[0]["_id"]}, {"$unset": {ACTS_IN: ""}})
    await db.payments.update_one({"_id": lost[1]["_id"]}, {"$push": {ACTS_IN: 7}})
    report = await verify(db, one.id, as_of=NOON, reader=reader, repair=True)
    assert report.differing == away.deleted_count + 1
    assert set(report.mistimed) == {str(each["_id"]) for each in lost[:2]}
    assert report.repaired
    assert lost == await db.payments.find({"tenantId": one.id, ACTS_IN: {"$ne": None}}).to_list()
    await check_ledger(db, one.id)
    after = await verify(db, one.id, as_of=NOON, reader=reader)
    assert (after.differing, after.shown, after.mistimed) == (0, [], [])


async def test_payments_without_acts_store_nothing_of_them(db):
    one = shop()
    new = insert(tenant_id=one.id, created_at=at("2026-03-10T12:00:00Z"))
    await commit(db, one, [new], now=NOON)
    assert await db.payments.find_one({"tenantId": one.id, ACTS_IN: {"$exists": True}}) is None
    assert not await db.rollups.find({"activity": {"$exists": True}, "tenantId": one.id}).to_list()
    indexes = await db.payments.index_information()
    (ours,) = [each for each in indexes.values() if each["key"] == BY_ACT]
    assert ours["sparse"]


@pytest.mark.parametrize("numbers", [[5], [4, 5, 6]])
async def test_acts_are_found_by_their_index(db, numbers):
    plan = await db.command(
        "explain", {"find": "payments", "filter": {ACTS_IN: {"$in": numbers}, "tenantId": "t"}}
    )
    assert "actsIn" in str(plan["queryPlanner"]["winningPlan"])
