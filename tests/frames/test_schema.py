"""Frames that are refused: the error names the column."""

from datetime import UTC, datetime

import pyarrow as pa
import pytest

from financeops.core.columns import PAYMENTS
from financeops.core.errors import InvalidValue
from financeops.core.payments import Payment
from financeops.frames.engine.given import checked, payments_of
from financeops.frames.engine.results import collected
from tests.builders import payment
from tests.frames.conftest import INSTANT, SCHEMA, table_of

ALL = tuple(PAYMENTS)
SOME = [payment(amount=1), payment(amount=2, status="failed"), payment(amount=3)]


NAIVE = pa.timestamp("ms")


def ints(*values):
    return pa.array(values, pa.int64())


def texts(*values):
    return pa.array(values, pa.string())


def replaced(name, values):
    table = table_of(SOME)
    return table.set_column(table.schema.get_field_index(name), name, values)


def test_columns_are_the_fields_of_a_payment():
    assert set(PAYMENTS) == set(SCHEMA.names) == set(Payment.__struct_fields__) - {"refunds"}


def test_every_column_passes_and_times_become_microseconds(kind, frame_of):
    found = collected(checked(payments_of(frame_of(kind, SOME), *ALL)))
    assert list(found) == list(ALL)
    assert found["amount"] == [1, 2, 3]
    noon = datetime(2026, 3, 10, 12, tzinfo=UTC)
    assert found["created_at"] == [int(noon.timestamp()) * 10**6] * 3
    assert found["refunded_at"] == [None] * 3
    assert found["decline_code"] == [None, "insufficient_funds", None]


def test_only_the_columns_needed_are_checked(kind, native_of):
    table = replaced("amount", pa.array([0.5, 1.0, 2.0]))
    assert checked(payments_of(native_of(kind, table), "method")).collect().columns == ["method"]


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("amount", ints(1, 2, 3).cast("float64"), "amount: must be Int64 minor units"),
        ("amount", ints(1, None, 3), "amount: must (not be null|be Int64)"),  # pandas: a float
        ("amount", ints(1, -2, 3), "amount: must not be negative"),
        ("amount", ints(1, 2**62, 2**62), "amount: adds up to more than 64 bits hold"),
        ("status", texts("success", "pending", "failed"), "status: must be one of"),
        ("status", texts("success", None, "failed"), "status: must not be null"),
        ("method", texts(None, None, "card"), "method: must not be null, but is in 2 rows"),
        ("method", ints(1, 2, 3), "method: must be text"),
        ("created_at", ints(1, 2, 3).cast(NAIVE), "created_at: must have a time zone"),
        ("created_at", ints(1, 2, 3), "created_at: must be timestamps with a time zone"),
        ("created_at", ints(1, -2, 3).cast(INSTANT), "created_at: must not lie before 1970"),
        ("created_at", ints(1, None, 3).cast(INSTANT), "created_at: must not be null"),
    ],
)
def test_a_wrong_column_is_named(kind, native_of, column, values, message):
    if kind == "spark" and values.type == NAIVE:
        pytest.skip("takes naive times in the session's zone before anyone can ask")
    frame = native_of(kind, replaced(column, values))
    with pytest.raises(InvalidValue, match=message):
        checked(payments_of(frame, column))


def test_a_missing_column_is_named(kind, native_of):
    with pytest.raises(InvalidValue, match="country: is missing: the frame has amount"):
        checked(payments_of(native_of(kind, table_of(SOME).select(["amount"])), "country"))


def test_an_exports_names_are_recognised(kind, native_of):
    table = table_of(SOME).select(["created_at"]).rename_columns(["createdAt"])
    with pytest.raises(InvalidValue, match=r"an export's createdAt, and fo\.read"):
        checked(payments_of(native_of(kind, table), "created_at"))


def test_anything_but_a_frame_is_refused():
    with pytest.raises(InvalidValue, match=r"payments: must be a data frame .* not list"):
        checked(payments_of([1, 2], "amount"))


@pytest.mark.parametrize("unit", ["s", "us", "ns"])
def test_any_unit_and_zone_of_times_is_the_same_instant(kind, native_of, unit):
    if unit == "ns" and kind in {"duckdb", "spark"}:
        pytest.skip("has no nanoseconds with a time zone")
    moment = datetime(2026, 7, 1, 12, tzinfo=UTC)
    table = replaced("created_at", pa.array([moment] * 3, pa.timestamp(unit, tz="Asia/Kolkata")))
    found = collected(checked(payments_of(native_of(kind, table), "created_at")))
    assert found["created_at"] == [int(moment.timestamp()) * 10**6] * 3


def test_an_empty_frame_passes(kind, native_of):
    assert collected(checked(payments_of(native_of(kind, table_of([])), *ALL)))["amount"] == []
