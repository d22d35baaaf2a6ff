from datetime import timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from financeops.core.periods import day_of
from financeops.frames.engine.clock import micros
from financeops.frames.rfm import days_until, rfm, scores
from tests.builders import at, payment
from tests.frames.conftest import rows
from tests.strategies import instants, zones

EXAMPLE = [
    payment(customer_id="ada", amount=100, created_at="2026-03-01T12:00:00Z"),
    payment(customer_id="ada", amount=200, created_at="2026-03-09T23:30:00Z", status="refunded"),
    payment(customer_id="bob", amount=900, created_at="2026-03-05T12:00:00Z"),
    payment(customer_id="cyd", amount=50, created_at="2026-03-05T13:00:00Z"),
    payment(customer_id="cyd", amount=9999, created_at="2026-03-10T01:00:00Z", status="failed"),
    payment(customer_id=None, amount=7777, created_at="2026-03-10T09:00:00Z"),
    payment(customer_id="ada", amount=5, currency="EUR", created_at="2026-03-10T10:00:00Z"),
]


def test_each_customer_has_recency_frequency_and_money(kind, frame_of):
    table = rows(rfm(frame_of(kind, EXAMPLE)))
    assert [
        (row["currency"], row["customer_id"], row["recency"], row["frequency"], row["monetary"])
        for row in table
    ] == [
        ("EUR", "ada", 0, 1, 5),
        ("USD", "ada", 1, 2, 300),
        ("USD", "bob", 5, 1, 900),
        ("USD", "cyd", 5, 1, 50),
    ]
    names = ("recency_score", "frequency_score", "monetary_score")
    assert [tuple(row[name] for name in names) for row in table] == [
        (1, 1, 1),
        (4, 4, 2),
        (1, 1, 4),
        (1, 1, 1),
    ]


def test_days_are_the_calendar_days_of_the_zone(kind, frame_of):
    # Half past eleven at night in London is the next day in Berlin.
    table = rows(rfm(frame_of(kind, EXAMPLE), timezone="Europe/Berlin"))
    assert [row["recency"] for row in table] == [0, 0, 5, 5]


def test_later_payments_do_not_count(kind, frame_of):
    table = rows(rfm(frame_of(kind, EXAMPLE), as_of=at("2026-03-04T00:00:00Z")))
    assert [(row["customer_id"], row["recency"], row["frequency"]) for row in table] == [
        ("ada", 3, 1)
    ]


def test_without_customers_there_are_no_rows(kind, frame_of):
    assert rows(rfm(frame_of(kind, []))) == []
    assert rows(rfm(frame_of(kind, EXAMPLE[4:6]))) == []


def test_ten_different_values_make_fifths_of_two():
    assert scores(np.arange(10)) == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]


@given(st.lists(st.integers(0, 20), min_size=1, max_size=60))
def test_scores_are_one_to_five_follow_the_order_and_ties_are_equal(values):
    scored = list(zip(values, scores(np.array(values)), strict=True))
    assert all(1 <= score <= 5 for _, score in scored)
    for value, score in scored:
        for other, its in scored:
            assert (value <= other) <= (score <= its)


@given(instants(), st.lists(st.integers(0, 400 * 24 * 3600), min_size=1, max_size=5), zones)
def test_days_ago_is_a_difference_of_dates(as_of, seconds, zone):
    moments = [as_of - timedelta(seconds=n) for n in seconds]
    expected = [(day_of(as_of, zone) - day_of(moment, zone)).days for moment in moments]
    # A zone may have skipped a calendar day: count the days that existed.
    found = days_until(np.array([micros(m) for m in moments]), as_of, zone).tolist()
    left_out = zone.key == "Pacific/Apia"
    assert all(
        was == is_ or (left_out and was == is_ + 1)
        for was, is_ in zip(expected, found, strict=True)
    )
