from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from financeops.core.errors import InvalidValue
from financeops.core.money import MAX_MINOR, exponent, ratio, significant, to_major, to_minor
from tests.strategies import CURRENCIES, amounts, currencies, minor_sums


@pytest.mark.parametrize(
    ("currency", "decimals"), [("JPY", 0), ("USD", 2), ("KWD", 3), ("CLF", 4), ("MGA", 2)]
)
def test_decimals_follow_iso_4217(currency, decimals):
    assert exponent(currency) == decimals


@pytest.mark.parametrize("currency", ["XAU", "XXX", "XTS", "usd", "US", "", "DOLLAR", "💶"])
def test_a_code_without_a_minor_unit_is_refused(currency):
    with pytest.raises(InvalidValue) as refusal:
        exponent(currency)
    assert refusal.value.field == "currency"


@pytest.mark.parametrize("currency", CURRENCIES)
def test_every_currency_keeps_its_smallest_and_largest_amounts(currency):
    for minor in (0, 1, 9, 10, 999, 1000, MAX_MINOR - 1, MAX_MINOR):
        assert to_minor(to_major(minor, currency), currency) == minor


@given(amounts, currencies)
def test_minor_units_survive_conversion_to_major_units_and_back(minor, currency):
    major = to_major(minor, currency)
    assert to_minor(major, currency) == minor
    assert to_minor(str(major), currency) == minor


@given(st.integers(-(10**24), 10**24), currencies)
def test_major_units_are_the_exact_quotient_without_trailing_zeros(minor, currency):
    major = to_major(minor, currency)
    assert Fraction(major) == Fraction(minor, 10 ** exponent(currency))
    assert isinstance(major, Decimal)
    assert "." not in str(major) or not str(major).endswith("0")
    assert "E" not in str(major)


@pytest.mark.parametrize(
    ("text", "minor"),
    [("0", 0), ("-0", 0), ("0e99999", 0), ("1850.5", 185050), ("1.50e3", 150000), ("1e-2", 1)],
)
def test_an_amount_is_read_from_its_text(text, minor):
    assert to_minor(text, "USD") == minor


def test_trailing_zeros_beyond_the_decimals_of_a_currency_are_accepted():
    assert to_minor("1." + "0" * 5000, "JPY") == 1
    assert to_minor(Decimal("19.990"), "USD") == 1999


@pytest.mark.parametrize(
    "text",
    [
        *("NaN", "sNaN", "Infinity", "-Infinity", "", "ten", "1,5", "1.5 USD"),
        *("-1", "-0.01"),
        *("0.001", "1.999", "1e-3", "0." + "0" * 5000 + "1"),
        *("10000000000.01", "10000000001", "1e11", "9" * 5000),
        # Expanding these would take all memory there is.
        *("1e999999999", "1e-999999999", "1e99999999999999999999", "9e-99999999999999999999"),
    ],
)
def test_an_invalid_amount_is_refused(text):
    with pytest.raises(InvalidValue) as refusal:
        to_minor(text, "USD")
    assert refusal.value.field == "amount"


@given(st.decimals(allow_nan=True, allow_infinity=True), currencies)
def test_any_decimal_is_exact_or_refused(value, currency):
    try:
        minor = to_minor(value, currency)
    except InvalidValue as refusal:
        assert refusal.field == "amount"  # noqa: PT017 - it may as well be accepted
    else:
        assert Fraction(minor, 10 ** exponent(currency)) == Fraction(value)
        assert 0 <= minor <= MAX_MINOR


@given(st.integers(-(10**15), 10**24), st.integers(1, 10**9))
def test_a_ratio_is_the_fraction_rounded_once_half_even(numerator, denominator):
    assert ratio(numerator, denominator) == round(Fraction(numerator, denominator), 6)


@pytest.mark.parametrize(
    ("numerator", "denominator", "text"),
    [
        (1, 3, "0.333333"),
        (2, 3, "0.666667"),
        (1, 2 * 10**6, "0"),  # a tie goes to the even neighbour, down
        (3, 2 * 10**6, "0.000002"),  # and up
        (100, 1, "100"),
        (185050, 100, "1850.5"),
    ],
)
def test_a_ratio_has_no_trailing_zeros(numerator, denominator, text):
    assert str(ratio(numerator, denominator)) == text


@given(minor_sums)
def test_a_ratio_to_zero_is_no_data(numerator):
    assert ratio(numerator, 0) is None


@given(st.decimals(allow_nan=False, allow_infinity=False), st.integers(0, 40))
def test_equal_numbers_have_the_same_significant_digits(value, zeros):
    sign, digits, power = value.as_tuple()
    longer = Decimal((sign, (*digits, *[0] * zeros), power - zeros))
    assert significant(longer) == significant(value)
    text, tens = significant(value)
    assert Fraction(int(text)) * Fraction(10) ** tens == Fraction(value)
