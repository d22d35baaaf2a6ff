"""The daily and weekly rhythm of simulated payments."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from financeops.core.periods import EPOCH, MILLISECOND, QUARTER
from financeops.simulation.population import Floats, Integers

# Attempts by hour of day and, below, by day of week (Monday first), in the tenant's zone.
_HOURS = (
    *(12, 8, 5, 4, 4, 6, 12, 24, 40, 55, 66, 74),
    *(80, 76, 70, 68, 70, 76, 84, 92, 90, 72, 46, 24),
)
_WEEKDAYS = (0.95, 0.97, 1.0, 1.03, 1.2, 1.1, 0.75)

_AWAKE = 40.0
"""Attempts in every hour, on the scale of `_HOURS`, of a business with customers at night, too."""


def rhythm(moments: Integers, *, zone: ZoneInfo) -> Floats:
    """How busy a business is at each moment, relative to any other.

    Parameters
    ----------
    moments : array of int
        Milliseconds since 1970.
    zone : ZoneInfo
        Time zone of the hours and days.
    """
    return _busy(moments, zone, 0.0)


def wakeful_rhythm(moments: Integers, *, zone: ZoneInfo) -> Floats:
    """How busy a business with customers at night is at each moment; 1.0 on average over a week.

    Parameters
    ----------
    moments : array of int
        Milliseconds since 1970.
    zone : ZoneInfo
        Time zone of the hours and days.
    """
    mean = (float(np.mean(_HOURS)) + _AWAKE) * float(np.mean(_WEEKDAYS))
    return _busy(moments, zone, _AWAKE) / mean


def moments_between(
    rng: np.random.Generator,
    count: int,
    first: int,
    last: int,
    pace: Callable[[Integers], Floats],
) -> Integers:
    """Draw random moments that follow a pace.

    Parameters
    ----------
    rng : numpy.random.Generator
    count : int
    first, last : int
        The bounds, in milliseconds since 1970.
    pace : callable
        How busy it is at moments, relative to others; constant over a quarter hour.

    Returns
    -------
    array of int
        Milliseconds since 1970, sorted.

    Raises
    ------
    ValueError
        When `first` is not before `last`.
    """
    if first >= last:
        raise ValueError("history must begin before now")
    cuts = np.append(np.arange(first, last, QUARTER // MILLISECOND), last)
    passed = np.append(0, np.cumsum(pace(cuts[:-1]) * np.diff(cuts)))
    even = np.sort(rng.random(count)) * passed[-1]
    moments: Integers = np.interp(even, passed, cuts).astype(np.int64)
    return moments


def milliseconds(instant: datetime) -> int:
    """Milliseconds since 1970."""
    return (instant - EPOCH) // MILLISECOND


def instant_at(moment: int) -> datetime:
    """The moment a number of milliseconds after the start of 1970."""
    return EPOCH + timedelta(milliseconds=moment)


def _busy(moments: Integers, zone: ZoneInfo, awake: float) -> Floats:
    local = [instant_at(moment).astimezone(zone) for moment in moments.tolist()]
    hours = [moment.hour + moment.minute / 60 for moment in local]
    busy: Floats = np.interp(hours, range(25), (*_HOURS, _HOURS[0])) + awake
    busy *= np.array(_WEEKDAYS)[[moment.weekday() for moment in local]]
    return busy
