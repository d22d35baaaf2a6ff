"""The profile of a simulated business: its methods, prices, customers' countries and declines.

The tables are plausible, not measured: no provider publishes its declines.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from msgspec import Struct

from financeops.core.payments import Source


class MethodProfile(Struct, frozen=True, kw_only=True):
    """Profile of the payments of one method.

    Parameters
    ----------
    name : str
    weight : float
        Share of attempts, relative to the other methods' weights.
    median : float
        Median amount in US dollars; other currencies get a comparable amount.
    spread : float
        Standard deviation of the logarithm of the amount.
    charm : float
        Share of prices that end like 19.99; the others may be any amount.
    failure_odds : float
        Odds of a failure, relative to the other methods'.
    declines : tuple of (str, float)
        Decline codes and their weights.
    """

    name: str
    weight: float = 0.1
    median: float = 60.0
    spread: float = 1.0
    charm: float = 0.3
    failure_odds: float = 1.0
    declines: tuple[tuple[str, float], ...] = (
        ("declined", 5),
        ("insufficient_funds", 3),
        ("processing_error", 2),
        ("timeout", 1),
    )


_PROFILES = {
    "card": MethodProfile(
        name="card",
        weight=0.62,
        median=48,
        spread=0.9,
        charm=0.6,
        declines=(
            ("insufficient_funds", 36),
            ("do_not_honor", 26),
            ("expired_card", 9),
            ("incorrect_cvc", 8),
            ("authentication_failed", 8),
            ("suspected_fraud", 6),
            ("issuer_unavailable", 4),
            ("lost_or_stolen_card", 3),
        ),
    ),
    "paypal": MethodProfile(
        name="paypal",
        weight=0.18,
        median=36,
        spread=0.8,
        charm=0.6,
        failure_odds=0.7,
        declines=(
            ("instrument_declined", 45),
            ("payer_cancelled", 30),
            ("insufficient_funds", 15),
            ("account_restricted", 10),
        ),
    ),
    "bank_transfer": MethodProfile(
        name="bank_transfer",
        weight=0.14,
        median=420,
        spread=1.1,
        charm=0.05,
        failure_odds=0.8,
        declines=(
            ("insufficient_funds", 45),
            ("account_closed", 20),
            ("invalid_account", 20),
            ("bank_unavailable", 15),
        ),
    ),
    "crypto": MethodProfile(
        name="crypto",
        weight=0.06,
        median=150,
        spread=1.3,
        charm=0.0,
        failure_odds=1.6,
        declines=(
            ("payment_expired", 50),
            ("underpaid", 30),
            ("network_congestion", 15),
            ("invalid_address", 5),
        ),
    ),
}

# Tables are easier to read than formatted code.
# fmt: off
PRICE_LEVELS = {
    "AED": 3.7, "ARS": 1000, "AUD": 1.5, "BHD": 0.38, "BRL": 5, "CAD": 1.4, "CHF": 0.9, "CLP": 950,
    "CNY": 7, "COP": 4000, "CZK": 23, "DKK": 7, "EGP": 50, "EUR": 0.9, "GBP": 0.8, "HKD": 8,
    "HUF": 360, "IDR": 16000, "ILS": 3.7, "INR": 85, "ISK": 140, "JOD": 0.7, "JPY": 150,
    "KRW": 1400, "KWD": 0.3, "MXN": 19, "MYR": 4.5, "NGN": 1500, "NOK": 11, "NZD": 1.7,
    "OMR": 0.38, "PHP": 58, "PKR": 280, "PLN": 4, "RUB": 90, "SAR": 3.75, "SEK": 10.5, "SGD": 1.3,
    "THB": 34, "TND": 3.1, "TRY": 35, "TWD": 32, "UAH": 41, "VND": 25000, "ZAR": 18,
}
"""Approximate units of a currency that buy what one US dollar buys; 1 for those not listed."""

_ABROAD = {
    "US": 22, "GB": 12, "DE": 12, "FR": 9, "CA": 6, "ES": 6, "IT": 6, "NL": 5, "AU": 5,
    "BR": 5, "IN": 5, "JP": 4, "PL": 3, "MX": 3, "SE": 2, "CH": 2, "SG": 2,
}
# fmt: on

_HOME = 60.0
"""Weight of the customers at home; those abroad add up to about 100."""


class SimulationConfig(Struct, frozen=True, kw_only=True):
    """What to simulate, and for which tenant.

    Parameters
    ----------
    tenant_id, currency, timezone : str
        The tenant of the payments; the zone decides the daily and weekly rhythm.
    methods : tuple of MethodProfile
        At least one; `profiles` makes them from names.
    success_rate : float
        Share of attempts that succeed, 0 to 1, all methods together.
    refund_rate : float
        Share of succeeded payments that are eventually refunded, 0 to 1.
    dispute_factor : float
        Factor for the shares of payments that are eventually disputed, up to 50.
    amount_factor : float
        Factor for all amounts.
    seed : int
        Not negative. Decides who the customers are and when incidents happen; the payments
        themselves come from the generator that is passed to each function.
    source : str
        The payments' `source`: ``"simulation"``, or ``"seed"`` for history.
    """

    tenant_id: str
    currency: str = "USD"
    timezone: str = "UTC"
    methods: tuple[MethodProfile, ...] = tuple(_PROFILES.values())
    success_rate: float = 0.8
    refund_rate: float = 0.03
    dispute_factor: float = 1.0
    amount_factor: float = 1.0
    seed: int = 1
    source: str = Source.SIMULATION.value


def profiles(names: Iterable[str]) -> tuple[MethodProfile, ...]:
    """Profiles of payment methods; one that no table lists gets an ordinary profile."""
    return tuple(_PROFILES.get(name) or MethodProfile(name=name) for name in names)


def countries(config: SimulationConfig) -> dict[str, float]:
    """Weights of the customers' countries: most are at home, where the currency is."""
    # The first two letters of a national currency are its country's code; the euro is shared.
    home = "DE" if config.currency == "EUR" else config.currency[:2]
    if home.startswith("X"):  # shared by several countries, none of which is home
        return {country: float(weight) for country, weight in _ABROAD.items()}
    return {**_ABROAD, home: _ABROAD.get(home, 0) + _HOME}


def success_rates(config: SimulationConfig) -> dict[str, float]:
    """Success rate of each method, 0 to 1; weighted by attempts they make the configured rate.

    The methods' failure odds differ by constant factors, so that every rate stays within 0 to 1
    whatever is configured. The common factor is found by bisection.
    """
    if config.success_rate in {0.0, 1.0}:
        return {profile.name: config.success_rate for profile in config.methods}
    total = sum(profile.weight for profile in config.methods)
    low, high = -60.0, 60.0
    rates: dict[str, float] = {}
    for _ in range(80):
        middle = (low + high) / 2
        rates = {
            profile.name: 1 / (1 + profile.failure_odds * math.exp(-middle))
            for profile in config.methods
        }
        overall = sum(profile.weight * rates[profile.name] for profile in config.methods) / total
        low, high = (middle, high) if overall < config.success_rate else (low, middle)
    return rates
