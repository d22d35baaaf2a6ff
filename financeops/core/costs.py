"""What a payment cost and when its money arrived, as its sender may tell with it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any

from msgspec import UNSET, Raw, UnsetType

from financeops.core.checks import check_key
from financeops.core.contract.requests import FeeRequest, PaymentRequest
from financeops.core.errors import InvalidValue
from financeops.core.fees import Fee, FeeKind, fees_in_order
from financeops.core.money import MAX_MINOR, check_currency, decimals_of, to_minor
from financeops.core.numbers import checked_moment, number_in
from financeops.core.payments import Status

COSTS = ("fees", "fee_amount", "payout_id", "settled_at", "settled_amount", "settled_currency")
"""The fields of a payment that are read here."""

_told = attrgetter(*COSTS)
_NOTHING = (None, UNSET, None, None, UNSET, None)


def costs_of(
    request: PaymentRequest,
    *,
    currency: str,
    status: Status,
    created_at: datetime,
    now: datetime,
    importing: bool = False,
) -> dict[str, Any]:
    """Values of these fields of a request, checked; most payments have none.

    An amount of 0 without its currency says nothing in a file: exports have it where none is known.

    Raises
    ------
    InvalidValue
        Naming the first field that is wrong.
    """
    if (told := _told(request)) == _NOTHING:
        return {}
    fees, fee_amount, payout_id, settled_at, settled_amount, settled_currency = told
    values = _fees_of(fees, fee_amount, currency=currency, created_at=created_at, now=now)
    if payout_id is not None:
        values["payout_id"] = check_key(payout_id, "payoutId")
    if settled_at is not None:
        values["settled_at"] = moment_since("settledAt", settled_at, created_at, now)
    amount = _number(settled_amount, "settledAmount")
    if amount is not None:
        if not importing or amount or settled_currency is not None:
            if settled_at is None:
                raise InvalidValue("settledAmount", "needs settledAt")
            if settled_currency is not None:
                check_settled(settled_currency, values["settled_at"])
            minor, of = arrived(amount, settled_currency, currency)
            values |= {"settled_amount": minor, "settled_currency": of}
    elif settled_currency is not None:
        raise InvalidValue("settledCurrency", "is only for a settledAmount")
    if status is Status.FAILED and values.keys() - {"fees", "fee_amount"}:
        field = "settledAt" if settled_at is not None else "payoutId"
        raise InvalidValue(field, "is not for a failed payment")
    return values


def arrived(amount: Decimal, currency: str | None, of_payment: str) -> tuple[int, str]:
    """What arrived, in minor units, and its currency: by default the payment's."""
    currency = currency or of_payment
    try:
        decimals = decimals_of(currency)
        return to_minor(amount, currency, decimals=decimals, signed=True), currency
    except InvalidValue as error:
        raise InvalidValue("settledAmount", error.problem) from None


def check_settled(currency: str, at: datetime) -> None:
    """Check the currency of what arrived."""
    try:
        check_currency(currency, at)
    except InvalidValue as error:
        raise InvalidValue("settledCurrency", error.problem) from None


def fee_of(place: int, kind: FeeKind, amount: Decimal, *, currency: str, at: datetime) -> Fee:
    """A fee in minor units; raises `InvalidValue` naming its place among those told together."""
    try:
        minor = to_minor(amount, currency, decimals=decimals_of(currency), signed=True)
    except InvalidValue as error:
        raise InvalidValue(f"fees[{place}].amount", error.problem) from None
    return Fee(at=at, kind=kind, amount=minor)


def _fees_of(
    fees: Iterable[FeeRequest] | None,
    fee_amount: Raw | UnsetType,
    *,
    currency: str,
    created_at: datetime,
    now: datetime,
) -> dict[str, Any]:
    told, whole = _number(fee_amount, "feeAmount"), None
    if told is not None:
        try:
            whole = to_minor(told, currency, signed=True)
        except InvalidValue as error:
            raise InvalidValue("feeAmount", error.problem) from None
    listed = [
        fee_of(
            place,
            each.kind,
            number_in(each.amount, f"fees[{place}].amount"),
            currency=currency,
            at=moment_since(f"fees[{place}].at", each.at, created_at, now),
        )
        for place, each in enumerate(fees or ())
    ]
    if not listed and whole:
        listed = [Fee(at=created_at, kind=FeeKind.OTHER, amount=whole)]
    if not listed:
        return {}
    together = sum(each.amount for each in listed)
    if whole not in (None, together):
        raise InvalidValue("feeAmount", "must be the sum of fees")
    if abs(together) > MAX_MINOR:
        raise InvalidValue("fees", "add up to more than a payment can cost")
    return {"fees": fees_in_order(listed), "fee_amount": together}


def _number(given: Raw | UnsetType, field: str) -> Decimal | None:
    return None if given is UNSET or bytes(given) == b"null" else number_in(given, field)


def moment_since(
    field: str, moment: datetime | None, created_at: datetime, now: datetime
) -> datetime:
    """A moment that is not before its payment, by default that of the payment; raises `InvalidValue`."""
    at = checked_moment(field, moment, now)
    if at is not None and at < created_at:
        raise InvalidValue(field, "must not be before createdAt")
    return at or created_at
