"""The moment as of which a figure is computed, and integers classed by thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import narwhals as nw

from financeops.core.acts import LEAD
from financeops.core.periods import Window
from financeops.frames.engine.clock import as_of_when, micros, span


def known_until(frame: nw.LazyFrame[Any], as_of: Any) -> Window | None:
    """From the first payment to the moment as of which a figure is computed, both included.

    Parameters
    ----------
    frame : narwhals.LazyFrame
        With ``created_at`` in microseconds.
    as_of : datetime or None
        Aware. None: the latest `created_at`, because a frame has no clock.

    Returns
    -------
    Window or None
        None when there are no payments up to then.
    """
    moment = None if as_of is None else as_of_when(as_of)
    between = span(frame)
    if between is None or moment is None:
        return between
    return Window(between.start, moment) if between.start <= moment else None


def until(column: str, as_of: datetime) -> nw.Expr:
    """Whether microseconds are not after a moment."""
    return nw.col(column) <= micros(as_of)


def first_moment(column: str) -> nw.Expr:
    """Microseconds of the first moment in texts of `financeops.core.acts`, none of them null.

    It is integer arithmetic on the digits, which is the same in every library.
    """

    def digits(first: int, last: int) -> nw.Expr:
        begins = len(LEAD) + first
        return nw.col(column).cast(nw.String).str.slice(begins, last - first).cast(nw.Int64)

    # Years begin in March, so that a leap day is a last day. Not all libraries have a remainder.
    months = digits(5, 7) + 9
    carried = months // 12
    years = digits(0, 4) - 1 + carried
    of_years = years * 365 + years // 4 - years // 100 + years // 400
    of_months = ((months - carried * 12) * 306 + 5) // 10
    days = of_years + of_months + digits(8, 10) - 1 - _DAYS_TO_EPOCH
    seconds = ((days * 24 + digits(11, 13)) * 60 + digits(14, 16)) * 60 + digits(17, 19)
    return (seconds * 1000 + digits(20, 23)) * 1000


_DAYS_TO_EPOCH = 719_468
"""From the first of March of the year 0 to 1970."""


def place_among(column: str, thresholds: Sequence[int]) -> nw.Expr:
    """How many of the ascending thresholds a value has reached: 0 below the first.

    It counts comparisons of integers, which are the same in every library.
    """
    reached = [(nw.col(column) >= threshold).cast(nw.Int64) for threshold in thresholds]
    # Add in pairs to keep the expression shallow: libraries limit its depth.
    while len(reached) > 1:
        pairs = zip(reached[::2], reached[1::2], strict=False)
        odd = reached[-1:] if len(reached) % 2 else []
        reached = [*(one + other for one, other in pairs), *odd]
    return reached[0] if reached else nw.col(column) * 0
