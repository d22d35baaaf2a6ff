"""Incidents of a simulated business, for an analyst to find in its payments."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from msgspec import Struct

from financeops.core.periods import DAY, Window, day_of
from financeops.simulation.scenario import SimulationConfig, countries

INCIDENT_METHOD = "card"
INCIDENT_CODE = "issuer_unavailable"
INCIDENT_LENGTH = timedelta(minutes=20)
INCIDENT_FAILURES = 0.9
"""Share of the attempts in an incident that fail because of it."""

_CHANCE = 0.4
_FIRST_HOUR, _LAST_HOUR = 9, 21


class Incident(Struct, frozen=True):
    """The issuers of one country do not respond: its card payments fail."""

    window: Window
    country: str


class Episode(Struct, frozen=True):
    """Payments of one method fail for hours or weeks, in all countries.

    `failures` is the share of its attempts that fail because of it, with `code`.
    """

    window: Window
    method: str
    code: str
    failures: float


def incidents(config: SimulationConfig, day: date) -> tuple[Incident, ...]:
    """Incidents of a day in the tenant's zone: on two days in five there is one.

    They depend on the configuration and the day only, so history and live payments show the same.

    Parameters
    ----------
    config : SimulationConfig
    day : date
        In the configured zone.

    Returns
    -------
    tuple of Incident
        None, or one of 20 minutes between 9:00 and 21:00.
    """
    if all(profile.name != INCIDENT_METHOD for profile in config.methods):
        return ()
    rng = np.random.default_rng([config.seed, day.toordinal()])
    chance, moment, place = rng.random(3)
    if chance >= _CHANCE:
        return ()
    weights = countries(config)
    ends = np.cumsum(list(weights.values()))
    country = list(weights)[int(np.searchsorted(ends, place * ends[-1], side="right"))]
    minute = int(60 * (_FIRST_HOUR + moment * (_LAST_HOUR - _FIRST_HOUR)))
    local = datetime(
        day.year, day.month, day.day, minute // 60, minute % 60, tzinfo=ZoneInfo(config.timezone)
    )
    start = local.astimezone(UTC)
    return (Incident(Window(start, start + INCIDENT_LENGTH), country),)


def incidents_between(config: SimulationConfig, start: datetime, end: datetime) -> list[Incident]:
    """All incidents of the days from `start` to `end`, oldest first."""
    zone = ZoneInfo(config.timezone)
    first, last = day_of(start, zone), day_of(end, zone)
    days = (first + n * DAY for n in range((last - first).days + 1))
    return [incident for day in days for incident in incidents(config, day)]
