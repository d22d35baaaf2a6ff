"""Amounts as files write them: here texts and numbers become money."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from financeops.cli.importing.floats import Double
from financeops.core.errors import InvalidValue
from financeops.core.money import exponent, significant, to_major, to_minor

_POINT = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_COMMA = re.compile(
    r"[+-]?(\d+(,\d*)?([eE][+-]?\d+)?"  # 1850,50
    r"|,\d+"
    r"|[1-9]\d{0,2}(\.\d{3})+(,\d*)?)"  # 1.850,50
)
_WHOLE = re.compile(r"[+-]?\d+")


def amount_of(
    value: Any,
    currency: str,
    *,
    decimal_comma: bool = False,
    minor_units: bool = False,
    signed: bool = False,
) -> Decimal | int:
    """Convert a value of a file to an amount in major units.

    Parameters
    ----------
    value : str, int or Decimal
        A text has a point before its decimals, or a comma if `decimal_comma` is set.
    currency : str
        ISO 4217 code.
    decimal_comma : bool
        Texts have a comma before their decimals. Points may separate thousands: after one to
        three digits that do not begin with 0, before groups of three, never after the comma.
    minor_units : bool
        The value is a whole number of minor units: 1850 is 18.50 USD.
    signed : bool
        It may be negative, as a credit is.

    Raises
    ------
    InvalidValue
        Naming ``amount``.

    Examples
    --------
    >>> amount_of("1.850,50", "EUR", decimal_comma=True)
    Decimal('1850.5')
    >>> amount_of("1850", "KWD", minor_units=True)
    Decimal('1.85')
    """
    number = number_of(value, decimal_comma=decimal_comma)
    decimals = exponent(currency)
    if isinstance(number, Double) and not number.tells(1 if minor_units else 10.0**-decimals):
        raise InvalidValue(
            "amount",
            f"{number} is a float of {number.BITS} bits, which cannot tell one minor unit of "
            f"{currency} from the next: save the column as a decimal, a whole number or a double",
        )
    if minor_units:
        number = _major(number, decimals)
    return to_major(to_minor(number, currency, signed=signed), currency)


def number_of(value: Any, *, decimal_comma: bool) -> Decimal:
    """Convert a value of a file to a number of any size and sign; raises `InvalidValue`."""
    match value:
        case Decimal():
            return value
        case int() if not isinstance(value, bool):
            return Decimal(value)
        case str():
            return _read(value.strip(), decimal_comma=decimal_comma)
        case _:
            raise InvalidValue("amount", "must be text or a number")


def is_whole(value: Any) -> bool:
    """Whether a value is written as a whole number, without decimals."""
    return isinstance(value, int) or (
        isinstance(value, str) and _WHOLE.fullmatch(value.strip()) is not None
    )


def _read(text: str, *, decimal_comma: bool) -> Decimal:
    shown = repr(text[:50])
    if decimal_comma:
        if not _COMMA.fullmatch(text):
            raise InvalidValue(
                "amount", f"must be written like 1.850,50 because of --decimal-comma, not {shown}"
            )
        text = text.replace(".", "").replace(",", ".")
    elif not _POINT.fullmatch(text):
        raise InvalidValue("amount", f"must be a number such as 1850.50, not {shown}{_hint(text)}")
    try:
        return Decimal(text)
    except ArithmeticError:  # an exponent without bounds
        raise InvalidValue("amount", f"must be a number such as 1850.50, not {shown}") from None


def _hint(text: str) -> str:
    """Say what to do about a comma: it groups digits if a point or another comma follows it."""
    if _COMMA.fullmatch(text):
        either = "; if it groups digits, remove it" if re.search(r",\d{3}$", text) else ""
        return f": if the comma separates the decimals, use --decimal-comma{either}"
    return ": remove the commas that group digits" if "," in text else ""


def _major(number: Decimal, decimals: int) -> Decimal:
    """Convert a whole number of minor units to major units."""
    if not number.is_finite():
        return number  # refused later, as everywhere
    digits, power = significant(number)
    if power < 0:
        raise InvalidValue("amount", f"must be a whole number of minor units, not {number}")
    return Decimal(f"{digits}E{power - decimals}")
