"""Texts that must name a member of an enumeration."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeVar

from financeops.core.errors import InvalidValue

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
