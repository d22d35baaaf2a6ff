"""The parts of a change add up to it, exactly, on every kind of frame."""

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from financeops.core.errors import InvalidValue
from financeops.core.money import exponent
from financeops.frames.explain import Figure, apportioned, explain_change
from financeops.frames.key_figures import metrics
from tests import strategies
from tests.builders import NOON, payment
from tests.frames.conftest import rows, table_of

DAY = timedelta(days=1)
TODAY, YESTERDAY = (NOON, NOON + DAY), (NOON - DAY, NOON)
PAYMENTS = st.lists(
    strategies.payments(
        currencies=st.sampled_from(["USD", "JPY"]),
        created=strategies.instants(NOON - DAY, NOON + DAY - timedelta(milliseconds=1)),
        # Averages are floats: they represent six decimals of numbers with nine digits before the point.
        amounts=st.integers(0, 10**9),
    ),
    max_size=25,
)


def batch(when, method, n, failed, amount=1000):
    return [
        payment(
            method=method,
            created_at=when,
            amount=amount,
            status="failed" if number < failed else "success",
        )
        for number in range(n)
    ]


# Crypto fails more often than cards. Today its share is larger, and cards fail more often, too.
MOVED = [
    *batch(NOON - DAY, "card", 8, 0),
    *batch(NOON - DAY, "crypto", 2, 1),
    *batch(NOON, "card", 6, 1),
    *batch(NOON, "crypto", 4, 2),
]


def explained(frame, of, by="method"):
    return rows(explain_change(frame, window=TODAY, against=YESTERDAY, by=by, of=of))


def test_a_rate_moves_by_mix_and_by_rate(kind, frame_of):
    found = explained(frame_of(kind, MOVED), "success_rate")
    assert found == [
        {
            "currency": "USD",
            "method": "card",
            "value": 83.333333,
            "against": 100.0,
            "share": 60.0,
            "share_against": 80.0,
            "mix_effect": -2.333333,
            "rate_effect": -11.666667,
            "effect": -14.0,
            "total_change": -20.0,
        },
        {
            "currency": "USD",
            "method": "crypto",
            "value": 50.0,
            "against": 50.0,
            "share": 40.0,
            "share_against": 20.0,
            "mix_effect": -6.0,
            "rate_effect": 0.0,
            "effect": -6.0,
            "total_change": -20.0,
        },
    ]


def test_equal_rates_leave_only_mix_and_an_equal_mix_only_rates():
    same_rates = [
        *batch(NOON - DAY, "card", 10, 2),
        *batch(NOON - DAY, "crypto", 10, 5),
        *batch(NOON, "card", 5, 1),
        *batch(NOON, "crypto", 10, 5),
    ]
    found = explained(pl.from_arrow(table_of(same_rates)), "success_rate")
    assert {row["rate_effect"] for row in found} == {0.0}
    assert sum(row["mix_effect"] for row in found) == pytest.approx(-5)
    same_mix = [
        *batch(NOON - DAY, "card", 10, 2),
        *batch(NOON - DAY, "crypto", 10, 5),
        *batch(NOON, "card", 20, 2),
        *batch(NOON, "crypto", 20, 10),
    ]
    found = explained(pl.from_arrow(table_of(same_mix)), "success_rate")
    assert {row["mix_effect"] for row in found} == {0.0}
    assert {row["method"]: row["rate_effect"] for row in found} == {"card": 5.0, "crypto": 0.0}


def test_a_volume_moves_by_count_rate_and_average(kind, frame_of):
    given_ = [
        *batch(NOON - DAY, "card", 10, 0, amount=1000),
        *batch(NOON, "card", 10, 5, amount=1000),
        *batch(NOON - DAY, "paypal", 4, 0, amount=500),
        *batch(NOON, "paypal", 6, 0, amount=500),
        *batch(NOON, "crypto", 1, 0, amount=77),
    ]
    found = explained(frame_of(kind, given_), "total_volume")
    effects = ["count_effect", "rate_effect", "average_effect", "effect", "total_change"]
    assert [(row["method"], *(row[name] for name in effects)) for row in found] == [
        ("card", 0, -5000, 0, -5000, -3923),
        ("paypal", 1000, 0, 0, 1000, -3923),
        ("crypto", 77, 0, 0, 77, -3923),
    ]


@settings(max_examples=60)
@given(payments=PAYMENTS, of=st.sampled_from(Figure), by=st.sampled_from(["method", "country"]))
def test_effects_add_up_to_the_change_exactly(payments, of, by):
    frame = pl.from_arrow(table_of(payments))
    found = explained(frame, of, by=[by, "source"])
    # Fees of failed payments have no bound beside a small volume, and floats have nine digits for such a rate.
    assume(all(abs(row[side] or 0) < 10**9 for row in found for side in ("value", "against")))
    now = {row["currency"]: row[of] for row in rows(metrics(frame, window=TODAY))}
    then = {row["currency"]: row[of] for row in rows(metrics(frame, window=YESTERDAY))}
    for currency in {row["currency"] for row in found}:
        mine = [row for row in found if row["currency"] == currency]
        (change,) = {row["total_change"] for row in mine}
        if of is Figure.TOTAL_VOLUME:
            assert change == now.get(currency, 0) - then.get(currency, 0)
            parts = ("count_effect", "rate_effect", "average_effect")
        elif now.get(currency) is None or then.get(currency) is None:
            assert change is None
            continue
        else:
            # Both rates are rounded, the change is rounded once.
            assert Decimal(str(change)) == pytest.approx(
                Decimal(str(now[currency])) - Decimal(str(then[currency])), abs=Decimal("1.1e-6")
            )
            parts = ("mix_effect", "rate_effect")
        for row in mine:
            assert sum(Decimal(str(row[part])) for part in parts) == Decimal(str(row["effect"]))
        assert sum(Decimal(str(row["effect"])) for row in mine) == Decimal(str(change))
        sizes = [abs(row["effect"]) for row in mine]
        assert sizes == sorted(sizes, reverse=True)


@given(parts=st.lists(st.fractions(-1000, 1000, max_denominator=97), min_size=1, max_size=20))
def test_rounded_parts_add_up_and_none_is_a_unit_off(parts):
    total = round(sum(parts))
    units = apportioned(parts, total)
    assert sum(units) == total
    assert all(abs(unit - part) <= 1 for unit, part in zip(units, parts, strict=True))


def test_equal_remainders_go_to_the_first():
    assert apportioned([Fraction(1, 3)] * 3, 1) == [1, 0, 0]
    assert apportioned([Fraction(-1, 2), Fraction(-1, 2)], -1) == [0, -1]


def test_an_average_moves_in_major_units(kind, frame_of):
    given_ = [payment(currency="KWD", amount=2500, created_at=NOON - DAY)]
    given_ += [payment(currency="KWD", amount=1000, created_at=NOON, method="paypal")]
    assert exponent("KWD") == 3
    found = explained(frame_of(kind, given_), "average_amount")
    assert {row["total_change"] for row in found} == {-1.5}
    assert [row["rate_effect"] for row in found] == [0.0, 0.0]


def test_without_data_in_a_window_there_is_no_change_to_explain(kind, frame_of):
    (row,) = explained(frame_of(kind, [payment()]), "success_rate")
    assert (row["value"], row["against"], row["share"]) == (100.0, None, 100.0)
    assert row["effect"] is row["mix_effect"] is row["total_change"] is None
    (row,) = explained(frame_of(kind, [payment()]), "total_volume")
    assert (row["count_effect"], row["effect"], row["total_change"]) == (1850, 1850, 1850)
    assert explained(frame_of(kind, []), "total_volume") == []


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"of": "luck"}, "of: must be one of 'success_rate'"),
        ({"by": []}, "by: must name the columns"),
        ({"against": TODAY}, "against: must not overlap"),
    ],
)
def test_invalid_parameters_are_named(params, message):
    frame = pl.from_arrow(table_of(MOVED))
    usual = {"window": TODAY, "against": YESTERDAY, "by": "method"}
    with pytest.raises(InvalidValue, match=message):
        explain_change(frame, **usual | params)
