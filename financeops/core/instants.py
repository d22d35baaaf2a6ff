"""Moments as people name them: a datetime, a date, or either as ISO 8601 text."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TypeAlias
from zoneinfo import ZoneInfo

from financeops.core.errors import InvalidValue
from financeops.core.periods import EPOCH, FAR, LATEST, MILLISECOND, floor_millisecond, start_of_day

Moment: TypeAlias = datetime | date | str
"""An aware datetime, a date (its first moment in the tenant's zone), or one of them as text."""

_RANGE = f"must lie between {EPOCH.year} and {LATEST.year - 1}"


def instant_of(name: str, moment: Moment, zone: ZoneInfo) -> datetime:
    """Aware UTC datetime of a moment, to the millisecond.

    Parameters
    ----------
    name : str
        The parameter, for the error.
    moment : datetime, date or str
        A time between two milliseconds is moved to the later one.
    zone : ZoneInfo
        Where a date begins; 1970-01-01 at the earliest moment that payments can have.

    Raises
    ------
    InvalidValue
        It has no zone, is not a time, or lies before 1970 or after 2099.

    Examples
    --------
    >>> instant_of("since", "2026-03-29", ZoneInfo("Europe/Berlin")).isoformat()
    '2026-03-28T23:00:00+00:00'
    >>> instant_of("since", "2026-03-29T12:00:00Z", ZoneInfo("Europe/Berlin")).isoformat()
    '2026-03-29T12:00:00+00:00'
    """
    value = _parsed(name, moment)
    try:
        return bound(value if isinstance(value, datetime) else _first_moment(value, zone))
    except OverflowError:
        raise InvalidValue(name, _RANGE) from None
    except ValueError as error:
        raise InvalidValue(name, str(error)) from None


def _first_moment(day: date, zone: ZoneInfo) -> datetime:
    """Return when a day begins; the first of 1970 has begun east of UTC before the earliest moment."""
    begins = start_of_day(day, zone)
    return max(begins, EPOCH) if day == EPOCH.date() else begins


def bound(moment: datetime) -> datetime:
    """The same moment as a bound of payments: in UTC, to the millisecond, as payments have it.

    A time between two milliseconds is moved to the later one: as a bound it means the same.

    Raises
    ------
    ValueError
        The moment has no zone or is out of range; the message says what it must be.
    """
    if moment.utcoffset() is None:
        raise ValueError(f"must name its zone: {moment.isoformat()}Z is UTC")
    try:
        instant = moment.astimezone(UTC)
    except OverflowError:
        instant = FAR
    if not EPOCH <= instant <= LATEST:
        raise ValueError(_RANGE)
    return floor_millisecond(instant + MILLISECOND - datetime.resolution)


def _parsed(name: str, moment: Moment) -> datetime | date:
    if isinstance(moment, date):  # a datetime is one
        return moment
    try:
        return date.fromisoformat(moment) if len(moment) <= 10 else datetime.fromisoformat(moment)
    except (TypeError, ValueError):
        raise InvalidValue(
            name,
            "must be a datetime with its zone, a date, or ISO 8601 text such as "
            f"'2026-03-29' or '2026-03-29T12:00:00Z', not {moment!r}",
        ) from None
