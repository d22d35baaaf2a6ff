"""Figures by dimension against a second, plain computation over the payments themselves."""

from collections import Counter, defaultdict
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from financeops.core.breakdown import breakdown
from financeops.core.dimensions import MAX_VALUES, Dimension, said_of
from financeops.core.money import ratio
from financeops.core.rollup import Rollup, rollup_of, total
from tests.builders import payment
from tests.strategies import payments

UTC_ZONE = ZoneInfo("UTC")

dimensions = st.sampled_from(Dimension)
lists = st.lists(payments(currencies=st.just("USD")), max_size=12)


def listed_of(recorded):
    listed = defaultdict(set)
    for each in recorded:
        for name, value in said_of(each):
            listed[name].add(value)
    return listed


def rollup_of_all(recorded, listed=None):
    listed = listed_of(recorded) if listed is None else listed
    return total(rollup_of(each, UTC_ZONE, listed) for each in recorded)


def value_of(recorded, by):
    name = {"issuerCountry": "issuer_country"}.get(by, by)
    value = getattr(recorded, name)
    return None if value is None else str(value)


@given(lists, dimensions)
def test_figures_by_dimension_are_what_their_definitions_say(recorded, by):
    parts = defaultdict(list)
    for each in recorded:
        parts[value_of(each, by)].append(each)
    rows = breakdown(rollup_of_all(recorded), by)
    assert {row.value for row in rows} == set(parts)
    assert rows == sorted(rows, key=lambda row: (-row.count, row.value is None, row.value or ""))
    for row in rows:
        own = parts[row.value]
        good = [each for each in own if each.status != "failed"]
        stages = Counter(each.failure_stage or "declined" for each in own if each not in good)
        assert row.count == len(own)
        assert row.volume == sum(each.amount for each in good)
        assert row.success_rate == ratio(100 * len(good), len(own))
        assert row.authorization_rate == ratio(100 * len(good), len(good) + stages["declined"])
        assert row.share == ratio(100 * len(own), len(recorded))


@given(lists, dimensions)
def test_figures_of_one_method_are_those_of_its_payments(recorded, by):
    rollup = rollup_of_all(recorded)
    for method in {each.method for each in recorded}:
        inside = [each for each in recorded if each.method == method]
        assert breakdown(rollup.only(method), by) == breakdown(rollup_of_all(inside), by)


@given(lists)
def test_details_are_kept_beside_the_rest(recorded):
    rollup = rollup_of_all(recorded)
    assert rollup.without_details == total(rollup_of(each, UTC_ZONE) for each in recorded)
    assert rollup.without_details + rollup.details == rollup
    assert rollup.details.details == rollup.details
    assert rollup.details.without_details == rollup.without_details.details == Rollup()


def test_values_that_are_not_listed_are_counted_as_other():
    recorded = [payment(country=country) for country in ("DE", "FR", "AT")]
    rows = breakdown(rollup_of_all(recorded, {"country": {"DE"}}), Dimension.COUNTRY)
    assert [(row.value, row.count) for row in rows] == [("other", 2), ("DE", 1)]
    assert MAX_VALUES == 200
