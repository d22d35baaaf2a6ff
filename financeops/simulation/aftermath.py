"""What happens to simulated payments later: refunds, of parts too, and disputes weeks later."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

import numpy as np

from financeops.core.declines import Authentication
from financeops.core.disputes import DisputeStatus
from financeops.core.periods import DAY, MILLISECOND
from financeops.simulation.instruments import AUTHENTICATIONS, CARD
from financeops.simulation.population import Flags, Floats, Integers, Population, ends, pick

REFUND_MEDIAN = timedelta(days=3)
"""Median time to a refund; the logarithm's standard deviation is 1."""
REFUND_PARTS = 0.25
"""Share of refunds that give back only a part."""

DISPUTE_MEDIAN = timedelta(days=24)
"""Median time to a dispute; the logarithm's standard deviation is `_DISPUTE_SPREAD`."""
_DISPUTE_SPREAD = 0.6
_SETTLED_SOONEST, _SETTLED_LATEST = timedelta(days=15), timedelta(days=75)
"""Time from a dispute to its verdict."""

UNPROTECTED, PROTECTED = 0.012, 0.003
"""Share of card payments that are disputed: with 3-D Secure the issuer is liable for fraud."""
_DISPUTED = {"paypal": 0.005, "bank_transfer": 0.0004, "crypto": 0.0}
_USUALLY = 0.001

REASONS = {"fraudulent": 50, "product_not_received": 30, "product_unacceptable": 14, "duplicate": 6}
_PROTECTED_REASONS = (8, 58, 27, 7)
WON = {
    "fraudulent": 0.2,
    "product_not_received": 0.45,
    "product_unacceptable": 0.35,
    "duplicate": 0.6,
}
"""Share of disputes that are won, by reason."""


class Refunds(NamedTuple):
    """When each payment was refunded, in milliseconds, -1 if not yet; how much, in minor units."""

    moments: Integers
    amounts: Integers


class Disputes(NamedTuple):
    """The payments that were disputed, by their places, and what is known of each dispute.

    `closed` is -1 of one that is open; `reasons` are indices into `REASONS`.
    """

    places: Integers
    opened: Integers
    closed: Integers
    won: Flags
    reasons: Integers

    def status(self, number: int) -> DisputeStatus:
        """How far one dispute is."""
        if self.closed[number] < 0:
            return DisputeStatus.OPEN
        return DisputeStatus.WON if self.won[number] else DisputeStatus.LOST


def draw_refunds(
    rng: np.random.Generator,
    rate: float,
    *,
    succeeded: Flags,
    moments: Integers,
    amounts: Integers,
    latest: int,
) -> Refunds:
    """Draw which payments are refunded by now, when, and how much of them."""
    chance, parts, share = rng.random((3, len(moments)))
    later = REFUND_MEDIAN / MILLISECOND * np.exp(rng.standard_normal(len(moments)))
    times = moments + later.astype(np.int64)
    given = (chance < rate) & succeeded & (times <= latest)
    part = np.clip((amounts * (0.1 + 0.8 * share)).astype(np.int64), 1, amounts)
    back = np.where(parts < REFUND_PARTS, part, amounts)
    return Refunds(np.where(given, times, -1), np.where(given, back, 0))


def dispute_chances(people: Population, methods: Integers, authentications: Integers) -> Floats:
    """Share of payments like each that are eventually disputed."""
    usual = [_DISPUTED.get(profile.name, _USUALLY) for profile in people.methods]
    cards = np.array([profile.name == CARD for profile in people.methods])[methods]
    shares = np.where(protected(authentications), PROTECTED, UNPROTECTED)
    return np.where(cards, shares, np.array(usual)[methods])


def protected(authentications: Integers) -> Flags:
    """Whether the issuer is liable for fraud."""
    said = {AUTHENTICATIONS.index(Authentication.AUTHENTICATED)}
    said.add(AUTHENTICATIONS.index(Authentication.ATTEMPTED))
    return np.isin(authentications, list(said))


def draw_disputes(
    rng: np.random.Generator,
    chances: Floats,
    *,
    safe: Flags,
    moments: Integers,
    refunded: Integers,
    latest: int,
) -> Disputes:
    """Draw which payments are disputed by now, and what became of that.

    Parameters
    ----------
    rng : numpy.random.Generator
    chances : array of float
        Share of payments like each that are disputed; 0 of those that failed or gave back the whole.
    safe : array of bool
        Whether the issuer is liable for fraud.
    moments, refunded : array of int
        When each was made, and when it was refunded, -1 if it was not.
    latest : int
        Nothing is later.
    """
    eventually = np.flatnonzero(rng.random(len(chances)) < chances)
    count = len(eventually)
    wait = DISPUTE_MEDIAN / MILLISECOND * np.exp(_DISPUTE_SPREAD * rng.standard_normal(count))
    opened = moments[eventually] + np.maximum(wait, DAY // MILLISECOND).astype(np.int64)
    closed = opened + rng.integers(
        _SETTLED_SOONEST // MILLISECOND, _SETTLED_LATEST // MILLISECOND, count
    )
    why, verdict = rng.random((2, count))
    reasons = np.where(
        safe[eventually],
        pick(ends(_PROTECTED_REASONS), why),
        pick(ends(list(REASONS.values())), why),
    )
    # What is to be given back is clear by then: a dispute is about the rest.
    kept = (opened <= latest) & (refunded[eventually] < opened)
    return Disputes(
        places=eventually[kept],
        opened=opened[kept],
        closed=np.where(closed <= latest, closed, -1)[kept],
        won=(verdict < np.array([WON[name] for name in REASONS])[reasons])[kept],
        reasons=reasons[kept],
    )
