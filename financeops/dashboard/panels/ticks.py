"""Round values for axes."""

from __future__ import annotations

from collections.abc import Sequence

_STEPS = (1, 2, 5, 10)


def round_ticks(highest: int, *, most: int = 4) -> list[int]:
    """Round values from 0 to the first one that is not below `highest`.

    Parameters
    ----------
    highest : int
        What the axis must hold; 0 gives the axis of a chart without data.
    most : int
        How many steps at most.

    Returns
    -------
    list of int
        At least two values, equally far apart.
    """
    if highest <= 0:
        return [0, 1]
    power = 10 ** max(0, len(str(highest)) - 2)
    while True:
        for factor in _STEPS:
            step = factor * power
            if step * most >= highest:
                return [n * step for n in range(-(-highest // step) + 1)]
        power *= 10


def spread(count: int, *, most: int = 8) -> Sequence[int]:
    """Indexes of labels on an axis of `count` places, so that at most `most` are written."""
    step = -(-count // most)
    return range((count - 1) % step, count, step)
