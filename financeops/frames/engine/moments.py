"""The moment as of which a figure is computed, and integers classed by thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import narwhals as nw

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
