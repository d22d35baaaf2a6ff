"""What customers pay with, through which processor and in which channel, and what 3-D Secure says.

A customer keeps card, network and issuer. Every array has one element per payment: an index into a
tuple of texts, or -1 where a payment has none. The tables are plausible, not measured.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from financeops.core.declines import Authentication
from financeops.core.payments import Funding
from financeops.simulation.population import (
    CUSTOMERS,
    Flags,
    Floats,
    Integers,
    Population,
    countries_of,
    ends,
    pick,
    trait,
)

CARD = "card"

EUROPE = frozenset({"CH", "CZ", "DE", "DK", "ES", "FR", "GB", "HU", "IT", "NL", "NO", "PL", "SE"})
"""Countries whose issuers must mostly authenticate (in the EU by the directive PSD2)."""

# Tables are easier to read than formatted code.
# fmt: off
_HOUSE, _ABROAD = "northgate", "westbank"
PROCESSORS = (_HOUSE, _ABROAD, "paypal", "coinhouse")
_EITHER = np.array([PROCESSORS.index(_HOUSE), PROCESSORS.index(_ABROAD)])
NETWORKS = (
    "visa", "mastercard", "amex", "discover", "jcb",
    "sepa", "ach", "fps", "pix", "upi", "swift", "bitcoin", "ethereum",
)
_PREFIXES = {"visa": "4", "mastercard": "5", "amex": "37", "discover": "6011", "jcb": "35"}
_SCHEMES = {  # of cards, by the issuer's region
    "europe": {"visa": 50, "mastercard": 46, "amex": 4},
    "US": {"visa": 52, "mastercard": 28, "amex": 15, "discover": 5},
    "else": {"visa": 50, "mastercard": 42, "jcb": 5, "amex": 3},
}
_TRANSFERS = {"US": "ach", "GB": "fps", "BR": "pix", "IN": "upi"}
_CHAINS = {"bitcoin": 60, "ethereum": 40}
FUNDINGS = tuple(Funding)
_FUNDINGS = {"US": (60, 32, 8, 0), "else": (35, 58, 6, 1)}
CHANNELS = {"web": 58, "app": 38, "phone": 4}
AUTHENTICATIONS = tuple(Authentication)
_SAID = {  # of payments that did not fail there: authenticated, attempted, exempted, none
    "europe": (70, 6, 19, 5), "IN": (92, 4, 0, 4), "US": (4, 2, 0, 94), "else": (25, 10, 5, 60),
}
_BROKEN = (60, 10, 30)
"""Of those that failed there: failed, rejected, abandoned."""
# fmt: on

_BINS = 8
"""Different beginnings of cards of one network."""
BINS = tuple(
    (_PREFIXES[name] + f"{(place * 7919 + 31337) % 100000:05d}0")[:6]
    for name in _PREFIXES
    for place in range(_BINS)
)

_DOMESTIC = 0.95
"""Share of customers whose card is of their own country."""
_FAITHFUL = 0.8
"""Share of payments that the region's own processor takes, and that customers make in their channel."""


class Instruments(NamedTuple):
    """What each payment is made with; `last4` holds numbers."""

    processors: Integers
    networks: Integers
    fundings: Integers
    issuers: Integers
    bins: Integers
    last4: Integers
    channels: Integers
    authentications: Integers


def draw_instruments(
    rng: np.random.Generator, *, customers: Integers, methods: Integers, people: Population
) -> Instruments:
    """Draw everything but what 3-D Secure says, for which the outcome must be known."""
    count = len(customers)
    names = np.array([profile.name for profile in people.methods])
    cards = names[methods] == CARD
    if count > CUSTOMERS:  # each customer's own are drawn once, not with each payment
        drawn = _wallets(np.arange(CUSTOMERS), people)
        own = _Wallets(*(each[customers] for each in drawn))
    else:
        own = _wallets(customers, people)
    networks = np.where(cards, own.schemes, -1)
    of = names[methods] == "bank_transfer"
    networks[of] = own.transfers[of]
    of = names[methods] == "crypto"
    networks[of] = own.chains[of]
    chance, other, elsewhere = rng.random((3, count))
    others = pick(ends(list(CHANNELS.values())), other)
    channels = np.where(chance < _FAITHFUL, own.channels, others)
    other_one = _EITHER.sum() - own.processors
    processors = np.where(elsewhere < _FAITHFUL, own.processors, other_one)
    processors[names[methods] == "paypal"] = PROCESSORS.index("paypal")
    processors[names[methods] == "crypto"] = PROCESSORS.index("coinhouse")
    return Instruments(
        processors=processors,
        networks=networks,
        fundings=np.where(cards, own.fundings, -1),
        issuers=np.where(cards, own.issuers, -1),
        bins=np.where(cards, own.bins, -1),
        last4=np.where(cards, own.last4, -1),
        channels=channels,
        authentications=np.full(count, -1),
    )


class _Wallets(NamedTuple):
    """What each customer pays with if it is by card, by bank transfer or in crypto, and where."""

    issuers: Integers
    schemes: Integers
    fundings: Integers
    bins: Integers
    last4: Integers
    transfers: Integers
    chains: Integers
    channels: Integers
    processors: Integers


def _wallets(customers: Integers, people: Population) -> _Wallets:
    seed, countries = people.config.seed, countries_of(customers, people)
    abroad = pick(people.country_ends, trait(customers, seed, 4))
    issuers = np.where(trait(customers, seed, 3) < _DOMESTIC, countries, abroad)
    regions = np.array([_region(name) for name in people.countries])[issuers]
    scheme, funding = trait(customers, seed, 5), trait(customers, seed, 6)
    schemes, fundings = np.empty_like(customers), np.empty_like(customers)
    for region, weights in _SCHEMES.items():
        of = regions == region
        numbers = np.array([NETWORKS.index(name) for name in weights])
        schemes[of] = numbers[pick(ends(list(weights.values())), scheme[of])]
    american = np.array([name == "US" for name in people.countries])[issuers]
    for of, region in ((american, "US"), (~american, "else")):
        fundings[of] = pick(ends(_FUNDINGS[region]), funding[of])
    chains = np.array([NETWORKS.index(name) for name in _CHAINS])
    return _Wallets(
        issuers=issuers,
        schemes=schemes,
        fundings=fundings,
        bins=schemes * _BINS + (trait(customers, seed, 7) * _BINS).astype(np.int64),
        last4=(trait(customers, seed, 8) * 10_000).astype(np.int64),
        transfers=np.array([_transfer(name) for name in people.countries])[countries],
        chains=chains[pick(ends(list(_CHAINS.values())), scheme)],
        channels=pick(ends(list(CHANNELS.values())), trait(customers, seed, 9)),
        processors=np.where(regions == "europe", *_EITHER),
    )


def authenticated(
    luck: Floats, *, issuers: Integers, stopped: Flags, people: Population
) -> Integers:
    """What 3-D Secure said of each payment: -1 of one without a card.

    `stopped` are the payments that failed there: of these alone it says so.
    """
    said = np.full(len(luck), -1)
    kinds = [
        AUTHENTICATIONS.index(each)
        for each in (
            *(Authentication.AUTHENTICATED, Authentication.ATTEMPTED),
            *(Authentication.EXEMPTED, Authentication.NONE),
        )
    ]
    regions = np.array([_policy(name) for name in people.countries])
    cards = issuers >= 0
    for region, weights in _SAID.items():
        of = cards & (regions == region)[issuers]
        said[of] = np.array(kinds)[pick(ends(weights), luck[of])]
    broken = [
        AUTHENTICATIONS.index(each)
        for each in (Authentication.FAILED, Authentication.REJECTED, Authentication.ABANDONED)
    ]
    of = cards & stopped
    said[of] = np.array(broken)[pick(ends(_BROKEN), luck[of])]
    return said


def _region(country: str) -> str:
    return "europe" if country in EUROPE else "US" if country == "US" else "else"


def _policy(country: str) -> str:
    return "IN" if country == "IN" else _region(country)


def _transfer(country: str) -> int:
    usual = "sepa" if country in EUROPE else "swift"
    return NETWORKS.index(_TRANSFERS.get(country, usual))
