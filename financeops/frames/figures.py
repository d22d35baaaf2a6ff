"""The key figures of payments, by method, by decline code, and by any columns."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

import narwhals as nw
from msgspec.structs import astuple
from narwhals.typing import IntoFrameT

from financeops.core import metrics as core
from financeops.core.errors import InvalidValue
from financeops.core.money import exponent
from financeops.core.payments import UNKNOWN_DECLINE, Status
from financeops.core.periods import Period, Window, zone_of
from financeops.core.rollup import Count, Rollup
from financeops.frames.engine.folding import (
    Keys,
    chosen,
    count_up,
    folded,
    in_order,
    lone_currency,
    payments_in,
    required,
    rollups,
)
from financeops.frames.engine.native import names_of
from financeops.frames.engine.results import INTEGER, REAL, TEXT, of_rows
from financeops.frames.engine.schema import by_types, check_by, decoded_status

METRICS = {
    "currency": TEXT,
    "total_volume": INTEGER,
    "success_rate": REAL,
    "average_amount": REAL,
    "peak_hour": INTEGER,
    "top_payment_method": TEXT,
    "total_payments": INTEGER,
    "succeeded_payments": INTEGER,
    "failed_payments": INTEGER,
    "refunded_payments": INTEGER,
    "refunded_volume": INTEGER,
    "net_volume": INTEGER,
    "refund_rate": REAL,
}
"""Columns of the key figures: the fields of `financeops.core.metrics.Metrics`."""

SEGMENTS = {
    name: type_
    for name, type_ in METRICS.items()
    if name not in {"currency", "peak_hour", "top_payment_method"}
}
"""Figures of a segment."""

_METHODS = {
    "currency": TEXT,
    "method": TEXT,
    "count": INTEGER,
    "volume": INTEGER,
    "success_rate": REAL,
    "share": REAL,
}
_DECLINES = {
    "currency": TEXT,
    "decline_code": TEXT,
    "count": INTEGER,
    "volume": INTEGER,
    "share": REAL,
}


def metrics(
    payments: IntoFrameT,
    *,
    window: Window | tuple[datetime, datetime] | None = None,
    period: Period | str | None = None,
    as_of: datetime | None = None,
    timezone: str = "UTC",
) -> IntoFrameT:
    """Key figures of payments: the cards of the dashboard, and what they are made of.

    Parameters
    ----------
    payments : frame
        Payments; needs ``amount``, ``currency``, ``method``, ``status``, ``created_at``.
    window : Window or (start, end), optional
        Only payments created in ``[start, end)``. Default: all.
    period : {"day", "week", "month", "year"}, optional
        Instead of a window: the period that runs at `as_of`, as the API cuts it.
    as_of : datetime, optional
        Aware. Default: the latest ``created_at``.
    timezone : str
        IANA zone of the hours of day, and in which a period's days and months begin.

    Returns
    -------
    frame of the same kind
        One row per currency that has payments, in alphabetical order:

        ``total_volume`` sum of the amounts of succeeded payments, minor units;
        ``success_rate`` succeeded / attempts x 100;
        ``average_amount`` total volume / succeeded, **major** units; null when none succeeded;
        ``peak_hour`` hour of day (0-23) with most attempts, the earliest on a tie;
        ``top_payment_method`` method with most attempts, alphabetical on a tie;
        ``total_payments``, ``succeeded_payments``, ``failed_payments``, ``refunded_payments``
        counts;
        ``refunded_volume``, ``net_volume`` minor units; net is total less refunded;
        ``refund_rate`` refunded / total volume x 100; null when there is no volume.

    Raises
    ------
    InvalidValue
        When a column is missing or wrong; it is named. When a sum does not fit 64 bits.

    Notes
    -----
    Succeeded is ``success`` and ``refunded``. Rates and averages are rounded once, half-even, to 6
    decimals (`financeops.core.money.ratio`), as they are everywhere in FinanceOps: they equal
    the API's. Source: the terms of the project.

    Examples
    --------
    >>> import polars as pl
    >>> from datetime import UTC, datetime
    >>> from financeops.frames.figures import metrics
    >>> payments = pl.DataFrame({
    ...     "amount": [1850, 4000, 999], "currency": "USD", "method": ["card", "card", "paypal"],
    ...     "status": ["success", "failed", "refunded"],
    ...     "created_at": [datetime(2026, 3, 10, hour, tzinfo=UTC) for hour in (9, 14, 14)],
    ... })
    >>> row = metrics(payments, timezone="Europe/Berlin").row(0, named=True)
    >>> row["total_volume"], row["success_rate"], row["average_amount"], row["peak_hour"]
    (2849, 66.666667, 14.245, 15)
    """
    zone = zone_of(timezone)
    which = chosen(payments, window=window, period=period, as_of=as_of, zone=zone)
    found = rollups(payments, which)
    return of_rows(payments, (metrics_row(found[key], *key) for key in in_order(found)), METRICS)


def segments(
    payments: IntoFrameT,
    *,
    by: str | Iterable[str],
    window: Window | tuple[datetime, datetime] | None = None,
    period: Period | str | None = None,
    as_of: datetime | None = None,
    timezone: str = "UTC",
) -> IntoFrameT:
    """Key figures by any columns: success rate and volume by country, by source, by your own.

    Parameters
    ----------
    payments : frame
        Payments; needs ``amount``, ``currency``, ``status``, the columns to group by, and
        ``created_at`` for a window or a period.
    by : str or sequence of str
        Columns of text, integers, booleans or dates, such as ``["country", "method"]``: any
        column of the frame, those added to it too. Other numbers have to be put into classes
        first.
    window, period, as_of, timezone
        As of `metrics`.

    Returns
    -------
    frame of the same kind
        One row per currency and combination of values that occurs, ordered by them: ``currency``,
        the columns `by`, then the columns of `metrics` but hour and method, by which one can
        group. Null is a value like any other and comes last.

    Raises
    ------
    InvalidValue
        As `metrics`; when a column of `by` is missing, named twice, or named as a figure.

    Notes
    -----
    Counts and volumes add up to those of `metrics`. Rates do not, and must not be averaged.

    Examples
    --------
    >>> import polars as pl
    >>> from datetime import UTC, datetime
    >>> from financeops.frames.figures import segments
    >>> payments = pl.DataFrame({
    ...     "amount": [1850, 4000, 999], "currency": "USD", "method": "card",
    ...     "status": ["success", "failed", "success"], "country": ["DE", "DE", None],
    ...     "created_at": datetime(2026, 3, 10, tzinfo=UTC),
    ... })
    >>> segments(payments, by="country").select("country", "success_rate", "total_volume").rows()
    [('DE', 50.0, 1850), (None, 100.0, 999)]
    """
    zone = zone_of(timezone)
    names = check_by(by, payments)
    if taken := [name for name in names if name in METRICS]:
        raise InvalidValue("by", f"must not name {taken[0]}: a figure is called so")
    which = chosen(payments, window=window, period=period, as_of=as_of, zone=zone)
    found = rollups(payments, which, by=names, methods=False, hours=False)
    rows = ((*key, *_segment(found[key], key[0])) for key in in_order(found))
    return of_rows(payments, rows, {"currency": TEXT, **by_types(names, payments), **SEGMENTS})


def methods(
    payments: IntoFrameT,
    *,
    window: Window | tuple[datetime, datetime] | None = None,
    period: Period | str | None = None,
    as_of: datetime | None = None,
    timezone: str = "UTC",
) -> IntoFrameT:
    """Figures of each payment method, most attempts first.

    Parameters
    ----------
    payments : frame
        Payments; needs ``amount``, ``currency``, ``method``, ``status``, and ``created_at`` for a
        window or a period.
    window, period, as_of, timezone
        As of `metrics`.

    Returns
    -------
    frame of the same kind
        One row per currency and method, most attempts first, alphabetical on a tie: ``currency``,
        ``method``, ``count`` attempts, ``volume`` of the succeeded ones in minor units,
        ``success_rate`` percent, ``share`` percent of the currency's attempts.

    Raises
    ------
    InvalidValue
        When a column is missing or wrong; it is named.

    Notes
    -----
    Source: the terms of the project; computed by `financeops.core.metrics.methods`.

    Examples
    --------
    >>> import polars as pl
    >>> from financeops.frames.figures import methods
    >>> payments = pl.DataFrame({
    ...     "amount": [1850, 4000, 999], "currency": "USD", "method": ["card", "card", "paypal"],
    ...     "status": ["success", "failed", "success"],
    ... })
    >>> methods(payments).rows()
    [('USD', 'card', 2, 1850, 50.0, 66.666667), ('USD', 'paypal', 1, 999, 100.0, 33.333333)]
    """
    zone = zone_of(timezone)
    which = chosen(payments, window=window, period=period, as_of=as_of, zone=zone)
    found = rollups(payments, which, hours=False)
    rows = (
        (*key, *_numbers(astuple(figures)))
        for key in in_order(found)
        for figures in core.methods(found[key])
    )
    return of_rows(payments, rows, _METHODS)


def declines(
    payments: IntoFrameT,
    *,
    window: Window | tuple[datetime, datetime] | None = None,
    period: Period | str | None = None,
    as_of: datetime | None = None,
    timezone: str = "UTC",
) -> IntoFrameT:
    """Why payments failed: figures of each decline code, most failures first.

    Parameters
    ----------
    payments : frame
        Payments; needs ``amount``, ``currency``, ``status``, ``decline_code``, and ``created_at``
        for a window or a period. A ``decline_group``, where the frame has one, goes before the
        code.
    window, period, as_of, timezone
        As of `metrics`.

    Returns
    -------
    frame of the same kind
        One row per currency and code, most failures first, alphabetical on a tie: ``currency``,
        ``decline_code``, ``count``, ``volume`` that was asked for in minor units, ``share``
        percent of the currency's failures.

    Raises
    ------
    InvalidValue
        When a column is missing or wrong; it is named.

    Notes
    -----
    A failure is counted under its ``decline_group`` (the ledger sets it where a tenant has too
    many codes), else its ``decline_code``, else ``"unknown"``, so that shares add up to 100.

    Examples
    --------
    >>> import polars as pl
    >>> from financeops.frames.figures import declines
    >>> payments = pl.DataFrame({
    ...     "amount": [1850, 4000, 999, 50], "currency": "USD",
    ...     "status": ["failed", "failed", "failed", "success"],
    ...     "decline_code": ["do_not_honor", "do_not_honor", None, None],
    ... })
    >>> declines(payments).rows()
    [('USD', 'do_not_honor', 2, 5850, 66.666667), ('USD', 'unknown', 1, 999, 33.333333)]
    """
    zone = zone_of(timezone)
    which = chosen(payments, window=window, period=period, as_of=as_of, zone=zone)
    found = {key: Rollup(declines=codes) for key, codes in _codes(payments, which.window).items()}
    rows = (
        (*key, *_numbers(astuple(figures)))
        for key in in_order(found)
        for figures in core.declines(found[key])
    )
    return of_rows(payments, rows, _DECLINES)


def metrics_row(rollup: Rollup, currency: str) -> tuple[Any, ...]:
    """Values of the columns `METRICS`; InvalidValue when the currency never was one."""
    exponent(currency)
    return _numbers(astuple(core.metrics(rollup, currency=currency)))


def _segment(rollup: Rollup, currency: str) -> tuple[Any, ...]:
    values = dict(zip(METRICS, metrics_row(rollup, currency), strict=True))
    return tuple(values[name] for name in SEGMENTS)


def _numbers(values: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(float(value) if isinstance(value, Decimal) else value for value in values)


def _codes(payments: Any, window: Window | None) -> dict[Keys, dict[Any, Count]]:
    """Failures by currency and the code that they are counted under."""
    currency = lone_currency(payments)
    keys = ["status", "decline_code"]
    if "decline_group" in names_of(payments):
        keys.append("decline_group")
    if not currency:
        keys.append("currency")
    # What is not known to have succeeded has failed, or is refused.
    status = nw.col("status").cast(nw.String)
    collected = status.is_in([Status.SUCCESS.value, Status.REFUNDED.value])
    frame = payments_in(payments, *keys, "amount", window=window)
    frame = frame.filter(~collected | status.is_null())
    found: dict[Keys, dict[Any, Count]] = {}
    for part in folded(frame, *keys):
        value = dict(zip(keys, part.keys, strict=True))
        decoded_status(required("status", value["status"]))
        code = value.get("decline_group") or value["decline_code"] or UNKNOWN_DECLINE
        group = (currency or required("currency", value["currency"]),)
        count_up(found.setdefault(group, {}), ("", code), part)
    return found
