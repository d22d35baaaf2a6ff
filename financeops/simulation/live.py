"""What happens to live payments later: retries, refunds and disputes.

Each function is called once for every live payment, so that as much of it happens as in history, and draws
as often whatever it returns: what waits does not change the stream.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

import numpy as np
from msgspec.structs import replace

from financeops.core.declines import FailureStage, meaning_of
from financeops.core.fees import Fee, FeeKind
from financeops.core.payments import Draft, Funding, Status
from financeops.core.periods import floor_millisecond
from financeops.simulation.aftermath import (
    REASONS,
    REFUND_PARTS,
    dispute_chances,
)
from financeops.simulation.costs import costs_of
from financeops.simulation.instruments import AUTHENTICATIONS, NETWORKS, authenticated
from financeops.simulation.population import ends, pick, population
from financeops.simulation.retries import RETRIED, RETRY_LATEST, RETRY_SOONEST, chances
from financeops.simulation.rhythm import milliseconds
from financeops.simulation.scenario import SimulationConfig
from financeops.simulation.simulate import decline_codes, declined

T = TypeVar("T")


def pick_retry(
    config: SimulationConfig, rng: np.random.Generator, now: datetime, failed: Sequence[Draft]
) -> Draft | None:
    """Retry one of the payments that failed some minutes ago; mostly return None.

    Parameters
    ----------
    config : SimulationConfig
    rng : numpy.random.Generator
    now : datetime
        Aware; when the retry happens.
    failed : sequence of Draft
        Simulated payments that failed recently and were not retried. Those too old or too new for a
        customer to retry at this moment are ignored.
    """
    chance, place = rng.random(2)
    luck, said = rng.random((2, 1)), rng.random(1)
    waiting = [draft for draft in failed if RETRY_SOONEST <= now - draft.created_at <= RETRY_LATEST]
    if not waiting:
        return None
    first = waiting[int(place * len(waiting))]
    if chance >= (1 - config.success_rate) * RETRIED[meaning_of(first.decline_code)[1]]:
        return None
    people, codes = population(config), decline_codes(config)
    method = [profile.name for profile in people.methods].index(first.method)
    again = chances(config, codes).again[method]
    # A code that this business does not have says as little as any other.
    rate = again[codes.index(first.decline_code)] if first.decline_code in codes else again.mean()
    decline = declined(
        people,
        moments=np.array([milliseconds(now)]),
        methods=np.array([method]),
        countries=np.array([people.countries.index(first.country or "")]),
        rates=np.array([rate]),
        luck=luck,
    )[0]
    code = codes[decline] if decline >= 0 else None
    issuer = people.countries.index(first.issuer_country) if first.issuer_country else -1
    (answer,) = authenticated(
        said,
        issuers=np.array([issuer]),
        stopped=np.array([meaning_of(code)[0] is FailureStage.AUTHENTICATION]),
        people=people,
    )
    again_at = floor_millisecond(now)
    fees = _fees(config, first, again_at) if decline < 0 else None
    return replace(
        first,
        status=Status.FAILED if decline >= 0 else Status.SUCCESS,
        created_at=again_at,
        fees=fees,
        fee_amount=sum(fee.amount for fee in fees) if fees else None,
        decline_code=code,
        authentication=AUTHENTICATIONS[answer] if answer >= 0 else None,
    )


def pick_refund(
    config: SimulationConfig, rng: np.random.Generator, succeeded: Sequence[T]
) -> T | None:
    """Pick a payment to refund now; mostly return None.

    Parameters
    ----------
    config : SimulationConfig
    rng : numpy.random.Generator
    succeeded : sequence
        Live payments that succeeded and are not refunded.
    """
    chance, place = rng.random(2)
    if not succeeded or chance >= config.refund_rate * config.success_rate:
        return None
    return succeeded[int(place * len(succeeded))]


def pick_part(rng: np.random.Generator, amount: int) -> int | None:
    """Minor units to give back of a payment that is refunded now; None for the whole."""
    chance, share = rng.random(2)
    part = int(amount * (0.1 + 0.8 * share))
    return part if chance < REFUND_PARTS and 0 < part < amount else None


def pick_dispute(
    config: SimulationConfig, rng: np.random.Generator, paid: Sequence[Draft]
) -> tuple[int, str] | None:
    """Pick the place of a payment to be disputed now, and the reason; mostly return None.

    Parameters
    ----------
    config : SimulationConfig
    rng : numpy.random.Generator
    paid : sequence of Draft
        Live payments that succeeded and are neither refunded nor disputed.
    """
    chance, place, reason = rng.random(3)
    if not paid:
        return None
    chosen = int(place * len(paid))
    draft = paid[chosen]
    people = population(config)
    method = [profile.name for profile in people.methods].index(draft.method)
    said = -1 if draft.authentication is None else AUTHENTICATIONS.index(draft.authentication)
    (share,) = dispute_chances(people, np.array([method]), np.array([said]))
    if chance >= share * config.dispute_factor * config.success_rate:
        return None
    return chosen, list(REASONS)[int(pick(ends(list(REASONS.values())), np.array([reason]))[0])]


def _fees(config: SimulationConfig, draft: Draft, at: datetime) -> tuple[Fee, ...]:
    """What a payment costs if it succeeds at this moment."""
    people, fundings = population(config), list(Funding)
    method = [profile.name for profile in people.methods].index(draft.method)
    fees = costs_of(
        people,
        amounts=np.array([draft.amount]),
        methods=np.array([method]),
        networks=np.array([NETWORKS.index(draft.network) if draft.network else -1]),
        fundings=np.array([fundings.index(draft.funding) if draft.funding else -1]),
        issuers=np.array(
            [people.countries.index(draft.issuer_country) if draft.issuer_country else -1]
        ),
    )
    kinds = (FeeKind.INTERCHANGE, FeeKind.PROCESSING, FeeKind.SCHEME)
    return tuple(
        Fee(at=at, kind=kind, amount=int(fee[0]))
        for kind, fee in zip(kinds, fees, strict=True)
        if fee[0]
    )
