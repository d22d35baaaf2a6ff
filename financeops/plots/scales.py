"""Bounds, ticks and tick formats of axes, set explicitly for any data.

By default bqplot takes them from the data. With fewer than two values it draws nothing and reports
that in the browser's console only.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor, isclose, log10
from typing import Any

import numpy as np
from bqplot import Axis, DateScale
from msgspec import Struct
from numpy.typing import NDArray

_MOST = 7
"""Largest number of steps on an axis."""
_LARGE = 1_000_000
"""From this value on, numbers are written as 1.5M."""

_SECONDS = {"s": 1, "m": 60, "h": 3_600, "D": 86_400, "M": 2_629_746, "Y": 31_556_952}
_TIMES = (
    *(("s", n, "%H:%M:%S") for n in (1, 5, 15, 30)),
    *(("m", n, "%H:%M") for n in (1, 5, 15, 30)),
    *(("h", n, "%a %H:%M") for n in (1, 3, 6, 12)),
    *(("D", n, "%-d %b") for n in (1, 2, 7, 14)),
    *(("M", n, "%b %Y") for n in (1, 3, 6)),
    *(("Y", n, "%Y") for n in (1, 2, 5, 10, 50)),
)
"""Steps between times, shortest first: unit, number of units, and format of the times."""


class Ticks(Struct, frozen=True):
    """Bounds of an axis, the values of its ticks, and their format (d3-format)."""

    low: Any
    high: Any
    values: NDArray[Any]
    format: str


def number_ticks(known: NDArray[np.float64], *, room: float = 0.0, around: bool = False) -> Ticks:
    """Ticks of numbers.

    Parameters
    ----------
    known : array of float
        The values shown, without NaN. No values give 0 to 1; a single one gives a range from zero.
    room : float
        Share of the height to leave free at the top.
    around : bool
        Whether to extend the axis to the next tick at both ends, and to zero where that is near.
    """
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
    if isclose(low, high, rel_tol=1e-13):  # no float lies between them, or few
        low, high = min(low, 0.0), max(high, 0.0) if low else 1.0
    if around and 0 < low <= high / 4:
        low = 0.0
    step = _step((high - low) / _MOST)
    if (known % 1 == 0).all():
        step = max(step, 1.0)  # no ticks between whole numbers
    if around:
        first, last = floor(low / step), ceil(high / step)
        low, high = first * step, last * step
    else:
        first, last = ceil(low / step), floor(high / step)
    decimals = max(0, -floor(log10(step)))
    return Ticks(
        low,
        high + room * (high - low),
        np.round(np.arange(first, last + 1) * step, decimals),
        "~s" if max(abs(low), abs(high)) >= _LARGE else f",.{decimals}f",
    )


def time_ticks(times: NDArray[np.datetime64]) -> Ticks:
    """Ticks of times (datetime64), at round times; a single time gives the hour after it."""
    low, high = times.min(), times.max()
    if low == high:
        high = low + np.timedelta64(1, "h")
    seconds = (high - low) / np.timedelta64(1, "s")
    longest = _TIMES[-1]
    unit, count, written = next(
        (each for each in _TIMES if seconds <= _MOST * each[1] * _SECONDS[each[0]]), longest
    )
    # In calendar units: months start on the first, twelve hours at noon and midnight.
    places = np.arange(low.astype(f"M8[{unit}]"), high.astype(f"M8[{unit}]") + 1)
    begin = 0 if unit == "D" else -int(places[0].astype(np.int64)) % count
    values = places[begin::count]
    return Ticks(low, high, values[values >= low].astype("M8[ms]"), written)


class Fitted:
    """Fits two axes to marks, and again whenever the marks change.

    Parameters
    ----------
    marks : sequence of bqplot.Mark
        With `x` and `y`.
    across : Axis or None
        Of their `x`; None when that is a list of names.
    up : Axis
        Of their `y`.
    places : array
        Shown on `across` while the marks have no data.
    room : float
        Share of the height to leave free at the top.
    zero : bool
        Whether to always include zero.
    """

    def __init__(
        self,
        marks: Sequence[Any],
        across: Axis | None,
        up: Axis,
        *,
        places: NDArray[Any] | None = None,
        room: float = 0.0,
        zero: bool = False,
    ) -> None:
        self._marks = marks
        self._across = across
        self._up = up
        self._places = np.array([]) if places is None else places
        self._room = room
        self._zero = zero
        for mark in marks:
            mark.observe(self._fit, ["x", "y"])
        self._fit()

    def _fit(self, _change: object = None) -> None:
        values = np.concatenate([np.ravel(mark.y).astype(np.float64) for mark in self._marks])
        known = values[np.isfinite(values)]
        if self._zero:
            known = np.append(known, 0.0)
        _set(self._up, number_ticks(known, room=self._room, around=True))
        if self._across is None:
            return
        shown = [np.ravel(mark.x) for mark in self._marks if np.size(mark.x)]
        places = np.concatenate(shown) if shown else self._places
        if isinstance(self._across.scale, DateScale):
            _set(self._across, time_ticks(places.astype("M8[ms]")))
        else:
            _set(self._across, number_ticks(places.astype(np.float64)))


def _set(axis: Axis, ticks: Ticks) -> None:
    scale = axis.scale
    with scale.hold_sync():
        scale.min, scale.max = ticks.low, ticks.high
    with axis.hold_sync():
        axis.tick_values, axis.tick_format = ticks.values, ticks.format


def _step(least: float) -> float:
    """The first of 1, 2, 5, 10, 20, … that is at least that large."""
    power = 10.0 ** floor(log10(least))
    return next(power * n for n in (1, 2, 5, 10) if power * n >= least)
