"""Decide a refund of a payment, or of a part of it."""

from __future__ import annotations

from datetime import datetime

from msgspec import structs

from financeops.core.acts import GivenBack, in_order
from financeops.core.contract.agreements import MAX_REFUNDS
from financeops.core.errors import Conflict, InvalidValue, NotFound
from financeops.core.money import to_major
from financeops.core.payments import Payment, Status
from financeops.store.writing.decisions import (
    Decided,
    Known,
    Stored,
    being_taken_back,
    minor_of,
    not_before,
    rejected,
)
from financeops.store.writing.operations import Outcome, Refund, Result


def refunded(refund: Refund, stored: Stored | None, known: Known, at: datetime) -> Decided:
    """Decide a refund from what is stored."""
    if stored is None:
        return rejected(NotFound("this payment does not exist"))
    payment = stored.payment
    if payment.status is Status.FAILED:
        return rejected(Conflict("a failed payment cannot be refunded: no money was collected"))
    rest = payment.amount - payment.returned
    try:
        amount = rest if refund.amount is None else minor_of(refund.amount, payment)
    except InvalidValue as error:
        return rejected(error)
    if (before := _given_back(payment, refund)) is not None:
        if not _repeats(refund, before, payment):
            return rejected(Conflict("this key was used before, with another refund"))
        return Decided(Outcome(result=Result.DUPLICATE, payment=payment))
    if payment.status is Status.REFUNDED and refund.amount is None:
        return Decided(Outcome(result=Result.DUPLICATE, payment=payment))
    if amount > rest:
        left = f"{to_major(rest, payment.currency)} {payment.currency}"
        return rejected(Conflict(f"must be at most {left}, what is left to refund", "amount"))
    if refund.at is not None and refund.at < payment.created_at:
        return rejected(InvalidValue("at", "must not be before createdAt"))
    if len(payment.refunds or ()) >= MAX_REFUNDS and amount < rest:
        problem = f"has {MAX_REFUNDS} refunds, so the next one must be of all that is left"
        return rejected(Conflict(problem, "amount"))
    if busy := being_taken_back(stored, known):
        return rejected(busy)
    return _given(refund, stored, amount, at)


def _given(refund: Refund, stored: Stored, amount: int, at: datetime) -> Decided:
    """Give back an amount that is left."""
    payment = stored.payment
    when = refund.at or not_before(payment, at)
    refunds = payment.refunds
    if refunds or not refund.plain:
        given = GivenBack(id=refund.refund_id, amount=amount, at=when, reason=refund.reason)
        refunds = in_order((*(refunds or ()), given))
        when = refunds[-1].at
    returned = payment.returned + amount
    whole = returned == payment.amount
    changed = structs.replace(
        payment,
        status=Status.REFUNDED if whole else payment.status,
        refunded_at=when if whole else None,
        refunded_amount=returned,
        refunds=refunds,
        updated_at=at,
    )
    return Decided(Outcome(result=Result.REFUNDED, payment=changed), stored.marks, payment)


def _given_back(payment: Payment, refund: Refund) -> GivenBack | None:
    """The refund that the same key asked for before."""
    if not refund.keyed:
        return None
    return next((each for each in payment.refunds or () if each.id == refund.refund_id), None)


def _repeats(refund: Refund, before: GivenBack, payment: Payment) -> bool:
    """Whether a refund may be the one that was asked for before: without an amount that gave back all that was left."""
    if refund.amount is None:
        same_amount = payment.status is Status.REFUNDED
    else:
        same_amount = refund.amount == to_major(before.amount, payment.currency)
    same_moment = refund.at is None or refund.at == before.at
    return same_amount and same_moment and refund.reason == before.reason
