"""Two windows of the same payments, folded in one query."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import narwhals as nw

from financeops.core.errors import InvalidValue
from financeops.core.payments import Status
from financeops.core.periods import Window
from financeops.core.rollup import Rollup
from financeops.frames.engine.clock import micros, window_of, within
from financeops.frames.engine.disputes import DISPUTE, with_disputes
from financeops.frames.engine.failures import KIND, STAGE, with_failures
from financeops.frames.engine.folding import (
    FURTHER,
    Chosen,
    Keys,
    Tally,
    folded,
    group_of,
    lone_currency,
    status_in,
)
from financeops.frames.engine.given import Payments

_UTC = ZoneInfo("UTC")

NEEDED = ("status", "currency", "amount", "created_at")
"""Columns that `sided` folds."""

OPTIONAL = (*FURTHER, STAGE, KIND, DISPUTE)
"""Columns that it folds where a frame has them."""


class Sides(NamedTuple):
    """The window of interest, and the one it is compared with."""

    window: Window
    against: Window


Amounts = Counter[int]
"""How many succeeded payments there are of each amount."""


class Side(NamedTuple):
    """Payments of one window, of one currency and one combination of the columns to group by."""

    rollup: Rollup
    amounts: Amounts


def sides_of(window: Any, against: Any) -> Sides:
    """Both windows, checked: payments in both would be compared with themselves."""
    sides = Sides(window_of(window), window_of(against, "against"))
    if max(sides.window.start, sides.against.start) < min(sides.window.end, sides.against.end):
        raise InvalidValue("against", "must not overlap the window")
    return sides


def sided(
    given: Payments[Any], sides: Sides, *, amounts: bool = False, stages: bool = False
) -> dict[Keys, tuple[Side, Side]]:
    """Fold both windows, by currency and the columns to group by.

    Parameters
    ----------
    given : Payments
        With the columns `NEEDED`; what it has of the optional ones is counted, too.
    sides : Sides
    amounts : bool
        Whether to count payments of different amounts by themselves, too.
    stages : bool
        Whether to count failures by stage.

    Returns
    -------
    dict of (currency, values to group by) to the window's side and that of the one it is compared with
        Rollups without methods, hours and decline codes.
    """
    currency = lone_currency(given)
    columns = ["status", *([] if currency else ["currency"])]
    further = [name for name in FURTHER if name in given.columns]
    us = nw.col("created_at")
    inside = (us >= micros(sides.window.start)) & (us < micros(sides.window.end))
    frame = (
        given.frame.select(*columns, "amount", "created_at", *further, *given.keys)
        .filter(within("created_at", sides.window) | within("created_at", sides.against))
        .with_columns(
            nw.when(inside).then(nw.lit(0)).otherwise(nw.lit(1)).alias("side"),
            *([nw.col("amount").alias("each")] if amounts else []),
        )
    )
    keys = ["side", *columns, *given.keys, *(["each"] if amounts else [])]
    tallies: list[dict[Keys, Tally]] = [defaultdict(Tally), defaultdict(Tally)]
    of_amount: list[dict[Keys, Amounts]] = [defaultdict(Counter), defaultdict(Counter)]
    for part in folded(frame, *keys):
        value = dict(zip(keys, part.keys, strict=True))
        group, side, status = group_of(given, currency, value), value["side"], status_in(value)
        tallies[side][group].add(part, "", status)
        if amounts and status is not Status.FAILED:
            of_amount[side][group][int(value["each"])] += part.n
    found = []
    for window, tally in zip(sides, tallies, strict=True):
        which = Chosen(window, _UTC, currency)
        rollups = {group: counted.rollup for group, counted in tally.items()}
        if stages:
            rollups = with_failures(given, which, rollups)
        found.append(with_disputes(given, which, rollups))
    return {
        group: (
            Side(found[0].get(group, Rollup()), of_amount[0][group]),
            Side(found[1].get(group, Rollup()), of_amount[1][group]),
        )
        for group in dict.fromkeys((*found[0], *found[1]))
    }
