from datetime import date, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from financeops.core.periods import day_of, start_of_day
from financeops.simulation.incidents import incidents, incidents_between
from financeops.simulation.scenario import SimulationConfig, countries, profiles
from tests.builders import NOON
from tests.strategies import ZONES

CONFIG = SimulationConfig(tenant_id="tenant_1", timezone="Europe/Berlin", seed=7)

dates = st.dates(date(2000, 1, 1), date(2030, 1, 1))


def year_of(config):
    return [incidents(config, date(2026, 1, 1) + timedelta(n)) for n in range(365)]


@given(dates, st.integers(0, 2**70), st.sampled_from(ZONES))
def test_an_incident_lasts_20_minutes_of_its_day(day, seed, zone):
    config = replace(CONFIG, seed=seed, timezone=zone)
    for incident in incidents(config, day):
        assert incident.window.end - incident.window.start == timedelta(minutes=20)
        assert day_of(incident.window.start, ZoneInfo(zone)) == day
        assert 9 <= incident.window.start.astimezone(ZoneInfo(zone)).hour < 21
        assert incident.country in countries(config)


@given(dates, st.integers(0, 100))
def test_incidents_depend_on_seed_and_day_only(day, seed):
    config = replace(CONFIG, seed=seed)
    assert incidents(config, day) == incidents(
        replace(config, source="seed", success_rate=0.5, refund_rate=0.5), day
    )


def test_two_days_in_five_have_an_incident():
    found = [day for day in year_of(CONFIG) if day]
    assert 110 < len(found) < 182  # 146 expected, standard deviation 9.4
    assert len({incident.country for (incident,) in found}) > 5


def test_another_seed_has_other_incidents():
    assert year_of(CONFIG) != year_of(replace(CONFIG, seed=8))


def test_without_cards_no_issuer_fails():
    assert not any(year_of(replace(CONFIG, methods=profiles(["paypal", "cheque"]))))


def test_incidents_between_are_those_of_each_day_in_order():
    zone = ZoneInfo(CONFIG.timezone)
    start = start_of_day(date(2026, 1, 1), zone)
    end = start_of_day(date(2027, 1, 1), zone) - timedelta(milliseconds=1)
    found = incidents_between(CONFIG, start, end)
    assert found == [incident for day in year_of(CONFIG) for incident in day]
    assert found == sorted(found, key=lambda incident: incident.window.start)
    assert len(incidents_between(CONFIG, NOON, NOON)) <= 1
