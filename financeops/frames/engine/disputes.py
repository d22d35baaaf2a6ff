"""What disputes took of payments: a query of its own, for few payments have one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import narwhals as nw

from financeops.core.choices import choice_of
from financeops.core.disputes import AMOUNT, LEAD, STATUS, DisputeStatus
from financeops.core.errors import InvalidValue
from financeops.core.payments import Status
from financeops.core.rollup import Count, Path, Rollup
from financeops.frames.engine.folding import (
    RETURNED,
    Chosen,
    Keys,
    group_of,
    payments_in,
)
from financeops.frames.engine.given import Payments
from financeops.frames.engine.results import collected
from financeops.frames.engine.schema import SPLIT

DISPUTE = "dispute"
"""The column of disputes, which a frame may lack."""

_WRONG = " " * AMOUNT[0] + "0".ljust(AMOUNT[1])
"""Stands for a text from which no values can be cut: with its amount, and without a status."""

Further = dict[str, dict[Path, Count]]


def with_disputes(
    given: Payments[Any], which: Chosen, found: dict[Keys, Rollup]
) -> dict[Keys, Rollup]:
    """The same rollups, with what disputes took: the parts ``disputed`` and ``lost``, without methods."""
    if DISPUTE not in given.columns:
        return found
    further = _disputes(given, which)
    return {group: rollup + Rollup(further=further.get(group)) for group, rollup in found.items()}


def amount_in(text: str = DISPUTE) -> nw.Expr:
    """The amount in a dispute's text, which has its place there."""
    start, length = AMOUNT
    return nw.col(text).str.slice(start, length).str.strip_chars(" ").cast(nw.Int64)


def value_in(place: tuple[int, int], text: str = DISPUTE) -> nw.Expr:
    """Another value in a dispute's text, without quotes."""
    return nw.col(text).str.slice(*place).str.strip_chars('" ')


def _disputes(given: Payments[Any], which: Chosen) -> dict[Keys, Further]:
    """What disputes took, by currency and combination of the columns to group by.

    Raises
    ------
    InvalidValue
        A dispute is not in its canonical form.
    """
    currency = which.currency
    found: dict[Keys, Further] = {}
    columns = [*([] if currency else ["currency"]), "status", "amount", DISPUTE]
    columns += [name for name in given.columns if name == RETURNED]
    frame = payments_in(given, *columns, window=which.window)
    frame = frame.filter(~nw.col(DISPUTE).is_null())
    text = nw.col(DISPUTE).cast(nw.String)
    known = nw.when(text.str.starts_with(LEAD)).then(text).otherwise(nw.lit(_WRONG))
    frame = frame.with_columns(known.alias(DISPUTE))
    whole = nw.col("status").cast(nw.String) == Status.REFUNDED.value
    part = nw.col(RETURNED).fill_null(0) if RETURNED in given.columns else nw.lit(0)
    left = nw.col("amount") - nw.when(whole).then(nw.col("amount")).otherwise(part)
    frame = frame.with_columns(
        value_in(STATUS).alias("outcome"),
        amount_in().alias("asked"),
        left.alias("left"),
    )
    frame = frame.with_columns(
        nw.when(nw.col("asked") < nw.col("left"))
        .then(nw.col("asked"))
        .otherwise(nw.col("left"))
        .alias("taken")
    )
    # Of a payment that was given back before, a lost dispute takes nothing.
    frame = frame.with_columns((nw.col("taken") > 0).alias("took"))
    keys = ["outcome", "took", *([] if currency else ["currency"]), *given.keys]
    summed = _summed(frame, keys, "asked", "taken")
    if wrong := sum(sums["asked"][0] for value, sums in summed if not value["outcome"]):
        raise InvalidValue(DISPUTE, f"must begin with {LEAD}, but does not in {wrong} rows")
    for value, sums in summed:
        parts = found.setdefault(group_of(given, currency, value), {})
        status = choice_of(DisputeStatus, str(value["outcome"]), field=DISPUTE)
        by_status = parts.setdefault("disputed", {})
        n, amount = by_status.get(("", str(status)), (0, 0))
        by_status["", str(status)] = n + sums["asked"][0], amount + sums["asked"][1]
        if status is DisputeStatus.LOST and value["took"]:
            parts["lost"] = {("",): sums["taken"]}
    return found


def _summed(
    frame: nw.LazyFrame[Any], keys: list[str], *columns: str
) -> list[tuple[Mapping[str, Any], dict[str, Count]]]:
    """For each combination of the keys, how many rows there are and the sum of each column.

    The halves of the numbers are added up separately, so that no sum overflows.
    """
    halves: list[nw.Expr] = []
    for column in columns:
        high = nw.col(column) // SPLIT
        halves += [
            high.alias(f"{column}_high"),
            (nw.col(column) - high * SPLIT).alias(f"{column}_low"),
        ]
    names = [f"{column}_{half}" for column in columns for half in ("high", "low")]
    frame = frame.with_columns(*halves)
    counts = [nw.len().alias("n"), *(nw.col(name).sum() for name in names)]
    table = collected(frame.group_by(*keys).agg(*counts))
    return [
        (
            {key: table[key][row] for key in keys},
            {
                column: (
                    int(n),
                    int(table[f"{column}_high"][row]) * SPLIT + int(table[f"{column}_low"][row]),
                )
                for column in columns
            },
        )
        for row, n in enumerate(table["n"])
    ]
