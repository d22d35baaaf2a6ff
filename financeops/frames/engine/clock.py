"""Time in frames: integers of microseconds since 1970 UTC, and what clocks in a zone show then.

Libraries disagree about time zones: DuckDB takes the zone from the session, and each library reads
its own tables of zones. Here the few clock changes of a zone come from `zoneinfo`; the rest is
arithmetic on integers, which is the same everywhere.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from math import gcd
from typing import Any
from zoneinfo import ZoneInfo

import narwhals as nw
from msgspec import Struct

from financeops.core.errors import InvalidValue
from financeops.core.periods import DAY, EPOCH, LATEST, Window
from financeops.frames.engine.results import collected

MICROSECOND = timedelta(microseconds=1)

MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US


def micros(instant: datetime) -> int:
    """Microseconds since 1970-01-01 UTC, exactly."""
    return (instant - EPOCH) // MICROSECOND


def instant(us: int) -> datetime:
    """The inverse of `micros`: an aware datetime in UTC."""
    return EPOCH + us * MICROSECOND


def aware(moment: Any, name: str) -> datetime:
    """Return an aware datetime; raise InvalidValue naming the parameter for anything else."""
    if not isinstance(moment, datetime) or moment.utcoffset() is None:
        raise InvalidValue(name, f"must be a datetime with a time zone, not {moment!r}")
    return moment


def check_instants(column: str, earliest: int | None, latest: int | None) -> None:
    """Raise `InvalidValue` naming the column when no payment can have its instants (microseconds)."""
    if earliest is not None and earliest < 0:
        raise InvalidValue(column, "must not lie before 1970-01-01 UTC")
    if latest is not None and latest >= micros(LATEST):
        raise InvalidValue(column, f"must not lie after {LATEST.year - 1}")


def as_of_when(as_of: Any) -> datetime:
    """The moment as of which a figure is computed; InvalidValue when no payment can have it."""
    moment = aware(as_of, "as_of")
    check_instants("as_of", micros(moment), micros(moment))
    return moment


def window_of(window: Window | tuple[Any, Any], name: str = "window") -> Window:
    """A window from a pair of aware datetimes; InvalidValue naming the parameter."""
    if not isinstance(window, Window):
        try:
            start, end = window
            window = Window(start, end)
        except (TypeError, ValueError):
            raise InvalidValue(name, "must be a Window or (start, end)") from None
    aware(window.start, name)
    aware(window.end, name)
    if window.start > window.end:
        raise InvalidValue(name, "must not end before it starts")
    return window


def within(column: str, window: Window) -> nw.Expr:
    """Whether microseconds lie in ``[start, end)``; true for null, so that nulls are still found."""
    us = nw.col(column)
    return ((us >= micros(window.start)) & (us < micros(window.end))) | us.is_null()


def span(frame: nw.LazyFrame[Any], column: str = "created_at") -> Window | None:
    """Earliest and latest instant of a column of microseconds, both included; None when empty.

    One small query.

    Raises
    ------
    InvalidValue
        When no payment can have one of the instants; it names the column.
    """
    us = nw.col(column)
    found = collected(frame.select(us.min().alias("earliest"), us.max().alias("latest")))
    earliest, latest = found["earliest"][0], found["latest"][0]
    check_instants(column, earliest, latest)
    return None if earliest is None else Window(instant(int(earliest)), instant(int(latest)))


@lru_cache(maxsize=256)
def offsets(zone: ZoneInfo, start: datetime, end: datetime) -> tuple[tuple[int, int], ...]:
    """Offsets of a zone from UTC between two instants, both included.

    Returns
    -------
    tuple of (int, int)
        Beginning (microseconds since 1970 UTC) and offset (microseconds to add to UTC), in order;
        the first is valid from `start`, and each clock change adds one.
    """
    found = [(micros(start), _offset(zone, start))]
    at = start
    while at < end:
        following = min(at + DAY, end)
        if _offset(zone, following) != found[-1][1]:
            change = _change(zone, at, following)
            found.append((micros(change), _offset(zone, change)))
            following = change  # the same day may have another
        at = following
    return tuple(found)


def local(column: str, zone: ZoneInfo, between: Window | None) -> nw.Expr:
    """Microseconds of the wall clock: what a clock in `zone` shows, counted as if it were UTC.

    Parameters
    ----------
    column : str
        Microseconds since 1970 UTC.
    zone : ZoneInfo
    between : Window or None
        Contains all values (both ends included), see `span`. None when there are no values.

    Returns
    -------
    narwhals.Expr
        Int64. ``local // HOUR_US % 24`` is the hour of day. 24 hours are added, because libraries
        divide negative numbers differently: ``local // DAY_US - 1`` is the number of the local
        calendar day since 1970-01-01.
    """
    us = nw.col(column)
    if between is None:
        return us + DAY_US
    steps = offsets(zone, between.start, between.end)
    if len(steps) == 1:
        return us + (steps[0][1] + DAY_US)
    shift: nw.Expr = nw.lit(steps[-1][1] + DAY_US)
    for (_, offset), (until, _) in zip(steps[-2::-1], steps[:0:-1], strict=True):
        shift = nw.when(us < until).then(nw.lit(offset + DAY_US)).otherwise(shift)
    return us + shift


def hour_of_day(column: str, zone: ZoneInfo, between: Window | None) -> nw.Expr:
    """Hour of day (0-23) in `zone`, Int64; parameters as in `local`."""
    hours = local(column, zone, between) // HOUR_US
    return hours - hours // 24 * 24  # some libraries have no remainder


class Cut(Struct, frozen=True):
    """Consecutive stretches of time, and how the instants of a frame are assigned to them.

    Frames group by the number of units since `origin` (`unit_of`). Units are as long as the starts
    allow, so there are few; `place` gives the stretch that a unit belongs to.

    Parameters
    ----------
    starts : tuple of int
        Microseconds since 1970 UTC, ascending, at least one.
    origin : int
        Instant from which units are counted, at or before the first start.
    unit : int
        Microseconds; divides the distance of every start but the first to the origin.
    """

    starts: tuple[int, ...]
    origin: int
    unit: int

    def unit_of(self, column: str) -> nw.Expr:
        """Number of units since the origin, Int64; filter out instants before the first start."""
        return (nw.col(column) - self.origin) // self.unit

    def place(self, unit: int) -> int:
        """Index of the stretch that contains a unit."""
        return max(bisect_right(self.starts, self.origin + unit * self.unit) - 1, 0)


def cut_at(starts: Sequence[datetime]) -> Cut:
    """Cut time at these instants (ascending, at least one); the last stretch has no end.

    The first may lie anywhere, such as the start of a window within a day.
    """
    first, *rest = at = tuple(micros(start) for start in starts)
    aligned = rest[0] if rest else first
    unit = gcd(*(start - aligned for start in rest)) or DAY_US
    return Cut(at, aligned - -(-(aligned - first) // unit) * unit, unit)


def _offset(zone: ZoneInfo, at: datetime) -> int:
    return (at.astimezone(zone).utcoffset() or timedelta()) // MICROSECOND


def _change(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """First second whose offset differs from that of `before`."""
    low, high = micros(before) // 1_000_000, -(-micros(after) // 1_000_000)
    was = _offset(zone, before)
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(zone, instant(middle * 1_000_000)) == was:
            low = middle
        else:
            high = middle
    return instant(high * 1_000_000)
