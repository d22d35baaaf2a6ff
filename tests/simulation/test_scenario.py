import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from financeops.core.checks import METHOD
from financeops.simulation.scenario import (
    PRICE_LEVELS,
    MethodProfile,
    SimulationConfig,
    countries,
    profiles,
    success_rates,
)
from tests.strategies import CURRENCIES


def weighted(config):
    rates = success_rates(config)
    weights = {profile.name: profile.weight for profile in config.methods}
    return sum(weights[name] * rates[name] for name in rates) / sum(weights.values())


@given(
    st.floats(0, 1),
    st.lists(
        st.builds(
            MethodProfile,
            name=st.text("abc", min_size=1, max_size=3),
            weight=st.floats(0.01, 100),
            failure_odds=st.floats(0.1, 10),
        ),
        min_size=1,
        max_size=5,
        unique_by=lambda profile: profile.name,
    ).map(tuple),
)
def test_the_methods_together_make_the_configured_success_rate(rate, methods):
    config = SimulationConfig(tenant_id="tenant_1", methods=methods, success_rate=rate)
    assert weighted(config) == pytest.approx(rate, abs=1e-6)
    assert all(0 <= own <= 1 for own in success_rates(config).values())


def test_methods_that_fail_more_often_have_lower_rates():
    rates = success_rates(SimulationConfig(tenant_id="tenant_1"))
    assert rates["crypto"] < rates["card"] < 0.8 < rates["paypal"]


def test_an_unknown_method_gets_an_ordinary_profile():
    card, cheque = profiles(["card", "cheque"])
    assert card.weight > cheque.weight > 0
    assert cheque.name == "cheque"
    assert cheque.declines


def test_most_customers_are_where_the_currency_is():
    for currency, home in {"USD": "US", "EUR": "DE", "JPY": "JP", "KWD": "KW"}.items():
        weights = countries(SimulationConfig(tenant_id="tenant_1", currency=currency))
        assert max(weights, key=weights.get) == home
    assert "XO" not in countries(SimulationConfig(tenant_id="tenant_1", currency="XOF"))


@pytest.mark.parametrize("currency", CURRENCIES)
def test_countries_are_iso_3166_codes(currency):
    weights = countries(SimulationConfig(tenant_id="tenant_1", currency=currency))
    assert all(re.fullmatch(r"[A-Z]{2}", country) for country in weights)
    assert min(weights.values()) > 0


def test_the_tables_hold_only_values_valid_in_payments():
    assert set(PRICE_LEVELS) <= set(CURRENCIES)
    for profile in SimulationConfig(tenant_id="tenant_1").methods:
        assert METHOD.fullmatch(profile.name)
        assert all(METHOD.fullmatch(code) and weight > 0 for code, weight in profile.declines)
