"""Events of one's own systems, signed as the Standard Webhooks specification says.

A payload is ``{"type": …, "timestamp": …, "data": …}``: of a `payment` the body of ``POST /payments``, of an
act its payment's `reference` and the body of the act's route. What names no moment happened at `timestamp`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, structs

from financeops.core.act_terms import (
    SettlementTerms,
    dispute_terms,
    fees_terms,
    refund_terms,
    settlement_terms,
)
from financeops.core.checks import check_key
from financeops.core.errors import InvalidValue
from financeops.core.numbers import checked_moment
from financeops.core.reading import (
    read_dispute_request,
    read_fees_request,
    read_once,
    read_refund_request,
    read_request,
    read_settlement_request,
)
from financeops.core.webhooks.told import ActTold, PaymentTold, Terms, Told, unknown_kind


class _Event(Struct, frozen=True):
    type: str
    timestamp: Annotated[datetime, Meta(tz=True)]
    data: Raw


_event = msgspec.json.Decoder(_Event)
_fields = msgspec.json.Decoder(dict[str, Raw])

_ACTS: dict[str, Callable[[bytes, datetime], Terms]] = {
    "payment.refunded": lambda data, now: refund_terms(read_refund_request(data), now=now),
    "payment.disputed": lambda data, now: dispute_terms(read_dispute_request(data), now=now),
    "payment.fees": lambda data, now: fees_terms(read_fees_request(data), now=now),
    "payment.settled": lambda data, now: settlement_terms(read_settlement_request(data), now=now),
}


def kind_in(body: bytes) -> str | None:
    """The type of an event, if it has one."""
    try:
        kind = _fields.decode(body).get("type")
        return None if kind is None else msgspec.json.decode(kind, type=str)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def told_by(body: bytes, *, event: str, now: datetime) -> list[Told]:
    """What an event tells; `event` is its id.

    Raises
    ------
    InvalidValue
        Something of it is missing or wrong.
    """
    read = read_once(_event, body)
    at = checked_moment("timestamp", read.timestamp, now)
    assert at is not None, "it is required"
    if read.type == "payment":
        return [_payment(read.data, event, at)]
    terms_of = _ACTS.get(read.type)
    if terms_of is None:
        return [unknown_kind(read.type)]
    try:
        data = _fields.decode(read.data)
    except msgspec.DecodeError:
        raise InvalidValue("data", "must be an object") from None
    reference = _reference(data.pop("reference", None))
    terms = _in_time(terms_of(msgspec.json.encode(data), now), at)
    happened = terms.settled_at if isinstance(terms, SettlementTerms) else terms.at
    return [ActTold(reference=reference, terms=terms, name=event, at=happened or at)]


def _payment(data: Raw, event: str, at: datetime) -> PaymentTold:
    request = read_request(bytes(data))
    if request.created_at is None:
        request = structs.replace(request, created_at=at)
    return PaymentTold(request=request, name=event)


def _reference(given: Raw | None) -> str:
    try:
        named: Any = UNSET if given is None else msgspec.json.decode(given, type=str)
    except msgspec.DecodeError:
        raise InvalidValue("reference", "must be text") from None
    if named is UNSET:
        raise InvalidValue("reference", "is missing: it names the payment")
    return check_key(named, "reference")


def _in_time(terms: Terms, at: datetime) -> Terms:
    """What happened at a moment that it does not name happened at that of the event."""
    if isinstance(terms, SettlementTerms) or terms.at is not None:
        return terms
    return structs.replace(terms, at=at)
