"""Decide when and as what the money of a payment arrived: once."""

from __future__ import annotations

from msgspec import structs

from financeops.core.act_terms import SettlementTerms
from financeops.core.errors import Conflict, InvalidValue
from financeops.core.money import decimals_of, to_minor
from financeops.core.payments import Status
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
        currency = terms.currency or payment.currency
        try:
            amount = to_minor(terms.amount, currency, decimals=decimals_of(currency), signed=True)
        except InvalidValue as error:
            raise InvalidValue("settledAmount", error.problem) from None
    after = structs.replace(
        payment,
        payout_id=terms.payout_id,
        settled_at=terms.settled_at,
        settled_amount=amount,
        settled_currency=currency,
    )
    if payment.payout_id is not None and after != payment:
        raise Conflict(f"the payment was settled otherwise, by the payout {payment.payout_id!r}")
    return Stored(after, stored.marks)
