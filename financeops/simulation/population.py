"""Draw customers of a simulated business, their countries and methods, and the amounts.

Everything is an array with one element per payment; methods and countries are indices into the
lists of `Population`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from financeops.core.money import MAX_MINOR, exponent
from financeops.simulation.scenario import PRICE_LEVELS, MethodProfile, SimulationConfig, countries

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

CUSTOMERS = 50_000
_HEAD = 200
"""Customer k has weight 1 / (k + 200): many return, none dominates the business."""
_FAITHFUL = 0.85
"""Share of payments made with the customer's own method."""


class Population(NamedTuple):
    """The methods and countries that the numbers stand for."""

    config: SimulationConfig
    methods: tuple[MethodProfile, ...]
    countries: tuple[str, ...]
    method_ends: Floats
    country_ends: Floats


def population(config: SimulationConfig) -> Population:
    """Number the methods and countries of a configuration."""
    weights = countries(config)
    return Population(
        config=config,
        methods=config.methods,
        countries=tuple(weights),
        method_ends=ends([profile.weight for profile in config.methods]),
        country_ends=ends(list(weights.values())),
    )


def ends(weights: Sequence[float]) -> Floats:
    """End of each item's share of [0, 1), when items share it by weight."""
    sums = np.cumsum(np.array(weights, dtype=np.float64))
    shares: Floats = sums / sums[-1]
    return shares


def pick(shares: Floats, uniform: Floats) -> Integers:
    """Item whose share holds each number in [0, 1); `shares` as `ends` returns them."""
    return np.searchsorted(shares[:-1], uniform, side="right")


def draw_customers(rng: np.random.Generator, count: int) -> Integers:
    """Customers by rank, 0 being the most frequent: a Zipf-Mandelbrot law of exponent 1."""
    ratio = (CUSTOMERS + _HEAD) / _HEAD
    return (_HEAD * ratio ** rng.random(count) - _HEAD).astype(np.int64)


def customer_ids(customers: Integers) -> list[str]:
    """Ids such as ``cus_0012ab``, different for different ranks, that do not show the rank."""
    # An odd factor maps 24-bit numbers one to one.
    return [f"cus_{n:06x}" for n in ((customers * 0x9E3779 + 0x0012AB) & 0xFFFFFF).tolist()]


def countries_of(customers: Integers, people: Population) -> Integers:
    """Country of each customer, which never changes."""
    return pick(people.country_ends, trait(customers, people.config.seed, 1))


def draw_methods(rng: np.random.Generator, customers: Integers, people: Population) -> Integers:
    """Method of each payment: mostly the customer's own, distributed by weight overall."""
    chance, other = rng.random((2, len(customers)))
    own = pick(people.method_ends, trait(customers, people.config.seed, 2))
    return np.where(chance < _FAITHFUL, own, pick(people.method_ends, other))


def draw_amounts(rng: np.random.Generator, methods: Integers, people: Population) -> Integers:
    """Log-normal amounts in minor units, some of them prices such as 19.99."""
    currency = people.config.currency
    level = PRICE_LEVELS.get(currency, 1.0)
    scale = people.config.amount_factor * level * 10 ** exponent(currency)
    median = np.array([profile.median for profile in people.methods]) * scale
    spread = np.array([profile.spread for profile in people.methods])
    charm = np.array([profile.charm for profile in people.methods])

    normal = rng.standard_normal(len(methods))
    charming = rng.random(len(methods)) < charm[methods]
    amounts = median[methods] * np.exp(spread[methods] * normal)
    # A hundredth below the next step: 19.99 USD, 1999 JPY, 19.990 KWD.
    step = 10 ** (exponent(currency) + max(0, round(np.log10(level))))
    prices = np.where(charming, np.ceil(amounts / step) * step - step // 100, amounts)
    minor: Integers = np.clip(prices, 1, MAX_MINOR).astype(np.int64)
    return minor


def trait(customers: Integers, seed: int, number: int) -> Floats:
    """A fixed number in [0, 1) for each customer: of customer, seed and number."""
    start = (seed * 0xD1342543DE82EF95 + number * 0x9E3779B97F4A7C15) % 2**64
    bits = customers.astype(np.uint64) * np.uint64(0xBF58476D1CE4E5B9) + np.uint64(start)
    return (mixed(bits) >> np.uint64(11)) / 2.0**53


def mixed(bits: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The last steps of splitmix64: other numbers for other numbers, without a pattern."""
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))
