"""Exchange rates by day, and amounts converted by them, exactly.

A rate says how many units of `quote` one unit of `base` is. All currencies are converted over the base
of their source, as the European Central Bank's over the euro: what a conversion multiplies by is a
fraction of two published decimals, so that an amount is rounded only once, to minor units.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from math import gcd

from msgspec import Struct

from financeops.core.card_numbers import without_card_numbers
from financeops.core.checks import refuse_card_number
from financeops.core.contract.texts import WORD_PATTERN
from financeops.core.errors import InvalidValue
from financeops.core.money import decimals_of, exponent, half_even, quotient_of, significant

OLDEST = timedelta(days=7)
"""The oldest rate that a payment is converted at."""

RATE_DIGITS, RATE_DECIMALS = 24, 12
"""Most digits of a rate, and how many of them may be decimals."""

_RATE = re.compile(r"[0-9]{1,40}(\.[0-9]{1,40})?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_SOURCE = re.compile(WORD_PATTERN)
_FIRST, _LAST = date(1970, 1, 1), date(2099, 12, 31)


class Rate(Struct, frozen=True, kw_only=True, order=True):
    """The rate of a day: one unit of `base` is `rate` units of `quote`, as `source` says."""

    date: date
    base: str
    quote: str
    rate: Decimal
    source: str


class DayRates(Struct, frozen=True, kw_only=True):
    """Rates of a day: how many units of other currencies one unit of `base` is, as `source` says."""

    date: date
    base: str
    source: str
    rates: dict[str, Decimal]

    @property
    def id(self) -> str:
        """Names day, source and base; ids sort by day."""
        return f"{self.date}|{self.source}|{self.base}"

    def each(self) -> Iterator[Rate]:
        """The rates one by one."""
        for quote, rate in self.rates.items():
            yield Rate(date=self.date, base=self.base, quote=quote, rate=rate, source=self.source)


class Conversion(Struct, frozen=True, kw_only=True):
    """What minor units are multiplied by to become minor units of another currency.

    The factor is `numerator` / `denominator`, in lowest terms. `rate` is how many units of the other
    currency one unit is, rounded to 12 decimals: for reading. `date` and `source` are those of the rates;
    None of a currency into itself.
    """

    numerator: int
    denominator: int
    rate: Decimal
    date: date | None
    source: str | None

    def of(self, minor: int) -> int:
        """Convert minor units, rounded once, half-even."""
        return half_even(minor * self.numerator, self.denominator)


_SAME = Conversion(numerator=1, denominator=1, rate=Decimal(1), date=None, source=None)


class Rates:
    """The rates of one source against one base.

    Parameters
    ----------
    rates : iterable of Rate
    source, base : str, optional
        Which rates to take. They must be named where there are several.

    Raises
    ------
    InvalidValue
        When there are rates of several sources, or against several bases, or two of one day.

    Examples
    --------
    >>> friday = {"date": date(2026, 11, 20), "base": "EUR", "source": "ours"}
    >>> rates = Rates([
    ...     Rate(quote="JPY", rate=Decimal("163.5"), **friday),
    ...     Rate(quote="USD", rate=Decimal("1.09"), **friday),
    ... ])
    >>> sunday = rates.conversion("JPY", "USD", date(2026, 11, 22))
    >>> sunday.of(1000), str(sunday.date)
    (667, '2026-11-20')
    """

    def __init__(
        self, rates: Iterable[Rate], *, source: str | None = None, base: str | None = None
    ) -> None:
        taken = [
            rate
            for rate in rates
            if source in (None, rate.source)
            and base in (None, rate.base)
            and rate.base != rate.quote
        ]
        self.source = _only("source", {rate.source for rate in taken})
        self.base = _only("base", {rate.base for rate in taken})
        self._of: dict[str, dict[date, Decimal]] = {}
        for rate in taken:
            days = self._of.setdefault(rate.quote, {})
            if rate.date in days:
                raise InvalidValue(
                    "rate", f"of {rate.base} in {rate.quote} on {rate.date} is given twice"
                )
            days[rate.date] = rate.rate
        self._days = {quote: sorted(days) for quote, days in self._of.items()}
        self._common: dict[tuple[str, str], list[date]] = {}

    def conversion(self, of: str, to: str, day: date) -> Conversion | None:
        """What converts a currency to another, at the rate of a day.

        That is the latest on or before it on which the rates of both currencies are known, if it is at
        most 7 days old.

        Parameters
        ----------
        of, to : str
            ISO 4217 codes.
        day : datetime.date

        Returns
        -------
        Conversion or None
            None when there is no such rate.
        """
        if of == to:
            return _SAME
        days = self._days_of(of, to)
        place = bisect_right(days, day)
        if not place or day - days[place - 1] > OLDEST:
            return None
        found = days[place - 1]
        return self._between(of, to, found)

    def _between(self, of: str, to: str, day: date) -> Conversion:
        up, up_power = self._figures(to, day)
        down, down_power = self._figures(of, day)
        power = up_power - down_power
        numerator, denominator = _scaled(up, down, power)
        minor = _scaled(up, down, power + decimals_of(to) - decimals_of(of))
        return Conversion(
            numerator=minor[0],
            denominator=minor[1],
            rate=quotient_of(numerator, denominator, decimals=RATE_DECIMALS),
            date=day,
            source=self.source,
        )

    def _figures(self, currency: str, day: date) -> tuple[int, int]:
        """Digits and power of ten of a currency's rate."""
        if currency == self.base:
            return 1, 0
        digits, power = significant(self._of[currency][day])
        return int(digits), power

    def _days_of(self, of: str, to: str) -> list[date]:
        """The days on which both are known."""
        if of == self.base:
            return self._days.get(to, [])
        if to == self.base:
            return self._days.get(of, [])
        if (of, to) not in self._common:
            known = self._of.get(to, {})
            self._common[of, to] = [day for day in self._days.get(of, []) if day in known]
        return self._common[of, to]


def by_day(rates: Iterable[Rate]) -> list[DayRates]:
    """The same rates, those of a day, base and source together, in the order in which they come."""
    found: dict[tuple[date, str, str], dict[str, Decimal]] = {}
    for rate in rates:
        found.setdefault((rate.date, rate.base, rate.source), {})[rate.quote] = rate.rate
    return [
        DayRates(date=day, base=base, source=source, rates=of_day)
        for (day, base, source), of_day in found.items()
    ]


def rate_of(text: str, field: str = "rate") -> Decimal:
    """A rate from its text, such as ``1.0523``, exactly; raises as `check_rate` does."""
    if not _RATE.fullmatch(text):
        raise InvalidValue(field, f"must be a number such as 1.0523, not {_shown(text)}")
    return check_rate(Decimal(text), field)


def check_rate(rate: Decimal, field: str = "rate") -> Decimal:
    """Return a rate without zeros at its end.

    Raises
    ------
    InvalidValue
        Naming the field, when it is not above 0, or has more than 12 digits before or after the point.
    """
    if not rate.is_finite() or rate <= 0:
        raise InvalidValue(field, "must be a number above 0")
    digits, power = significant(rate)
    if power < -RATE_DECIMALS or rate.adjusted() >= RATE_DIGITS - RATE_DECIMALS:
        raise InvalidValue(
            field,
            f"must have at most {RATE_DECIMALS} digits before the point, and as many after it",
        )
    return Decimal(f"{digits}E{power}") if power < 0 else Decimal(int(digits) * 10**power)


def day_in(text: str, field: str = "date") -> date:
    """The day that a text names, as in ISO 8601, from 1970 to 2099."""
    try:
        day = date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        day = None
    if day is None or not _FIRST <= day <= _LAST:
        raise InvalidValue(
            field, f"must be a day from 1970 to 2099 such as 2026-11-27, not {_shown(text)}"
        )
    return day


def check_currency_of_rate(code: str, field: str) -> str:
    """Return a currency's code, present or past; raise `InvalidValue` naming the field."""
    try:
        exponent(code)
    except InvalidValue as error:
        raise InvalidValue(field, f"{error.problem}, not {_shown(code)}") from None
    return code


def check_source(source: str, field: str = "source") -> str:
    """Return the name of a source of rates; raise `InvalidValue` naming the field."""
    if not _SOURCE.fullmatch(source):
        raise InvalidValue(field, "must be 1 to 64 of a-z, 0-9 and _, such as 'ecb'")
    refuse_card_number(source, field)
    return source


def check_pair(base: str, quote: str, field: str) -> None:
    """Refuse a rate of a currency in itself."""
    if base == quote:
        raise InvalidValue(field, f"must be another currency than the base, {base}")


def _shown(text: str) -> str:
    return repr(without_card_numbers(text)[:40])


def _only(name: str, found: set[str]) -> str | None:
    if len(found) > 1:
        raise InvalidValue(name, f"must be named: there are rates of {', '.join(sorted(found))}")
    return next(iter(found), None)


def _scaled(up: int, down: int, power: int) -> tuple[int, int]:
    """``up`` / ``down`` x 10**``power``, in lowest terms."""
    up, down = up * 10 ** max(power, 0), down * 10 ** max(-power, 0)
    common = gcd(up, down)
    return up // common, down // common
