"""Disputes, fees and settlements: in any order, from anywhere, each once, and exact in every rollup."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from financeops.core.act_terms import DisputeTerms, FeesTerms, SettlementTerms
from financeops.core.disputes import DisputeStatus
from financeops.core.fees import FeeKind
from financeops.core.metrics import metrics
from financeops.core.payments import Status, recorded
from financeops.core.periods import Grain
from financeops.store.documents import derived_payment_id
from financeops.store.verifying.verify import verify
from financeops.store.writing.ledger import commit
from financeops.store.writing.operations import (
    Dispute,
    Fees,
    Refund,
    Result,
    Settlement,
    keyed,
    refund_id_of,
)
from tests.builders import NOON, tenant
from tests.store.recorded import (
    check_ledger,
    insert,
    stored_changes,
    stored_payments,
    stored_rollups,
)

PAID = 1000
MADE = NOON - timedelta(days=40)
RULES = settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
days = st.integers(0, 30).map(lambda day: NOON - timedelta(days=day))
cents = st.integers(1, PAID).map(lambda n: Decimal(n) / 100)


@st.composite
def stories(draw):
    """What becomes of one payment, in the order of events: none of it contradicts another part."""
    acts = []
    for number in range(draw(st.integers(0, 2))):
        kinds = draw(st.lists(st.sampled_from(FeeKind), min_size=1, max_size=2))
        fees = tuple((kind, Decimal(draw(st.integers(-50, 99))) / 100, None) for kind in kinds)
        acts.append((Fees, f"fee {number}", FeesTerms(fees=fees, at=draw(days))))
    if draw(st.booleans()):
        amount = draw(st.none() | cents)
        opened, closed = sorted([draw(days), draw(days)])
        said = draw(st.sampled_from(["both", "first", "last"]))
        first = DisputeTerms(
            id="dp", status=DisputeStatus.OPEN, amount=None if said == "last" else amount, at=opened
        )
        acts.append((Dispute, draw(st.none() | st.just("open")), first))
        if draw(st.booleans()):
            end = draw(st.sampled_from([DisputeStatus.WON, DisputeStatus.LOST]))
            last = replace(first, status=end, amount=None if said == "first" else amount, at=closed)
            acts.append((Dispute, None, last))
    if draw(st.booleans()):
        terms = SettlementTerms(payout_id="po", settled_at=draw(days), amount=Decimal("9.5"))
        acts.append((Settlement, None, terms))
    refunds = draw(st.lists(st.tuples(cents, days), max_size=2))
    return [*acts, *((Refund, f"refund {n}", each) for n, each in enumerate(refunds))]


def operation(shop, payment, act):
    kind, key, terms = act
    if kind is Refund:
        amount, at = terms
        part = max((amount / 2).quantize(Decimal("0.01")), Decimal("0.01"))
        name = refund_id_of(shop.id, payment.id, key)
        return Refund(payment_id=payment.id, amount=part, at=at, refund_id=name, keyed=True)
    return keyed(kind(payment_id=payment.id, terms=terms), shop.id, key)


async def paid(db, count=1, **fields):
    """A shop with payments of 10 dollars."""
    shop = tenant(f"t-{uuid4().hex[:8]}", timezone="Asia/Kathmandu")
    made = [
        insert(
            tenant_id=shop.id, amount=PAID, created_at=MADE + n * timedelta(minutes=15), **fields
        )
        for n in range(count)
    ]
    return shop, [each.payment for each in await commit(db, shop, made, now=NOON)]


async def present(db, shop):
    """The shop's payments as stored, after checking that everything agrees with them."""
    await check_ledger(db, shop.id)
    assert (await verify(db, shop.id, as_of=NOON)).differences == []
    return sorted(await stored_payments(db, shop.id), key=lambda each: each.created_at)


def without_name(payment):
    """What the order of arrival must not change."""
    return replace(payment, id="", tenant_id="", updated_at=MADE, refunds=None)


@RULES
@given(told=st.lists(stories(), min_size=1, max_size=3), data=st.data())
async def test_any_order_of_arrival_gives_the_same(db, other_db, told, data):
    """The same acts in order in one transaction each; mixed, split and repeated by two; with the payments."""
    one, first = await paid(db, len(told))
    two, second = await paid(db, len(told))
    for payment, acts in zip(first, told, strict=True):
        for act in acts:
            (outcome,) = await commit(db, one, [operation(one, payment, act)], now=NOON)
            assert outcome.error is None, outcome
    mixed = [
        operation(two, payment, act)
        for payment, acts in zip(second, told, strict=True)
        for act in acts
    ]
    mixed = data.draw(st.permutations(mixed + [act for act in mixed if _counts_once(act)][:4]))
    half = len(mixed) // 2
    answers = await asyncio.gather(
        commit(db, two, mixed[:half], now=NOON), commit(other_db, two, mixed[half:], now=NOON)
    )
    assert {each.result for part in answers for each in part} <= {
        *(Result.UPDATED, Result.REFUNDED, Result.DUPLICATE)
    }
    same = list(map(without_name, await present(db, one)))
    assert list(map(without_name, await present(db, two))) == same
    three = await at_once(db, told)
    assert list(map(without_name, await present(db, three))) == same
    rollups = [await stored_rollups(db, shop.id) for shop in (one, two, three)]
    assert rollups[0] == rollups[1] == rollups[2]


async def at_once(db, told):
    """A shop as `paid` makes it, whose payments are recorded with all that became of them: one change each."""
    shop, lives = tenant(f"t-{uuid4().hex[:8]}", timezone="Asia/Kathmandu"), []
    for number, acts in enumerate(told):
        made_at = MADE + number * timedelta(minutes=15)
        made = insert(tenant_id=shop.id, amount=PAID, created_at=made_at)
        made = replace(made, key=("story", str(number)))
        payment = recorded(
            made.draft, payment_id=derived_payment_id(shop.id, made.key), at=NOON, declines={}
        )
        lives.append(replace(made, acts=tuple(operation(shop, payment, act) for act in acts)))
    for _ in range(2):
        outcomes = await commit(db, shop, lives, now=NOON)
    assert {outcome.result for outcome in outcomes} == {Result.DUPLICATE}
    assert len(await stored_changes(db, shop.id)) == len(told)
    return shop


def _counts_once(act):
    return not isinstance(act, Fees) or act.key is not None


async def told(db, shop, payment, terms, key=None):
    kinds = {DisputeTerms: Dispute, FeesTerms: Fees, SettlementTerms: Settlement}
    act = keyed(kinds[type(terms)](payment_id=payment.id, terms=terms), shop.id, key)
    (outcome,) = await commit(db, shop, [act], now=NOON)
    return outcome


async def figures(db, shop):
    totals = await stored_rollups(db, shop.id)
    (rollup,) = (rollup for (_, grain, _), rollup in totals.items() if grain is Grain.TOTAL)
    return metrics(rollup, currency="USD")


async def test_a_lost_dispute_takes_what_was_not_given_back(db):
    """Together they take no more than was paid, whichever comes first."""
    shop, (one, other) = await paid(db, 2)
    lost = DisputeTerms(id="dp", status=DisputeStatus.LOST, amount=Decimal(8))
    refund = Refund(payment_id=one.id, amount=Decimal(4), refund_id="r" * 24, keyed=True)
    await commit(db, shop, [refund], now=NOON)
    await told(db, shop, one, lost)
    await told(db, shop, other, lost)
    whole = Refund(payment_id=other.id)
    await commit(db, shop, [whole], now=NOON)
    await present(db, shop)
    found = await figures(db, shop)
    assert (found.lost_disputes, found.disputed_volume, found.refunded_volume) == (2, 1600, 1400)
    assert (found.lost_volume, found.net_volume, found.net_revenue) == (600, 600, 0)
    assert found.dispute_rate == 100
    assert found.win_rate == 0


async def test_fees_of_failed_payments_count_too(db):
    shop, (one,) = await paid(db)
    failed = insert(tenant_id=shop.id, status="failed", created_at=MADE)
    (refused,) = await commit(db, shop, [failed], now=NOON)
    for payment in (one, refused.payment):
        fees = FeesTerms(
            fees=(
                (FeeKind.PROCESSING, Decimal("0.3"), None),
                (FeeKind.OTHER, Decimal("-0.1"), None),
            )
        )
        assert (await told(db, shop, payment, fees)).payment.fee_amount == 20
    await present(db, shop)
    found = await figures(db, shop)
    assert (found.fee_volume, found.fee_rate, found.net_revenue) == (40, 4, 960)


OPEN, WON, LOST = (
    DisputeTerms(id="dp", status=status, amount=Decimal(5), reason="fraudulent", at=MADE + day)
    for status, day in zip(DisputeStatus, (timedelta(days=n) for n in (1, 9, 9)), strict=True)
)
FEE = FeesTerms(fees=((FeeKind.TAX, Decimal("0.07"), None),))
PAYOUT = SettlementTerms(payout_id="po", settled_at=NOON, amount=Decimal(8), currency="EUR")


@pytest.mark.parametrize(
    ("known", "wrong", "field"),
    [
        ((OPEN,), replace(OPEN, id="another"), "id"),
        ((LOST,), WON, "status"),
        ((OPEN,), replace(OPEN, amount=Decimal(6)), "amount"),
        ((OPEN,), replace(LOST, amount=Decimal(6)), "amount"),
        ((OPEN,), replace(LOST, reason="duplicate"), "reason"),
        ((OPEN,), replace(OPEN, at=NOON), "at"),
        ((OPEN,), replace(LOST, at=MADE), "at"),
        ((LOST,), replace(OPEN, at=NOON), "at"),
        ((), replace(OPEN, amount=Decimal("10.01")), "amount"),
        ((), replace(OPEN, amount=Decimal("0.001")), "amount"),
        ((), replace(OPEN, at=MADE - timedelta(days=1)), "at"),
        ((), replace(FEE, at=MADE - timedelta(days=1)), "at"),
        ((), FeesTerms(fees=((FeeKind.TAX, Decimal("0.001"), None),)), "fees[0].amount"),
        ((), FeesTerms(fees=((FeeKind.TAX, Decimal(10**10), None),) * 2), "fees"),
        ((), replace(PAYOUT, settled_at=MADE - timedelta(days=1)), "settledAt"),
        ((), replace(PAYOUT, amount=Decimal("0.001")), "settledAmount"),
        ((), FeesTerms(fees=((FeeKind.TAX, Decimal(1), MADE - timedelta(1)),)), "fees[0].at"),
        ((PAYOUT,), replace(PAYOUT, payout_id="another"), "payoutId"),
        ((PAYOUT,), replace(PAYOUT, amount=Decimal(9)), "settledAmount"),
    ],
)
async def test_what_contradicts_is_refused_and_changes_nothing(db, known, wrong, field):
    shop, (one,) = await paid(db)
    for terms in known:
        assert (await told(db, shop, one, terms)).result is Result.UPDATED
        assert (await told(db, shop, one, terms)).result is Result.DUPLICATE
    refused = await told(db, shop, one, wrong)
    assert refused.result is Result.REJECTED
    assert refused.error.field == field
    (stored,) = await present(db, shop)
    assert (stored.revision or 0) == len(known)
    assert len(await stored_changes(db, shop.id)) == 1 + len(known)


async def test_a_key_counts_once_and_for_its_kind_of_act(db, other_db):
    shop, (one, other) = await paid(db, 2)
    sent = await asyncio.gather(*(told(each, shop, one, FEE, "k") for each in (db, other_db, db)))
    assert sorted(each.result for each in sent) == ["duplicate", "duplicate", "updated"]
    again = FeesTerms(fees=((FeeKind.TAX, Decimal("0.070"), None),))
    assert (await told(db, shop, one, again, "k")).result is Result.DUPLICATE
    refused = await told(db, shop, one, replace(FEE, at=NOON), "k")
    assert "used before" in str(refused.error)
    for payment, terms, key in ((one, PAYOUT, "k"), (other, FEE, "k"), (one, FEE, "k2")):
        assert (await told(db, shop, payment, terms, key)).result is Result.UPDATED
    assert (await told(db, shop, one, FEE)).result is Result.UPDATED
    assert [each.fee_amount for each in await present(db, shop)] == [21, 7]


async def test_failed_payments_are_neither_disputed_nor_settled(db):
    shop, (one,) = await paid(db, status=Status.FAILED)
    for terms in (OPEN, PAYOUT):
        assert "failed payment" in str((await told(db, shop, one, terms)).error)
    stranger, _ = await paid(db)
    assert "does not exist" in str((await told(db, stranger, one, FEE)).error)
