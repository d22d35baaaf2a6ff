"""A made-up business with a past: it grew, its days and weeks have a rhythm, some went wrong.

History ends where live payments go on: at the same pace, in the same rhythm. The last two days are as
dense as that pace; before them payments are the rarer the older they are, and the larger: the
business won customers who spend less. So every period has a believable one before it, and two
years are no more payments than an embedded database records within a minute.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from financeops.core.payments import Draft
from financeops.core.periods import DAY, HOUR, MILLISECOND, QUARTER, Window, floor_hour
from financeops.simulation.incidents import Episode
from financeops.simulation.population import Floats, Integers
from financeops.simulation.rhythm import milliseconds, moments_between, wakeful_rhythm
from financeops.simulation.scenario import SimulationConfig
from financeops.simulation.simulate import simulate_at

PACE = timedelta(seconds=15)
"""Mean time between two payments of today. `MOST` says what it costs."""

AGE = timedelta(days=730)
"""So old is the business: the year before the running one is whole."""

DENSE = timedelta(days=2)
"""The last days, at today's pace."""

MOST = 44_000
"""Payments of a history: what the embedded database records within a minute on two cores.

It bounds the pace: the shorter it is, the fewer and larger are the payments before the last two days.
At 40 s the average amount of a week is 42 % below that of the week before, at 15 s 74 %;
but a live feed that moves once in 40 s shows nobody that it is live.
"""

_YOUTH = 13.0
"""Days in which the business changed about as much as in all the time before."""
_GROWTH, _VOLUME_GROWTH = 1.1, 0.6
"""How steeply payments, and their volume, become fewer with age, when `MOST` lets them."""
_DENSE_AT_MOST = 0.75
"""Share of `MOST` that the last two days may take, however short the pace."""


def first_history(
    config: SimulationConfig, rng: np.random.Generator, now: datetime, *, pace: timedelta = PACE
) -> list[Draft]:
    """Payments of a business that makes one every `pace` today.

    Parameters
    ----------
    config : SimulationConfig
        Methods that it does not have go wrong in none of the episodes.
    rng : numpy.random.Generator
        Decides everything that `config.seed` does not; the same state gives the same payments.
    now : datetime
        Aware; where history ends.
    pace : timedelta
        Positive. Shorter than `PACE` it leaves fewer payments, of larger amounts, for the time
        before the last two days, for there are about `MOST` in all.

    Returns
    -------
    list of Draft
        Oldest first, times to the millisecond.
    """
    zone = ZoneInfo(config.timezone)
    last = milliseconds(now)
    first = last - AGE // MILLISECOND
    daily, before = _today_and_before(pace)

    def busy(moments: Integers) -> Floats:
        return wakeful_rhythm(moments, zone=zone) * _density(_age(moments, last), before)

    cuts = np.arange(first, last, QUARTER // MILLISECOND)
    count = round(daily * float(busy(cuts).sum()) * (QUARTER / DAY))
    moments = moments_between(rng, count, first, last, busy)
    age = _age(moments, last)
    scale = _fallen(age, _VOLUME_GROWTH) / _density(age, before)
    return simulate_at(config, rng, now, moments, scale=scale, episodes=episodes(config, now))


def time_to_next(config: SimulationConfig, now: datetime, *, pace: timedelta = PACE) -> timedelta:
    """How long after a live payment the next one comes: `pace` in the mean, by hour and weekday.

    Parameters
    ----------
    config : SimulationConfig
        Its zone's hours count.
    now : datetime
        Aware.
    pace : timedelta
        As `first_history` had it.
    """
    zone = ZoneInfo(config.timezone)
    (busy,) = wakeful_rhythm(np.array([milliseconds(now)]), zone=zone)
    return pace / float(busy)


def episodes(config: SimulationConfig, now: datetime) -> list[Episode]:
    """What went wrong in each period, so that there is something to find.

    Parameters
    ----------
    config : SimulationConfig
        Only its methods can fail.
    now : datetime
        Aware. What happened in the last day happened in its three busiest whole hours, ended or
        not yet long gone.

    Returns
    -------
    list of Episode
        Oldest first: a processor's trouble 13 months ago, a wrong rule against fraud in the month
        before the last 30 days, a strict authentication some days ago, an issuer in the last day.
    """
    zone = ZoneInfo(config.timezone)
    hour = floor_hour(now, zone)
    starts = [hour - n * HOUR for n in range(4, 19)]
    busy = wakeful_rhythm(
        np.array([milliseconds(start + 1.5 * HOUR) for start in starts]), zone=zone
    )
    outage = starts[int(np.argmax(busy))]
    found = [
        Episode(_window(hour - 410 * DAY, 30 * DAY), "card", "issuer_unavailable", 0.4),
        Episode(_window(hour - 45 * DAY, 10 * DAY), "card", "suspected_fraud", 0.6),
        Episode(_window(hour - 4 * DAY, 18 * HOUR), "card", "authentication_failed", 0.45),
        Episode(_window(outage, 3 * HOUR), "card", "issuer_unavailable", 0.85),
    ]
    known = {profile.name for profile in config.methods}
    return [episode for episode in found if episode.method in known]


def _window(start: datetime, length: timedelta) -> Window:
    return Window(start, start + length)


def _today_and_before(pace: timedelta) -> tuple[float, float]:
    """Payments of a day now, and how many times rarer they were before if `MOST` is to be kept."""
    dense = DENSE / DAY
    daily = min(DAY / pace, _DENSE_AT_MOST * MOST / dense)
    power, span = 1 - _GROWTH, (AGE - DENSE) / DAY / _YOUTH
    before = daily * _YOUTH / power * ((1 + span) ** power - 1)  # the integral of `_fallen`
    return daily, min(1.0, (MOST - daily * dense) / before)


def _density(age: Floats, before: float) -> Floats:
    """Payments at an age in days relative to today's: dense days, and `before` them fewer."""
    return np.where(age < DENSE / DAY, 1.0, before * _fallen(age, _GROWTH))


def _fallen(age: Floats, steepness: float) -> Floats:
    """What is left of today's at an age in days: a power law behind the dense days."""
    fallen: Floats = (1 + np.maximum(age - DENSE / DAY, 0) / _YOUTH) ** -steepness
    return fallen


def _age(moments: Integers, now: int) -> Floats:
    return np.asarray((now - moments) * (MILLISECOND / DAY), dtype=np.float64)
