"""Numbers, money and times as people read them, by locale."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
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
)

from financeops.core.money import exponent, to_major
from financeops.core.periods import Period

MISSING = "–"  # noqa: RUF001 - an en dash is how a table says "nothing"
NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"


class Formats:
    """How one viewer reads values.

    Parameters
    ----------
    locale : str
        A Babel locale such as ``"en"`` or ``"de_DE"``.
    """

    def __init__(self, locale: str = "en") -> None:
        self.locale = Locale.parse(locale)

    def money(self, minor: int, currency: str) -> str:
        """Amount of minor units, with all decimals of its currency."""
        return self.major(Decimal(to_major(minor, currency)), currency)

    def major(self, amount: Decimal | None, currency: str) -> str:
        """Amount in major units, rounded to the currency's decimals."""
        if amount is None:
            return MISSING
        rounded = round(amount, exponent(currency))
        return self._spaced(format_currency(rounded, currency, locale=self.locale), currency)

    def short_money(self, minor: int, currency: str) -> str:
        """Amount for an axis or a small place: ``$1.3M``."""
        major = Decimal(to_major(minor, currency))
        if abs(major) < 1000:
            # Without ".00": an axis has round values.
            pattern = self.locale.currency_formats["standard"].pattern
            whole = None if major % 1 else pattern.replace(".00", "")
            text = format_currency(
                major, currency, whole, locale=self.locale, currency_digits=whole is None
            )
        else:
            text = format_compact_currency(major, currency, locale=self.locale, fraction_digits=1)
        return self._spaced(text, currency)

    def count(self, n: int) -> str:
        """Number of payments."""
        return format_decimal(n, locale=self.locale)

    def short_count(self, n: int) -> str:
        """Number of payments for a small place: ``12K``."""
        if n < 10_000:
            return self.count(n)
        return format_compact_decimal(n, locale=self.locale, fraction_digits=1)

    def percent(self, rate: Decimal | None, *, decimals: int = 1) -> str:
        """A rate that is already in percent."""
        if rate is None:
            return MISSING
        places = "." + "0" * decimals if decimals else ""
        return format_percent(
            round(rate / 100, decimals + 2), f"#,##0{places}%", locale=self.locale
        )

    def signed(self, number: Decimal, *, decimals: int = 1) -> str:
        """A difference, always with its sign."""
        pattern = "#,##0." + "0" * decimals if decimals else "#,##0"
        return format_decimal(
            round(number, decimals), locale=self.locale, format=f"+{pattern};-{pattern}"
        )

    def hour(self, hour: int | None) -> str:
        """Hour of day as a clock shows it."""
        if hour is None:
            return MISSING
        return f"{hour:02d}:00"

    def bucket(self, start: datetime, period: Period, zone: ZoneInfo) -> str:
        """Short name of a bucket, for an axis."""
        local = start.astimezone(zone)
        match period:
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
                return f"{day}, {format_time(local, 'HH:mm', locale=self.locale)}"
            case Period.WEEK | Period.MONTH:
                return format_date(local, "full", locale=self.locale)
            case Period.YEAR:
                return format_skeleton("yMMMM", local, locale=self.locale)

    def clock(self, instant: datetime, zone: ZoneInfo, today: date) -> str:
        """Time of a payment; with its date when that is not today."""
        local = instant.astimezone(zone)
        time = format_time(local, "HH:mm:ss", locale=self.locale)
        if local.date() == today:
            return time
        pattern = "MMMd" if local.year == today.year else "yMMMd"
        return f"{format_skeleton(pattern, local, locale=self.locale)}, {time}"

    def lag(self, seconds: float) -> str:
        """How long an event took to the screen."""
        if seconds < 1:
            return f"{format_decimal(round(seconds * 1000), locale=self.locale)} ms"
        return f"{format_decimal(round(seconds, 1), locale=self.locale)} s"

    def size(self, n: int) -> str:
        """Size of a file."""
        return f"{format_decimal(round(n / 1e6, 1), locale=self.locale)} MB"

    def _spaced(self, text: str, currency: str) -> str:
        """`text` with a space between letters and digits, which Babel leaves out: KWD 1.850."""
        symbol = get_currency_symbol(currency, locale=self.locale)
        if symbol[-1:].isalpha():
            return re.sub(rf"{re.escape(symbol)}(?=\d)", symbol + NO_BREAK_SPACE, text)
        return text
