"""Draw moments on and near every boundary at which time is cut, and data that are dense there.

Everything is drawn from a `Random`, in property tests as in runs of many thousand questions.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from tests import plain
from tests.plain import BEGINNING, DAY, HOUR, MINUTE

MS = timedelta(milliseconds=1)
QUARTER = 15 * MINUTE
PAGE = 64 * DAY
"""Time that the days on one page of a book span."""

KINDS = ["page", "page", "page's day", "page's day", "page's day", "clock", "clock"]
KINDS += ["day", "month", "hour", "quarter", "any"]

PRESENTS = {
    "UTC": "2026-10-20",
    "America/New_York": "2026-11-12",
    "America/Havana": "2026-11-10",  # the day of the change begins at 1:00
    "America/Santiago": "2026-09-20",  # changes at midnight
    "America/St_Johns": "2011-03-25",  # half past; changed at 0:01, within a quarter hour
    "Africa/Monrovia": "1972-02-10",  # 44 and a half minutes from UTC, then none
    "Antarctica/Casey": "2020-10-20",  # three hours forward at 0:01
    "Asia/Beirut": "2026-11-05",  # changes at midnight
    "Asia/Kathmandu": "2026-08-20",  # +5:45
    "Asia/Kolkata": "2026-12-20",  # +5:30
    "Asia/Tokyo": "2026-10-12",
    "Australia/Lord_Howe": "2026-10-20",  # the clock changes by half an hour
    "Europe/Berlin": "2026-11-01",
    "Pacific/Apia": "2012-01-20",  # skipped 30 December 2011
    "Pacific/Chatham": "2026-10-15",  # +12:45 with clock changes
    "Pacific/Kiritimati": "1979-10-20",  # 10 hours 40 behind, then 10; far ahead since
}
"""Zones, each with a present near a clock change or the border of a page."""


def present_of(zone: ZoneInfo) -> datetime:
    """The latest moment at which payments of a tenant in this zone are created."""
    return datetime.fromisoformat(PRESENTS[zone.key]).replace(hour=13, tzinfo=UTC)


@cache
def clock_changes(zone: ZoneInfo, year: int) -> list[datetime]:
    """Moments at which the clock of a zone changes in a year, to the second."""
    found = []
    at = datetime(year, 1, 1, tzinfo=UTC)
    while at.year == year:
        low, high = at, at + 12 * HOUR
        before = low.astimezone(zone).utcoffset()
        if before != high.astimezone(zone).utcoffset():
            while high - low > timedelta(seconds=1):
                middle = low + (high - low) // 2
                middle = middle.replace(microsecond=0)
                if middle.astimezone(zone).utcoffset() == before:
                    low = middle
                else:
                    high = middle
            found.append(high)
        at += 12 * HOUR
    return found


def moment(rng, earliest: datetime, latest: datetime) -> datetime:
    """Any moment between two."""
    return earliest + rng.randint(0, (latest - earliest) // MS) * MS


def border(rng, zone: ZoneInfo, earliest: datetime, latest: datetime) -> datetime:
    """A moment on a boundary of time, or near it; late ones more often."""
    if rng.random() < 0.85:
        earliest = max(earliest, latest - rng.choice([3, 40, 40, 130]) * DAY)
    at = moment(rng, earliest, latest)
    match rng.choice(KINDS):
        case "page":
            at -= (at - BEGINNING) % PAGE
        case "page's day":
            page = at - (at - BEGINNING) % PAGE
            at = plain.start_of_day(page.astimezone(zone).date() + rng.choice([0, 1]) * DAY, zone)
        case "day":
            at = plain.start_of_day(at.astimezone(zone).date(), zone)
        case "month":
            local = at.astimezone(zone)
            at = plain.start_of_day(date(local.year, local.month, 1), zone)
        case "clock":
            changes = clock_changes(zone, at.year) or clock_changes(zone, latest.year)
            at = rng.choice(changes) if changes else at
        case "hour":
            at -= plain.since_full_hour(at, zone)
        case "quarter":
            at -= (at - BEGINNING) % QUARTER
    return max(BEGINNING, at - (at - BEGINNING) % MS + beside(rng))


def beside(rng) -> timedelta:
    """Zero, a little, or enough to reach another quarter, hour or day of some zone."""
    step = rng.choice([0 * MS, 0 * MS, MS, MS, MINUTE, QUARTER, HOUR, 5 * HOUR, DAY])
    return rng.choice([-1, 1]) * rng.choice([1, 1, 2, 3]) * step


def times(rng, zone: ZoneInfo, count: int, latest: datetime) -> list[datetime]:
    """Creation times of payments: some spread over two years, most close together at boundaries."""
    earliest = max(BEGINNING, latest - 740 * DAY)
    found = [moment(rng, earliest, latest) for _ in range(count // 5)]
    while len(found) < count:
        centre = border(rng, zone, earliest, latest)
        spread = rng.choice([0 * MS, 3 * MS, MINUTE, QUARTER, 2 * HOUR, DAY])
        for _ in range(rng.choice([1, 2, 5, count // 10, count // 3])):
            at = centre + rng.randint(-(spread // MS), spread // MS) * MS
            found.append(min(max(BEGINNING, at), latest))
    return found[:count]


def window(rng, zone: ZoneInfo, latest: datetime, longest: timedelta) -> tuple[datetime, datetime]:
    """A window of a millisecond to `longest`: at boundaries, around them, or of a round length."""
    earliest = max(BEGINNING, latest - 760 * DAY)
    start = border(rng, zone, earliest, latest)
    match rng.choice(["borders", "about", "about", "length"]):
        case "borders":
            end = border(rng, zone, start, start + longest)
        case "about":
            before, after = (rng.choice([HOUR, DAY, 2 * DAY, 6 * DAY, 15 * DAY]) for _ in range(2))
            start, end = max(BEGINNING, start - before + beside(rng)), start + after + beside(rng)
        case "length":
            round_ = [MS, 3 * MS, QUARTER, HOUR, DAY, 2 * DAY, 7 * DAY, 92 * DAY, 730 * DAY]
            end = start + rng.choice([each for each in round_ if each <= longest])
    end = min(end, start + longest)
    return (start, end) if start < end else (start, start + MS)
