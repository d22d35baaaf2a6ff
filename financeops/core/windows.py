"""Windows as users give them: either end may be left out, and moments may be text or dates."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from financeops.core.errors import InvalidValue
from financeops.core.instants import Moment, instant_of
from financeops.core.periods import EPOCH, FAR, MILLISECOND, Window

ALL_TIME = Window(EPOCH - MILLISECOND, FAR)
"""The window without bounds. Its start and its end stand for one that is left out: they lie beyond
every payment, and beyond every moment that `instants` accepts as a bound."""


def window_between(start: datetime | None, end: datetime | None) -> Window:
    """Window between two moments; None for an end that is left out.

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
        The sender's names for the two, for the error.

    Raises
    ------
    InvalidValue
        One of them is not a valid moment.
    """
    return window_between(
        *(
            None if moment is None else instant_of(name, moment, zone)
            for name, moment in zip(names, (start, end), strict=True)
        )
    )


def check_order(window: Window, *, names: tuple[str, str]) -> None:
    """Raise `InvalidValue` for an empty window; `names` are the sender's for its two ends."""
    if window.start >= window.end:
        raise InvalidValue(names[0], f"must be before {names[1]}")
