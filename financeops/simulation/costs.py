"""What simulated payments cost, by method and network, and when their money arrives."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from financeops.core.money import exponent
from financeops.core.periods import DAY, MILLISECOND
from financeops.simulation.instruments import CARD, FUNDINGS, NETWORKS, PROCESSORS
from financeops.simulation.population import Integers, Population
from financeops.simulation.scenario import PRICE_LEVELS, SimulationConfig

# Tables are easier to read than formatted code.
# fmt: off
_PROCESSING = {  # hundredths of a percent, and hundredths of a US dollar
    "card": (45, 10), "paypal": (299, 49), "bank_transfer": (0, 35), "crypto": (100, 0),
}
_USUAL = (150, 20)
_INTERCHANGE = {  # of cards by funding: of issuers in the US, and of others
    "credit": ((180, 10), (30, 0)), "debit": ((5, 21), (20, 0)),
    "prepaid": ((115, 15), (20, 0)), "unknown": ((180, 10), (30, 0)),
}
_SCHEME = {"visa": (14, 2), "mastercard": (15, 2), "amex": (120, 5), "discover": (20, 2), "jcb": (40, 4)}
_DAYS_TO_PAYOUT = {"northgate": 2, "westbank": 3, "paypal": 1, "coinhouse": 0}
# fmt: on

DISPUTE_FEE = 1500
"""Hundredths of a US dollar."""

_PAID_AT = 6
"""Hour, in UTC, of payouts."""


class Costs(NamedTuple):
    """Fees in minor units, 0 if none, and when the money arrives, in milliseconds; -1 if not yet.

    A payout is named for its day and its processor.
    """

    interchange: Integers
    processing: Integers
    scheme: Integers
    settled: Integers

    @property
    def together(self) -> Integers:
        """Sum of the fees."""
        return self.interchange + self.processing + self.scheme


def costs_of(
    people: Population,
    *,
    amounts: Integers,
    methods: Integers,
    networks: Integers,
    fundings: Integers,
    issuers: Integers,
) -> tuple[Integers, Integers, Integers]:
    """Fees for interchange, processing and scheme, in minor units: only cards have all three."""
    unit = fixed_unit(people.config)
    named = [_PROCESSING.get(profile.name, _USUAL) for profile in people.methods]
    processing = _fee(amounts, np.array(named)[methods], unit)
    cards = np.array([profile.name == CARD for profile in people.methods])[methods]
    american = np.array([name == "US" for name in people.countries])[issuers]
    terms = np.array([_INTERCHANGE[each] for each in FUNDINGS])
    interchange = _fee(amounts, terms[fundings, np.where(american, 0, 1)], unit)
    scheme = _fee(
        amounts, np.array([_SCHEME.get(name, (0, 0)) for name in NETWORKS])[networks], unit
    )
    return np.where(cards, interchange, 0), processing, np.where(cards, scheme, 0)


def arrivals(moments: Integers, processors: Integers, latest: int) -> Integers:
    """When the money of each payment arrives: with the payout of a later day; -1 if not yet."""
    day = DAY // MILLISECOND
    days = np.array([_DAYS_TO_PAYOUT[name] for name in PROCESSORS])[processors]
    arrival = (moments // day + 1 + days) * day + _PAID_AT * day // 24
    return np.where(arrival <= latest, arrival, -1)


def fixed_unit(config: SimulationConfig) -> float:
    """Minor units of the currency that buy what a hundredth of a US dollar buys."""
    return float(PRICE_LEVELS.get(config.currency, 1.0) * 10 ** exponent(config.currency) / 100)


def _fee(amounts: Integers, terms: Integers, unit: float) -> Integers:
    """A share in hundredths of a percent plus a fixed fee, in whole minor units, at least one."""
    shares, fixed = terms.T
    part = amounts // 10_000 * shares + (amounts % 10_000 * shares + 5_000) // 10_000
    fees: Integers = np.maximum(part + np.rint(fixed * unit).astype(np.int64), 1)
    return fees
