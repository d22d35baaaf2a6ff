"""Check what is told of payments after they were made; what depends on the payment is checked with it."""

from __future__ import annotations

import hashlib
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from financeops.core.checks import check_key, check_reason
from financeops.core.contract.requests import (
    DisputeRequest,
    FeesRequest,
    RefundRequest,
    SettlementRequest,
)
from financeops.core.costs import check_settled
from financeops.core.disputes import DisputeStatus
from financeops.core.errors import InvalidValue
from financeops.core.fees import FeeKind
from financeops.core.money import significant
from financeops.core.numbers import checked_moment, number_in


class RefundTerms(Struct, frozen=True, kw_only=True):
    """What is asked to be given back: `amount` in major units, None for all that is left."""

    amount: Decimal | None
    reason: str | None
    at: datetime | None


class DisputeTerms(Struct, frozen=True, kw_only=True):
    """What is told of a dispute: `amount` in major units, None if that is not told."""

    id: str
    status: DisputeStatus
    amount: Decimal | None = None
    reason: str | None = None
    at: datetime | None = None


class FeesTerms(Struct, frozen=True, kw_only=True):
    """Kinds and amounts of fees, in major units, and when each arose if that is told."""

    fees: tuple[tuple[FeeKind, Decimal, datetime | None], ...]
    at: datetime | None = None


class SettlementTerms(Struct, frozen=True, kw_only=True):
    """When and as what money arrived: `amount` in major units of `currency`, by default the payment's."""

    payout_id: str
    settled_at: datetime
    amount: Decimal | None = None
    currency: str | None = None


def refund_terms(request: RefundRequest, *, now: datetime) -> RefundTerms:
    """Check a request for a refund.

    Raises
    ------
    InvalidValue
        Naming the first field that is wrong.
    """
    if request.amount is not UNSET and bytes(request.amount) == b"null":
        # Whoever has no amount by mistake would give everything back.
        raise InvalidValue("amount", "must not be null: leave it out to refund what is left")
    return RefundTerms(
        amount=_positive(request.amount),
        reason=check_reason(request.reason),
        at=checked_moment("at", request.at, now),
    )


def dispute_terms(request: DisputeRequest, *, now: datetime) -> DisputeTerms:
    """Check what is told of a dispute; raises as `refund_terms` does."""
    return DisputeTerms(
        id=check_key(request.id, "id"),
        status=request.status,
        amount=_positive(request.amount),
        reason=check_reason(request.reason),
        at=checked_moment("at", request.at, now),
    )


def fees_terms(request: FeesRequest, *, now: datetime) -> FeesTerms:
    """Check fees that are told; raises as `refund_terms` does."""
    return FeesTerms(
        fees=tuple(
            (
                each.kind,
                number_in(each.amount, f"fees[{place}].amount"),
                checked_moment(f"fees[{place}].at", each.at, now),
            )
            for place, each in enumerate(request.fees)
        ),
        at=checked_moment("at", request.at, now),
    )


def settlement_terms(request: SettlementRequest, *, now: datetime) -> SettlementTerms:
    """Check a settlement that is told; raises as `refund_terms` does."""
    settled_at = checked_moment("settledAt", request.settled_at, now)
    assert settled_at is not None, "it is required"
    given, currency = request.settled_amount, request.settled_currency
    amount = None if given is UNSET else number_in(given, "settledAmount")
    if currency is not None:
        if amount is None:
            raise InvalidValue("settledCurrency", "is only for a settledAmount")
        check_settled(currency, settled_at)
    return SettlementTerms(
        payout_id=check_key(request.payout_id, "payoutId"),
        settled_at=settled_at,
        amount=amount,
        currency=currency,
    )


def digest_of(terms: DisputeTerms | FeesTerms | SettlementTerms) -> str:
    """Digest of what is told: the same for requests that mean the same."""
    said = _significant(msgspec.to_builtins(terms, builtin_types=(Decimal,)))
    return hashlib.sha256(msgspec.json.encode(said, order="sorted")).hexdigest()


def _significant(said: Any) -> Any:
    """The same; equal numbers are written alike."""
    match said:
        case Decimal():
            return significant(said)
        case dict():
            return {name: _significant(value) for name, value in said.items()}
        case list() | tuple():
            return [_significant(value) for value in said]
        case _:
            return said


def _positive(given: Raw | UnsetType) -> Decimal | None:
    if given is UNSET:
        return None
    amount = number_in(given, "amount")
    if amount <= 0:
        raise InvalidValue("amount", "must be more than 0")
    return amount
