"""Customers by the month of their first payment: how many return, and what they are worth."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

import narwhals as nw
from narwhals.typing import IntoFrameT

from financeops.core.money import exponent, ratio
from financeops.core.periods import Grain, Window, grain_end, grain_starts, zone_of
from financeops.frames.engine.clock import MICROSECOND, micros
from financeops.frames.engine.customers import NEEDED, bought
from financeops.frames.engine.given import payments_of
from financeops.frames.engine.groups import with_least
from financeops.frames.engine.moments import place_among
from financeops.frames.engine.results import FLAG, INTEGER, REAL, TEXT, collected, number

_SCHEMA = {
    "currency": TEXT,
    "cohort": TEXT,
    "month": INTEGER,
    "complete": FLAG,
    "customers": INTEGER,
    "active": INTEGER,
    "retention": REAL,
    "volume": INTEGER,
    "cumulative_volume": INTEGER,
    "cumulative_value": REAL,
}


class _Cell(NamedTuple):
    """Payments of one cohort in one month."""

    active: int
    volume: int


def cohorts(
    payments: IntoFrameT, *, as_of: datetime | None = None, timezone: str = "UTC"
) -> IntoFrameT:
    """Retention and cumulative value of customers by the month of their first payment.

    Parameters
    ----------
    payments : frame
        Payments; needs ``currency``, ``customer_id``, ``status``, ``created_at``, ``amount``.
    as_of : datetime, optional
        Aware; later payments are ignored. Default: the latest `created_at`.
    timezone : str
        IANA zone in which months begin.

    Returns
    -------
    frame of the same kind
        One row per currency, cohort and month since its first one, up to the month of `as_of`,
        including months without payments:

        ``cohort`` month of the first succeeded payment, ``"2024-03"``;
        ``month`` 0 for that month, 1 for the next, …;
        ``complete`` whether the month was over at `as_of`: do not compare one that was not with
        the others;
        ``customers`` size of the cohort;
        ``active`` its customers with a succeeded payment in the month;
        ``retention`` active / customers x 100;
        ``volume`` sum of their succeeded payments in the month, minor units;
        ``cumulative_volume`` the same, from month 0 to this one;
        ``cumulative_value`` cumulative volume / customers, major units.

    Raises
    ------
    InvalidValue
        When a column is missing or wrong, `as_of` is naive or the zone is unknown.

    Notes
    -----
    Only succeeded payments (``success`` and ``refunded``) count: a failed first attempt does
    not start a cohort. Payments whose ``customer_id`` is null are ignored, because nobody knows
    who returns; so volumes add up to the total volume of the payments with a customer. A customer who
    pays in two currencies is in a cohort of each. Refunds are not subtracted: the value is gross.

    Source: Fader, P. S. and Hardie, B. G. S. (2009), Probability Models for Customer-Base
    Analysis, Journal of Interactive Marketing 23:61-69, for cohorts by first purchase.

    Examples
    --------
    >>> import polars as pl
    >>> from datetime import UTC, datetime
    >>> from financeops.frames.cohorts import cohorts
    >>> payments = pl.DataFrame({
    ...     "currency": "EUR", "status": "success", "customer_id": ["ada", "bob", "ada"],
    ...     "amount": [1000, 3000, 500],
    ...     "created_at": [datetime(2026, 1, 5, tzinfo=UTC), datetime(2026, 1, 9, tzinfo=UTC),
    ...                    datetime(2026, 2, 3, tzinfo=UTC)],
    ... })
    >>> table = cohorts(payments, timezone="Europe/Berlin")
    >>> table.select("cohort", "month", "customers", "active", "retention").rows()
    [('2026-01', 0, 2, 2, 100.0), ('2026-01', 1, 2, 1, 50.0)]
    >>> table["cumulative_value"].to_list()
    [20.0, 22.5]
    """
    zone = zone_of(timezone)
    given = payments_of(payments, *NEEDED)
    found = bought(given, as_of)
    if found is None:
        return given.same_kind([], _SCHEMA)
    frame, known = found
    # The last month contains `as_of` itself: windows exclude their end.
    starts = grain_starts(Grain.MONTH, Window(known.start, known.end + MICROSECOND), zone)
    running = grain_end(Grain.MONTH, known.end, zone)
    ends = [*starts[1:], running]
    cells = _cells(frame, [micros(start) for start in starts[1:]])

    rows: list[tuple[Any, ...]] = []
    for currency, first in sorted({(currency, first) for currency, first, _ in cells}):
        customers = cells[currency, first, first].active
        cumulative = 0
        for month in range(first, len(starts)):
            cell = cells.get((currency, first, month), _Cell(0, 0))
            cumulative += cell.volume
            row = (
                currency,
                starts[first].astimezone(zone).strftime("%Y-%m"),
                month - first,
                # The last microsecond of a month completes it.
                ends[month] <= known.end + MICROSECOND,
                customers,
                cell.active,
                number(ratio(100 * cell.active, customers)),
                cell.volume,
                cumulative,
                number(ratio(cumulative, customers * 10 ** exponent(currency))),
            )
            rows.append(row)
    return given.same_kind(rows, _SCHEMA)


def _cells(frame: nw.LazyFrame[Any], month_starts: list[int]) -> dict[tuple[str, int, int], _Cell]:
    """Active customers and volume by currency, first month and month; months are numbers."""
    monthly = (
        frame.with_columns(place_among("created_at", month_starts).alias("month"))
        .group_by("currency", "customer_id", "month")
        .agg(nw.col("amount").sum().alias("volume"))
    )
    monthly = with_least(monthly, "month", of=("currency", "customer_id"), alias="first")
    found = collected(
        monthly.group_by("currency", "first", "month").agg(
            nw.len().alias("active"), nw.col("volume").sum()
        )
    )
    keys = zip(found["currency"], map(int, found["first"]), map(int, found["month"]), strict=True)
    counts = zip(map(int, found["active"]), map(int, found["volume"]), strict=True)
    return {key: _Cell(*count) for key, count in zip(keys, counts, strict=True)}
