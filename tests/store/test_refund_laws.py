"""Refunds of parts: in any order, in any grouping, each once, never more than was paid."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from financeops.core.contract.agreements import MAX_REFUNDS
from financeops.core.payments import Status
from financeops.store.verifying.verify import verify
from financeops.store.writing.ledger import commit
from financeops.store.writing.operations import Refund, Result, refund_id_of
from tests.builders import NOON, tenant
from tests.store.recorded import check_ledger, insert, stored_payments, stored_rollups

PAID = 1000
EARLIER = NOON - timedelta(days=30)
RULES = settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

parts = st.lists(
    st.tuples(st.integers(1, PAID), st.integers(0, 20).map(lambda day: NOON - timedelta(days=day))),
    min_size=1,
    max_size=6,
)
"""Amounts and times of refunds."""


def asking(payment, amount, key=None, at=None):
    """Refund so many minor units of dollars, or with None the rest."""
    return Refund(
        payment_id=payment.id,
        amount=None if amount is None else Decimal(amount) / 100,
        at=at,
        refund_id=refund_id_of(payment.tenant_id, payment.id, key),
        keyed=key is not None,
    )


async def paid(db):
    """A payment of a tenant of its own."""
    shop = tenant(f"t-{uuid4().hex[:8]}")
    (outcome,) = await commit(
        db, shop, [insert(tenant_id=shop.id, amount=PAID, created_at=EARLIER)], now=NOON
    )
    return shop, outcome.payment


async def present(db, shop):
    """The tenant's only payment as stored, after checking that everything agrees with it."""
    await check_ledger(db, shop.id)
    assert (await verify(db, shop.id, as_of=NOON)).differences == []
    (payment,) = await stored_payments(db, shop.id)
    assert payment.returned == sum(each.amount for each in payment.refunds or ())
    assert payment.returned <= payment.amount
    assert (payment.returned == payment.amount) == (payment.status is Status.REFUNDED)
    return payment


def grouped(draw, operations):
    """The operations in order, in transactions of any size."""
    while operations:
        size = draw(st.integers(1, len(operations)))
        yield operations[:size]
        operations = operations[size:]


@RULES
@given(parts=parts, data=st.data())
async def test_the_order_of_arrival_does_not_matter(db, parts, data):
    """What fits in one order fits in every other; what is refunded twice counts once."""
    fitting, left = [], PAID
    for n, (amount, at) in enumerate(parts):
        if amount <= left:
            fitting.append((amount, f"key {n}", at))
            left -= amount
    ends = []
    for _ in range(2):
        shop, payment = await paid(db)
        sent = data.draw(st.permutations(fitting + fitting[:2]))
        for group in grouped(data.draw, [asking(payment, *each) for each in sent]):
            outcomes = await commit(db, shop, group, now=NOON)
            assert {each.result for each in outcomes} <= {Result.REFUNDED, Result.DUPLICATE}
        now = await present(db, shop)
        listed = sorted((each.at, each.amount) for each in now.refunds)
        assert [each.at for each in now.refunds] == [at for at, _ in listed]
        ends.append((now.status, now.refunded_at, listed, await stored_rollups(db, shop.id)))
    assert ends[0] == ends[1]
    assert ends[0][2] == sorted((at, amount) for amount, _, at in fitting)


@RULES
@given(amounts=st.lists(st.integers(1, PAID), min_size=1, max_size=6), data=st.data())
async def test_never_more_is_given_back_than_was_paid_and_at_last_all_of_it(db, amounts, data):
    shop, payment = await paid(db)
    left = PAID
    for group in grouped(data.draw, [asking(payment, amount) for amount in amounts]):
        for outcome, refund in zip(await commit(db, shop, group, now=NOON), group, strict=True):
            amount = int(refund.amount * 100)
            fits = amount <= left
            assert outcome.result is (Result.REFUNDED if fits else Result.REJECTED)
            left -= amount if fits else 0
    assert (await present(db, shop)).returned == PAID - left

    (outcome,) = await commit(db, shop, [asking(payment, None)], now=NOON)
    assert outcome.result is (Result.REFUNDED if left else Result.DUPLICATE)
    now = await present(db, shop)
    assert (now.returned, now.status) == (PAID, Status.REFUNDED)


async def test_a_payment_has_a_limited_number_of_refunds(db):
    shop, payment = await paid(db)
    cents = [asking(payment, 1) for _ in range(MAX_REFUNDS + 1)]
    outcomes = await commit(db, shop, [*cents, asking(payment, None)], now=NOON)
    results = [each.result for each in outcomes]
    assert results == [Result.REFUNDED] * MAX_REFUNDS + [Result.REJECTED, Result.REFUNDED]
    assert "has 200 refunds" in str(outcomes[-2].error)
    assert (await present(db, shop)).status is Status.REFUNDED
