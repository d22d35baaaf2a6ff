"""Decide what a payment costs: fees come in pieces, and add up."""

from __future__ import annotations

from datetime import datetime

from msgspec import structs

from financeops.core.act_terms import FeesTerms
from financeops.core.contract.agreements import MAX_FEES
from financeops.core.costs import fee_of
from financeops.core.errors import Conflict, InvalidValue
from financeops.core.fees import fees_in_order
from financeops.core.money import MAX_MINOR
from financeops.core.reporting import countable
from financeops.store.writing.decisions import Stored, not_before


def charged(terms: FeesTerms, stored: Stored, at: datetime) -> Stored:
    """The payment with more fees.

    Raises
    ------
    Conflict
        There are too many, or they add up to too much.
    InvalidValue
    """
    payment = stored.payment
    if terms.at is not None and terms.at < payment.created_at:
        raise InvalidValue("at", "must not be before createdAt")
    moment = terms.at or not_before(payment, at)
    for place, (_, _, own) in enumerate(terms.fees):
        if own is not None and own < payment.created_at:
            raise InvalidValue(f"fees[{place}].at", "must not be before createdAt")
    more = [
        fee_of(place, kind, amount, currency=payment.currency, at=own or moment)
        for place, (kind, amount, own) in enumerate(terms.fees)
    ]
    fees = fees_in_order((*(payment.fees or ()), *more))
    if len(fees) > MAX_FEES:
        raise Conflict(f"a payment has at most {MAX_FEES} fees", "fees")
    fee_amount = (payment.fee_amount or 0) + sum(each.amount for each in more)
    if abs(fee_amount) > MAX_MINOR:
        raise Conflict("add up to more than a payment can cost", "fees")
    costing = structs.replace(payment, fees=fees, fee_amount=fee_amount)
    if costing.reporting_amount is not None and not countable(costing):
        into = costing.reporting_currency
        raise Conflict(f"add up to more than can be counted when converted into {into}", "fees")
    return Stored(costing, stored.marks)
