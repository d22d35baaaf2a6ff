"""Forecast the volume of the next days."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import narwhals as nw
import numpy as np
from narwhals.typing import IntoFrameT

from financeops.core.errors import InvalidValue
from financeops.core.payments import Status
from financeops.core.periods import DAY, Grain, Window, day_of, grain_starts, start_of_day, zone_of
from financeops.frames.engine.clock import MICROSECOND, cut_at
from financeops.frames.engine.given import checked, payments_of
from financeops.frames.engine.moments import known_until, until
from financeops.frames.engine.results import INSTANT, INTEGER, TEXT, collected
from financeops.frames.statistics.smoothing import outlook

DAYS_NEEDED = 28

_SCHEMA = {
    "currency": TEXT,
    "day": TEXT,
    "start": INSTANT,
    "volume": INTEGER,
    "low": INTEGER,
    "high": INTEGER,
    "model": TEXT,
}


def forecast(
    payments: IntoFrameT,
    *,
    days: int = 14,
    as_of: datetime | None = None,
    confidence: float = 0.95,
    timezone: str = "UTC",
) -> IntoFrameT:
    """Total volume of each of the next days, with prediction intervals.

    Parameters
    ----------
    payments : frame
        Payments; needs ``currency``, ``status``, ``created_at``, ``amount``.
    days : int
        How many days to look ahead, at least 1.
    as_of : datetime, optional
        Aware; later payments are ignored. Its day is not over: the whole of it is the first to be
        forecast. Default: the latest `created_at`.
    confidence : float
        Of each day's interval, between 0 and 1.
    timezone : str
        IANA zone in which days begin.

    Returns
    -------
    frame of the same kind
        One row per currency and day, sorted by them:

        ``day`` ``"2026-03-02"``; ``start`` its start, UTC;
        ``volume`` median of the expected volume, minor units: one day in two will have more;
        ``low``, ``high`` interval, minor units;
        ``model`` name of the model.

    Raises
    ------
    InvalidValue
        When a column or parameter is missing or wrong, or when a currency has fewer than 28
        whole days.

    Notes
    -----
    Volume is that of succeeded payments (``success`` and ``refunded``) by the day on which they
    were created; refunds are not subtracted. The history of a currency is its whole days from the
    one after its first payment (whose day may be cut off) to the one before `as_of`; days without
    payments in between count as 0. Models, formulas and sources are in
    `financeops.frames.statistics.smoothing`.

    Examples
    --------
    >>> import polars as pl
    >>> from datetime import UTC, datetime, timedelta
    >>> from financeops.frames.forecast import forecast
    >>> noons = [datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(days=n) for n in range(60)]
    >>> payments = pl.DataFrame({
    ...     "currency": "EUR", "status": "success", "created_at": noons,
    ...     "amount": [20_000 if noon.weekday() == 4 else 10_000 + n % 4 for n, noon in
    ...                enumerate(noons)],
    ... })
    >>> table = forecast(payments, days=7)
    >>> table["day"].to_list()[-1], table["volume"].max() // 100
    ('2026-03-07', 200)
    """
    if days < 1:
        raise InvalidValue("days", f"must be at least 1, not {days!r}")
    if not 0 < confidence < 1:
        raise InvalidValue("confidence", f"must lie between 0 and 1, not {confidence!r}")
    zone = zone_of(timezone)
    given = payments_of(payments, "currency", "status", "created_at", "amount")
    frame = checked(given)
    known = known_until(frame, as_of)
    if known is None:
        return given.same_kind([], _SCHEMA)
    starts = grain_starts(Grain.DAY, Window(known.start, known.end + MICROSECOND), zone)
    today = day_of(known.end, zone)
    rows: list[tuple[Any, ...]] = []
    for currency, daily in sorted(_daily(frame, known.end, starts).items()):
        if len(daily) < DAYS_NEEDED:
            raise InvalidValue(
                "payments",
                f"must have {DAYS_NEEDED} whole days of each currency, "
                f"but {currency} has {len(daily)} between its first day and the last",
            )
        history = np.array(daily, dtype=np.float64)
        expected = outlook(history, days=days, confidence=confidence)
        dates = [today + ahead * DAY for ahead in range(days)]
        for date, *values in zip(dates, expected.middle, expected.low, expected.high, strict=True):
            day = (date.isoformat(), start_of_day(date, zone))
            rows.append(
                (currency, *day, *(round(float(value)) for value in values), expected.model)
            )
    return given.same_kind(rows, _SCHEMA)


def _daily(
    frame: nw.LazyFrame[Any], as_of: datetime, starts: list[datetime]
) -> dict[str, list[int]]:
    """Volume of each currency's whole days: after its first payment's, before that of `as_of`."""
    cut = cut_at(starts)
    paid = nw.when(nw.col("status") != Status.FAILED.value).then(nw.col("amount"))
    found = collected(
        frame.filter(until("created_at", as_of))
        .with_columns(
            cut.unit_of("created_at").alias("unit"), paid.otherwise(nw.lit(0)).alias("volume")
        )
        .group_by("currency", "unit")
        .agg(nw.col("volume").sum())
    )
    days: dict[str, dict[int, int]] = {}
    for currency, unit, volume in zip(*(found[name] for name in found), strict=True):
        mine = days.setdefault(currency, {})
        place = cut.place(int(unit))
        mine[place] = mine.get(place, 0) + int(volume)
    last = len(starts) - 1
    return {
        currency: [mine.get(place, 0) for place in range(min(mine) + 1, last)]
        for currency, mine in days.items()
    }
