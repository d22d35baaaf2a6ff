"""Why payments failed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import narwhals as nw
from msgspec.structs import astuple
from narwhals.typing import IntoFrameT

from financeops.core import metrics as core
from financeops.core.payments import UNKNOWN_DECLINE, Status
from financeops.core.periods import Period, Window, zone_of
from financeops.core.rollup import Count, Rollup
from financeops.frames.engine.folding import (
    Keys,
    chosen,
    count_up,
    dated,
    folded,
    group_of,
    in_order,
    lone_currency,
    payments_in,
    required,
)
from financeops.frames.engine.given import Payments, payments_of
from financeops.frames.engine.results import INTEGER, REAL, TEXT, numbers
from financeops.frames.engine.schema import decoded_status

_SCHEMA = {
    "currency": TEXT,
    "decline_code": TEXT,
    "count": INTEGER,
    "volume": INTEGER,
    "share": REAL,
}


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
        for a window or a period. A ``decline_group``, where the frame has one, takes precedence
        over the code.
    window, period, as_of, timezone
        As in `metrics`.

    Returns
    -------
    frame of the same kind
        One row per currency and code, most failures first, alphabetical on a tie: ``currency``,
        ``decline_code``, ``count``, ``volume`` of the failed attempts in minor units, ``share``
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
    >>> from financeops.frames.declines import declines
    >>> payments = pl.DataFrame({
    ...     "amount": [1850, 4000, 999, 50], "currency": "USD",
    ...     "status": ["failed", "failed", "failed", "success"],
    ...     "decline_code": ["do_not_honor", "do_not_honor", None, None],
    ... })
    >>> declines(payments).rows()
    [('USD', 'do_not_honor', 2, 5850, 66.666667), ('USD', 'unknown', 1, 999, 33.333333)]
    """
    zone = zone_of(timezone)
    columns = ("status", "decline_code", "currency", "amount", *dated(window, period))
    given = payments_of(payments, *columns, optional=("decline_group",))
    which = chosen(given, window=window, period=period, as_of=as_of, zone=zone)
    found = {key: Rollup(declines=codes) for key, codes in _codes(given, which.window).items()}
    rows = (
        (*key, *numbers(astuple(figures)))
        for key in in_order(found)
        for figures in core.declines(found[key])
    )
    return given.same_kind(rows, _SCHEMA)


def _codes(given: Payments[Any], window: Window | None) -> dict[Keys, dict[Any, Count]]:
    """Failures by currency and by the code that they are counted under."""
    currency = lone_currency(given)
    keys = ["status", "decline_code"]
    if "decline_group" in given.columns:
        keys.append("decline_group")
    if not currency:
        keys.append("currency")
    # Keep unknown statuses, too, so that they are found and refused.
    status = nw.col("status").cast(nw.String)
    collected = status.is_in([Status.SUCCESS.value, Status.REFUNDED.value])
    frame = payments_in(given, *keys, "amount", window=window)
    frame = frame.filter(~collected | status.is_null())
    found: dict[Keys, dict[Any, Count]] = {}
    for part in folded(frame, *keys):
        value = dict(zip(keys, part.keys, strict=True))
        decoded_status(required("status", value["status"]))
        code = value.get("decline_group") or value["decline_code"] or UNKNOWN_DECLINE
        cells = found.setdefault(group_of(given, currency, value), {})
        count_up(cells, ("", code), (part.n, part.amount))
    return found
