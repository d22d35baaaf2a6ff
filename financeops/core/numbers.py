"""Numbers and moments of requests, exactly as they were sent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from msgspec import Raw

from financeops.core.contract.texts import MAX_TEXT
from financeops.core.errors import InvalidValue
from financeops.core.periods import EPOCH, floor_millisecond

AHEAD = timedelta(minutes=5)
"""How far in the future `createdAt` may lie: clocks differ."""

_ALLOWED_TIME = "must lie between 1970 and 5 minutes from now"


def number_in(raw: Raw, field: str = "amount") -> Decimal:
    """Return the number of a request exactly; raise `InvalidValue` naming `field` if it is none."""
    text = bytes(raw)
    # Raw holds valid JSON: unless it begins like a number, it is a string, null, list or object.
    if text[:1] not in b"-0123456789":
        raise InvalidValue(field, "must be a JSON number such as 1850.5")
    if len(text) > MAX_TEXT:
        raise InvalidValue(field, f"must have at most {MAX_TEXT} characters")
    try:
        return Decimal(text.decode())
    except ArithmeticError:
        raise InvalidValue(field, "must be a number such as 1850.5") from None


def checked_moment(field: str, instant: datetime | None, now: datetime) -> datetime | None:
    """Return a moment of a request in UTC; raise `InvalidValue` if it is before 1970 or to come."""
    if instant is None:
        return None
    utc = utc_of(field, instant)
    if not EPOCH <= utc <= now + AHEAD:
        raise InvalidValue(field, _ALLOWED_TIME)
    return utc


def utc_of(field: str, instant: datetime) -> datetime:
    """Return a moment in UTC, to the millisecond."""
    try:
        return floor_millisecond(instant.astimezone(UTC))
    except OverflowError:  # in UTC it would lie before the year 1 or after 9999
        raise InvalidValue(field, _ALLOWED_TIME) from None
