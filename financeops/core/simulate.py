"""Realistic payments, for a demonstration, a test or a benchmark.

Amounts are log-normal, customers come back, days and weeks have their rhythm, some failures are
tried again minutes later, and now and then an issuer fails (`financeops.core.incidents`). History
and live payments are drawn the same way, and the same seed gives the same stream.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from msgspec.structs import replace

from financeops.core.incidents import (
    INCIDENT_CODE,
    INCIDENT_FAILURES,
    INCIDENT_METHOD,
    Incident,
    incidents_between,
)
from financeops.core.payments import Draft, Status
from financeops.core.periods import EPOCH, MILLISECOND, QUARTER, floor_millisecond
from financeops.core.population import (
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
from financeops.core.scenario import SimulationConfig, success_rates

RETRIED = 0.25
"""Share of failed payments that the customer tries again."""
RETRY_SOONEST = timedelta(minutes=1)
RETRY_LATEST = timedelta(minutes=8)

REFUND_MEDIAN = timedelta(days=3)
"""Half of the refunds happen before, half of them after; the logarithm's spread is 1."""

# Attempts by hour of day and, below, by day of week (Monday first), in the tenant's zone.
_HOURS = (
    *(12, 8, 5, 4, 4, 6, 12, 24, 40, 55, 66, 74),
    *(80, 76, 70, 68, 70, 76, 84, 92, 90, 72, 46, 24),
)
_WEEKDAYS = (0.95, 0.97, 1.0, 1.03, 1.2, 1.1, 0.75)


def simulate(
    config: SimulationConfig,
    rng: np.random.Generator,
    now: datetime,
    *,
    count: int = 1,
    since: datetime | None = None,
) -> list[Draft]:
    """Realistic payments, of this moment or of the time before it.

    Parameters
    ----------
    config : SimulationConfig
    rng : numpy.random.Generator
        Decides everything that `config.seed` does not; the same state gives the same payments.
    now : datetime
        Aware. No payment and no refund is later.
    count : int
        How many payments.
    since : datetime, optional
        Where history begins. Without it all payments happen at `now`, and none is refunded yet.

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
    people = population(config)
    latest = _milliseconds(now)
    if since is None:
        moments = np.full(count, latest)
    else:
        moments = _moments(rng, count, since, now, ZoneInfo(config.timezone))
    customers = draw_customers(rng, count)
    countries = countries_of(customers, people)
    methods = draw_methods(rng, customers, people)
    amounts = draw_amounts(rng, methods, people)
    luck = rng.random((2, count))
    declines = _declines(people, moments=moments, methods=methods, countries=countries, luck=luck)
    refunds = np.full(count, -1)

    if since is not None:
        first, again, moments = _retries(rng, declines >= 0, moments, latest)
        for values in (customers, countries, methods, amounts):
            values[again] = values[first]
        # What becomes of the second try is its own luck, at its own time.
        declines = _declines(
            people, moments=moments, methods=methods, countries=countries, luck=luck
        )
        refunds = _refunds(rng, config.refund_rate, declines < 0, moments, latest)

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
            amounts[order].tolist(),
            methods[order].tolist(),
            customer_ids(customers[order]),
            countries[order].tolist(),
            declines[order].tolist(),
            refunds[order].tolist(),
            strict=True,
        )
    ]


def pick_retry(
    config: SimulationConfig, rng: np.random.Generator, now: datetime, failed: Sequence[Draft]
) -> Draft | None:
    """Try one of the payments that failed some minutes ago once more; mostly None.

    Called once for every live payment it makes about as many retries as history has.

    Parameters
    ----------
    config : SimulationConfig
    rng : numpy.random.Generator
        Gives the same number of draws whatever is returned.
    now : datetime
        Aware; when the second try happens.
    failed : sequence of Draft
        Simulated payments that failed lately and were not tried again. Those that a customer
        would not try again at this moment, older or newer ones, are passed over.
    """
    chance, place = rng.random(2)
    luck = rng.random((2, 1))
    waiting = [draft for draft in failed if RETRY_SOONEST <= now - draft.created_at <= RETRY_LATEST]
    if not waiting or chance >= (1 - config.success_rate) * RETRIED:
        return None
    first = waiting[int(place * len(waiting))]
    people = population(config)
    names = [profile.name for profile in people.methods]
    decline = _declines(
        people,
        moments=np.array([_milliseconds(now)]),
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
    """Which payment to refund now; mostly None.

    Called once for every live payment it refunds `config.refund_rate` of those that succeed.

    Parameters
    ----------
    config : SimulationConfig
    rng : numpy.random.Generator
        Gives the same number of draws whatever is returned.
    succeeded : sequence of str
        Ids of live payments that succeeded and are not refunded.
    """
    chance, place = rng.random(2)
    if not succeeded or chance >= config.refund_rate * config.success_rate:
        return None
    return succeeded[int(place * len(succeeded))]


def _moments(
    rng: np.random.Generator, count: int, since: datetime, now: datetime, zone: ZoneInfo
) -> Integers:
    """Sorted milliseconds from `since` to `now` that follow the rhythm of day and week."""
    first, last = _milliseconds(since), _milliseconds(now)
    if first >= last:
        raise ValueError("history must begin before now")
    cuts = np.append(np.arange(first, last, QUARTER // MILLISECOND), last)
    local = [_instant(cut).astimezone(zone) for cut in cuts[:-1].tolist()]
    hours = [moment.hour + moment.minute / 60 for moment in local]
    pace = np.interp(hours, range(25), (*_HOURS, _HOURS[0]))
    pace *= np.array(_WEEKDAYS)[[moment.weekday() for moment in local]]
    passed = np.append(0, np.cumsum(pace * np.diff(cuts)))
    even = np.sort(rng.random(count)) * passed[-1]
    moments: Integers = np.interp(even, passed, cuts).astype(np.int64)
    return moments


def _codes(config: SimulationConfig) -> list[str]:
    """Every decline code once; their places are their numbers."""
    known = dict.fromkeys(code for profile in config.methods for code, _ in profile.declines)
    return list({**known, INCIDENT_CODE: None})


def _declines(
    people: Population, *, moments: Integers, methods: Integers, countries: Integers, luck: Floats
) -> Integers:
    """Number of each payment's decline code, -1 where it succeeds.

    `luck` holds two rows of numbers in [0, 1): whether a payment fails, and why.
    """
    codes = _codes(people.config)
    rates = success_rates(people.config)
    declines = np.full(len(moments), -1)
    for number, profile in enumerate(people.methods):
        failed = np.flatnonzero((methods == number) & (luck[0] >= rates[profile.name]))
        reasons = pick(ends([weight for _, weight in profile.declines]), luck[1][failed])
        declines[failed] = np.array([codes.index(code) for code, _ in profile.declines])[reasons]
    if len(moments):
        span = _instant(int(moments.min())), _instant(int(moments.max()))
        if found := incidents_between(people.config, *span):
            hit = _countries_hit(people, moments, found) == countries
            hit &= methods == [profile.name for profile in people.methods].index(INCIDENT_METHOD)
            declines[hit & (luck[0] >= 1 - INCIDENT_FAILURES)] = codes.index(INCIDENT_CODE)
    return declines


def _countries_hit(people: Population, moments: Integers, found: Sequence[Incident]) -> Integers:
    """Number of the country that has an incident at each moment, -1 where none has."""
    windows = [incident.window for incident in found]
    cuts = [_milliseconds(at) for window in windows for at in (window.start, window.end)]
    # Starts and ends take turns: between two cuts lies an incident, then none.
    hit = [-1]
    for incident in found:
        hit += [people.countries.index(incident.country), -1]
    return np.array(hit)[np.searchsorted(cuts, moments, side="right")]


def _retries(
    rng: np.random.Generator, failed: Flags, moments: Integers, latest: int
) -> tuple[Integers, Integers, Integers]:
    """Make the payment that follows some failed ones their second try.

    Returns
    -------
    tuple of arrays
        Places of the first tries; places of the second ones; the moments, with the second tries
        some minutes after the first. So the number of payments stays what was asked for.
    """
    delays = rng.integers(
        RETRY_SOONEST // MILLISECOND, RETRY_LATEST // MILLISECOND, len(moments), endpoint=True
    )
    retried = failed & (rng.random(len(moments)) < RETRIED) & (moments + delays <= latest)
    retried[-1:] = False
    # What is a second try itself is not tried again.
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
    """When each payment was refunded, in milliseconds; -1 where it is not, or not yet."""
    chosen = rng.random(len(moments)) < rate
    later = REFUND_MEDIAN / MILLISECOND * np.exp(rng.standard_normal(len(moments)))
    times = moments + later.astype(np.int64)
    return np.where(chosen & succeeded & (times <= latest), times, -1)


def _milliseconds(instant: datetime) -> int:
    return (instant - EPOCH) // MILLISECOND


def _instant(milliseconds: int) -> datetime:
    return EPOCH + timedelta(milliseconds=milliseconds)
