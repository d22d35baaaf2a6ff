"""Exchange rates: which one counts on a day, exact conversion, and the files that they come in."""

from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from financeops.core.errors import InvalidValue
from financeops.core.money import decimals_of
from financeops.core.rate_files import read_rates
from financeops.core.rates import Rate, Rates, by_day, check_rate
from tests.rates import ECB_FORM, RATE_TEXTS

MONDAY = date(1999, 1, 4)


def rates(*rows, base="EUR", source="ecb"):
    return [
        Rate(date=day, base=base, quote=quote, rate=Decimal(text), source=source)
        for day, quote, text in rows
    ]


@given(
    minor=st.integers(0, 10**12),
    texts=st.tuples(RATE_TEXTS, RATE_TEXTS),
    pair=st.permutations(["USD", "JPY", "BHD", "EUR"]),
)
def test_an_amount_is_converted_over_the_base_and_rounded_once(minor, texts, pair):
    of, to, *_ = pair
    known = dict(zip((of, to), map(Decimal, texts), strict=True)) | {"EUR": Decimal(1)}
    found = Rates(rates(*((MONDAY, code, rate) for code, rate in known.items() if code != "EUR")))
    conversion = found.conversion(of, to, MONDAY)
    exact = Fraction(known[to]) / Fraction(known[of])
    wanted = minor * exact * Fraction(10) ** (decimals_of(to) - decimals_of(of))
    assert conversion.of(minor) == round(wanted)  # of fractions it is half-even
    with localcontext(prec=80, rounding=ROUND_HALF_EVEN):
        shown = Decimal(exact.numerator) / Decimal(exact.denominator)
        assert abs(conversion.rate - shown) <= Decimal("5e-13")
    assert (conversion.date, conversion.source) == (MONDAY, "ecb")


def test_halves_go_to_the_even_side_and_units_have_the_decimals_of_their_currency():
    found = Rates(rates((MONDAY, "USD", "0.5"), (MONDAY, "JPY", "100"), (MONDAY, "BHD", "0.4")))
    assert [found.conversion("EUR", "USD", MONDAY).of(minor) for minor in (1, 3, 5)] == [0, 2, 2]
    assert found.conversion("JPY", "BHD", MONDAY).of(1) == 4  # 1 yen is 0.004 dinars
    assert found.conversion("BHD", "JPY", MONDAY).of(1) == 0  # 0.001 dinars are 0.25 yen
    assert found.conversion("BHD", "JPY", MONDAY).of(1000) == 250
    same = found.conversion("CHF", "CHF", MONDAY)
    assert (same.of(7), same.rate, same.date, same.source) == (7, 1, None, None)


def test_the_latest_rate_counts_for_seven_days_on_which_both_currencies_are_known():
    later = MONDAY + timedelta(1)
    found = Rates(rates((MONDAY, "USD", "2"), (MONDAY, "JPY", "3"), (later, "USD", "4")))

    def day_of(of, to, after):
        conversion = found.conversion(of, to, MONDAY + timedelta(after))
        return None if conversion is None else (conversion.date - MONDAY).days

    assert [day_of("EUR", "USD", n) for n in (-1, 0, 1, 8, 9)] == [None, 0, 1, 1, None]
    assert [day_of("USD", "EUR", n) for n in (-1, 0, 1, 8, 9)] == [None, 0, 1, 1, None]
    assert [day_of("USD", "JPY", n) for n in (0, 1, 7, 8)] == [0, 0, 0, None]
    assert day_of("USD", "CHF", 0) is None
    assert Rates([]).conversion("USD", "EUR", MONDAY) is None


def test_what_is_ambiguous_is_asked_for():
    mixed = [*rates((MONDAY, "USD", "2")), *rates((MONDAY, "USD", "3"), source="ours")]
    with pytest.raises(InvalidValue, match="source: must be named: there are rates of ecb, ours"):
        Rates(mixed)
    assert Rates(mixed, source="ours").conversion("EUR", "USD", MONDAY).rate == 3
    bases = [*rates((MONDAY, "USD", "2")), *rates((MONDAY, "EUR", "3"), base="USD")]
    with pytest.raises(InvalidValue, match="base: must be named: there are rates of EUR, USD"):
        Rates(bases)
    assert Rates(bases, base="USD").conversion("EUR", "USD", MONDAY).of(300) == 100
    with pytest.raises(InvalidValue, match="EUR in USD on 1999-01-04 is given twice"):
        Rates(rates((MONDAY, "USD", "2"), (MONDAY, "USD", "2")))


def test_the_history_of_the_bank_is_read_with_what_it_lacks():
    found = read_rates(ECB_FORM.splitlines())
    assert [str(rate.date) for rate in found[:3]] == ["1999-01-04"] * 3
    assert {(str(rate.date), rate.quote) for rate in found}.isdisjoint({("1999-01-06", "CYP")})
    assert len(found) == 11
    assert found[-1] == Rate(
        date=date(1999, 1, 6), base="EUR", quote="USD", rate=Decimal("1.1743"), source="ecb"
    )
    assert {rate.source for rate in read_rates(ECB_FORM.splitlines(), source="mine")} == {"mine"}
    assert [each for day in by_day(found) for each in day.each()] == found


def test_a_plain_file_says_or_is_told_its_source():
    plain = "date,base,quote,rate\n1999-01-05,EUR,USD,1.1790\n\n1999-01-05,USD,GBP,0.6\n"
    found = read_rates(plain.splitlines(), source="ours")
    assert [(rate.base, rate.quote, str(rate.rate)) for rate in found] == [
        ("EUR", "USD", "1.179"),
        ("USD", "GBP", "0.6"),
    ]
    named = "date,base,quote,rate,source\n1999-01-05,EUR,USD,1.1790,a\n1999-01-05,EUR,USD,1.2,b\n"
    assert [rate.source for rate in read_rates(named.splitlines())] == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "line 1: must name the columns"),
        ("Date;USD\n1999-01-04;1.1\n", "line 1: must name the columns"),
        (
            "Date,USD,XXQ,\n",
            "line 1, column XXQ: must be an ISO 4217 code such as 'USD', not 'XXQ'",
        ),
        ("Date,USD,,JPY\n", "line 1, column 3: must be an ISO 4217 code"),
        ("Date,USD,USD\n", "line 1, column USD: is the name of two columns"),
        ("Date,EUR\n", "line 1, column EUR: must be another currency than the base, EUR"),
        ("Date,USD,\n1999-01-04,1.1,\n04/01/1999,1.2,\n", "line 3, column Date: must be a day"),
        ("Date,USD\n1999-02-29,1.1\n", "line 2, column Date: must be a day"),
        ("Date,USD\n1999-01-04,\n", "line 2, column USD: must be a number such as 1.0523, not ''"),
        (
            "Date,USD\n1999-01-04,-1\n",
            "line 2, column USD: must be a number such as 1.0523, not '-1'",
        ),
        ("Date,USD\n1999-01-04,1e5\n", "line 2, column USD: must be a number"),
        ("Date,USD\n1999-01-04,0.0\n", "line 2, column USD: must be a number above 0"),
        (
            "Date,USD\n1999-01-04,1.0000000000001\n",
            "line 2, column USD: must have at most 12 digits",
        ),
        ("Date,USD\n1999-01-04,1.1,2\n", "line 2: has 3 columns instead of 2"),
        ('Date,USD\n1999-01-04,"1.1\n', "line 2: is not CSV"),
        (
            "Date,USD\n1999-01-04,1.1\n1999-01-04,1.1\n",
            "line 3, column USD: EUR in USD on 1999-01-04 is",
        ),
        (
            "Date,USD\n1999-01-04,4111111111111111\n",
            "line 2, column USD: must have at most 12 digits",
        ),
        ("Date,USD\n1999-01-04,x4111111111111111\n", r"not 'x\[card number\]'"),
        ("date,base,quote,rate\n", "source: must be named: who says so?"),
        (
            "date,base,quote,rate,source\n1999-01-04,EUR,EUR,1,a",
            "line 2, column quote: must be another",
        ),
        (
            "date,base,quote,rate,source\n1999-01-04,EUR,USD,1,A B",
            "line 2, column source: must be 1 to",
        ),
    ],
)
def test_what_is_wrong_with_a_file_is_named_by_line_and_column(text, problem):
    with pytest.raises(InvalidValue, match=problem):
        read_rates(text.splitlines(keepends=True))
    if "source" in text:
        with pytest.raises(InvalidValue, match="source: is in the file too"):
            read_rates(text.splitlines(keepends=True), source="ours")


def test_a_rate_has_no_more_digits_than_are_kept():
    for text in ("999999999999.999999999999", "0.000000000001", "1E+11", "1.50"):
        assert check_rate(Decimal(text)) == Decimal(text)
    assert str(check_rate(Decimal("1.50"))) == "1.5"
    for text in ("1E+12", "1E+999999999", "1E-13", "NaN", "Infinity", "-1", "0"):
        with pytest.raises(InvalidValue):
            check_rate(Decimal(text))
