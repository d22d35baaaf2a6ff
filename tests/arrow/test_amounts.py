"""Amounts in Arrow are converted exactly as the API converts each of them."""

from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from financeops.arrow.amounts import MAJOR, major_of, minor_of
from financeops.core.errors import InvalidValue
from financeops.core.money import MAX_MINOR, to_major, to_minor

AMOUNTS = st.tuples(st.integers(0, MAX_MINOR), st.sampled_from(["USD", "JPY", "KWD", "CLF"]))


@given(st.lists(AMOUNTS, min_size=1))
def test_decimal_text_becomes_the_minor_units_it_was_made_of(pairs):
    currencies = pa.chunked_array([[currency for _, currency in pairs]])
    texts = [str(to_major(minor, currency)) for minor, currency in pairs]
    for amounts in (texts, [Decimal(text) for text in texts]):
        found = minor_of(pa.chunked_array([amounts]), currencies)
        assert found.to_pylist() == [minor for minor, _ in pairs]


@given(st.decimals(-(10**12), 10**12, places=5) | st.decimals(-10, 10**9, places=2))
def test_an_amount_is_accepted_or_refused_as_by_the_api(amount):
    currency = pa.chunked_array([["USD"]])
    try:
        expected = to_minor(amount, "USD")
    except InvalidValue:
        with pytest.raises(InvalidValue, match="amount"):
            minor_of(pa.chunked_array([[str(amount)]]), currency)
    else:
        assert minor_of(pa.chunked_array([[str(amount)]]), currency).to_pylist() == [expected]


@given(st.lists(AMOUNTS))
def test_major_units_are_exact_and_can_be_converted_back(pairs):
    currencies = pa.chunked_array([[currency for _, currency in pairs]], pa.string())
    minor = pa.chunked_array([[amount for amount, _ in pairs]], pa.int64())
    major = major_of(minor, currencies)
    assert major.type == MAJOR
    assert major.to_pylist() == [Decimal(str(to_major(*pair))) for pair in pairs]
    assert minor_of(pa.chunked_array([major]), currencies).equals(minor.combine_chunks())


def test_a_null_amount_gives_null_minor_units():
    # The contents of the buffer under a null do not matter.
    words = pa.py_buffer(b"\xff" * 16 + (18500).to_bytes(16, "little"))
    amounts = pa.Array.from_buffers(MAJOR, 2, [pa.py_buffer(b"\x02"), words])
    currencies = pa.chunked_array([["USD", "USD"]])
    assert minor_of(pa.chunked_array([amounts]), currencies).to_pylist() == [None, 185]
    nothing = pa.chunked_array([[None, None]], pa.string())
    assert minor_of(nothing, currencies).to_pylist() == [None, None]


def test_slices_of_larger_columns_are_converted():
    amounts = pa.chunked_array([pa.array(["7", "1850.5", "3"]).slice(1, 1), pa.array(["0.01"])])
    exact = amounts.cast(MAJOR)
    currencies = pa.chunked_array([pa.array(["JPY", "USD", "USD"]).slice(1)])
    for each in (amounts, exact, pa.chunked_array([exact.combine_chunks().slice(0)])):
        assert minor_of(each, currencies).to_pylist() == [185050, 1]
    assert minor_of(exact.slice(1), currencies.slice(1)).to_pylist() == [1]


@pytest.mark.parametrize("amount", [10**30, 2**63, -(2**64) + 1, -1, 10**11])
def test_an_invalid_amount_is_refused_with_its_row(amount):
    amounts = pa.chunked_array([[Decimal(1), Decimal(amount)]], pa.decimal128(38, 0))
    with pytest.raises(InvalidValue, match=r"^amount: .*\(row 1\)$"):
        minor_of(amounts, pa.chunked_array([["USD", "USD"]]))
