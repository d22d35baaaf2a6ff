"""The figures of each payment method."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import astuple
from narwhals.typing import IntoFrameT

from financeops.core import metrics as core
from financeops.core.periods import Period, Window, zone_of
from financeops.frames.engine.folding import chosen, dated, in_order, rollups
from financeops.frames.engine.given import payments_of
from financeops.frames.engine.results import INTEGER, REAL, TEXT, numbers

_SCHEMA = {
    "currency": TEXT,
    "method": TEXT,
    "count": INTEGER,
    "volume": INTEGER,
    "success_rate": REAL,
    "share": REAL,
}


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
        As in `metrics`.

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
    Source: the project's definitions of terms; computed by `financeops.core.metrics.methods`.

    Examples
    --------
    >>> import polars as pl
    >>> from financeops.frames.methods import methods
    >>> payments = pl.DataFrame({
    ...     "amount": [1850, 4000, 999], "currency": "USD", "method": ["card", "card", "paypal"],
    ...     "status": ["success", "failed", "success"],
    ... })
    >>> methods(payments).rows()
    [('USD', 'card', 2, 1850, 50.0, 66.666667), ('USD', 'paypal', 1, 999, 100.0, 33.333333)]
    """
    zone = zone_of(timezone)
    columns = ("status", "method", "currency", "amount", *dated(window, period))
    given = payments_of(payments, *columns)
    which = chosen(given, window=window, period=period, as_of=as_of, zone=zone)
    found = rollups(given, which, hours=False)
    rows = (
        (*key, *numbers(astuple(figures)))
        for key in in_order(found)
        for figures in core.methods(found[key])
    )
    return given.same_kind(rows, _SCHEMA)
