"""What must be read to answer a query for figures, and the answer."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Self
from zoneinfo import ZoneInfo

from msgspec import Struct

from financeops.core.dimensions import Listed
from financeops.core.errors import InvalidValue
from financeops.core.payments import Payment, Tenant
from financeops.core.periods import (
    DAY,
    EPOCH,
    QUARTER,
    Grain,
    Period,
    Span,
    Window,
    buckets,
    cover,
    days_earlier,
    grain_end,
    grain_start,
    previous_window,
    window_before,
    window_buckets,
)
from financeops.core.questions import Question
from financeops.core.reporting import REPORTING, place_in
from financeops.core.rollup import Rollup
from financeops.core.windows import ALL_TIME, ends_of
from financeops.store.tenants import TenantRecord

FOREIGN_ZONE_DAYS = 7
"""Longest window in another zone than that of the rollups, in days."""

_TOTAL = Span(Grain.TOTAL, EPOCH, EPOCH + timedelta.resolution)


class Answer(Struct, frozen=True, kw_only=True):
    """The figures as of the tenant's `seq`; rollups are of `currency` alone.

    If `reporting`, they are of all currencies, in the tenant's own.
    `window` is `ALL_TIME`, or leaves an end out, if the question did. `bucket_rollups` belong to
    `buckets`; both are empty unless requested, as are `previous` and `payments`. `listed` are the
    tenant's values of dimensions that are counted by themselves.
    """

    tenant: Tenant
    currency: str
    reporting: bool
    currencies: list[str]
    timezone: str
    as_of: datetime
    window: Window
    rollup: Rollup
    buckets: tuple[Window, ...]
    bucket_rollups: list[Rollup]
    previous_window: Window | None
    previous: Rollup | None
    payments: list[Payment]
    listed: Listed


class ReadPlan(Struct, frozen=True, kw_only=True):
    """The windows that an answer needs, and the rollups that make them up.

    `places` are the currencies under which these are kept: more than one for all currencies.
    """

    currency: str
    places: tuple[str, ...]
    zone: ZoneInfo
    kept_zone: ZoneInfo
    window: Window
    buckets: tuple[Window, ...]
    previous: Window | None
    details: bool = False
    inside: Window | None = None
    """Where there are payments at all, if rollups must be counted from them."""

    @classmethod
    def of(
        cls,
        question: Question,
        record: TenantRecord,
        *,
        as_of: datetime,
        in_buckets: bool,
        compare: bool,
        details: bool = False,
    ) -> Self:
        """Plan an answer; raises `InvalidValue` if the question has none."""
        tenant = record.tenant
        zone = ZoneInfo(question.timezone or tenant.timezone)
        if zone.key != tenant.timezone and not _short(question, zone):
            raise InvalidValue(
                "timezone",
                f"other than the tenant's ({tenant.timezone}) is for windows of at most "
                f"{FOREIGN_ZONE_DAYS} days",
            )
        currency = question.currency or tenant.currency
        places: tuple[str, ...] = (currency,)
        if currency == REPORTING:
            currency = tenant.currency
            places = (currency, place_in(currency))
        return cls(
            currency=currency,
            places=places,
            zone=zone,
            kept_zone=ZoneInfo(tenant.timezone),
            window=_window(question, as_of, zone),
            buckets=_buckets(question, as_of, zone) if in_buckets else (),
            previous=_previous(question, as_of, zone) if compare else None,
            details=details,
            inside=_whole_days(record) if question.facets else None,
        )

    def spans(self, window: Window) -> list[Span]:
        """Rollups that make up a window."""
        if self.inside is not None:
            return self._counted_spans(window, self.inside)
        if window == ALL_TIME:
            return [_TOTAL]
        window = Window(max(window.start, EPOCH), window.end)  # no rollup starts earlier
        if self.zone == self.kept_zone:
            covering = cover(window, self.kept_zone)
        else:
            covering = cover(window, self.kept_zone, (Grain.QUARTER,))
        return [part for span in covering for part in _within_hours(span, self.zone)]

    def _counted_spans(self, window: Window, inside: Window) -> list[Span]:
        """Days and quarter hours only: months, or all time, would be counted anew with each of them."""
        window = Window(max(window.start, inside.start), min(window.end, inside.end))
        same = self.zone == self.kept_zone
        grains = (Grain.DAY, Grain.QUARTER) if same else (Grain.QUARTER,)
        covering = cover(window, self.kept_zone, grains)
        return [part for span in covering for part in _within_hours(span, self.zone)]

    def reaches(self, record: TenantRecord) -> bool:
        """Whether it looks wherever a tenant that was read meanwhile has payments."""
        return self.inside is None or self.inside == _whole_days(record)

    def windows(self) -> Iterable[Window]:
        """Every window that must be read."""
        yield from self.buckets or (self.window,)
        if self.previous is not None:
            yield self.previous


def _whole_days(record: TenantRecord) -> Window:
    """The days in which a tenant's payments were made, and in which something happened to them."""
    zone, held = ZoneInfo(record.tenant.timezone), record.counted(ALL_TIME)
    if held.start >= held.end:
        return held
    last = held.end - timedelta.resolution
    return Window(grain_start(Grain.DAY, held.start, zone), grain_end(Grain.DAY, last, zone))


def _window(question: Question, as_of: datetime, zone: ZoneInfo) -> Window:
    if question.period is None:
        return question.window
    parts = buckets(question.period, as_of, zone)
    return Window(parts[0].start, parts[-1].end)


def _within_hours(span: Span, zone: ZoneInfo) -> list[Span]:
    """Cut a span so that its start tells the hour of day of each quarter hour.

    Where the clock of the zone changes within one, or is not whole quarter hours away from UTC
    (both happened: 0:01 in Newfoundland until 2011, Monrovia until 1972), payments must be read.
    """
    if span.grain is not Grain.QUARTER or _steady(span.start, span.end, zone):
        return [span]
    parts: list[Span] = []
    start = span.start
    while start < span.end:
        end = start + QUARTER
        grain = Grain.QUARTER if _steady(start, end, zone) else None
        if parts and parts[-1].grain is grain:
            parts[-1] = Span(grain, parts[-1].start, end)
        else:
            parts.append(Span(grain, start, end))
        start = end
    return parts


def _steady(start: datetime, end: datetime, zone: ZoneInfo) -> bool:
    """Whether a clock does not change, and is whole quarter hours away from UTC; up to a week."""
    first, last = (
        instant.astimezone(zone).utcoffset() or timedelta()
        for instant in (start, end - timedelta.resolution)
    )
    return first == last and not first % QUARTER


def _short(question: Question, zone: ZoneInfo) -> bool:
    if question.period is not None:
        return question.period in (Period.DAY, Period.WEEK)
    window, most = question.window, FOREIGN_ZONE_DAYS * DAY
    if None in ends_of(window):
        return False
    # Days are longer where the clock goes back.
    return window.end - window.start <= most or days_earlier(window.end, most, zone) <= window.start


def _buckets(question: Question, as_of: datetime, zone: ZoneInfo) -> tuple[Window, ...]:
    if question.period is not None:
        return buckets(question.period, as_of, zone)
    return window_buckets(_closed(question, "buckets need both ends of a window"), zone)


def _previous(question: Question, as_of: datetime, zone: ZoneInfo) -> Window:
    if question.period is not None:
        return previous_window(question.period, as_of, zone)
    window = _closed(question, "a comparison needs a period or both ends of a window")
    return window_before(window, as_of, zone)


def _closed(question: Question, problem: str) -> Window:
    for name, end in zip(("from", "to"), ends_of(question.window), strict=True):
        if end is None:
            raise InvalidValue(name, f"is missing: {problem}")
    return question.window
