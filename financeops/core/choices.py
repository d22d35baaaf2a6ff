"""Texts that must name a member of an enumeration."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import TypeVar

from financeops.core.card_numbers import without_card_numbers
from financeops.core.errors import InvalidValue

_SHOWN = 50
"""Characters of a wrong value that an error repeats."""

Choice = TypeVar("Choice", bound=StrEnum)


def choice_of(kind: type[Choice], value: str, *, field: str) -> Choice:
    """Return the member of an enumeration that a value names.

    Raises
    ------
    InvalidValue
        It names none; the message lists those that exist.

    Examples
    --------
    >>> from financeops.core.payments import Status
    >>> choice_of(Status, "failed", field="status")
    <Status.FAILED: 'failed'>
    """
    try:
        return kind(value)
    except ValueError:
        known = ", ".join(repr(each.value) for each in kind)
        raise InvalidValue(field, f"must be one of {known}, not {value!r}") from None


def none_of(known: Iterable[str], value: str, *, field: str) -> InvalidValue:
    """Return the error that says which values exist, and which was found instead.

    Examples
    --------
    >>> str(none_of(["card", "crypto"], "Visa", field="method"))
    "method: must be one of card, crypto, not 'Visa'"
    """
    found = without_card_numbers(value)
    shown = found if len(found) <= _SHOWN else f"{found[:_SHOWN]}…"
    return InvalidValue(field, f"must be one of {', '.join(known)}, not {shown!r}")
