"""As of when a figure speaks, and integers put between thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import narwhals as nw

from financeops.core.periods import Window
from financeops.frames.engine.clock import as_of_when, micros, span


def known_until(frame: nw.LazyFrame[Any], as_of: Any) -> Window | None:
    """From the first payment to the moment a figure speaks of, both included.

    Parameters
    ----------
    frame : narwhals.LazyFrame
        With ``created_at`` in microseconds.
    as_of : datetime or None
        Aware. None: the latest `created_at`, for a frame knows no clock.

    Returns
    -------
    Window or None
        None when there is no payment up to then.
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

    Counted by comparisons of integers, which no library does differently.
    """
    reached = [(nw.col(column) >= threshold).cast(nw.Int64) for threshold in thresholds]
    # Added in pairs, so that the expression stays shallow: libraries limit how deep it may be.
    while len(reached) > 1:
        pairs = zip(reached[::2], reached[1::2], strict=False)
        odd = reached[-1:] if len(reached) % 2 else []
        reached = [*(one + other for one, other in pairs), *odd]
    return reached[0] if reached else nw.col(column) * 0
