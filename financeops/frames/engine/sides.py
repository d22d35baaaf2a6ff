"""Two windows of the same payments, folded in one query."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import narwhals as nw

from financeops.core.errors import InvalidValue
from financeops.core.payments import Status
from financeops.core.periods import Window
from financeops.frames.engine.clock import micros, window_of, within
from financeops.frames.engine.folding import Keys, Part, folded, lone_currency, required
from financeops.frames.engine.schema import Names, decoded_status, typed


class Sides(NamedTuple):
    """The window that is looked at, and the one it is held against."""

    window: Window
    against: Window


class SidedPart(NamedTuple):
    """Payments of one side, group and status (and amount, where that was asked for)."""

    group: Keys
    earlier: bool
    status: Status
    each: int | None
    n: int
    amount: int


def sides_of(window: Any, against: Any) -> Sides:
    """Both windows, checked: what lies in both would be compared with itself."""
    sides = Sides(window_of(window), window_of(against, "against"))
    if max(sides.window.start, sides.against.start) < min(sides.window.end, sides.against.end):
        raise InvalidValue("against", "must not overlap the window")
    return sides


def sided(payments: Any, sides: Sides, by: Names, *, amounts: bool = False) -> Iterator[SidedPart]:
    """Counts and sums of both windows by currency, `by` and status; by single amounts if asked.

    Yields
    ------
    SidedPart
        Its group is (currency, values of `by`).
    """
    currency = lone_currency(payments)
    columns = ["status", *([] if currency else ["currency"])]
    frame = typed(payments, *columns, "amount", "created_at", by=by)
    us = nw.col("created_at")
    inside = (us >= micros(sides.window.start)) & (us < micros(sides.window.end))
    frame = frame.filter(
        within("created_at", sides.window) | within("created_at", sides.against)
    ).with_columns(
        nw.when(inside).then(nw.lit(0)).otherwise(nw.lit(1)).alias("side"),
        *([nw.col("amount").alias("each")] if amounts else []),
    )
    places = [f"by_{n}" for n in range(len(by))]
    keys = ["side", *columns, *places, *(["each"] if amounts else [])]
    for part in folded(frame, *keys):
        yield _sided(part, dict(zip(keys, part.keys, strict=True)), currency, places)


def _sided(part: Part, value: dict[str, Any], currency: str | None, places: list[str]) -> SidedPart:
    group = (
        currency or required("currency", value["currency"]),
        *(value[place] for place in places),
    )
    status = decoded_status(required("status", value["status"]))
    return SidedPart(group, bool(value["side"]), status, value.get("each"), part.n, part.amount)
