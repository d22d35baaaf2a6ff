"""Two windows of the same payments, folded in one query."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import narwhals as nw

from financeops.core.errors import InvalidValue
from financeops.core.payments import Status
from financeops.core.periods import Window
from financeops.core.rollup import Count
from financeops.frames.engine.clock import micros, window_of, within
from financeops.frames.engine.folding import (
    RETURNED,
    Keys,
    folded,
    group_of,
    lone_currency,
    required,
)
from financeops.frames.engine.given import Payments
from financeops.frames.engine.schema import decoded_status

NEEDED = ("status", "currency", "amount", "created_at")
"""Columns that `sided` folds."""


class Sides(NamedTuple):
    """The window of interest, and the one it is compared with."""

    window: Window
    against: Window


class SidedPart(NamedTuple):
    """Payments of one side, group and status; of one amount, if amounts are distinguished."""

    group: Keys
    earlier: bool
    status: Status
    each: int | None
    n: int
    amount: int
    partial: Count


def sides_of(window: Any, against: Any) -> Sides:
    """Both windows, checked: payments in both would be compared with themselves."""
    sides = Sides(window_of(window), window_of(against, "against"))
    if max(sides.window.start, sides.against.start) < min(sides.window.end, sides.against.end):
        raise InvalidValue("against", "must not overlap the window")
    return sides


def sided(given: Payments[Any], sides: Sides, *, amounts: bool = False) -> Iterator[SidedPart]:
    """Counts and sums of both windows by currency, the columns to group by and status.

    Parameters
    ----------
    given : Payments
        With the columns `NEEDED`.
    sides : Sides
    amounts : bool
        Whether to distinguish payments of different amounts, too.

    Yields
    ------
    SidedPart
        Its group is the currency and the values to group by.
    """
    currency = lone_currency(given)
    columns = ["status", *([] if currency else ["currency"])]
    returned = [name for name in given.columns if name == RETURNED]
    us = nw.col("created_at")
    inside = (us >= micros(sides.window.start)) & (us < micros(sides.window.end))
    frame = (
        given.frame.select(*columns, "amount", "created_at", *returned, *given.keys)
        .filter(within("created_at", sides.window) | within("created_at", sides.against))
        .with_columns(
            nw.when(inside).then(nw.lit(0)).otherwise(nw.lit(1)).alias("side"),
            *([nw.col("amount").alias("each")] if amounts else []),
        )
    )
    keys = ["side", *columns, *given.keys, *(["each"] if amounts else [])]
    for part in folded(frame, *keys):
        value = dict(zip(keys, part.keys, strict=True))
        group = group_of(given, currency, value)
        status = decoded_status(required("status", value["status"]))
        counted = part.n, part.amount, part.partial
        yield SidedPart(group, bool(value["side"]), status, value.get("each"), *counted)
