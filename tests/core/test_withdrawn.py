"""Withdrawn currencies: known, with their decimals, on the days when they were in use."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from babel.core import get_global
from iso4217 import raw_table

from financeops.core.errors import InvalidValue
from financeops.core.money import check_currency, decimals_of, exponent, to_major, to_minor
from financeops.core.wire import decode, encode, payment_document, payment_from
from financeops.core.withdrawn import WITHDRAWN
from tests.builders import payment
from tests.strategies import CURRENCIES

NEVER_IN_ISO = {"ARL", "BAN", "ILR", "MCF", "MDC", "MKN", "VNN", "YUR"}
"""Codes that CLDR has since 1982 and ISO 4217 never had; MCF was the French franc, FRF."""


def noon(day):
    return datetime.combine(day, time(12), UTC)


@pytest.mark.parametrize(
    ("currency", "decimals", "in_use"),
    [
        ("HRK", 2, "2022-05-01"),
        ("BGN", 2, "2025-05-01"),
        ("ANG", 2, "2024-05-01"),
        ("SLL", 2, "2020-05-01"),
        ("LTL", 2, "2014-12-31"),
        ("EEK", 2, "2010-12-31"),
        ("VEF", 2, "2018-08-01"),
        ("ITL", 0, "2001-12-31"),
        ("DEM", 2, "2001-12-31"),
        ("BYR", 0, "2016-06-30"),
    ],
)
def test_a_withdrawn_currency_has_its_decimals_and_days(currency, decimals, in_use):
    assert exponent(currency) == decimals_of(currency) == decimals
    check_currency(currency, noon(date.fromisoformat(in_use)))


@pytest.mark.parametrize("currency", WITHDRAWN)
def test_a_withdrawn_currency_is_valid_from_its_first_day_to_its_last(currency):
    assert currency not in raw_table, "the list of today goes before this one"
    decimals, first, last = WITHDRAWN[currency]
    assert date(1970, 1, 1) <= first < last
    for day in (first, last):
        check_currency(currency, noon(day))
    for day in (first - timedelta(days=1), last + timedelta(days=1)):
        with pytest.raises(InvalidValue, match=rf"^currency: {currency} .* not on {day}"):
            check_currency(currency, noon(day))
    assert to_minor(to_major(12345, currency), currency) == 12345
    assert to_major(10**decimals, currency) == 1


def test_a_currency_of_today_is_valid_at_any_time():
    for currency in CURRENCIES:
        check_currency(currency, datetime(1971, 1, 1, tzinfo=UTC))


def test_every_currency_that_was_in_use_is_known():
    """This fails when the package's list of today drops a currency: add it to the withdrawn ones."""
    paid_in = {
        code
        for spans in get_global("territory_currencies").values()
        for code, _, end, tender in spans
        if tender and (end is None or date(*end) >= date(1982, 1, 1))
    }
    known = {*CURRENCIES, *WITHDRAWN}
    assert paid_in - known - NEVER_IN_ISO == set()


@pytest.mark.parametrize("currency", ["ZZZ", "QQQ", "XAU", "XTS"])
def test_a_code_that_never_was_a_currency_is_refused_but_readable(currency):
    for refused in (
        lambda: exponent(currency),
        lambda: to_minor("1", currency),
        lambda: check_currency(currency, datetime(2020, 1, 1, tzinfo=UTC)),
    ):
        with pytest.raises(InvalidValue, match=r"^currency: "):
            refused()
    stored = payment(currency=currency, amount=1234)
    assert str(payment_document(stored).amount) == "12.34"
    assert payment_from(decode(encode(payment_document(stored)))) == stored
