"""Attempts that belong together: a failure, the retries that follow it, and the final success."""

from __future__ import annotations

from typing import Any

import narwhals as nw

from financeops.core.payments import Status
from financeops.frames.engine.groups import with_least
from financeops.frames.engine.schema import Names

_ORDER = ("created_at", "id")


def failed_purchases(
    attempts: nw.LazyFrame[Any], *, within: int, same_amount: bool, by: Names
) -> nw.LazyFrame[Any]:
    """One row per purchase whose first attempt failed.

    A failure begins a purchase unless it comes within `within` after another failure of the same
    customer directly before it; the purchase ends with the first success in that time.

    Parameters
    ----------
    attempts : narwhals.LazyFrame
        ``id``, ``currency``, ``customer_id``, ``status``, ``created_at`` (microseconds),
        ``amount`` and the columns in `by`. Rows without a customer are ignored.
    within : int
        Microseconds.
    same_amount : bool
        Whether only attempts for the same amount belong together.
    by : tuple of str
        Columns whose values in the first failure are kept.

    Returns
    -------
    narwhals.LazyFrame
        ``currency``, `by`, ``began`` (the first failure), ``owed`` (its amount), ``again``
        (number of further attempts), ``pays`` (1 when one of them succeeds, else 0), ``paid`` (its
        amount) and ``waited`` (microseconds until then), all within `within` of the first failure.
    """
    whose = ("currency", "customer_id", *(("amount",) if same_amount else ()))
    runs = _with_runs(attempts.filter(~nw.col("customer_id").is_null()), whose, within)
    run = (*whose, "run")
    runs = with_least(runs, "created_at", of=run, alias="began")

    first = nw.col("begins") == 1
    in_time = (nw.col("begins") == 0) & (nw.col("created_at") - nw.col("began") <= within)
    pays = in_time & (nw.col("status") != Status.FAILED.value)
    opens = first & (nw.col("status") == Status.FAILED.value)
    return (
        runs.with_columns(
            when(opens, nw.lit(1)).alias("fails"),
            when(opens, nw.col("amount")).alias("owed"),
            when(in_time, nw.lit(1)).alias("again"),
            when(pays, nw.col("amount")).alias("paid"),
            when(pays, nw.lit(1)).alias("pays"),
            when(pays, nw.col("created_at") - nw.col("began")).alias("waited"),
            *(nw.when(opens).then(nw.col(name)).alias(name) for name in by),
        )
        .group_by(*run, "began")
        .agg(
            nw.col("fails", "owed", "again", "pays", "paid", "waited").sum(),
            *(nw.col(name).max() for name in by),
        )
        .filter(nw.col("fails") == 1)
    )


def when(condition: nw.Expr, value: nw.Expr) -> nw.Expr:
    """`value` where the condition is true, else 0: for sums."""
    return nw.when(condition).then(value).otherwise(nw.lit(0))


def _with_runs(frame: nw.LazyFrame[Any], whose: Names, within: int) -> nw.LazyFrame[Any]:
    """With ``begins``, 1 where an attempt belongs to no failure before it, and ``run``, its number.

    Numbers are unique among the attempts with the same `whose`.
    """
    failed_at = nw.when(nw.col("status") == Status.FAILED.value).then(nw.col("created_at"))
    frame = frame.with_columns(failed_at.alias("failed_at"))
    window: dict[str, Any] = {"order_by": list(_ORDER)}
    compared: Names = ()
    if frame.implementation.is_pyarrow():
        # It has no windows with partitions: sort everything and compare neighbours.
        frame = frame.with_row_index("place", order_by=[*whose, *_ORDER])
        window, whose, compared = {"order_by": "place"}, (), whose

    def before(name: str) -> str:
        return f"{name}_before"

    frame = frame.with_columns(
        *(
            nw.col(name).shift(1).over(*whose, **window).alias(before(name))
            for name in ("failed_at", *compared)
        )
    )
    # Null where nothing or no failure comes before: then no purchase is continued.
    continues = nw.col("created_at") - nw.col(before("failed_at")) <= within
    for name in compared:
        continues &= nw.col(name) == nw.col(before(name))
    begins = nw.when(continues).then(nw.lit(0)).otherwise(nw.lit(1))
    frame = frame.with_columns(begins.alias("begins"))
    return frame.with_columns(nw.col("begins").cum_sum().over(*whose, **window).alias("run"))
