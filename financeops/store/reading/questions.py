"""What is asked about a tenant's payments, what of it must be read, and the answer."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Self
from zoneinfo import ZoneInfo

from msgspec import Struct

from financeops.core.errors import InvalidValue
from financeops.core.payments import Payment, Tenant
from financeops.core.periods import (
    DAY,
    EPOCH,
    FAR,
    QUARTER,
    Grain,
    Period,
    Span,
    Window,
    buckets,
    cover,
    previous_window,
    window_buckets,
)
from financeops.core.rollup import Rollup

FOREIGN_ZONE_DAYS = 7
"""How long a window may be in another zone than the one rollups are kept in."""

_ALL_TIME = Span(Grain.TOTAL, EPOCH, EPOCH + timedelta.resolution)


class Question(Struct, frozen=True, kw_only=True):
    """What is asked about a tenant's payments.

    Parameters
    ----------
    currency : str, optional
        Whose payments; the tenant's reporting currency by default.
    method : str, optional
        Only this payment method.
    timezone : str, optional
        IANA zone in which days begin and hours count; the tenant's by default.
    period : Period, optional
        The period that runs at the moment of asking.
    start, end : datetime, optional
        An explicit window instead; an end left out is open. With neither: all time.
    """

    tenant_id: str
    currency: str | None = None
    method: str | None = None
    timezone: str | None = None
    period: Period | None = None
    start: datetime | None = None
    end: datetime | None = None


class Answer(Struct, frozen=True, kw_only=True):
    """What is true at the tenant's `seq`; rollups are of `currency` alone.

    `window` is None for all time. `bucket_rollups` belong to `buckets`; both are empty unless
    they were asked for, as `previous` and `payments` are.
    """

    tenant: Tenant
    currency: str
    currencies: list[str]
    timezone: str
    as_of: datetime
    window: Window | None
    rollup: Rollup
    buckets: tuple[Window, ...]
    bucket_rollups: list[Rollup]
    previous_window: Window | None
    previous: Rollup | None
    payments: list[Payment]


class Plan(Struct, frozen=True, kw_only=True):
    """Which stretches of time an answer needs, and the rollups that make them up."""

    currency: str
    zone: ZoneInfo
    kept_zone: ZoneInfo
    window: Window | None
    buckets: tuple[Window, ...]
    previous: Window | None

    @classmethod
    def of(
        cls,
        question: Question,
        tenant: Tenant,
        *,
        as_of: datetime,
        in_buckets: bool,
        compare: bool,
    ) -> Self:
        """Plan an answer; raises `InvalidValue` where there is none."""
        zone = ZoneInfo(question.timezone or tenant.timezone)
        window = _window(question, as_of, zone)
        if zone.key != tenant.timezone and not _short(question):
            raise InvalidValue(
                "timezone",
                f"other than the tenant's ({tenant.timezone}) is for windows of at most "
                f"{FOREIGN_ZONE_DAYS} days",
            )
        return cls(
            currency=question.currency or tenant.currency,
            zone=zone,
            kept_zone=ZoneInfo(tenant.timezone),
            window=window,
            buckets=_buckets(question, as_of, zone) if in_buckets else (),
            previous=_previous(question, as_of, zone) if compare else None,
        )

    def spans(self, window: Window | None) -> list[Span]:
        """Rollups that make up a window; None: all time."""
        if window is None:
            return [_ALL_TIME]
        if self.zone == self.kept_zone:
            covering = cover(window, self.kept_zone)
        else:
            covering = cover(window, self.kept_zone, (Grain.QUARTER,))
        return [part for span in covering for part in _within_hours(span, self.zone)]

    def windows(self) -> Iterable[Window | None]:
        """Every stretch of time that must be read."""
        yield from self.buckets or (self.window,)
        if self.previous is not None:
            yield self.previous


def _window(question: Question, as_of: datetime, zone: ZoneInfo) -> Window | None:
    if question.period is not None:
        parts = buckets(question.period, as_of, zone)
        return Window(parts[0].start, parts[-1].end)
    if question.start is None and question.end is None:
        return None
    return Window(question.start or EPOCH, question.end or FAR)


def _within_hours(span: Span, zone: ZoneInfo) -> list[Span]:
    """Cut a span so that its start tells the hour of day of each quarter hour.

    Where the clock of the zone changes within one, or is not whole quarter hours away from UTC
    (both happened: 0:01 in Newfoundland until 2011, Monrovia until 1972), the payments tell.
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
    """Whether a clock stays where it is, whole quarter hours away from UTC; up to a week."""
    first, last = (
        instant.astimezone(zone).utcoffset() or timedelta()
        for instant in (start, end - timedelta.resolution)
    )
    return first == last and not first % QUARTER


def _short(question: Question) -> bool:
    if question.period is not None:
        return question.period in (Period.DAY, Period.WEEK)
    if question.start is None or question.end is None:
        return False
    return question.end - question.start <= FOREIGN_ZONE_DAYS * DAY


def _buckets(question: Question, as_of: datetime, zone: ZoneInfo) -> tuple[Window, ...]:
    if question.period is not None:
        return buckets(question.period, as_of, zone)
    return window_buckets(_closed(question, "buckets need both ends of a window"), zone)


def _previous(question: Question, as_of: datetime, zone: ZoneInfo) -> Window:
    if question.period is not None:
        return previous_window(question.period, as_of, zone)
    window = _closed(question, "a comparison needs a period or both ends of a window")
    return Window(window.start - (window.end - window.start), window.start)


def _closed(question: Question, problem: str) -> Window:
    if question.start is None:
        raise InvalidValue("from", f"is missing: {problem}")
    if question.end is None:
        raise InvalidValue("to", f"is missing: {problem}")
    return Window(question.start, question.end)
