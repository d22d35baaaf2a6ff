"""Attempts folded to orders: how each order began, and what became of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import narwhals as nw
from narwhals.typing import IntoFrameT

from financeops.core.payments import Status
from financeops.core.periods import Period, Window, zone_of
from financeops.frames.engine.clock import within
from financeops.frames.engine.folding import chosen
from financeops.frames.engine.given import checked, payments_of
from financeops.frames.engine.instants import as_times

_NEEDED = (
    *("id", "order_id", "attempt", "recovered_by", "created_at"),
    *("status", "method", "amount", "currency"),
)
_OPTIONAL = ("tenant_id", "decline_code")
_TIMES = ("first_at", "last_at")

FIRST, RECOVERED, LOST = "first_attempt", "recovered", "lost"
"""The outcomes of an order."""


def orders(
    payments: IntoFrameT,
    *,
    window: Window | tuple[datetime, datetime] | None = None,
    period: Period | str | None = None,
    as_of: datetime | None = None,
    timezone: str = "UTC",
) -> IntoFrameT:
    """One row for each order that began in the frame: its first attempt, and its outcome.

    Parameters
    ----------
    payments : frame
        Payments; needs ``id``, ``order_id``, ``attempt``, ``recovered_by``, ``created_at``,
        ``status``, ``method``, ``amount``, ``currency``; may have ``decline_code``, and ``tenant_id``
        where it holds payments of several tenants.
    window, period, as_of, timezone
        As in `metrics`: orders whose first attempt was made then. Their later attempts count whenever
        they were made.

    Returns
    -------
    frame of the same kind
        Sorted by ``first_at`` and ``id``:

        ``order_id`` null for a payment without one, which is an order of its own;
        ``id``, ``method``, ``amount`` (minor units), ``currency`` of the first attempt;
        ``decline_code`` why it failed, where the frame has that column;
        ``outcome`` ``first_attempt`` if that succeeded, ``recovered`` if a later one did, ``lost`` if none
        did until now;
        ``attempts`` number of attempts in the frame;
        ``first_at``, ``last_at`` when the first and the last of these were made, UTC.

    Raises
    ------
    InvalidValue
        When a column is missing or wrong.

    Notes
    -----
    The ledger numbers attempts and says which of them recovered the order. So the outcome is that of all
    attempts, also of those that a window leaves out, and the counts of a window's orders by outcome are
    those of `metrics`. Orders whose first attempt is not in the frame have no row.

    Examples
    --------
    >>> import polars as pl
    >>> from datetime import UTC, datetime
    >>> from financeops.frames.orders import orders
    >>> payments = pl.DataFrame({
    ...     "id": ["1", "2", "3"], "order_id": ["o", "o", None], "attempt": [1, 2, None],
    ...     "recovered_by": [2, None, None], "status": ["failed", "success", "failed"],
    ...     "method": ["card", "paypal", "card"], "amount": [1000, 1000, 700], "currency": "EUR",
    ...     "created_at": [datetime(2026, 1, 5, 12, minute, tzinfo=UTC) for minute in range(3)],
    ... })
    >>> orders(payments).select("order_id", "method", "outcome", "attempts").rows()
    [('o', 'card', 'recovered', 2), (None, 'card', 'lost', 1)]
    """
    given = payments_of(payments, *_NEEDED, optional=_OPTIONAL)
    frame = checked(given)
    keys: list[str] = [name for name in ("tenant_id", "order_id") if name in given.columns]
    attempt = nw.col("attempt")
    later = frame.filter(attempt > 1).group_by(*keys)
    counts = later.agg(nw.len().alias("more"), nw.col("created_at").max().alias("latest"))
    succeeded = nw.col("status") != Status.FAILED.value
    recovered = nw.col("recovered_by").is_null()
    outcome = nw.when(recovered).then(nw.lit(LOST)).otherwise(nw.lit(RECOVERED))
    code = ["decline_code"] if "decline_code" in given.columns else []
    which = chosen(given, window=window, period=period, as_of=as_of, zone=zone_of(timezone))
    first = frame.filter(attempt.is_null() | (attempt == 1))
    if which.window is not None:
        first = first.filter(within("created_at", which.window))
    folded = (
        first.join(counts, on=keys, how="left")
        .select(
            *keys,
            *map(nw.col, ("id", "currency", "amount", "method", *code)),
            nw.when(succeeded).then(nw.lit(FIRST)).otherwise(outcome).alias("outcome"),
            (nw.col("more").fill_null(0).cast(nw.Int64) + 1).alias("attempts"),
            nw.col("created_at").alias("first_at"),
            nw.coalesce(nw.col("latest"), nw.col("created_at")).cast(nw.Int64).alias("last_at"),
        )
        .sort("first_at", "id")
    )
    result: Any = as_times(folded, _TIMES)
    if isinstance(given.whole, nw.DataFrame):
        result = result.collect()
    orders_of: IntoFrameT = result.to_native()
    return orders_of
