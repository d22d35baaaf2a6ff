"""Money as integer minor units of an ISO 4217 currency. No float ever holds an amount."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache

from financeops.core.errors import InvalidValue

MAX_MINOR = 10**12
"""The largest amount of one payment, in minor units."""

RATIO_DECIMALS = 6
"""Rates and averages are rounded to this many decimals."""


@lru_cache(maxsize=512)
def exponent(currency: str) -> int:
    """Number of decimals of a currency, from the ISO 4217 table.

    Parameters
    ----------
    currency : str
        ISO 4217 alphabetic code in capitals, such as ``"USD"``.

    Returns
    -------
    int
        0 for JPY, 2 for USD, 3 for KWD.

    Raises
    ------
    InvalidValue
        When the code is unknown or has no minor unit (gold, testing codes).
    """
    from iso4217 import raw_table  # noqa: PLC0415 - reads its table: only who needs it pays

    units = str(raw_table.get(currency, {}).get("CcyMnrUnts"))
    if not units.isdigit():
        raise InvalidValue("currency", "must be an ISO 4217 code such as 'USD'")
    return int(units)


def to_minor(amount: Decimal | int | str, currency: str) -> int:
    """Convert an amount in major units to integer minor units, exactly.

    Parameters
    ----------
    amount : Decimal, int or str
        Major units, ``Decimal("1850.5")``. Never a float: its text is already lost.
    currency : str
        ISO 4217 code.

    Returns
    -------
    int
        Minor units, 0 to `MAX_MINOR`.

    Raises
    ------
    InvalidValue
        When the amount is not a finite number, negative, too large, or has more decimals than
        the currency.
    """
    decimals = exponent(currency)
    try:
        value = Decimal(amount)
    except ArithmeticError:
        raise InvalidValue("amount", "must be a number such as 1850.5") from None
    if not value.is_finite():
        raise InvalidValue("amount", "must be a finite number such as 1850.5")
    if value.is_signed() and value:
        raise InvalidValue("amount", "must not be negative")
    if not value:
        return 0
    # Looked at before any arithmetic: "1e999999999" must not be expanded.
    if value.adjusted() + decimals > len(str(MAX_MINOR)):
        raise InvalidValue("amount", f"is larger than {_largest(currency)} {currency}")
    digits, power = significant(value)
    if power + decimals < 0:
        raise InvalidValue("amount", f"has more than the {decimals} decimals of {currency}")
    minor = int(digits) * int(10 ** (power + decimals))
    if minor > MAX_MINOR:
        raise InvalidValue("amount", f"is larger than {_largest(currency)} {currency}")
    return minor


def to_major(minor: int, currency: str) -> Decimal | int:
    """Convert integer minor units to major units, exactly.

    Parameters
    ----------
    minor : int
        Minor units; sums may exceed `MAX_MINOR`.
    currency : str
        ISO 4217 code.

    Returns
    -------
    Decimal or int
        Major units without trailing zeros: ``185050`` USD is ``Decimal("1850.5")``, ``100`` USD
        is ``1``.
    """
    decimals = exponent(currency)
    whole, rest = divmod(minor, 10**decimals)
    return whole if rest == 0 else _trimmed(minor, decimals)


def significant(value: Decimal) -> tuple[str, int]:
    """Digits and power of ten of a finite number, the same for equal numbers.

    Decimal's own ``normalize`` rounds to the context's precision; this is exact.

    Returns
    -------
    tuple of str and int
        Digits, with a sign where it is negative, that do not end in 0, and the power of ten they
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
    quotient, rest = divmod(numerator * 10**RATIO_DECIMALS, denominator)
    if 2 * rest > denominator or (2 * rest == denominator and quotient % 2):
        quotient += 1
    return _trimmed(quotient, RATIO_DECIMALS)


def _trimmed(units: int, decimals: int) -> Decimal:
    """``units`` / 10**``decimals`` as a Decimal without trailing zeros or an exponent."""
    while decimals and units % 10 == 0:
        units //= 10
        decimals -= 1
    return Decimal(f"{units}E-{decimals}") if decimals else Decimal(units)


def _largest(currency: str) -> str:
    return str(to_major(MAX_MINOR, currency))
