"""Realistic payments, for a demonstration, a test or a benchmark.

Amounts are log-normal, customers return, days and weeks have a rhythm, failures are retried minutes
later, some payments are refunded or disputed, and now and then an issuer fails
(`financeops.simulation.incidents`). History and live payments are drawn the same way, and the same
seed gives the same stream.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from financeops.core.declines import FailureStage, meaning_of
from financeops.core.money import MAX_MINOR
from financeops.core.payments import Draft
from financeops.simulation.aftermath import (
    Disputes,
    Refunds,
    dispute_chances,
    draw_disputes,
    draw_refunds,
    protected,
)
from financeops.simulation.columns import Columns
from financeops.simulation.costs import Costs, arrivals, costs_of
from financeops.simulation.drafts import drafts_of
from financeops.simulation.incidents import (
    INCIDENT_CODE,
    INCIDENT_FAILURES,
    INCIDENT_METHOD,
    Episode,
    Incident,
    incidents_between,
)
from financeops.simulation.instruments import authenticated, draw_instruments
from financeops.simulation.population import (
    Floats,
    Integers,
    Population,
    countries_of,
    draw_amounts,
    draw_customers,
    draw_methods,
    ends,
    pick,
    population,
)
from financeops.simulation.retries import Attempts, attempts_of, chances
from financeops.simulation.rhythm import instant_at, milliseconds, moments_between, rhythm
from financeops.simulation.scenario import SimulationConfig


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
    return drafts_of(simulate_columns(config, rng, now, count=count, since=since))


def simulate_columns(
    config: SimulationConfig,
    rng: np.random.Generator,
    now: datetime,
    *,
    count: int = 1,
    since: datetime | None = None,
) -> Columns:
    """The payments of `simulate`, with what became of them until `now`.

    Without `since` nothing has become of them yet: neither settlements nor refunds nor disputes.
    """
    latest = milliseconds(now)
    if since is not None:
        pace = partial(rhythm, zone=ZoneInfo(config.timezone))
        moments = moments_between(rng, count, milliseconds(since), latest, pace)
        return columns_at(config, rng, now, moments)
    people = population(config)
    drawn = _draw(people, rng, count)
    moments, places = np.full(count, latest), np.arange(count)
    declines = declined(
        people,
        moments=moments,
        methods=drawn.methods,
        countries=drawn.countries,
        rates=chances(config, decline_codes(config)).first[drawn.methods],
        luck=rng.random((2, count)),
    )
    attempts = Attempts(places, np.zeros_like(places), moments, declines, np.zeros_like(places))
    return _with_costs(_without_aftermath(people, rng, drawn, attempts), latest)


def columns_at(
    config: SimulationConfig,
    rng: np.random.Generator,
    now: datetime,
    moments: Integers,
    *,
    scale: Floats | None = None,
    episodes: Sequence[Episode] = (),
) -> Columns:
    """Realistic payments of the past, at given moments.

    Parameters
    ----------
    config : SimulationConfig
    rng : numpy.random.Generator
        Decides everything that `config.seed` does not.
    now : datetime
        Aware. No payment, and nothing that becomes of one, is later.
    moments : array of int
        Milliseconds since 1970, sorted. Orders begin at most of them; instead of the others there are
        retries, some minutes after the attempts before them.
    scale : array of float, optional
        Factor for the amount of an order that begins at each moment.
    episodes : sequence of Episode
        Episodes in addition to the incidents that every day may have.

    Returns
    -------
    Columns
        As many payments as moments.
    """
    latest = milliseconds(now)
    people = population(config)
    drawn = _draw(people, rng, len(moments))
    if scale is not None:
        scaled = np.maximum(drawn.amounts * scale, 1)
        drawn.amounts[:] = np.minimum(scaled, MAX_MINOR).astype(np.int64)
    rates = chances(config, decline_codes(config))

    def outcome(orders: Integers, at: Integers, before: Integers | None) -> Integers:
        methods = drawn.methods[orders]
        return declined(
            people,
            moments=at,
            methods=methods,
            countries=drawn.countries[orders],
            rates=rates.first[methods] if before is None else rates.again[methods, before],
            luck=rng.random((2, len(orders))),
            episodes=episodes,
        )

    attempts = attempts_of(rng, moments, latest, retried=rates.retried, outcome=outcome)
    columns = _without_aftermath(people, rng, drawn, attempts, begun=moments)
    return _with_aftermath(_with_costs(columns, latest), rng, latest)


class _Drawn(NamedTuple):
    """The random draws for each order."""

    customers: Integers
    countries: Integers
    methods: Integers
    amounts: Integers


def _draw(people: Population, rng: np.random.Generator, count: int) -> _Drawn:
    customers = draw_customers(rng, count)
    methods = draw_methods(rng, customers, people)
    amounts = draw_amounts(rng, methods, people)
    return _Drawn(customers, countries_of(customers, people), methods, amounts)


def _without_aftermath(
    people: Population,
    rng: np.random.Generator,
    drawn: _Drawn,
    made: Attempts,
    *,
    begun: Integers | None = None,
) -> Columns:
    customers, countries, methods, amounts = (each[made.orders] for each in drawn)
    instruments = draw_instruments(rng, customers=customers, methods=methods, people=people)
    codes = decline_codes(people.config)
    stops = np.array([meaning_of(code)[0] is FailureStage.AUTHENTICATION for code in codes])
    said = authenticated(
        rng.random(len(customers)),
        issuers=instruments.issuers,
        stopped=(made.declines >= 0) & stops[made.declines],
        people=people,
    )
    nothing = np.zeros(0, np.int64)
    return Columns(
        people=people,
        codes=codes,
        moments=made.moments,
        amounts=amounts,
        methods=methods,
        customers=customers,
        countries=countries,
        declines=made.declines,
        orders=made.orders,
        begun=made.moments if begun is None else begun[made.orders],
        attempts=made.attempts,
        recovered=made.recovered,
        instruments=instruments._replace(authentications=said),
        costs=None,
        refunds=Refunds(np.full(len(customers), -1), np.zeros(len(customers), np.int64)),
        disputes=Disputes(nothing, nothing, nothing, nothing > 0, nothing),
    )


def _with_costs(columns: Columns, latest: int) -> Columns:
    """Add what payments cost, and when their money arrived."""
    instruments, succeeded = columns.instruments, columns.declines < 0
    fees = costs_of(
        columns.people,
        amounts=columns.amounts,
        methods=columns.methods,
        networks=instruments.networks,
        fundings=instruments.fundings,
        issuers=instruments.issuers,
    )
    settled = arrivals(columns.moments, instruments.processors, latest)
    return columns._replace(
        costs=Costs(
            interchange=fees[0] * succeeded,
            processing=fees[1] * succeeded,
            scheme=fees[2] * succeeded,
            settled=np.where(succeeded, settled, -1),
        )
    )


def _with_aftermath(columns: Columns, rng: np.random.Generator, latest: int) -> Columns:
    """Add refunds and disputes."""
    people, instruments = columns.people, columns.instruments
    succeeded = columns.declines < 0
    refunds = draw_refunds(
        rng,
        people.config.refund_rate,
        succeeded=succeeded,
        moments=columns.moments,
        amounts=columns.amounts,
        latest=latest,
    )
    shares = dispute_chances(people, columns.methods, instruments.authentications)
    shares *= people.config.dispute_factor
    disputes = draw_disputes(
        rng,
        np.where(succeeded & (refunds.amounts < columns.amounts), shares, 0.0),
        safe=protected(instruments.authentications),
        moments=columns.moments,
        refunded=refunds.moments,
        latest=latest,
    )
    return columns._replace(refunds=refunds, disputes=disputes)


def decline_codes(config: SimulationConfig) -> list[str]:
    """Every decline code once; its index is its number."""
    known = dict.fromkeys(code for profile in config.methods for code, _ in profile.declines)
    return list({**known, INCIDENT_CODE: None})


def declined(
    people: Population,
    *,
    moments: Integers,
    methods: Integers,
    countries: Integers,
    rates: Floats,
    luck: Floats,
    episodes: Sequence[Episode] = (),
) -> Integers:
    """Number of each payment's decline code; -1 if it succeeds.

    `rates` are their success rates; `luck` holds two rows of numbers in [0, 1): whether a payment fails, and why.
    """
    codes = decline_codes(people.config)
    names = [profile.name for profile in people.methods]
    declines = np.full(len(moments), -1)
    for number, profile in enumerate(people.methods):
        failed = np.flatnonzero((methods == number) & (luck[0] >= rates))
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
