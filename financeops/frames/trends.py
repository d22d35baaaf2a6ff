"""Figures over time."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Any, assert_never
from zoneinfo import ZoneInfo

from narwhals.typing import IntoFrameT

from financeops.core import metrics as core
from financeops.core.choices import choice_of
from financeops.core.errors import InvalidValue
from financeops.core.periods import (
    DAY,
    HOUR,
    Grain,
    Period,
    Window,
    day_of,
    floor_hour,
    grain_end,
    grain_start,
    start_of_day,
    zone_of,
)
from financeops.core.rollup import Count, Rollup
from financeops.frames.engine.clock import cut_at, span, window_of
from financeops.frames.engine.folding import (
    count_up,
    folded,
    lone_currency,
    payments_in,
    period_buckets,
    required,
)
from financeops.frames.engine.given import Payments, payments_of
from financeops.frames.engine.results import INSTANT, INTEGER, REAL, TEXT, number
from financeops.frames.engine.schema import decoded_status

_TRENDS = {
    "currency": TEXT,
    "start": INSTANT,
    "end": INSTANT,
    "amount": INTEGER,
    "count": INTEGER,
    "success_rate": REAL,
}


class Every(StrEnum):
    """How long a bucket is."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


def trends(
    payments: IntoFrameT,
    *,
    period: Period | str | None = None,
    as_of: datetime | None = None,
    window: Window | tuple[datetime, datetime] | None = None,
    every: Every | str | None = None,
    timezone: str = "UTC",
) -> IntoFrameT:
    """Volume, attempts and success rate in buckets of time, empty ones included.

    Parameters
    ----------
    payments : frame
        Payments; needs ``amount``, ``currency``, ``status``, ``created_at``.
    period : {"day", "week", "month", "year"}, optional
        The buckets of the API and the dashboard: 24 hours, 7 or 30 days, or 12 months, up to the
        one current at `as_of`.
    as_of : datetime, optional
        Aware; only with a period. Default: the latest ``created_at``.
    window : Window or (start, end), optional
        Instead of a period: any ``[start, end)``. Default: from the bucket of the first payment
        to that of the last.
    every : {"hour", "day", "week", "month"}, optional
        Length of a bucket in a window; weeks begin on Monday. Default: hours up to 2 days, days
        up to 92 days, else months, as in the API.
    timezone : str
        IANA zone in which hours, days, weeks and months begin. A day with a clock change has 23
        or 25 hours.

    Returns
    -------
    frame of the same kind
        One row per currency and bucket, oldest first, for each currency with payments in them:
        ``currency``; ``start`` and ``end`` of the bucket (UTC), the first and last one cut by
        the window; ``amount`` total volume in minor units; ``count`` attempts;
        ``success_rate`` percent, null where there are no attempts.

    Raises
    ------
    InvalidValue
        When a column is missing or wrong, or parameters contradict each other.

    Notes
    -----
    Succeeded is ``success`` and ``refunded``. Volumes and counts of buckets add up to those of
    longer ones; rates do not. Source: the project's definitions of terms; buckets are cut by
    `financeops.core.periods`.

    Examples
    --------
    >>> import polars as pl
    >>> from datetime import UTC, datetime
    >>> from financeops.frames.trends import trends
    >>> payments = pl.DataFrame({
    ...     "amount": [1850, 4000, 999], "currency": "USD",
    ...     "status": ["success", "failed", "success"],
    ...     "created_at": [datetime(2026, 3, day, 12, tzinfo=UTC) for day in (8, 8, 10)],
    ... })
    >>> trends(payments, every="day").select("amount", "count", "success_rate").rows()
    [(1850, 2, 50.0), (0, 0, None), (999, 1, 100.0)]
    """
    zone = zone_of(timezone)
    given = payments_of(payments, "status", "currency", "amount", "created_at")
    wanted = _buckets(given, period=period, as_of=as_of, window=window, every=every, zone=zone)
    # Buckets made from the payments themselves hold all of them.
    part = wanted and not (period is None and window is None)
    within = Window(wanted[0].start, wanted[-1].end) if part else None
    found = _rollups(given, wanted, within) if wanted else {}
    rows = (
        (
            currency,
            point.bucket.start,
            point.bucket.end,
            point.amount,
            point.count,
            number(point.success_rate),
        )
        for currency in sorted(found)
        for point in core.trends(wanted, found[currency])
    )
    return given.same_kind(rows, _TRENDS)


def stretches(window: Window, every: Every, zone: ZoneInfo) -> tuple[Window, ...]:
    """Cut a window into hours, days, weeks or months of a zone; the last ends with the window."""
    cuts = [window.start]
    while cuts[-1] < window.end:
        cuts.append(min(_end(cuts[-1], every, zone), window.end))
    return tuple(Window(start, end) for start, end in pairwise(cuts))


def _buckets(
    given: Payments[Any],
    *,
    period: Any,
    as_of: Any,
    window: Any,
    every: Any,
    zone: ZoneInfo,
) -> tuple[Window, ...]:
    if period is not None:
        if window is not None or every is not None:
            raise InvalidValue("period", "must not be given together with a window or every")
        return period_buckets(given, period, as_of, zone)
    if as_of is not None:
        raise InvalidValue("as_of", "needs a period: a window has an end of its own")
    length = None if every is None else choice_of(Every, every, field="every")
    if window is not None:
        whole = window_of(window)
        return stretches(whole, length or _length(whole), zone)
    known = span(given.frame)
    if known is None:
        return ()
    length = length or _length(known)
    start, end = _start(known.start, length, zone), _end(known.end, length, zone)
    return stretches(Window(start, end), length, zone)


def _length(window: Window) -> Every:
    """The same choice as `financeops.core.periods.window_buckets`."""
    length = window.end - window.start
    if length <= 2 * DAY:
        return Every.HOUR
    return Every.DAY if length <= 92 * DAY else Every.MONTH


def _start(instant: datetime, every: Every, zone: ZoneInfo) -> datetime:
    match every:
        case Every.HOUR:
            return floor_hour(instant, zone)
        case Every.DAY:
            return grain_start(Grain.DAY, instant, zone)
        case Every.WEEK:
            today = day_of(instant, zone)
            return start_of_day(today - timedelta(days=today.weekday()), zone)
        case Every.MONTH:
            return grain_start(Grain.MONTH, instant, zone)
        case _:
            assert_never(every)


def _end(instant: datetime, every: Every, zone: ZoneInfo) -> datetime:
    match every:
        case Every.HOUR:
            return floor_hour(instant, zone) + HOUR
        case Every.DAY:
            return grain_end(Grain.DAY, instant, zone)
        case Every.WEEK:
            today = day_of(instant, zone)
            return start_of_day(today + timedelta(days=7 - today.weekday()), zone)
        case Every.MONTH:
            return grain_end(Grain.MONTH, instant, zone)
        case _:
            assert_never(every)


def _rollups(
    given: Payments[Any], wanted: tuple[Window, ...], within: Window | None
) -> dict[str, list[Rollup]]:
    """Rollups of each bucket, methods together, by currency; of the payments in a window (or all)."""
    currency = lone_currency(given)
    keys = ["unit", "status", *([] if currency else ["currency"])]
    cut = cut_at([bucket.start for bucket in wanted])
    frame = payments_in(given, *keys[1:], "amount", "created_at", window=within)
    frame = frame.with_columns(cut.unit_of("created_at").alias("unit"))
    found: dict[str, list[dict[Any, Count]]] = {}
    for part in folded(frame, *keys):
        value = dict(zip(keys, part.keys, strict=True))
        group = currency or required("currency", value["currency"])
        cells = found.setdefault(group, [{} for _ in wanted])
        place = cut.place(int(value["unit"]))
        count_up(cells[place], ("", decoded_status(value["status"])), (part.n, part.amount))
    return {group: [Rollup(each) for each in cells] for group, cells in found.items()}
