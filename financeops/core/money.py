"""Money as integer minor units of an ISO 4217 currency. No float ever holds an amount."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache

from financeops.core.errors import InvalidValue
from financeops.core.withdrawn import WITHDRAWN

MAX_MINOR = 10**12
"""The largest amount of one payment, in minor units."""

RATIO_DECIMALS = 6
"""Rates and averages are rounded to this many decimals."""


UNLISTED_DECIMALS = 2
"""Decimals of a stored currency that no table lists: nearly all currencies have two."""


@lru_cache(maxsize=512)
def exponent(currency: str) -> int:
    """Number of decimals of a currency, present or past, from ISO 4217.

    Parameters
    ----------
    currency : str
        ISO 4217 alphabetic code in capitals, such as ``"USD"``; a withdrawn one too.

    Returns
    -------
    int
        0 for JPY, 2 for USD and HRK, 3 for KWD.

    Raises
    ------
    InvalidValue
        When the code never was a currency or has no minor unit (gold, testing codes).
    """
    decimals = _decimals_today(currency)
    if decimals is None and currency in WITHDRAWN:
        decimals = WITHDRAWN[currency].decimals
    if decimals is None:
        raise InvalidValue("currency", "must be an ISO 4217 code such as 'USD'")
    return decimals


@lru_cache(maxsize=512)
def decimals_of(currency: str) -> int:
    """Number of decimals of a currency that is already recorded, even if no table lists it.

    Sums are exact in any case, for minor units are what is stored. A currency that no table lists
    (another program wrote it, or a server with a newer list) has `UNLISTED_DECIMALS` everywhere, so
    that recorded payments stay readable.
    """
    try:
        return exponent(currency)
    except InvalidValue:
        return UNLISTED_DECIMALS


def check_currency(currency: str, at: datetime) -> None:
    """Check that a currency was in use at a moment.

    Parameters
    ----------
    currency : str
        ISO 4217 code.
    at : datetime
        Aware. The day counts in UTC.

    Raises
    ------
    InvalidValue
        Naming ``currency``, when the code never was a currency, was withdrawn before that day, or
        was introduced after it. When a currency of today was introduced is not checked.
    """
    exponent(currency)
    if currency not in WITHDRAWN or _decimals_today(currency) is not None:
        return
    _, first, last = WITHDRAWN[currency]
    day = at.astimezone(UTC).date()
    if not first <= day <= last:
        came = f"from {first} " if day < first else ""
        raise InvalidValue(
            "currency", f"{currency} was a currency {came}until {last}, not on {day} (ISO 4217)"
        )


def _decimals_today(currency: str) -> int | None:
    """Decimals by the list of today; None when the code is not on it or has none."""
    from iso4217 import raw_table  # noqa: PLC0415 - reads its table when imported: load it late

    units = str(raw_table.get(currency, {}).get("CcyMnrUnts"))
    return int(units) if units.isdigit() else None


def to_minor(
    amount: Decimal | int | str,
    currency: str,
    *,
    decimals: int | None = None,
    signed: bool = False,
    most: int = MAX_MINOR,
) -> int:
    """Convert an amount in major units to integer minor units, exactly.

    Parameters
    ----------
    amount : Decimal, int or str
        Major units, ``Decimal("1850.5")``. Never a float: its text is already lost.
    currency : str
        ISO 4217 code.
    decimals : int, optional
        `decimals_of` the currency, for an amount that is already recorded. Default: `exponent`.
    signed : bool
        Whether the amount may be negative, as a credit is.
    most : int
        Largest number of minor units.

    Returns
    -------
    int
        Minor units, 0 to `most`; from -`most` if `signed`.

    Raises
    ------
    InvalidValue
        When the amount is not a finite number, is negative, too large, or has more decimals than
        the currency, or when the code is not a currency.
    """
    decimals = exponent(currency) if decimals is None else decimals
    try:
        value = Decimal(amount)
    except ArithmeticError:
        raise InvalidValue("amount", "must be a number such as 1850.5") from None
    if not value.is_finite():
        raise InvalidValue("amount", "must be a finite number such as 1850.5")
    if value.is_signed() and value and not signed:
        raise InvalidValue("amount", "must not be negative")
    if not value:
        return 0
    # Check this before any arithmetic: "1e999999999" must not be expanded.
    if value.adjusted() + decimals > len(str(most)):
        raise InvalidValue("amount", f"is larger than {to_major(most, currency)} {currency}")
    digits, power = significant(value)
    if power + decimals < 0:
        raise InvalidValue("amount", f"has more than the {decimals} decimals of {currency}")
    minor = int(digits) * int(10 ** (power + decimals))
    if abs(minor) > most:
        raise InvalidValue("amount", f"is larger than {to_major(most, currency)} {currency}")
    return minor


def to_major(minor: int, currency: str) -> Decimal:
    """Convert integer minor units to major units, exactly.

    Parameters
    ----------
    minor : int
        Minor units; sums may exceed `MAX_MINOR`.
    currency : str
        ISO 4217 code. One that no table lists has `UNLISTED_DECIMALS`, see `decimals_of`.

    Returns
    -------
    Decimal
        Major units without trailing zeros: ``185050`` USD is ``Decimal("1850.5")``, ``100`` USD
        is ``Decimal("1")``.
    """
    decimals = decimals_of(currency)
    whole, rest = divmod(minor, 10**decimals)
    return Decimal(whole) if rest == 0 else _trimmed(minor, decimals)


def significant(value: Decimal) -> tuple[str, int]:
    """Digits and power of ten of a finite number, the same for equal numbers.

    Decimal's own ``normalize`` rounds to the context's precision; this is exact.

    Returns
    -------
    tuple of str and int
        Digits without zeros at the end, with a sign if negative, and the power of ten that they
        count: ``-1850.50`` is ``("-18505", -1)``; zero is ``("0", 0)``.
    """
    if not value:
        return "0", 0
    sign, digits, power = value.as_tuple()
    assert isinstance(power, int), "finite numbers have an integer exponent"
    text = "".join(map(str, digits))
    kept = text.rstrip("0")
    return ("-" if sign else "") + kept, power + len(text) - len(kept)


def ratio(numerator: int, denominator: int) -> Decimal | None:
    """Quotient of two integers, rounded once, half-even, to 6 decimals.

    Every rate and average goes through here, so that the same figure is the same number
    wherever it is computed.

    Parameters
    ----------
    numerator, denominator : int
        Counts or minor units. The denominator is not negative.

    Returns
    -------
    Decimal or None
        The rounded quotient; None when the denominator is 0, for then there is no data.
    """
    if denominator == 0:
        return None
    return quotient_of(numerator, denominator, decimals=RATIO_DECIMALS)


def quotient_of(numerator: int, denominator: int, *, decimals: int) -> Decimal:
    """Quotient of two integers, the denominator above 0, rounded once, half-even, to so many decimals."""
    return _trimmed(half_even(numerator * 10**decimals, denominator), decimals)


def half_even(numerator: int, denominator: int) -> int:
    """The integer nearest to a quotient, the even one of two; the denominator is above 0."""
    quotient, rest = divmod(numerator, denominator)
    up = 2 * rest > denominator or (2 * rest == denominator and quotient % 2)
    return quotient + 1 if up else quotient


def _trimmed(units: int, decimals: int) -> Decimal:
    """``units`` / 10**``decimals`` as a Decimal without trailing zeros or an exponent."""
    while decimals and units % 10 == 0:
        units //= 10
        decimals -= 1
    return Decimal(f"{units}E-{decimals}") if decimals else Decimal(units)
