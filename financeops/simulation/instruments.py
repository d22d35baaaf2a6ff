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
    Flags,
    Floats,
    Integers,
    Population,
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
    rng: np.random.Generator,
    *,
    customers: Integers,
    countries: Integers,
    methods: Integers,
    people: Population,
) -> Instruments:
    """Draw everything but what 3-D Secure says, for which the outcome must be known."""
    seed, count = people.config.seed, len(customers)
    names = np.array([profile.name for profile in people.methods])
    cards = names[methods] == CARD
    abroad = pick(people.country_ends, trait(customers, seed, 4))
    issuers = np.where(trait(customers, seed, 3) < _DOMESTIC, countries, abroad)
    networks, fundings = np.full(count, -1), np.full(count, -1)
    regions = np.array([_region(name) for name in people.countries])
    scheme, funding = trait(customers, seed, 5), trait(customers, seed, 6)
    for region, weights in _SCHEMES.items():
        of = cards & (regions == region)[issuers]
        numbers = np.array([NETWORKS.index(name) for name in weights])
        networks[of] = numbers[pick(ends(list(weights.values())), scheme[of])]
    american = np.array([name == "US" for name in people.countries])[issuers]
    for of, region in ((cards & american, "US"), (cards & ~american, "else")):
        fundings[of] = pick(ends(_FUNDINGS[region]), funding[of])
    own = trait(customers, seed, 7)
    bins = np.where(cards, networks * _BINS + (own * _BINS).astype(np.int64), -1)
    last4 = np.where(cards, (trait(customers, seed, 8) * 10_000).astype(np.int64), -1)
    transfers = np.array([_transfer(name) for name in people.countries])
    of = names[methods] == "bank_transfer"
    networks[of] = transfers[countries[of]]
    of = names[methods] == "crypto"
    chains = np.array([NETWORKS.index(name) for name in _CHAINS])
    networks[of] = chains[pick(ends(list(_CHAINS.values())), scheme[of])]
    chance, other, elsewhere = rng.random((3, count))
    shares = ends(list(CHANNELS.values()))
    channels = np.where(
        chance < _FAITHFUL, pick(shares, trait(customers, seed, 9)), pick(shares, other)
    )
    european = (regions == "europe")[issuers]
    processors = np.where(
        european ^ (elsewhere >= _FAITHFUL), PROCESSORS.index(_HOUSE), PROCESSORS.index(_ABROAD)
    )
    processors[names[methods] == "paypal"] = PROCESSORS.index("paypal")
    processors[names[methods] == "crypto"] = PROCESSORS.index("coinhouse")
    return Instruments(
        processors=processors,
        networks=networks,
        fundings=fundings,
        issuers=np.where(cards, issuers, -1),
        bins=bins,
        last4=last4,
        channels=channels,
        authentications=np.full(count, -1),
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
