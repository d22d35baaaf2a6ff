"""Attempts folded to orders, on every kind of frame."""

from collections import Counter
from datetime import timedelta
from functools import partial

import pyarrow as pa
import pytest

from financeops.core.errors import InvalidValue
from financeops.frames.key_figures import metrics
from financeops.frames.orders import orders
from tests.builders import NOON, payment
from tests.frames.conftest import rows, table_of

MINUTE = timedelta(minutes=1)
failed = partial(payment, status="failed", decline_code="do_not_honor")
paid = partial(payment, method="paypal", decline_code=None)
ATTEMPTS = [
    paid(id="3", order_id="a", attempt=3, created_at=NOON + 2 * MINUTE),
    failed(id="1", order_id="a", attempt=1, recovered_by=3, amount=900),
    failed(id="2", order_id="a", attempt=2, created_at=NOON + MINUTE),
    failed(id="4", order_id="b", attempt=1, currency="JPY"),
    failed(id="5", order_id="b", attempt=2, created_at=NOON + 3 * MINUTE),
    paid(id="6", order_id="c", attempt=1, status="refunded", created_at=NOON - MINUTE),
    failed(id="7", order_id="d", attempt=1, recovered_by=2),  # its success is in no window
    failed(id="8", order_id="e", attempt=2),  # nor is the beginning of this one
    paid(id="9"),
]


def test_an_order_is_a_row_with_its_first_attempt_and_its_outcome(kind, frame_of):
    frame = frame_of(kind, ATTEMPTS)
    found = orders(frame)
    assert type(found) is type(frame)
    columns = ("order_id", "id", "outcome", "attempts", "currency", "method", "amount")
    table = rows(found)
    assert [tuple(row[name] for name in columns) for row in table] == [
        ("c", "6", "first_attempt", 1, "USD", "paypal", 1850),
        ("a", "1", "recovered", 3, "USD", "card", 900),
        ("b", "4", "lost", 2, "JPY", "card", 1850),
        ("d", "7", "recovered", 1, "USD", "card", 1850),
        (None, "9", "first_attempt", 1, "USD", "paypal", 1850),
    ]
    assert [row["decline_code"] for row in table] == [None, *["do_not_honor"] * 3, None]
    lasted = [(row["last_at"] - row["first_at"]) // MINUTE for row in table]
    assert lasted == [0, 2, 3, 0, 0]
    assert table[0]["first_at"] == NOON - MINUTE
    # They are the orders of the key figures.
    for row in rows(metrics(frame)):
        outcomes = Counter(each["outcome"] for each in table if each["currency"] == row["currency"])
        assert row["orders"] == outcomes.total()
        assert row["succeeded_orders"] == outcomes.total() - outcomes["lost"]


def test_an_order_counts_when_its_first_attempt_was_made(kind, frame_of):
    window = (NOON, NOON + MINUTE)
    found = rows(orders(frame_of(kind, ATTEMPTS), window=window))
    assert [(row["id"], row["attempts"]) for row in found] == [
        *(("1", 3), ("4", 2), ("7", 1), ("9", 1))
    ]
    by_period = orders(frame_of(kind, ATTEMPTS), period="day", as_of=NOON)
    assert len(rows(by_period)) == 5


def test_orders_of_two_tenants_do_not_mix(kind, frame_of):
    both = [
        failed(id=f"{tenant}{n}", tenant_id=tenant, order_id="o", attempt=n)
        for tenant, most in (("t", 2), ("u", 3))
        for n in range(1, most + 1)
    ]
    table = rows(orders(frame_of(kind, both)))
    assert [(row["tenant_id"], row["attempts"]) for row in table] == [("t", 2), ("u", 3)]


def test_payments_without_orders_are_orders_and_none_are_none(kind, frame_of):
    table = rows(orders(frame_of(kind, [payment(), payment(status="failed")])))
    assert sorted(row["outcome"] for row in table) == ["first_attempt", "lost"]
    assert [row["order_id"] for row in table] == [None, None]
    assert rows(orders(frame_of(kind, []))) == []


def test_wrong_values_are_refused(kind, native_of):
    table = table_of(ATTEMPTS)
    unknown = pa.array(["pending"] * len(ATTEMPTS))
    wrong = table.set_column(table.schema.get_field_index("status"), "status", unknown)
    with pytest.raises(InvalidValue, match="status: must be one of"):
        rows(orders(native_of(kind, wrong)))
    with pytest.raises(InvalidValue, match="attempt: is missing"):
        orders(native_of(kind, table.drop_columns(["attempt"])))
