"""Payments in their tenant's own currency: what the ledger adds to those in others.

A payment is converted once, at the rate of its day. What is a part of it (refunds, a dispute) is
converted in proportion, so that a refund of the whole leaves nothing; what it costs, at its rate. Of
several refunds or fees, each is the converted sum after it less that before: so they add up to the last
unit, in whatever order they came.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from msgspec.structs import replace

from financeops.core.activity import Act, ActKind, acts_of
from financeops.core.money import decimals_of, half_even
from financeops.core.payments import Payment
from financeops.core.rates import RATE_DECIMALS, Conversion

REPORTING = "reporting"
"""As a currency: the figures of all payments, in their tenant's own currency."""

LARGEST = 10**14
"""The largest amount that a payment is converted into: exports have ten-thousandths of a unit in 64 bits."""


def place_in(currency: str) -> str:
    """Under which currency rollups count payments in others that are converted into one, or wait for it."""
    return f"{REPORTING}-{currency}"


def is_reporting(currency: str) -> bool:
    """Whether rollups under this currency count payments in others."""
    return currency.startswith(f"{REPORTING}-")


def reported(payment: Payment, currency: str, conversion: Conversion | None) -> Payment:
    """The payment as its tenant reports it in its own currency.

    Parameters
    ----------
    currency : str
        The tenant's own.
    conversion : Conversion or None
        Of the payment's day; without one it waits for a rate, which its amount is left out to say.
    """
    if payment.currency == currency:
        return payment if payment.reporting_currency is None else replace(payment, **_NOTHING)
    waits = replace(payment, **_NOTHING | {"reporting_currency": currency})
    if conversion is None:
        return waits
    converted = replace(
        waits,
        reporting_amount=conversion.of(payment.amount),
        rate=f"{conversion.rate:f}",
        rate_date=str(conversion.date),
        rate_source=conversion.source,
    )
    return converted if countable(converted) else waits


def countable(payment: Payment) -> bool:
    """Whether a converted payment, and all that it costs, is no more than `LARGEST`."""
    assert payment.reporting_amount is not None, "it was not converted"
    if payment.reporting_amount > LARGEST:
        return False
    # Each by itself: fees and credits that balance each other are counted when they arose.
    costs = sum(abs(fee.amount) for fee in payment.fees or ())
    return at_rate(payment, max(costs, abs(payment.fee_amount or 0))) <= LARGEST


_NOTHING: dict[str, str | int | None] = dict.fromkeys(
    ("reporting_amount", "reporting_currency", "rate", "rate_date", "rate_source")
)


def awaits_rate(payment: Payment) -> bool:
    """Whether it could not be converted yet."""
    return payment.reporting_currency is not None and payment.reporting_amount is None


def is_unreported(payment: Payment, currency: str) -> bool:
    """Whether nothing right is said of it in its tenant's currency: it is neither converted nor waits."""
    wanted = None if payment.currency == currency else currency
    return payment.reporting_currency != wanted


def in_proportion(payment: Payment, part: int) -> int:
    """Minor units of the reporting currency that a part of a converted payment is."""
    assert payment.reporting_amount is not None, "it was not converted"
    return half_even(part * payment.reporting_amount, payment.amount) if payment.amount else 0


def at_rate(payment: Payment, cost: int) -> int:
    """Minor units of the reporting currency that a converted payment's cost is, which may exceed its amount."""
    assert payment.rate is not None, "it was not converted"
    assert payment.reporting_currency is not None, "it was not converted"
    if not cost:
        return 0
    power = decimals_of(payment.currency) - decimals_of(payment.reporting_currency)
    units = int(Decimal(payment.rate).scaleb(RATE_DECIMALS))
    return half_even(cost * units * 10 ** max(-power, 0), 10 ** (RATE_DECIMALS + max(power, 0)))


def amounts_in(payment: Payment) -> dict[str, int]:
    """What each part of a converted payment's rollup sums up, in the reporting currency.

    Parts that are not named here sum up its whole amount.
    """
    amounts = {
        "partial": in_proportion(payment, payment.returned),
        "fees": at_rate(payment, payment.fee_amount or 0),
        "lost": _lost(payment),
    }
    if payment.dispute is not None:
        amounts["disputed"] = in_proportion(payment, payment.dispute.amount)
    return amounts


def acts_in(payment: Payment) -> Iterator[Act]:
    """What happened to a converted payment, with amounts in the reporting currency."""
    before = {ActKind.REFUNDED: 0, ActKind.CHARGED: 0}
    for act in acts_of(payment):
        if act.kind in before:
            convert = in_proportion if act.kind is ActKind.REFUNDED else at_rate
            sum_before = before[act.kind]
            sum_after = before[act.kind] = sum_before + act.amount
            amount = convert(payment, sum_after) - convert(payment, sum_before)
        elif act.kind is ActKind.LOST:
            amount = _lost(payment)
        else:
            amount = in_proportion(payment, act.amount)
        yield act._replace(amount=amount)


def _lost(payment: Payment) -> int:
    # What is given back comes first: both together take no more than the whole.
    returned = payment.returned
    return in_proportion(payment, returned + payment.lost) - in_proportion(payment, returned)
