"""Amounts as files write them: here texts and numbers become money."""

from __future__ import annotations

import re
from decimal import Decimal
from enum import StrEnum
from typing import Any

from financeops.cli.importing.floats import Double
from financeops.core.errors import InvalidValue
from financeops.core.money import exponent, significant, to_major, to_minor


class Separator(StrEnum):
    """What separates the decimals; the other one may separate thousands."""

    POINT = "point"
    COMMA = "comma"


_POINT = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_FORMS = {
    Separator.POINT: re.compile(
        r"[+-]?(\d+(\.\d*)?([eE][+-]?\d+)?"  # 1850.50
        r"|\.\d+"
        r"|[1-9]\d{0,2}(,\d{3})+(\.\d*)?)"  # 1,850.50
    ),
    Separator.COMMA: re.compile(
        r"[+-]?(\d+(,\d*)?([eE][+-]?\d+)?"  # 1850,50
        r"|,\d+"
        r"|[1-9]\d{0,2}(\.\d{3})+(,\d*)?)"  # 1.850,50
    ),
}
_WHOLE = re.compile(r"[+-]?\d+")

_MARK = r"[A-Z]{3}|(?:US|CA|AU|NZ|HK)?\$|€|£|¥"
_DECORATED = re.compile(
    rf"(?P<first>[+-]?)\s*(?P<before>{_MARK})?\s*(?P<second>[+-]?)"
    rf"(?P<number>[\d.,]+(?:[eE][+-]?\d+)?)\s*(?P<after>{_MARK})?"
)
_DOLLARS = (
    "ARS AUD BBD BMD BND BRL BSD BZD CAD CLP COP CUP CVE DOP FJD GYD HKD JMD KYD LRD MOP MXN NAD NIO "
    "NZD SBD SGD SRD TOP TTD TWD USD UYU WST XCD"
)
_POUNDS = "EGP FKP GBP GIP LBP SDG SHP SSP SYP"
_SIGNS = {
    "$": frozenset(_DOLLARS.split()),
    "€": frozenset({"EUR"}),
    "£": frozenset(_POUNDS.split()),
    "¥": frozenset({"CNY", "JPY"}),
}
"""The currencies that a sign may stand for. One with letters, as ``US$``, stands for that dollar."""


def amount_of(
    value: Any,
    currency: str,
    *,
    decimal_comma: bool = False,
    separator: Separator | None = None,
    minor_units: bool = False,
    signed: bool = False,
) -> Decimal | int:
    """Convert a value of a file to an amount in major units.

    Parameters
    ----------
    value : str, int or Decimal
        A text has a point before its decimals, or a comma if `decimal_comma` is set. It may name its
        currency, or show its sign; one in parentheses is negative.
    currency : str
        ISO 4217 code.
    decimal_comma : bool
        Texts have a comma before their decimals. Points may separate thousands: after one to
        three digits that do not begin with 0, before groups of three, never after the comma.
    separator : Separator, optional
        What is known of the file or the column: then the other one may separate thousands.
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
    >>> amount_of("($1,850.50)", "USD", separator=Separator.POINT, signed=True)
    Decimal('-1850.5')
    >>> amount_of("1850", "KWD", minor_units=True)
    Decimal('1.85')
    """
    number = number_of(value, decimal_comma=decimal_comma, separator=separator, currency=currency)
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


def number_of(
    value: Any,
    *,
    decimal_comma: bool,
    separator: Separator | None = None,
    currency: str | None = None,
) -> Decimal:
    """Convert a value of a file to a number of any size and sign; raises `InvalidValue`.

    A text that names another currency than `currency` is refused.
    """
    match value:
        case Decimal():
            return value
        case int() if not isinstance(value, bool):
            return Decimal(value)
        case str():
            text, mark = _bare(value.strip())
            if mark and currency and currency not in _SIGNS.get(mark, {_code(mark)}):
                raise InvalidValue(
                    "amount", f"is {value.strip()[:50]!r}, and the row's currency is {currency}"
                )
            return _read(text, decimal_comma=decimal_comma, separator=separator)
        case _:
            raise InvalidValue("amount", "must be text or a number")


def is_whole(value: Any) -> bool:
    """Whether a value is written as a whole number, without decimals."""
    return isinstance(value, int) or (
        isinstance(value, str) and _WHOLE.fullmatch(value.strip()) is not None
    )


def separators_of(value: Any) -> frozenset[Separator]:
    """With which separators a text is a number; with both if there is nothing to tell between.

    Examples
    --------
    >>> ["/".join(sorted(separators_of(text))) for text in ("18.50", "1.234,50", "1,234", "1850")]
    ['point', 'comma', 'comma/point', '']
    """
    text = _bare(value.strip())[0] if isinstance(value, str) else ""
    if "." not in text and "," not in text:
        return frozenset()
    return frozenset(each for each, form in _FORMS.items() if form.fullmatch(text))


def _code(mark: str) -> str:
    return mark.replace("$", "D")


def _bare(text: str) -> tuple[str, str | None]:
    """A number without what stands around it, and the currency that this names."""
    if _POINT.fullmatch(text):
        return text, None
    inner = text[1:-1].strip() if text[:1] == "(" and text[-1:] == ")" else None
    found = _DECORATED.fullmatch((text if inner is None else inner).replace("\u2212", "-"))
    if found is None:
        return text, None
    signs = found["first"] + found["second"]
    marks = [mark for mark in (found["before"], found["after"]) if mark]
    if len(signs) + (inner is not None) > 1 or len(marks) > 1:
        return text, None
    sign = "-" if inner is not None else signs
    return f"{sign}{found['number']}", marks[0] if marks else None


def _read(text: str, *, decimal_comma: bool, separator: Separator | None) -> Decimal:
    shown = repr(text[:50])
    if decimal_comma or separator is Separator.COMMA:
        if not _FORMS[Separator.COMMA].fullmatch(text):
            why = " because of --decimal-comma" if decimal_comma else ", as others of its column"
            raise InvalidValue("amount", f"must be written like 1.850,50{why}, not {shown}")
        text = text.replace(".", "").replace(",", ".")
    elif separator is Separator.POINT:
        if not _FORMS[Separator.POINT].fullmatch(text):
            raise InvalidValue(
                "amount", f"must be written like 1,850.50 or 1850.50, not {shown}{_hint(text)}"
            )
        text = text.replace(",", "")
    elif not _POINT.fullmatch(text):
        raise InvalidValue("amount", f"must be a number such as 1850.50, not {shown}{_hint(text)}")
    try:
        return Decimal(text)
    except ArithmeticError:  # an exponent without bounds
        raise InvalidValue("amount", f"must be a number such as 1850.50, not {shown}") from None


def _hint(text: str) -> str:
    """Say what to do about a comma: it groups digits if a point or another comma follows it."""
    if _FORMS[Separator.COMMA].fullmatch(text):
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
