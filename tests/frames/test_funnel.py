"""How far payments come: the same on every library, and as a plain count says."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from financeops.core.errors import InvalidValue
from financeops.core.money import ratio
from financeops.core.payments import Status
from financeops.frames.funnel import funnel
from tests.builders import payment
from tests.frames.conftest import native, rows, table_of
from tests.strategies import payments

PASSED = {
    "created": {"authentication", "abandoned", "blocked", "declined", "technical"},
    "authenticated": {"blocked", "declined", "technical"},
    "authorised": {"technical"},
}
"""At which stages payments may still fail that came as far as a step."""


def came_as_far_as(step, each):
    if each.status is Status.FAILED:
        stage = each.failure_stage or "declined"
        return stage in PASSED.get(step, ())
    return step != "kept" or (each.status is Status.SUCCESS and not each.lost)


def volume(step, each):
    return each.amount - each.returned - each.lost if step == "kept" else each.amount


@settings(max_examples=30)
@given(st.lists(payments(), min_size=1, max_size=30))
def test_each_step_counts_the_payments_that_came_so_far(some):
    expected = []
    for currency in sorted({each.currency for each in some}):
        inside = [each for each in some if each.currency == currency]
        before = len(inside)
        for step in ("created", "authenticated", "authorised", "succeeded", "kept"):
            here = [each for each in inside if came_as_far_as(step, each)]
            summed = "succeeded" if step == "kept" else step
            money = sum(volume(step, each) for each in inside if came_as_far_as(summed, each))
            shares = [ratio(100 * len(here), n) for n in (len(inside), before)]
            shares = [None if share is None else float(share) for share in shares]
            expected.append((currency, step, len(here), money, *shares))
            before = len(here)
    assert funnel(native("polars", table_of(some))).rows() == expected


def test_the_steps_of_a_window_are_in_order_on_every_kind_of_frame(kind, frame_of):
    failed = {"status": "failed"}
    some = [
        payment(amount=1, **failed, failure_stage="authentication"),
        payment(amount=2, **failed, failure_stage="abandoned"),
        payment(amount=4, **failed, failure_stage="blocked"),
        payment(amount=8, **failed),
        payment(amount=16, **failed, failure_stage="technical"),
        payment(amount=32),
        payment(amount=64, status="refunded"),
    ]
    found = rows(funnel(frame_of(kind, some)))
    assert [(row["step"], row["count"], row["volume"]) for row in found] == [
        ("created", 7, 127),
        ("authenticated", 5, 124),
        ("authorised", 3, 112),
        ("succeeded", 2, 96),
        ("kept", 1, 32),
    ]


def test_without_stages_failures_were_declined_and_an_unknown_stage_is_refused():
    frame = native("polars", table_of([payment(status="failed"), payment()]))
    found = funnel(frame.drop("failure_stage", "decline_kind"))
    assert found["count"].to_list() == [2, 2, 1, 1, 1]
    odd = frame.with_columns(failure_stage=frame["status"])
    with pytest.raises(InvalidValue, match="failure_stage"):
        funnel(odd)
