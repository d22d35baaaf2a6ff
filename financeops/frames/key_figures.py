"""The key figures of payments, together and by any columns."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from narwhals.typing import IntoFrameT

from financeops.core import metrics as core
from financeops.core.errors import InvalidValue
from financeops.core.money import exponent
from financeops.core.periods import Period, Window, zone_of
from financeops.core.rollup import Rollup
from financeops.frames.engine.disputes import DISPUTE, with_disputes
from financeops.frames.engine.failures import KIND, STAGE, with_failures
from financeops.frames.engine.folding import (
    FURTHER,
    chosen,
    dated,
    in_order,
    rollups,
)
from financeops.frames.engine.given import payments_of
from financeops.frames.engine.results import INTEGER, REAL, TEXT, numbers

_OPTIONAL = (*FURTHER, STAGE, KIND, DISPUTE)

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
    "partially_refunded_payments": INTEGER,
    "disputed_payments": INTEGER,
    "disputed_volume": INTEGER,
    "open_disputes": INTEGER,
    "won_disputes": INTEGER,
    "lost_disputes": INTEGER,
    "lost_volume": INTEGER,
    "dispute_rate": REAL,
    "win_rate": REAL,
    "fee_volume": INTEGER,
    "fee_rate": REAL,
    "net_revenue": INTEGER,
    "authorization_rate": REAL,
    "orders": INTEGER,
    "succeeded_orders": INTEGER,
    "order_success_rate": REAL,
    "first_attempt_rate": REAL,
    "recovered_share": REAL,
    "failures_authentication": INTEGER,
    "failures_blocked": INTEGER,
    "failures_declined": INTEGER,
    "failures_technical": INTEGER,
    "failures_abandoned": INTEGER,
    "soft_declines": INTEGER,
    "hard_declines": INTEGER,
}
"""Columns of the key figures: the fields of `financeops.core.metrics.Metrics` that are dated by when
payments were made. `activity` gives the others."""

SEGMENTS = {
    name: type_
    for name, type_ in METRICS.items()
    if name not in {"currency", "peak_hour", "top_payment_method"}
}
"""Figures of a segment."""


def metrics(
    payments: IntoFrameT,
    *,
    window: Window | tuple[datetime, datetime] | None = None,
    period: Period | str | None = None,
    as_of: datetime | None = None,
    timezone: str = "UTC",
) -> IntoFrameT:
    """Key figures of payments: those of the dashboard's cards, and the counts and sums behind them.

    Parameters
    ----------
    payments : frame
        Payments; needs ``amount``, ``currency``, ``method``, ``status``, ``created_at``; has
        ``refunded_amount`` where parts of payments were given back, ``attempt`` and
        ``recovered_by`` where payments have an order, ``failure_stage`` and ``decline_kind`` where
        it is known why they failed, ``dispute`` and ``fee_amount`` where there are disputes and fees.
    window : Window or (start, end), optional
        Only payments created in ``[start, end)``. Default: all.
    period : {"day", "week", "month", "year"}, optional
        Instead of a window: the period current at `as_of`, cut as by the API.
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
        counts; of these ``partially_refunded_payments`` gave back a part only;
        ``disputed_payments``, of them ``open_disputes``, ``won_disputes``, ``lost_disputes`` counts;
        ``disputed_volume`` what is or was disputed, minor units;
        ``lost_volume`` what lost disputes took beside refunds, minor units;
        ``dispute_rate`` disputed / succeeded x 100; null when none succeeded;
        ``win_rate`` won / (won + lost) x 100; null when none is closed;
        ``fee_volume`` what payments cost, failed ones too, minor units;
        ``fee_rate`` fees / total volume x 100; null when there is no volume;
        ``net_revenue`` net volume less lost volume and fees, minor units;
        ``refunded_volume``, ``net_volume`` minor units; net is total less refunded;
        ``refund_rate`` refunded / total volume x 100; null when there is no volume;
        ``authorization_rate`` succeeded / (succeeded + ``failures_declined``) x 100: what never
        came before an issuer or bank does not count; null when nothing did;
        ``orders`` counted where their first attempt is, a payment without an order is its own;
        ``succeeded_orders`` those of which any attempt succeeded, whenever it came;
        ``order_success_rate``, ``first_attempt_rate`` of these / orders x 100;
        ``recovered_share`` orders that failed first and succeeded later / that failed first x 100;
        ``failures_authentication``, ``failures_blocked``, ``failures_declined``,
        ``failures_technical``, ``failures_abandoned`` failed payments by stage; those without one
        count as declined;
        ``soft_declines``, ``hard_declines`` failed payments of each kind.

    Raises
    ------
    InvalidValue
        When a column is missing or wrong; it is named. When a sum does not fit 64 bits.

    Notes
    -----
    Succeeded is ``success`` and ``refunded``. Rates and averages are rounded once, half-even, to 6
    decimals (`financeops.core.money.ratio`), as they are everywhere in FinanceOps: they equal
    the API's. Source: the project's definitions of terms.

    Examples
    --------
    >>> import polars as pl
    >>> from datetime import UTC, datetime
    >>> from financeops.frames.key_figures import metrics
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
    columns = ("status", "method", "currency", "amount", "created_at")
    given = payments_of(payments, *columns, optional=_OPTIONAL)
    which = chosen(given, window=window, period=period, as_of=as_of, zone=zone)
    found = with_failures(given, which, rollups(given, which))
    found = with_disputes(given, which, found)
    return given.same_kind((metrics_row(found[key], *key) for key in in_order(found)), METRICS)


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
        column of the frame, including those you add. Put other numbers into classes first.
    window, period, as_of, timezone
        As in `metrics`.

    Returns
    -------
    frame of the same kind
        One row per currency and combination of values that occurs, ordered by them: ``currency``,
        the columns `by`, then the columns of `metrics` without hour and method, which can be
        grouped by instead. Null is a value like any other and comes last.

    Raises
    ------
    InvalidValue
        As in `metrics`; when a column of `by` is missing, named twice, or has the name of a figure.

    Notes
    -----
    Counts and volumes add up to those of `metrics`. Rates do not add up, and must not be averaged.

    Examples
    --------
    >>> import polars as pl
    >>> from datetime import UTC, datetime
    >>> from financeops.frames.key_figures import segments
    >>> payments = pl.DataFrame({
    ...     "amount": [1850, 4000, 999], "currency": "USD", "method": "card",
    ...     "status": ["success", "failed", "success"], "country": ["DE", "DE", None],
    ...     "created_at": datetime(2026, 3, 10, tzinfo=UTC),
    ... })
    >>> segments(payments, by="country").select("country", "success_rate", "total_volume").rows()
    [('DE', 50.0, 1850), (None, 100.0, 999)]
    """
    zone = zone_of(timezone)
    columns = ("status", "currency", "amount", *dated(window, period))
    given = payments_of(payments, *columns, by=by, optional=_OPTIONAL)
    if taken := [name for name in given.by if name in METRICS]:
        raise InvalidValue("by", f"must not name {taken[0]}: that is the name of a figure")
    which = chosen(given, window=window, period=period, as_of=as_of, zone=zone)
    found = with_failures(given, which, rollups(given, which, methods=False, hours=False))
    found = with_disputes(given, which, found)
    rows = ((*key, *_segment(found[key], key[0])) for key in in_order(found))
    return given.same_kind(rows, {**given.groups, **SEGMENTS})


def metrics_row(rollup: Rollup, currency: str) -> tuple[Any, ...]:
    """Values of the columns `METRICS`; InvalidValue when the currency code never existed."""
    exponent(currency)
    figures = core.metrics(rollup, currency=currency)
    return numbers(getattr(figures, name) for name in METRICS)


def _segment(rollup: Rollup, currency: str) -> tuple[Any, ...]:
    values = dict(zip(METRICS, metrics_row(rollup, currency), strict=True))
    return tuple(values[name] for name in SEGMENTS)
