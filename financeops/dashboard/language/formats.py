"""Words, numbers, money and times as one viewer reads them, by locale."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import wraps
from typing import Any, Concatenate, ParamSpec
from unicodedata import bidirectional, category
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_skeleton, format_time
from babel.numbers import (
    format_compact_currency,
    format_compact_decimal,
    format_currency,
    format_decimal,
    format_percent,
    get_currency_symbol,
    get_minus_sign_symbol,
    get_plus_sign_symbol,
)
from babel.units import format_unit

from financeops.core.days import Days
from financeops.core.money import decimals_of, to_major
from financeops.core.periods import Period
from financeops.dashboard.language.words import SOURCE, Plural, Text, Words, words_in

MISSING = "–"  # noqa: RUF001 - tables show missing values as an en dash
NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"
LEFT_TO_RIGHT = "\N{LEFT-TO-RIGHT MARK}"

AXIS_LETTERS = 9
"""Characters that fit beside an axis."""


REMEMBERED = 1_000
"""How many written numbers are kept: a repaint writes most of them again."""

_Values = ParamSpec("_Values")
_Writing = Callable[Concatenate["Formats", _Values], str]


def _remembered(write: _Writing[_Values]) -> _Writing[_Values]:
    """Write a number once: Babel takes longer for it than all else that is done with it."""

    @wraps(write)
    def read(formats: Formats, /, *values: _Values.args, **options: _Values.kwargs) -> str:
        written, key = formats.written, (write.__name__, values, *options.items())
        text = written.get(key)
        if text is None:
            if len(written) >= REMEMBERED:
                written.clear()
            text = written[key] = write(formats, *values, **options)
        return text

    return read


class Formats:
    """The language and formats of one viewer, shared by all parts of a screen.

    Parameters
    ----------
    locale : Locale
    words : Words, optional
        Default: those of the locale's language.
    """

    def __init__(self, locale: Locale | None = None, words: Words | None = None) -> None:
        self.use(locale or Locale(SOURCE), words)

    def use(self, locale: Locale, words: Words | None = None) -> None:
        """Use another locale from now on; what is already painted must be repainted."""
        self.locale = locale
        self._words = words or words_in(locale)
        self.written: dict[Any, str] = {}
        thousand = format_compact_decimal(1_000, locale=locale)
        self._abbreviated = 1_000 if "1000" not in thousand else 10**6
        """The smallest number with a short form: German has none for thousands."""

    @property
    def direction(self) -> str:
        """Direction of text: ``"ltr"`` or ``"rtl"``."""
        return self.locale.text_direction

    def say(self, message: Text | Plural, *, count: int | None = None, **values: int | str) -> str:
        """Return a message in the viewer's language, with its placeholders filled.

        Parameters
        ----------
        message : Text or Plural
        count : int, optional
            Chooses the form of a `Plural`.
        **values : int or str
            Numbers are written as counts.
        """
        if count is not None:
            values["count"] = count
        written = {
            name: self.count(value) if isinstance(value, int) else value
            for name, value in values.items()
        }
        return self._words.say(message, number=count, **written)

    def named(self, code: str, names: Mapping[str, Text]) -> str:
        """Return the readable form of a method or decline code, even if it has no translation."""
        return self.say(names[code]) if code in names else code.replace("_", " ").capitalize()

    def country(self, code: str) -> str:
        """Name of a country; its code if there is none."""
        return str(self.locale.territories.get(code.upper(), code))

    def money(self, minor: int, currency: str) -> str:
        """Amount of minor units, with all decimals of its currency."""
        return self.major(to_major(minor, currency), currency)

    @_remembered
    def major(self, amount: Decimal | None, currency: str) -> str:
        """Amount in major units, rounded to the currency's decimals."""
        if amount is None:
            return MISSING
        return self._with_symbol(amount, currency, decimals_of(currency))

    @_remembered
    def short_money(self, minor: int, currency: str) -> str:
        """Amount for an axis or a small place: ``$1.3M``."""
        major = to_major(minor, currency)
        if abs(major) < self._abbreviated:
            return self._with_symbol(major, currency, _short_decimals(major, currency))
        text = format_compact_currency(major, currency, locale=self.locale, fraction_digits=1)
        return self._spaced(text, currency)

    def _with_symbol(self, major: Decimal, currency: str, decimals: int) -> str:
        """Format an amount with `decimals`: Babel would use those of CLDR, which differ from ISO 4217."""
        pattern = copy(self.locale.currency_formats["standard"])
        pattern.frac_prec = (decimals, decimals)
        text = format_currency(
            round(major, decimals), currency, pattern, locale=self.locale, currency_digits=False
        )
        return self._spaced(text, currency)

    def axis(self, amounts: Sequence[int], currency: str) -> list[str]:
        """Round amounts of minor units for an axis; without their currency if that is too long."""
        labels = [self.short_money(amount, currency) for amount in amounts]
        if max(map(letters, labels), default=0) <= AXIS_LETTERS:
            return labels
        return [self._short_number(to_major(each, currency), currency) for each in amounts]

    def symbol(self, currency: str) -> str:
        """Return the sign of a currency as it stands beside amounts."""
        return get_currency_symbol(currency, locale=self.locale)

    def _short_number(self, major: Decimal, currency: str) -> str:
        decimals = _short_decimals(major, currency)
        if decimals == 0:
            return self.short_count(round(major))
        pattern = copy(self.locale.decimal_formats[None])
        pattern.frac_prec = (decimals, decimals)
        return format_decimal(major, pattern, locale=self.locale)

    @_remembered
    def count(self, n: int) -> str:
        """Number of payments."""
        return format_decimal(n, locale=self.locale)

    def short_count(self, n: int) -> str:
        """Number of payments for a small place: ``12K``."""
        if n < max(10_000, self._abbreviated):
            return self.count(n)
        return format_compact_decimal(n, locale=self.locale, fraction_digits=1)

    @_remembered
    def percent(self, rate: Decimal | None, *, decimals: int = 1) -> str:
        """A rate that is already in percent."""
        if rate is None:
            return MISSING
        pattern = copy(self.locale.percent_formats[None])
        pattern.frac_prec = (decimals, decimals)
        return format_percent(round(rate / 100, decimals + 2), pattern, locale=self.locale)

    def points(self, difference: Decimal) -> str:
        """Format a difference of two rates in percentage points, always with its sign."""
        number = format_decimal(round(abs(difference), 1), "#,##0.0", locale=self.locale)
        return self._sign(difference) + number

    def change(self, percent: Decimal) -> str:
        """Format a relative difference in percent, always with its sign."""
        return self._sign(percent) + self.percent(abs(percent))

    def _sign(self, number: Decimal) -> str:
        symbol = get_minus_sign_symbol if number < 0 else get_plus_sign_symbol
        return symbol(locale=self.locale)

    def hour(self, hour: int | None) -> str:
        """Format an hour of day as a clock shows it."""
        if hour is None:
            return MISSING
        return format_time(time(hour), "HH:mm", locale=self.locale)

    def days(self, days: Days) -> tuple[str, str]:
        """The first and the last day."""
        since = format_date(days.since, "medium", locale=self.locale)
        return since, format_date(days.through, "medium", locale=self.locale)

    def bucket(
        self, start: datetime, period: Period, zone: ZoneInfo, *, repeats: bool = False
    ) -> str:
        """Short name of a bucket, for an axis; if it `repeats`, with its day or year."""
        local = start.astimezone(zone)
        match period:
            case Period.DAY if repeats:
                day = format_date(local, "EEE", locale=self.locale)
                return f"{day} {format_time(local, 'HH:mm', locale=self.locale)}"
            case Period.YEAR if repeats:
                return format_skeleton("yMMM", local, locale=self.locale)
            case Period.DAY:
                return format_time(local, "HH:mm", locale=self.locale)
            case Period.WEEK:
                return format_date(local, "EEE d", locale=self.locale)
            case Period.MONTH:
                return format_skeleton("MMMd", local, locale=self.locale)
            case Period.YEAR:
                return format_skeleton("MMM", local, locale=self.locale)

    def long_bucket(self, start: datetime, period: Period, zone: ZoneInfo) -> str:
        """Full name of a bucket, for a tooltip."""
        local = start.astimezone(zone)
        match period:
            case Period.DAY:
                day = format_skeleton("MMMEd", local, locale=self.locale)
                return self._dated(day, format_time(local, "HH:mm", locale=self.locale))
            case Period.WEEK | Period.MONTH:
                return format_date(local, "full", locale=self.locale)
            case Period.YEAR:
                return format_skeleton("yMMMM", local, locale=self.locale)

    def clock(self, instant: datetime, zone: ZoneInfo, today: date) -> str:
        """Format the time of a payment, with its date unless it is today."""
        local = instant.astimezone(zone)
        clock = format_time(local, "HH:mm:ss", locale=self.locale)
        if local.date() == today:
            return clock
        pattern = "MMMd" if local.year == today.year else "yMMMd"
        return self._dated(format_skeleton(pattern, local, locale=self.locale), clock)

    def _dated(self, day: str, clock: str) -> str:
        return str(self.locale.datetime_formats["medium"]).format(clock, day)

    def lag(self, seconds: float) -> str:
        """Format the time from event to screen."""
        if seconds < 1:
            return self._unit(round(seconds * 1000), "duration-millisecond")
        return self._unit(round(seconds, 1), "duration-second")

    def seconds(self, duration: timedelta) -> str:
        """A duration in whole seconds, never negative."""
        return self._unit(max(0, int(duration.total_seconds())), "duration-second")

    def size(self, n: int) -> str:
        """Size of a file."""
        return self._unit(round(n / 1e6, 1), "digital-megabyte")

    def _unit(self, number: float, unit: str) -> str:
        return format_unit(number, unit, length="short", locale=self.locale)

    def _spaced(self, text: str, currency: str) -> str:
        """Return `text` with the space between letters and digits that Babel omits: KWD 1.850."""
        symbol = self.symbol(currency)
        if self.direction == "rtl" and any(bidirectional(each) == "L" for each in symbol):
            return text.replace(symbol, symbol + LEFT_TO_RIGHT)  # else US$ would appear as $US
        if symbol[-1:].isalpha():
            return re.sub(rf"{re.escape(symbol)}(?=\d)", symbol + NO_BREAK_SPACE, text)
        return text


def letters(text: str) -> int:
    """Return how many characters one sees: marks of direction, which Arabic amounts have, are none."""
    return sum(category(each) != "Cf" for each in text)


def _short_decimals(major: Decimal, currency: str) -> int:
    """Remove ".00" from the round values of an axis, and cents where they do not matter."""
    return 0 if not major % 1 or abs(major) >= 1000 else decimals_of(currency)
