"""Orders: a customer whose attempt failed tries again, or not, by how it failed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import NamedTuple

import numpy as np

from financeops.core.declines import DeclineKind, meaning_of
from financeops.core.periods import MILLISECOND
from financeops.simulation.population import Floats, Integers
from financeops.simulation.scenario import SimulationConfig, success_rates

RETRIED = {DeclineKind.SOFT: 0.45, DeclineKind.HARD: 0.1, None: 0.25}
"""Share of failed attempts that the customer follows by another, by the kind of the decline."""

_ODDS = {DeclineKind.SOFT: 0.4, DeclineKind.HARD: 0.04, None: 0.2}
"""Odds of a retry's success, relative to those of all attempts of the method."""

MOST_RETRIES = 2
RETRY_SOONEST = timedelta(minutes=1)
RETRY_LATEST = timedelta(minutes=8)


class Chances(NamedTuple):
    """Success rates by method of first attempts, and of retries by how the attempt before failed.

    `retried` is the share of failures with each code that is followed by another attempt.
    """

    first: Floats
    again: Floats
    retried: Floats


class Attempts(NamedTuple):
    """Attempts of orders, in order of time: `orders` and `attempts` count from 0.

    `recovered` is the number, from 1, of the attempt that succeeded, where a first one failed; else 0.
    """

    orders: Integers
    attempts: Integers
    moments: Integers
    declines: Integers
    recovered: Integers


def chances(config: SimulationConfig, codes: Sequence[str]) -> Chances:
    """Chances of first attempts and of retries, so that all together make `success_rates`.

    Retries succeed less often, so first attempts must succeed more often. With ``f`` the share of all
    attempts that shall fail, ``r`` that of failures which are retried and ``g`` that of failures whose
    retry fails as well, ``1 + g + g²`` failures follow from each first one, and ``r (1 + g)`` retries.
    """
    kinds = [meaning_of(code)[1] for code in codes]
    retried = np.array([RETRIED[kind] for kind in kinds])
    odds = np.array([_ODDS[kind] for kind in kinds])
    first = np.empty(len(config.methods))
    again = np.empty((len(config.methods), len(codes)))
    for number, (profile, rate) in enumerate(
        zip(config.methods, success_rates(config).values(), strict=True)
    ):
        again[number] = rate if rate in {0.0, 1.0} else 1 / (1 + (1 - rate) / rate / odds)
        weights = np.zeros(len(codes))
        for code, weight in profile.declines:
            weights[codes.index(code)] += weight
        weights /= weights.sum()
        more = float(weights @ retried)
        fails = float(weights @ (retried * (1 - again[number])))
        failing = (1 - rate) / (1 + fails + fails**2 - (1 - rate) * more * (1 + fails))
        first[number] = 1 - min(max(failing, 0.0), 1.0)
    return Chances(first, again, retried)


def attempts_of(
    rng: np.random.Generator,
    moments: Integers,
    latest: int,
    *,
    retried: Floats,
    outcome: Callable[[Integers, Integers, Integers | None], Integers],
) -> Attempts:
    """Attempts of orders that begin at some of these moments, as many as there are moments.

    Parameters
    ----------
    rng : numpy.random.Generator
    moments : array of int
        Milliseconds since 1970, sorted.
    latest : int
        No attempt is later.
    retried : array of float
        As in `Chances`.
    outcome : callable
        Numbers of decline codes, -1 for a success, of attempts: given their orders, their moments and
        the codes of the attempts before them, which first ones lack.
    """
    count = len(moments)
    orders, declines = np.arange(count), outcome(np.arange(count), moments, None)
    rounds = [(orders, moments, declines)]
    for _ in range(MOST_RETRIES):
        delays = rng.integers(
            RETRY_SOONEST // MILLISECOND, RETRY_LATEST // MILLISECOND, len(orders), endpoint=True
        )
        again = (declines >= 0) & (rng.random(len(orders)) < retried[declines])
        again &= moments + delays <= latest
        orders, moments = orders[again], (moments + delays)[again]
        declines = outcome(orders, moments, declines[again])
        rounds.append((orders, moments, declines))
    every, at, codes = (np.concatenate(parts) for parts in zip(*rounds, strict=True))
    numbers = np.repeat(np.arange(len(rounds)), [len(each[0]) for each in rounds])
    # Some orders are left out for the retries of others, so that the number of payments stays.
    sizes = np.bincount(every, minlength=count)
    places = rng.permutation(count)
    room = np.empty(count, np.int64)
    room[places] = np.clip(count - (np.cumsum(sizes[places]) - sizes[places]), 0, sizes[places])
    kept = numbers < room[every]
    every, at, codes, numbers = every[kept], at[kept], codes[kept], numbers[kept]
    recovered = np.zeros(count, np.int64)
    success = (codes < 0) & (numbers > 0)
    recovered[every[success]] = numbers[success] + 1
    by_time = np.argsort(at, kind="stable")
    every, numbers = every[by_time], numbers[by_time]
    return Attempts(
        orders=every,
        attempts=numbers,
        moments=at[by_time],
        declines=codes[by_time],
        recovered=np.where(numbers == 0, recovered[every], 0),
    )
