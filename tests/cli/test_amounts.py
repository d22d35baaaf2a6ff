"""One function turns texts and numbers into money: what it would have to guess is refused."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from financeops.cli.importing.amounts import amount_of
from financeops.cli.importing.floats import Double, Half, Single
from financeops.core.errors import InvalidValue
from financeops.core.money import exponent, to_major
from tests.strategies import amounts, currencies


@pytest.mark.parametrize(
    ("text", "currency", "amount"),
    [
        ("18,50", "EUR", "18.5"),
        ("18,5", "EUR", "18.5"),
        ("1.850,50", "EUR", "1850.5"),
        ("1.850", "EUR", "1850"),
        ("12.345.678,90", "EUR", "12345678.9"),
        ("1850", "EUR", "1850"),
        ("007,50", "EUR", "7.5"),
        (",50", "EUR", "0.5"),
        ("0,005", "KWD", "0.005"),
        ("1.234", "KWD", "1234"),
        ("1.850", "JPY", "1850"),
        ("1.234,5678", "CLF", "1234.5678"),
        ("1,5E+03", "EUR", "1500"),
    ],
)
def test_with_a_decimal_comma_a_point_separates_thousands(text, currency, amount):
    assert amount_of(text, currency, decimal_comma=True) == Decimal(amount)


@pytest.mark.parametrize("currency", ["EUR", "JPY", "KWD", "CLF"])
@pytest.mark.parametrize(
    "text",
    [
        "18.5",
        "18.50",
        "0.99",
        "1.2.3",
        "12.34.567,00",
        "1.23.456",
        "1.2345,00",
        "0.125",
        "0.005",
        "00.125",
        "01.234",
        "1234.567",
        ".850",
        "1.234,567.8",
        "1,234.567",
        "1.850.",
        "1,2,3",
        ".",
        ",",
        "1.5e3",
        "1.850e3",
        "1_850",
        "NaN",
        "Infinity",
    ],
)
def test_any_other_point_under_a_decimal_comma_is_refused(text, currency):
    with pytest.raises(InvalidValue, match=r"^amount: "):
        amount_of(text, currency, decimal_comma=True)


@pytest.mark.parametrize(
    "text", ["1,850.50", "18,50", "1_000", "NaN", "inf", "", "1.850.5", "0x10"]
)
def test_without_it_only_a_point_before_decimals_is_read(text):
    with pytest.raises(InvalidValue, match=r"^amount: "):
        amount_of(text, "USD")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("18,50", "if the comma separates the decimals, use --decimal-comma$"),
        ("1,250", "use --decimal-comma; if it groups digits, remove it$"),
        ("1,250.00", "remove the commas that group digits$"),
        ("1,250,000", "remove the commas that group digits$"),
    ],
)
def test_a_comma_that_is_refused_says_what_to_do(text, says):
    with pytest.raises(InvalidValue, match=says):
        amount_of(text, "EUR")


@given(minor=amounts, currency=currencies)
def test_an_amount_is_the_same_in_every_form(minor, currency):
    major = to_major(minor, currency)
    decimals = exponent(currency)
    english = f"{Decimal(major):.{decimals}f}"
    grouped = f"{Decimal(major):,.{decimals}f}".translate(str.maketrans(",.", ".,"))
    for decimal_comma in (False, True):
        for number in (Decimal(major), Double(english)):
            assert amount_of(number, currency, decimal_comma=decimal_comma) == major
        assert amount_of(minor, currency, decimal_comma=decimal_comma, minor_units=True) == major
    assert amount_of(english, currency) == major
    assert amount_of(grouped, currency, decimal_comma=True) == major
    assert amount_of(english.replace(".", ","), currency, decimal_comma=True) == major


@given(text=st.text(st.sampled_from("0123456789.,"), min_size=1, max_size=12))
def test_a_text_is_read_as_one_number_or_refused(text):
    """Whatever is read with --decimal-comma looks the same when it is written again."""
    try:
        amount = amount_of(text, "CLF", decimal_comma=True)
    except InvalidValue:
        return
    whole, _, fraction = text.partition(",")
    if "." in whole:
        assert f"{int(whole.replace('.', '')):,}".replace(",", ".") == whole
    assert "." not in fraction
    assert amount == Decimal(f"{whole.replace('.', '') or 0}.{fraction or 0}")


@pytest.mark.parametrize("number", [18.5, 0.99, 11.77, 83_886.07])
def test_floats_of_a_file_have_the_value_they_show(number):
    for kind in (Single, Double):
        assert amount_of(kind(str(number)), "EUR", decimal_comma=True) == Decimal(str(number))


@pytest.mark.parametrize(
    ("number", "currency"),
    [
        (Single("1234567.9"), "USD"),
        (Single("16777216"), "JPY"),
        (Single("16777.216"), "KWD"),
        (Half("11.773"), "USD"),
        (Double("1e40"), "USD"),
        (Double("inf"), "USD"),
    ],
)
def test_a_float_too_large_for_exact_cents_is_refused(number, currency):
    with pytest.raises(InvalidValue, match=r"^amount: "):
        amount_of(number, currency)


@pytest.mark.parametrize(
    ("value", "currency", "major"),
    [
        (1850, "USD", "18.5"),
        ("1850", "JPY", "1850"),
        (Double("1850.0"), "KWD", "1.85"),
        ("1.850", "USD", "18.5"),
        (0, "USD", "0"),
    ],
)
def test_minor_units_have_the_decimals_of_the_currency(value, currency, major):
    comma = value == "1.850"
    amount = amount_of(value, currency, minor_units=True, decimal_comma=comma)
    assert amount == Decimal(major)


@pytest.mark.parametrize("value", ["18.5", Double("0.5"), -1, 10**12 + 1, Double("inf"), True, []])
def test_minor_units_are_whole_and_within_bounds(value):
    with pytest.raises(InvalidValue, match=r"^amount: "):
        amount_of(value, "USD", minor_units=True)
