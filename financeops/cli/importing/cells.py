"""What a cell holds: texts, pairs of texts, objects."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal
from typing import Any

import msgspec

from financeops.cli.importing.floats import Double, digits_of
from financeops.core import wire
from financeops.core.errors import InvalidValue
from financeops.core.pairs import Pairs


def lists_fees(value: Any) -> bool:
    """Whether a cell has fees one by one: an array, or its JSON."""
    return value[:1] == "[" if isinstance(value, str) else not isinstance(value, int | Decimal)


def said(document: Mapping[str, Any]) -> dict[str, Any]:
    """What an object says: in a data frame, what it does not say is null."""
    return {name: value for name, value in document.items() if value is not None}


def pairs_in(field: str, value: Any) -> Pairs:
    """Pairs of a cell: an object, or its JSON; pairs without a value are left out."""
    if isinstance(value, str):
        try:
            value = wire.decode(value.encode())
        except msgspec.DecodeError:
            value = None
    elif isinstance(value, list) and all(isinstance(each, tuple) for each in value):
        value = dict(value)  # a map of Parquet
    if not isinstance(value, Mapping):
        raise InvalidValue(field, 'must be an object of texts such as {"shop": "Mitte"}')
    given = {str(key): each for key, each in value.items() if each is not None}
    return {key: text_in(f"{field}.{key}", each) for key, each in given.items()}


def text_in(field: str, value: Any) -> str:
    """The text of a cell; a number is its digits."""
    match value:
        case str():
            return value
        case Double() if value == value.to_integral_value() and not value.tells(1):
            raise InvalidValue(
                field,
                f"{value} is a float of {value.BITS} bits, which cannot hold an id of "
                "this size exactly: save the column as text or whole numbers",
            )
        case int() | Decimal() if not isinstance(value, bool):
            with suppress(ValueError):
                return digits_of(Decimal(value))
        case _:
            pass
    raise InvalidValue(field, "must be text or a number")
