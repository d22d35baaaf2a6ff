"""Payments counted by the hour of a zone's clock, amounts by their size."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from math import isqrt
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from financeops.core.payments import Status
from financeops.core.periods import HOUR, Window, floor_hour
from financeops.frames.engine.clock import cut_at, within
from financeops.frames.engine.folding import Keys
from financeops.frames.engine.moments import place_among
from financeops.frames.engine.results import collected
from financeops.frames.engine.schema import Names

Integers = NDArray[np.int64]


class Hourly(NamedTuple):
    """Counts of one group: shape (hours,), the last two (hours, sizes).

    `numbers` and `volumes` are of succeeded payments, by size of the amount.
    """

    attempts: Integers
    succeeded: Integers
    numbers: Integers
    volumes: Integers


def hours_between(start: datetime, end: datetime, zone: ZoneInfo) -> list[datetime]:
    """Starts of the clock hours in `zone` from the one that contains `start` until `end`.

    Where a clock changes by half an hour, one of them is shorter or longer.
    """
    starts = [floor_hour(start, zone)]
    while starts[-1] < end:
        starts.append(floor_hour(starts[-1], zone) + HOUR)
    return starts[:-1]


def sizes_up_to(largest: int) -> list[int]:
    """Lower bounds of the size classes of amounts: each is the root of 2 times the one before."""
    return sorted({isqrt(2**power) for power in range(2 * largest.bit_length() + 1)})


def hourly(
    frame: nw.LazyFrame[Any],
    keys: Names,
    hours: Sequence[datetime],
    end: datetime,
    sizes: Sequence[int],
) -> dict[Keys, Hourly]:
    """Count payments by group, hour and size; one query where the frame lives.

    Parameters
    ----------
    frame : narwhals.LazyFrame
        ``status``, ``created_at`` (microseconds), ``amount`` and `keys`.
    keys : tuple of str
        Columns to group by.
    hours : sequence of datetime
        Starts of hours, ascending; the last hour ends at `end`.
    end : datetime
    sizes : sequence of int
        Lower bounds of the size classes, ascending, minor units.
    """
    cut = cut_at(hours)
    succeeded = nw.col("status") != Status.FAILED.value
    # Only succeeded payments have volume, so only their sizes matter.
    size = nw.when(succeeded).then(place_among("amount", sizes)).otherwise(nw.lit(0))
    found = collected(
        frame.filter(within("created_at", Window(hours[0], end)))
        .with_columns(
            cut.unit_of("created_at").alias("unit"),
            size.alias("size"),
            nw.when(succeeded).then(nw.lit(1)).otherwise(nw.lit(0)).alias("succeeded"),
        )
        .group_by(*keys, "unit", "size", "succeeded")
        .agg(nw.len().alias("n"), nw.col("amount").sum().alias("volume"))
    )
    counts: dict[Keys, Hourly] = {}
    groups = zip(*(found[key] for key in keys), strict=True)
    places = {unit: cut.place(int(unit)) for unit in set(found["unit"])}
    cells = zip(
        *(found[name] for name in ("unit", "size", "succeeded", "n", "volume")), strict=True
    )
    shape = (len(hours), len(sizes) + 1)
    for group, (unit, size_, good, n, volume) in zip(groups, cells, strict=True):
        if group not in counts:
            flat, deep = (np.zeros(shape[:axes], dtype=np.int64) for axes in (1, 2))
            counts[group] = Hourly(flat, flat.copy(), deep, deep.copy())
        hour, place = places[unit], int(size_)
        mine = counts[group]
        mine.attempts[hour] += int(n)
        if int(good):
            mine.succeeded[hour] += int(n)
            mine.numbers[hour, place] += int(n)
            mine.volumes[hour, place] += int(volume)
    return counts


def same_hours_before(
    hours: Sequence[datetime], tested: Sequence[int], weeks: int, zone: ZoneInfo, first: datetime
) -> Integers:
    """Positions in `hours` of the same hour in the weeks before.

    Parameters
    ----------
    hours : sequence of datetime
        Starts of hours, ascending.
    tested : sequence of int
        Positions of the hours that need a baseline.
    weeks : int
        How many weeks back.
    zone : ZoneInfo
        Zone whose clock defines the same hour.
    first : datetime
        Hours before it have no data.

    Returns
    -------
    array of int, shape (tested, weeks)
        The week directly before first; -1 where the hour has no data.
    """
    starts = [hour.timestamp() for hour in hours]
    earlier = np.empty((len(tested), weeks))
    for row, place in enumerate(tested):
        shown = hours[place].astimezone(zone)
        for week in range(weeks):
            # Arithmetic on a datetime with a zone is arithmetic on its wall clock.
            earlier[row, week] = (shown - (week + 1) * 7 * 24 * HOUR).timestamp()
    places: Integers = np.searchsorted(starts, earlier, side="right") - 1
    known = earlier >= max(first.timestamp(), starts[0])
    return np.where(known, places, -1)
