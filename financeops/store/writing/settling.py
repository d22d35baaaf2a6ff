"""Decide when and as what the money of a payment arrived: once."""

from __future__ import annotations

from msgspec import structs

from financeops.core.act_terms import SettlementTerms
from financeops.core.costs import arrived
from financeops.core.errors import Conflict, InvalidValue
from financeops.core.payments import FIELDS, Status
from financeops.store.writing.decisions import Stored


def settled(terms: SettlementTerms, stored: Stored) -> Stored:
    """The payment as settled; the same if that is known.

    Raises
    ------
    Conflict
        It failed, or was settled otherwise.
    InvalidValue
    """
    payment = stored.payment
    if payment.status is Status.FAILED:
        raise Conflict("a failed payment cannot be settled: no money was collected")
    if terms.settled_at < payment.created_at:
        raise InvalidValue("settledAt", "must not be before createdAt")
    amount = currency = None
    if terms.amount is not None:
        amount, currency = arrived(terms.amount, terms.currency, payment.currency)
    after = structs.replace(
        payment,
        payout_id=terms.payout_id,
        settled_at=terms.settled_at,
        settled_amount=amount,
        settled_currency=currency,
    )
    for name in ("payout_id", "settled_at", "settled_amount", "settled_currency"):
        if getattr(payment, name) not in (None, getattr(after, name)):
            of = f" by the payout {payment.payout_id!r}" if payment.payout_id else ""
            raise Conflict(f"the payment is recorded as settled otherwise{of}", FIELDS[name].json)
    return Stored(after, stored.marks)
