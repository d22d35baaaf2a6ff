from collections import defaultdict
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from financeops.core.payments import Status
from financeops.core.periods import Grain, grain_start
from financeops.core.rollup import (
    FURTHER,
    Rollup,
    as_document,
    at_hour,
    delta_of,
    deltas,
    from_document,
    rollup_of,
    total,
)
from financeops.core.wire import decode, encode
from tests import reported
from tests.acts import acts_of
from tests.builders import at, change, payment
from tests.strategies import (
    changes,
    histories,
    instants,
    left_after,
    methods,
    payments,
    rollups,
    zones,
)

UTC_ZONE = ZoneInfo("UTC")

lists = st.lists(payments(currencies=st.just("USD")), max_size=12)


def rollup_of_all(recorded, zone=UTC_ZONE):
    return total(rollup_of(payment, zone) for payment in recorded)


@given(rollups, rollups, rollups)
def test_rollups_add_up_in_any_order_and_grouping(a, b, c):
    assert a + b == b + a
    assert (a + b) + c == a + (b + c) == total([c, a, b])


@given(rollups)
def test_the_empty_rollup_is_zero(a):
    assert a + Rollup() == Rollup() + a == a - Rollup() == a
    assert a - a == Rollup() == total([])
    assert not (a - a)


@given(rollups, rollups)
def test_subtraction_undoes_addition(a, b):
    assert (a - b) + b == (a + b) - b == a
    assert -a == Rollup() - a


@given(lists, st.randoms(use_true_random=False), zones)
def test_payments_add_up_in_any_order_and_grouping(recorded, random, zone):
    whole = rollup_of_all(recorded, zone)
    shuffled = random.sample(recorded, len(recorded))
    cut = random.randint(0, len(recorded))
    assert rollup_of_all(shuffled, zone) == whole
    assert rollup_of_all(shuffled[:cut], zone) + rollup_of_all(shuffled[cut:], zone) == whole


@given(lists, rollups)
def test_operations_return_new_values(recorded, other):
    before = rollup_of_all(recorded)
    same = from_document(as_document(before))
    _ = before + other, before - other, -before, before.only("card"), at_hour(before, 3)
    assert before == same


@given(rollups)
def test_a_rollup_survives_its_document_and_the_wire(rollup):
    assert from_document(as_document(rollup)) == rollup
    assert from_document(decode(encode(as_document(rollup)))) == rollup


@given(rollups)
def test_a_document_may_leave_out_the_hours(rollup):
    document = as_document(rollup, hours=False)
    assert "hours" not in document
    assert from_document(document) == Rollup(rollup.cells, rollup.declines, None, rollup.further)


def test_the_document_of_a_rollup():
    zone = ZoneInfo("Asia/Kolkata")
    rollup = rollup_of_all(
        [
            payment(amount=1000, created_at="2026-03-10T12:00:00Z"),
            payment(amount=500, created_at="2026-03-10T12:40:00Z", status="failed"),
        ],
        zone,
    )
    assert as_document(rollup) == {
        "methods": {
            "card": {"success": {"n": 1, "amount": 1000}, "failed": {"n": 1, "amount": 500}}
        },
        "declines": {"card": {"insufficient_funds": {"n": 1, "amount": 500}}},
        "hours": {"card": {"17": 1, "18": 1}},
        "failures": {"card": {"declined": {"unknown": {"n": 1, "amount": 500}}}},
    }


@given(payments(), zones)
def test_one_payment_is_counted_once_everywhere(recorded, zone):
    rollup = rollup_of(recorded, zone)
    assert rollup.cells == {(recorded.method, recorded.status): (1, recorded.amount)}
    assert rollup.hours == {(recorded.method, recorded.created_at.astimezone(zone).hour): 1}
    assert bool(rollup.declines) == (recorded.status is Status.FAILED)


def test_a_payment_of_zero_counts():
    assert rollup_of(payment(amount=0), UTC_ZONE).cells == {("card", Status.SUCCESS): (1, 0)}


@given(changes(), zones)
def test_adding_a_change_replaces_the_payment_as_it_was_by_the_payment_as_it_is(changed, zone):
    before = rollup_of(changed.previous, zone) if changed.previous else Rollup()
    now = Rollup() if changed.removed else rollup_of(changed.payment, zone)
    assert before + delta_of(changed, zone) == now


def test_a_refund_moves_no_attempt_to_another_hour():
    delta = delta_of(change(status="refunded", amount=700), UTC_ZONE)
    assert delta.hours == {}
    assert delta.cells == {
        ("card", Status.SUCCESS): (-1, -700),
        ("card", Status.REFUNDED): (1, 700),
    }


@given(rollups, methods)
def test_a_rollup_is_the_sum_of_its_methods(rollup, method):
    names = {key[0] for part in (rollup.cells, rollup.declines, rollup.hours) for key in part}
    names |= {
        path[FURTHER[name].index("method")]
        for name, part in rollup.further.items()
        for path in part
    }
    assert total(rollup.only(name) for name in names) == rollup
    assert rollup.only(method).only(method) == rollup.only(method)


@given(lists, methods)
def test_one_method_of_a_rollup_is_the_rollup_of_its_payments(recorded, method):
    assert rollup_of_all(recorded).only(method) == rollup_of_all(
        [payment for payment in recorded if payment.method == method]
    )


@given(st.lists(payments(created=instants(at("2026-03-10T12:15:00Z"), at("2026-03-10T12:29:59Z")))))
def test_the_start_of_a_quarter_hour_tells_its_hour(recorded):
    zone = ZoneInfo("Asia/Kathmandu")
    exact = rollup_of_all(recorded, zone)
    without_hours = from_document(as_document(exact, hours=False))
    assert at_hour(without_hours, 18) == exact


# A few months, so that payments share their rollups now and then.
recent = instants(at("2026-02-27T00:00:00Z"), at("2026-04-02T00:00:00Z"))


@given(histories(created=recent), zones)
def test_deltas_are_the_rollups_of_the_payments_as_they_are_now(history, zone):
    expected = defaultdict(list)
    for latest in left_after(history):
        moments = {latest.created_at: [rollup_of(latest, zone)]}
        for act in acts_of(latest):
            acted = {"activity": {(latest.method, act.kind): (1, act.amount)}}
            moments.setdefault(act.at, []).append(Rollup(further=acted))
        counted = [(latest.currency, *each) for each in moments.items()]
        for currency, moment, rollup in reported.counted(latest, zone, None):
            counted.append((currency, moment, [rollup]))
        for currency, moment, parts in counted:
            for grain in Grain:
                expected[currency, grain, grain_start(grain, moment, zone)] += parts
    assert {place: delta for place, delta in deltas(history, zone).items() if delta} == {
        place: total(parts) for place, parts in expected.items()
    }


@given(histories(created=recent), zones, st.data())
def test_deltas_of_parts_add_up_to_the_deltas_of_all(history, zone, data):
    cut = data.draw(st.integers(0, len(history)))
    first, second = deltas(history[:cut], zone), deltas(history[cut:], zone)
    assert deltas(history, zone) == {
        place: first.get(place, Rollup()) + second.get(place, Rollup())
        for place in {**first, **second}
    }


def test_a_rollup_is_unhashable_and_equals_only_rollups():
    with pytest.raises(TypeError):
        hash(Rollup())
    assert Rollup() != {}
    assert "cells={}" in repr(Rollup())
