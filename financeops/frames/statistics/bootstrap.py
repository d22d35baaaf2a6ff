"""Bootstrap samples of the sum and the mean of amounts."""

from __future__ import annotations

from collections.abc import Mapping
from math import log

import numpy as np
from numpy.typing import NDArray

from financeops.frames.statistics.intervals import Interval

Floats = NDArray[np.float64]

SAMPLES = 2000

_MOST_AMOUNTS = 1000
"""With more different amounts, those within 3 % of each other are drawn together."""


def samples_of(amounts: Mapping[int, int], rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Poisson bootstrap samples: each payment occurs Poisson(1) times in each of them.

    Parameters
    ----------
    amounts : mapping of int to int
        How many payments have each amount (minor units).
    rng : numpy.random.Generator

    Returns
    -------
    tuple of arrays of float, shape (SAMPLES,)
        Volume and average amount of each sample, minor units; the average of an empty one is NaN.

    Notes
    -----
    Source: Hanley, J. A. and MacGibbon, B. (2006), Creating Non-Parametric Bootstrap Samples Using
    Poisson Frequencies, Computer Methods and Programs in Biomedicine 83:57-62.
    """
    sizes, means = classes_of(amounts)
    counts = rng.poisson(sizes, size=(SAMPLES, len(sizes))).astype(np.float64)
    volumes, numbers = counts @ means, counts.sum(axis=1)
    averages = np.divide(volumes, numbers, out=np.full(SAMPLES, np.nan), where=numbers > 0)
    return volumes, averages


def classes_of(amounts: Mapping[int, int]) -> tuple[Floats, Floats]:
    """How many payments are drawn together, and their mean amount; in the order of amounts."""
    merged: dict[int, tuple[int, int]] = {}
    few = len(amounts) <= _MOST_AMOUNTS
    for amount in sorted(amounts):
        near = amount if few or amount < 100 else 100 + int(log(amount) * 33)
        n, total = merged.get(near, (0, 0))
        merged[near] = (n + amounts[amount], total + amount * amounts[amount])
    counts = [n for n, _ in merged.values()]
    means = [total / n for n, total in merged.values()]
    return np.array(counts, dtype=np.float64), np.array(means, dtype=np.float64)


def percentiles(samples: Floats, confidence: float) -> Interval | None:
    """Percentile interval of samples, NaN left out; None without any."""
    drawn = samples[~np.isnan(samples)]
    if not len(drawn):
        return None
    tail = (1 - confidence) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return float(low), float(high)
