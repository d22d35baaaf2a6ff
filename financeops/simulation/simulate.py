"""Realistic payments, for a demonstration, a test or a benchmark.

Amounts are log-normal, customers return, days and weeks have a rhythm, some failures are retried
minutes later, and now and then an issuer fails (`financeops.simulation.incidents`). History and
live payments are drawn the same way, and the same seed gives the same stream.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from msgspec.structs import replace

from financeops.core.money import MAX_MINOR
from financeops.core.payments import Draft, Status
from financeops.core.periods import EPOCH, MILLISECOND, floor_millisecond
from financeops.simulation.incidents import (
    INCIDENT_CODE,
    INCIDENT_FAILURES,
    INCIDENT_METHOD,
    Episode,
    Incident,
    incidents_between,
)
from financeops.simulation.population import (
    Flags,
    Floats,
    Integers,
    Population,
    countries_of,
    customer_ids,
    draw_amounts,
    draw_customers,
    draw_methods,
    ends,
    pick,
    population,
)
from financeops.simulation.rhythm import instant_at, milliseconds, moments_between, rhythm
from financeops.simulation.scenario import SimulationConfig, success_rates

RETRIED = 0.25
"""Share of failed payments that the customer retries."""
RETRY_SOONEST = timedelta(minutes=1)
RETRY_LATEST = timedelta(minutes=8)

REFUND_MEDIAN = timedelta(days=3)
"""Median time to a refund; the logarithm's standard deviation is 1."""


def simulate(
    config: SimulationConfig,
    rng: np.random.Generator,
    now: datetime,
    *,
    count: int = 1,
    since: datetime | None = None,
) -> list[Draft]:
    """Realistic payments, at this moment or in the time before it.

    Parameters
    ----------
    config : SimulationConfig
    rng : numpy.random.Generator
        Decides everything that `config.seed` does not; the same state gives the same payments.
    now : datetime
        Aware. No payment and no refund is later.
    count : int
        Number of payments.
    since : datetime, optional
        Start of the history. Without it all payments happen at `now`, and none is refunded yet.

    Returns
    -------
    list of Draft
        `count` payments, oldest first, times to the millisecond. Amounts lie between 1 minor unit
        and `financeops.core.money.MAX_MINOR`.

    Raises
    ------
    ValueError
        When `since` is not before `now`.
    """
    latest = milliseconds(now)
    if since is not None:
        pace = partial(rhythm, zone=ZoneInfo(config.timezone))
        moments = moments_between(rng, count, milliseconds(since), latest, pace)
        return simulate_at(config, rng, now, moments)
    moments = np.full(count, latest)
    drawn = _draw(config, rng, count)
    declines = _declines(drawn, moments)
    return _drafts(config, drawn, moments, declines, np.full(count, -1))


def simulate_at(
    config: SimulationConfig,
    rng: np.random.Generator,
    now: datetime,
    moments: Integers,
    *,
    scale: Floats | None = None,
    episodes: Sequence[Episode] = (),
) -> list[Draft]:
    """Realistic payments of the past, at given moments.

    Parameters
    ----------
    config : SimulationConfig
    rng : numpy.random.Generator
        Decides everything that `config.seed` does not.
    now : datetime
        Aware. No payment and no refund is later.
    moments : array of int
        Milliseconds since 1970, sorted. Those of retries are moved to some minutes after the first
        attempt.
    scale : array of float, optional
        Factor for the amount of each payment.
    episodes : sequence of Episode
        Episodes in addition to the incidents that every day may have.

    Returns
    -------
    list of Draft
        One for each moment, oldest first.
    """
    latest = milliseconds(now)
    drawn = _draw(config, rng, len(moments))
    if scale is not None:
        scaled = np.maximum(drawn.amounts * scale, 1)
        drawn.amounts[:] = np.minimum(scaled, MAX_MINOR).astype(np.int64)
    failed = _declines(drawn, moments, episodes) >= 0
    first, again, moments = _retries(rng, failed, moments, latest)
    for values in (drawn.customers, drawn.countries, drawn.methods, drawn.amounts):
        values[again] = values[first]
    # The outcome of a retry is drawn on its own, for its own time.
    declines = _declines(drawn, moments, episodes)
    refunds = _refunds(rng, config.refund_rate, declines < 0, moments, latest)
    return _drafts(config, drawn, moments, declines, refunds)


class _Drawn(NamedTuple):
    """The random draws for each payment; `luck` is for `_declined`."""

    people: Population
    customers: Integers
    countries: Integers
    methods: Integers
    amounts: Integers
    luck: Floats


def _draw(config: SimulationConfig, rng: np.random.Generator, count: int) -> _Drawn:
    people = population(config)
    customers = draw_customers(rng, count)
    methods = draw_methods(rng, customers, people)
    amounts = draw_amounts(rng, methods, people)
    countries = countries_of(customers, people)
    return _Drawn(people, customers, countries, methods, amounts, rng.random((2, count)))


def _drafts(
    config: SimulationConfig,
    drawn: _Drawn,
    moments: Integers,
    declines: Integers,
    refunds: Integers,
) -> list[Draft]:
    """The payments, oldest first; -1 stands for no decline and for no refund."""
    people = drawn.people
    order = np.argsort(moments, kind="stable")
    codes = _codes(config)
    success, failed, refunded = Status
    return [
        Draft(
            tenant_id=config.tenant_id,
            amount=amount,
            currency=config.currency,
            method=people.methods[method].name,
            status=failed if decline >= 0 else success if refund < 0 else refunded,
            created_at=EPOCH + timedelta(0, 0, 0, moment),
            source=config.source,
            customer_id=customer,
            country=people.countries[country],
            decline_code=codes[decline] if decline >= 0 else None,
            refunded_at=EPOCH + timedelta(0, 0, 0, refund) if refund >= 0 else None,
        )
        for moment, amount, method, customer, country, decline, refund in zip(
            moments[order].tolist(),
            drawn.amounts[order].tolist(),
            drawn.methods[order].tolist(),
            customer_ids(drawn.customers[order]),
            drawn.countries[order].tolist(),
            declines[order].tolist(),
            refunds[order].tolist(),
            strict=True,
        )
    ]


def pick_retry(
    config: SimulationConfig, rng: np.random.Generator, now: datetime, failed: Sequence[Draft]
) -> Draft | None:
    """Retry one of the payments that failed some minutes ago; mostly return None.

    Called once for every live payment, this makes about as many retries as there are in history.

    Parameters
    ----------
    config : SimulationConfig
    rng : numpy.random.Generator
        The number of draws is the same whatever is returned.
    now : datetime
        Aware; when the retry happens.
    failed : sequence of Draft
        Simulated payments that failed recently and were not retried. Those too old or too new for a
        customer to retry at this moment are ignored.
    """
    chance, place = rng.random(2)
    luck = rng.random((2, 1))
    waiting = [draft for draft in failed if RETRY_SOONEST <= now - draft.created_at <= RETRY_LATEST]
    if not waiting or chance >= (1 - config.success_rate) * RETRIED:
        return None
    first = waiting[int(place * len(waiting))]
    people = population(config)
    names = [profile.name for profile in people.methods]
    decline = _declined(
        people,
        moments=np.array([milliseconds(now)]),
        methods=np.array([names.index(first.method)]),
        countries=np.array([people.countries.index(first.country or "")]),
        luck=luck,
    )[0]
    return replace(
        first,
        status=Status.FAILED if decline >= 0 else Status.SUCCESS,
        created_at=floor_millisecond(now),
        decline_code=_codes(config)[decline] if decline >= 0 else None,
    )


def pick_refund(
    config: SimulationConfig, rng: np.random.Generator, succeeded: Sequence[str]
) -> str | None:
    """Pick a payment to refund now; mostly return None.

    Called once for every live payment, this refunds `config.refund_rate` of those that succeed.

    Parameters
    ----------
    config : SimulationConfig
    rng : numpy.random.Generator
        The number of draws is the same whatever is returned.
    succeeded : sequence of str
        Ids of live payments that succeeded and are not refunded.
    """
    chance, place = rng.random(2)
    if not succeeded or chance >= config.refund_rate * config.success_rate:
        return None
    return succeeded[int(place * len(succeeded))]


def _codes(config: SimulationConfig) -> list[str]:
    """Every decline code once; its index is its number."""
    known = dict.fromkeys(code for profile in config.methods for code, _ in profile.declines)
    return list({**known, INCIDENT_CODE: None})


def _declines(drawn: _Drawn, moments: Integers, episodes: Sequence[Episode] = ()) -> Integers:
    return _declined(
        drawn.people,
        moments=moments,
        methods=drawn.methods,
        countries=drawn.countries,
        luck=drawn.luck,
        episodes=episodes,
    )


def _declined(
    people: Population,
    *,
    moments: Integers,
    methods: Integers,
    countries: Integers,
    luck: Floats,
    episodes: Sequence[Episode] = (),
) -> Integers:
    """Number of each payment's decline code; -1 if it succeeds.

    `luck` holds two rows of numbers in [0, 1): whether a payment fails, and why.
    """
    codes = _codes(people.config)
    rates = success_rates(people.config)
    names = [profile.name for profile in people.methods]
    declines = np.full(len(moments), -1)
    for number, profile in enumerate(people.methods):
        failed = np.flatnonzero((methods == number) & (luck[0] >= rates[profile.name]))
        reasons = pick(ends([weight for _, weight in profile.declines]), luck[1][failed])
        declines[failed] = np.array([codes.index(code) for code, _ in profile.declines])[reasons]
    if len(moments):
        span = instant_at(int(moments.min())), instant_at(int(moments.max()))
        if found := incidents_between(people.config, *span):
            hit = _countries_hit(people, moments, found) == countries
            hit &= methods == names.index(INCIDENT_METHOD)
            declines[hit & (luck[0] >= 1 - INCIDENT_FAILURES)] = codes.index(INCIDENT_CODE)
    for episode in episodes:
        hit = methods == names.index(episode.method)
        hit &= moments >= milliseconds(episode.window.start)
        hit &= moments < milliseconds(episode.window.end)
        declines[hit & (luck[0] >= 1 - episode.failures)] = codes.index(episode.code)
    return declines


def _countries_hit(people: Population, moments: Integers, found: Sequence[Incident]) -> Integers:
    """Number of the country that has an incident at each moment; -1 if none has."""
    windows = [incident.window for incident in found]
    cuts = [milliseconds(at) for window in windows for at in (window.start, window.end)]
    # Starts and ends alternate: between two cuts lies an incident, then none.
    hit = [-1]
    for incident in found:
        hit += [people.countries.index(incident.country), -1]
    return np.array(hit)[np.searchsorted(cuts, moments, side="right")]


def _retries(
    rng: np.random.Generator, failed: Flags, moments: Integers, latest: int
) -> tuple[Integers, Integers, Integers]:
    """Turn the payments that follow some failed ones into their retries.

    Returns
    -------
    tuple of arrays
        Indices of the first attempts; indices of the retries; the moments, with the retries some
        minutes after the first attempts. So the number of payments stays the same.
    """
    delays = rng.integers(
        RETRY_SOONEST // MILLISECOND, RETRY_LATEST // MILLISECOND, len(moments), endpoint=True
    )
    retried = failed & (rng.random(len(moments)) < RETRIED) & (moments + delays <= latest)
    retried[-1:] = False
    # A retry is not retried.
    retried[1:] &= ~retried[:-1]
    first = np.flatnonzero(retried)
    moved = moments.copy()
    moved[first + 1] = moments[first] + delays[first]
    return first, first + 1, moved


def _refunds(
    rng: np.random.Generator,
    rate: float,
    succeeded: Flags,
    moments: Integers,
    latest: int,
) -> Integers:
    """When each payment was refunded, in milliseconds; -1 if it is not, or not yet."""
    chosen = rng.random(len(moments)) < rate
    later = REFUND_MEDIAN / MILLISECOND * np.exp(rng.standard_normal(len(moments)))
    times = moments + later.astype(np.int64)
    return np.where(chosen & succeeded & (times <= latest), times, -1)
