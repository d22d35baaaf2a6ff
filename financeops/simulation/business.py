"""A fictitious business with a history: it grew, has daily and weekly rhythms, and had incidents.

History ends where live payments begin, at the same pace and in the same rhythm. The last two days
are as dense as that pace; the older payments are, the rarer and larger they become: the business
won customers who spend less. So every period has a plausible one before it, and two years have no
more payments than an embedded database records within a minute.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from financeops.core.periods import DAY, HOUR, MILLISECOND, QUARTER, Window, floor_hour
from financeops.simulation.columns import Columns
from financeops.simulation.incidents import Episode
from financeops.simulation.population import Floats, Integers
from financeops.simulation.rhythm import milliseconds, moments_between, wakeful_rhythm
from financeops.simulation.scenario import SimulationConfig
from financeops.simulation.simulate import columns_at

PACE = timedelta(seconds=15)
"""Mean time between two payments today. See `MOST` for what it costs."""

AGE = timedelta(days=730)
"""Age of the business: enough for a whole year before the running one."""

DENSE = timedelta(days=2)
"""The last days, which have today's pace."""

MOST = 40_000
"""Payments of a history, as many as the embedded database records in about a minute on two cores.

This limits the pace: the shorter it is, the fewer and larger are the payments before the last two
days. At 40 s the average amount of a week is 44 % below that of the week before, at 15 s 77 %; but
a feed that moves only once in 40 s does not look live.
"""

_YOUTH = 13.0
"""Days in which the business changed about as much as in the whole time before."""
_GROWTH, _VOLUME_GROWTH = 1.1, 0.6
"""Steepness with which payments, and their volume, decrease with age, as far as `MOST` permits."""
_DENSE_AT_MOST = 0.75
"""Largest share of `MOST` for the last two days, however short the pace."""


def first_history(
    config: SimulationConfig, rng: np.random.Generator, now: datetime, *, pace: timedelta = PACE
) -> Columns:
    """Payments of a business that today gets one every `pace`, and what became of them.

    Parameters
    ----------
    config : SimulationConfig
        Episodes of methods that it does not have are left out.
    rng : numpy.random.Generator
        Decides everything that `config.seed` does not; the same state gives the same payments.
    now : datetime
        Aware; the end of the history.
    pace : timedelta
        Positive. A pace shorter than `PACE` leaves fewer payments, of larger amounts, for the time
        before the last two days, for there are about `MOST` in all.

    Returns
    -------
    Columns
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
    return columns_at(config, rng, now, moments, scale=scale, episodes=episodes(config, now))


def time_to_next(config: SimulationConfig, now: datetime, *, pace: timedelta = PACE) -> timedelta:
    """Time from a live payment to the next: `pace` on average, varying by hour and weekday.

    Parameters
    ----------
    config : SimulationConfig
        Its zone decides hour and weekday.
    now : datetime
        Aware.
    pace : timedelta
        The pace given to `first_history`.
    """
    zone = ZoneInfo(config.timezone)
    (busy,) = wakeful_rhythm(np.array([milliseconds(now)]), zone=zone)
    return pace / float(busy)


def episodes(config: SimulationConfig, now: datetime) -> list[Episode]:
    """Episodes of each period, so that there is something to find.

    Parameters
    ----------
    config : SimulationConfig
        Only its methods can fail.
    now : datetime
        Aware. The episode of the last day lies in the three busiest whole hours of the last 18.

    Returns
    -------
    list of Episode
        Oldest first: problems of a processor 13 months ago, a wrong fraud rule in the month before
        the last 30 days, a strict authentication some days ago, an issuer in the last day.
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
    """Payments of a day now, and the factor, at most 1, for earlier ones that keeps to `MOST`."""
    dense = DENSE / DAY
    daily = min(DAY / pace, _DENSE_AT_MOST * MOST / dense)
    power, span = 1 - _GROWTH, (AGE - DENSE) / DAY / _YOUTH
    before = daily * _YOUTH / power * ((1 + span) ** power - 1)  # the integral of `_fallen`
    return daily, min(1.0, (MOST - daily * dense) / before)


def _density(age: Floats, before: float) -> Floats:
    """Payments at an age in days, relative to today; `before` is a factor before the dense days."""
    return np.where(age < DENSE / DAY, 1.0, before * _fallen(age, _GROWTH))


def _fallen(age: Floats, steepness: float) -> Floats:
    """Share of today's payments at an age in days: a power law before the dense days."""
    fallen: Floats = (1 + np.maximum(age - DENSE / DAY, 0) / _YOUTH) ** -steepness
    return fallen


def _age(moments: Integers, now: int) -> Floats:
    return np.asarray((now - moments) * (MILLISECOND / DAY), dtype=np.float64)
