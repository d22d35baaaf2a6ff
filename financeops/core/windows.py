"""Windows as they are asked for: an end may be left out, and people name moments in their own words."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from financeops.core.errors import InvalidValue
from financeops.core.instants import Moment, instant_of
from financeops.core.periods import EPOCH, FAR, MILLISECOND, Window

ALL_TIME = Window(EPOCH - MILLISECOND, FAR)
"""The window without bounds. Its ends stand for an end that is left out of any window: they lie beyond
every payment, and beyond every moment that `instants` takes as a bound."""


def window_between(start: datetime | None, end: datetime | None) -> Window:
    """Window between two moments; None is an end that is left out.

    Examples
    --------
    >>> window_between(None, None) == ALL_TIME
    True
    """
    return Window(ALL_TIME.start if start is None else start, ALL_TIME.end if end is None else end)


def ends_of(window: Window) -> tuple[datetime | None, datetime | None]:
    """Start and end of a window, None for one that was left out."""
    return (
        None if window.start == ALL_TIME.start else window.start,
        None if window.end == ALL_TIME.end else window.end,
    )


def window_from(
    start: Moment | None,
    end: Moment | None,
    zone: ZoneInfo,
    *,
    names: tuple[str, str] = ("since", "until"),
) -> Window:
    """Window between two moments as people name them.

    Parameters
    ----------
    start, end : datetime, date or str, optional
        As `instants.instant_of` takes them.
    zone : ZoneInfo
        Where a date begins.
    names : (str, str)
        What the sender calls the two, for the error.

    Raises
    ------
    InvalidValue
        One of them is no such moment.
    """
    return window_between(
        *(
            None if moment is None else instant_of(name, moment, zone)
            for name, moment in zip(names, (start, end), strict=True)
        )
    )


def check_order(window: Window, *, names: tuple[str, str]) -> None:
    """Raise `InvalidValue` for a window that holds no moment; `names` are its sender's for the ends."""
    if window.start >= window.end:
        raise InvalidValue(names[0], f"must be before {names[1]}")
