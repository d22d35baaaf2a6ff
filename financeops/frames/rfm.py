"""Customers by recency, frequency and monetary value."""

from __future__ import annotations

from datetime import datetime
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

import narwhals as nw
import numpy as np
from narwhals.typing import IntoFrameT
from numpy.typing import NDArray

from financeops.core.periods import Grain, Window, grain_starts, zone_of
from financeops.frames.engine.clock import MICROSECOND, instant, micros
from financeops.frames.engine.customers import NEEDED, bought
from financeops.frames.engine.given import payments_of
from financeops.frames.engine.results import INTEGER, TEXT, collected

Integers = NDArray[np.int64]

SCORES = 5

_SCHEMA = {
    "currency": TEXT,
    "customer_id": TEXT,
    "recency": INTEGER,
    "frequency": INTEGER,
    "monetary": INTEGER,
    "recency_score": INTEGER,
    "frequency_score": INTEGER,
    "monetary_score": INTEGER,
}


def rfm(
    payments: IntoFrameT, *, as_of: datetime | None = None, timezone: str = "UTC"
) -> IntoFrameT:
    """Recency, frequency and monetary value of each customer, with scores from 1 to 5.

    Parameters
    ----------
    payments : frame
        Payments; needs ``currency``, ``customer_id``, ``status``, ``created_at``, ``amount``.
    as_of : datetime, optional
        Aware; later payments are ignored, and recency is counted from its day. Default: the
        latest `created_at`.
    timezone : str
        IANA zone in which days begin.

    Returns
    -------
    frame of the same kind
        One row per currency and customer, in alphabetical order:

        ``recency`` calendar days from the last succeeded payment to `as_of`, 0 for the same day;
        ``frequency`` number of succeeded payments;
        ``monetary`` their sum, minor units;
        ``recency_score``, ``frequency_score``, ``monetary_score`` 5 for the best fifth of the
        currency's customers, 1 for the worst.

    Raises
    ------
    InvalidValue
        When a column is missing or wrong, `as_of` is naive or the zone is unknown.

    Notes
    -----
    Only succeeded payments count (``success`` and ``refunded``); payments whose ``customer_id``
    is null are ignored.

    A score is 1 + floor(5 x worse / customers), where *worse* counts the customers of the
    currency whose value is strictly worse: longer ago, fewer, less. So equal values always have
    equal scores, that of the worst rank among them: where nine customers in ten paid once, all
    of those nine score 1 in frequency, and fifths are not of equal size.

    Source: Hughes, A. M. (1994), Strategic Database Marketing, Probus, which sorts customers into
    fifths; the treatment of ties is this package's. Names for combinations of scores ("champions", "at risk") differ from
    author to author, so there are none here.

    Examples
    --------
    >>> import polars as pl
    >>> from datetime import UTC, datetime
    >>> from financeops.frames.rfm import rfm
    >>> payments = pl.DataFrame({
    ...     "currency": "EUR", "status": "success", "customer_id": ["ada", "bob", "ada"],
    ...     "amount": [1000, 3000, 500],
    ...     "created_at": [datetime(2026, 1, 5, tzinfo=UTC), datetime(2026, 1, 9, tzinfo=UTC),
    ...                    datetime(2026, 2, 3, tzinfo=UTC)],
    ... })
    >>> table = rfm(payments, as_of=datetime(2026, 2, 10, tzinfo=UTC))
    >>> table.select("customer_id", "recency", "frequency", "monetary").rows()
    [('ada', 7, 2, 1500), ('bob', 32, 1, 3000)]
    >>> table.select("recency_score", "frequency_score", "monetary_score").rows()
    [(3, 3, 1), (1, 1, 3)]
    """
    zone = zone_of(timezone)
    given = payments_of(payments, *NEEDED)
    purchases = bought(given, as_of)
    if purchases is None:
        return given.same_kind([], _SCHEMA)
    frame, known = purchases
    found = collected(
        frame.group_by("currency", "customer_id").agg(
            nw.col("created_at").max().alias("last"),
            nw.len().alias("frequency"),
            nw.col("amount").sum().alias("monetary"),
        )
    )
    customers = sorted(zip(*found.values(), strict=True))
    rows: list[tuple[Any, ...]] = []
    for _, group in groupby(customers, key=lambda customer: customer[0]):
        currencies, ids, last, frequency, monetary = zip(*group, strict=True)
        days = days_until(np.array(last, dtype=np.int64), known.end, zone)
        values = (
            currencies,
            ids,
            days.tolist(),
            frequency,
            monetary,
            scores(-days),
            scores(np.array(frequency, dtype=np.int64)),
            scores(np.array(monetary, dtype=np.int64)),
        )
        rows.extend(zip(*values, strict=True))
    return given.same_kind(rows, _SCHEMA)


def scores(values: Integers) -> list[int]:
    """Score of each value, 5 for the highest fifth: equal values have equal scores."""
    worse = np.searchsorted(np.sort(values), values, side="left")
    found: list[int] = (1 + SCORES * worse // len(values)).tolist()
    return found


def days_until(moments: Integers, as_of: datetime, zone: ZoneInfo) -> Integers:
    """Calendar days in `zone` from moments (microseconds, not after `as_of`) to `as_of`."""
    first = instant(int(moments.min()))
    days = grain_starts(Grain.DAY, Window(first, as_of + MICROSECOND), zone)
    place = np.searchsorted([micros(day) for day in days], moments, side="right")
    ago: Integers = (len(days) - place).astype(np.int64)
    return ago
