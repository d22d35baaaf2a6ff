"""Time cut into buckets, in the tenant's time zone.

All instants are aware datetimes in UTC; a zone is always a parameter. Windows are half-open,
``[start, end)``.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import cache, lru_cache
from itertools import pairwise
from typing import assert_never
from zoneinfo import ZoneInfo, available_timezones

from msgspec import Struct

from financeops.core.errors import InvalidValue

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""The earliest moment a payment may carry, and the start of the total rollup."""

LATEST = datetime(2100, 1, 1, tzinfo=UTC)
"""No payment is from then or later: such a time in a file or a data frame is a mistake, and would
make every day up to it a bucket."""

FAR = datetime(3000, 1, 1, tzinfo=UTC)
"""Later than any payment: the end of windows that have none."""

QUARTER = timedelta(minutes=15)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
MILLISECOND = timedelta(milliseconds=1)


class Period(StrEnum):
    """How far back a dashboard looks."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


_COUNTS = {Period.DAY: 24, Period.WEEK: 7, Period.MONTH: 30, Period.YEAR: 12}
"""Number of buckets of each period."""


class Grain(StrEnum):
    """How finely rollups are kept: quarters of an hour in UTC, the others in the tenant's zone."""

    QUARTER = "quarter"
    DAY = "day"
    MONTH = "month"
    TOTAL = "total"


class Window(Struct, frozen=True):
    """The instants from `start` up to, not including, `end`."""

    start: datetime
    end: datetime

    def __contains__(self, instant: object) -> bool:
        return isinstance(instant, datetime) and self.start <= instant < self.end


class Span(Struct, frozen=True):
    """A part of a window that whole rollups of one grain cover; None if only payments do."""

    grain: Grain | None
    start: datetime
    end: datetime


_NO_ZONES = frozenset({"localtime", "posixrules", "Factory"})
"""Names in the zone database that are not IANA zones; ``localtime`` differs by machine."""


@cache
def zone_names() -> frozenset[str]:
    """Every IANA time zone; the zone database holds other entries too."""
    return frozenset(available_timezones() - _NO_ZONES)


def zone_of(name: str | ZoneInfo, *, field: str = "timezone") -> ZoneInfo:
    """Time zone of an IANA name.

    Parameters
    ----------
    name : str or ZoneInfo
        Such as ``"Europe/Berlin"``; a `ZoneInfo` is returned unchanged.
    field : str
        The sender's name for it, for the error.

    Raises
    ------
    InvalidValue
        When there is no such zone. Stored names are read with `ZoneInfo` itself, which knows more.
    """
    if isinstance(name, ZoneInfo):
        return name
    try:
        return ZoneInfo(name if name in zone_names() else "")
    # Unknown, malformed, or not text.
    except (KeyError, ValueError, OSError, TypeError):
        raise InvalidValue(
            field, f"must be an IANA time zone such as 'Europe/Berlin', not {name!r}"
        ) from None


def floor_quarter(instant: datetime) -> datetime:
    """Start of the quarter hour (UTC) that holds `instant`."""
    return EPOCH + (instant - EPOCH) // QUARTER * QUARTER


def floor_hour(instant: datetime, zone: ZoneInfo) -> datetime:
    """Start of the clock hour in `zone` that holds `instant`."""
    offset = instant.astimezone(zone).utcoffset() or timedelta()
    return EPOCH + (instant + offset - EPOCH) // HOUR * HOUR - offset


def floor_millisecond(instant: datetime) -> datetime:
    """`instant` rounded down to the millisecond, the database's precision."""
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


@lru_cache(maxsize=4096)
def start_of_day(day: date, zone: ZoneInfo) -> datetime:
    """First instant whose date in `zone` is `day` (or later, if the zone skipped that day)."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
    start = midnight.astimezone(UTC)
    if start.astimezone(zone).replace(tzinfo=None) == midnight.replace(tzinfo=None):
        return start
    # The clock jumps over midnight: look for the jump to the second.
    before, after = start - 2 * DAY, start + 2 * DAY
    while after - before > timedelta(seconds=1):
        middle = (before + (after - before) / 2).replace(microsecond=0)
        if middle.astimezone(zone).date() >= day:
            after = middle
        else:
            before = middle
    return after


def day_of(instant: datetime, zone: ZoneInfo) -> date:
    """Calendar day in `zone` that an instant is counted in.

    A clock set back shortly after midnight shows the previous day once more; the new day has
    begun nevertheless, so that every day is one unbroken interval.
    """
    day = instant.astimezone(zone).date()
    return day + DAY if instant >= start_of_day(day + DAY, zone) else day


def start_of_month(year: int, month: int, zone: ZoneInfo) -> datetime:
    """First instant of a month in `zone`; `month` may lie outside 1-12 and carries into years."""
    carried = year * 12 + month - 1
    return start_of_day(date(carried // 12, carried % 12 + 1, 1), zone)


def grain_start(grain: Grain, instant: datetime, zone: ZoneInfo) -> datetime:
    """Start of the rollup of a grain that holds `instant`."""
    match grain:
        case Grain.QUARTER:
            return floor_quarter(instant)
        case Grain.DAY:
            return start_of_day(day_of(instant, zone), zone)
        case Grain.MONTH:
            day = day_of(instant, zone)
            return start_of_month(day.year, day.month, zone)
        case Grain.TOTAL:
            return EPOCH


def grain_end(grain: Grain, instant: datetime, zone: ZoneInfo) -> datetime:
    """End of the rollup of a grain that holds `instant`, where the next one starts."""
    match grain:
        case Grain.QUARTER:
            return floor_quarter(instant) + QUARTER
        case Grain.DAY:
            return start_of_day(day_of(instant, zone) + DAY, zone)
        case Grain.MONTH:
            day = day_of(instant, zone)
            return start_of_month(day.year, day.month + 1, zone)
        case Grain.TOTAL:
            return FAR


def grain_starts(grain: Grain, window: Window, zone: ZoneInfo) -> list[datetime]:
    """Starts of all rollups of a grain that overlap a window, in order."""
    starts = []
    at = window.start
    while at < window.end:
        starts.append(grain_start(grain, at, zone))
        at = grain_end(grain, at, zone)
    return starts


def buckets(period: Period, as_of: datetime, zone: ZoneInfo) -> tuple[Window, ...]:
    """Cut the period that runs at `as_of` into its buckets.

    Parameters
    ----------
    period : Period
        ``day``: 24 hourly buckets, aligned by the zone's offset at `as_of`; ``week`` and
        ``month``: 7 and 30 daily buckets; ``year``: 12 monthly buckets.
    as_of : datetime
        Aware. The last bucket is the one that holds it.
    zone : ZoneInfo
        Where days and months begin. A day with a clock change has 23 or 25 hours.

    Returns
    -------
    tuple of Window
        Oldest first, without gaps or overlaps.
    """
    count = _COUNTS[period]
    starts = [_bucket_start(period, as_of, zone, n) for n in range(1 - count, 2)]
    return tuple(Window(start, end) for start, end in pairwise(starts))


def previous_window(period: Period, as_of: datetime, zone: ZoneInfo) -> Window:
    """Window of the same buckets one period earlier, cut at the same point as the running one.

    The end is `as_of` floored to the quarter hour and moved by the wall clock (24 hours, 7 days,
    30 days, 12 months with the day of month clamped), so that a running day is compared with the
    same hours.
    """
    end = _period_earlier(period, floor_quarter(as_of), zone)
    if period is Period.DAY:
        return Window(_period_earlier(period, buckets(period, as_of, zone)[0].start, zone), end)
    return Window(_bucket_start(period, as_of, zone, 1 - 2 * _COUNTS[period]), end)


def window_before(window: Window, as_of: datetime, zone: ZoneInfo) -> Window:
    """Window of the same length that ends where `window` starts.

    Whole days in `zone` are compared with as many whole days, also where the clock changes. A window
    that still runs at `as_of` is cut there, like the previous window of a period: one of whole days
    where the clock showed the same.
    """
    first, after = day_of(window.start, zone), day_of(window.end, zone)
    now = floor_quarter(as_of)
    if window == Window(start_of_day(first, zone), start_of_day(after, zone)):
        start = start_of_day(first - (after - first), zone)
        cut = days_earlier(now, after - first, zone)
    else:
        start = window.start - (window.end - window.start)
        cut = start + (now - window.start)
    if window.start <= as_of < window.end:
        return Window(start, min(max(cut, start), window.start))
    return Window(start, window.start)


def window_buckets(window: Window, zone: ZoneInfo) -> tuple[Window, ...]:
    """Cut any window into buckets for a chart: hours up to 2 days, days up to 92, else months.

    The first and the last bucket end where the window does.
    """
    length = window.end - window.start
    cuts = [window.start]
    while cuts[-1] < window.end:
        at = cuts[-1]
        if length <= 2 * DAY:
            following = floor_hour(at, zone) + HOUR
        elif length <= 92 * DAY:
            following = grain_end(Grain.DAY, at, zone)
        else:
            following = grain_end(Grain.MONTH, at, zone)
        cuts.append(min(following, window.end))
    return tuple(Window(start, end) for start, end in pairwise(cuts))


def cover(
    window: Window,
    zone: ZoneInfo,
    grains: tuple[Grain, ...] = (Grain.MONTH, Grain.DAY, Grain.QUARTER),
) -> list[Span]:
    """Cover a window with as few rollups as possible, oldest first.

    Parameters
    ----------
    window : Window
    zone : ZoneInfo
        The zone that day and month rollups are kept in.
    grains : tuple of Grain
        The grains to use, coarsest first. In another zone than that of the rollups, only quarter
        hours fit.

    Returns
    -------
    list of Span
        Adjacent spans that make up the window. Spans without a grain are edges that no rollup of
        `grains` fits: for these the payments themselves must be read.
    """
    return _cover(window.start, window.end, zone, grains)


def _cover(start: datetime, end: datetime, zone: ZoneInfo, grains: tuple[Grain, ...]) -> list[Span]:
    if start >= end:
        return []
    if not grains:
        return [Span(None, start, end)]
    first = _ceil(grains[0], start, zone)
    last = grain_start(grains[0], end, zone)
    if first >= last:
        return _cover(start, end, zone, grains[1:])
    return [
        *_cover(start, first, zone, grains[1:]),
        Span(grains[0], first, last),
        *_cover(last, end, zone, grains[1:]),
    ]


def _ceil(grain: Grain, instant: datetime, zone: ZoneInfo) -> datetime:
    start = grain_start(grain, instant, zone)
    return start if start == instant else grain_end(grain, instant, zone)


def _bucket_start(period: Period, as_of: datetime, zone: ZoneInfo, n: int) -> datetime:
    """Start of the bucket that lies `n` after the running one."""
    match period:
        case Period.DAY:
            return floor_hour(as_of, zone) + n * HOUR
        case Period.WEEK | Period.MONTH:
            return start_of_day(day_of(as_of, zone) + n * DAY, zone)
        case Period.YEAR:
            today = day_of(as_of, zone)
            return start_of_month(today.year, today.month + n, zone)
        case _:
            assert_never(period)


def _period_earlier(period: Period, instant: datetime, zone: ZoneInfo) -> datetime:
    local = instant.astimezone(zone)
    match period:
        case Period.DAY:
            return days_earlier(instant, DAY, zone)
        case Period.WEEK | Period.MONTH:
            return days_earlier(instant, _COUNTS[period] * DAY, zone)
        case Period.YEAR:
            days = monthrange(local.year - 1, local.month)[1]
            earlier = local.replace(year=local.year - 1, day=min(local.day, days))
        case _:
            assert_never(period)
    return earlier.astimezone(UTC)


def days_earlier(instant: datetime, days: timedelta, zone: ZoneInfo) -> datetime:
    """When the clock in `zone` showed the same, whole days earlier."""
    # Arithmetic on a datetime with a zone is arithmetic on its wall clock.
    return (instant.astimezone(zone) - days).astimezone(UTC)
