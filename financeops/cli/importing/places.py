"""In which columns of a file the fields of a payment are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from financeops.cli.importing.mapping import FIELDS
from financeops.cli.importing.words import parts_of
from financeops.core.columns import MINOR_UNITS, PAYMENTS, Form, form_of

_OF_EXPORTS = ("refunds", "dispute")
"""What other programs call so is something else: read from their files only if it is mapped."""

CANONICAL = {column.json: name for name, column in PAYMENTS.items()}
"""The columns of a saved data frame, by field."""


class Places(NamedTuple):
    """The column of each field, the form of the file, and whether amounts are in minor units.

    `joined` are fields whose text is in several columns, such as a date and a time.
    """

    columns: Mapping[str, str]
    form: Form | None
    minor_units: bool
    joined: Mapping[str, Sequence[str]] = {}


INTERPRETED = Places({field: field for field in FIELDS}, None, minor_units=False)
"""What an `Interpreter` returns has the names of fields."""


@lru_cache(maxsize=256)
def places_of(
    columns: tuple[str, ...], named: tuple[tuple[str, str], ...], marked: frozenset[str]
) -> Places:
    """Find the places of fields in a file with these columns, of which the user named some."""
    form = form_of(columns, MINOR_UNITS if "amount" in marked else None)
    places = {field: field for field in FIELDS if form is not None or field not in _OF_EXPORTS}
    if form is Form.FRAME:
        places |= {field: CANONICAL[field] for field in FIELDS if CANONICAL[field] in columns}
    places |= named
    amount = places["amount"]
    minor_units = amount in marked or (form is Form.FRAME and amount == "amount")
    joined = {field: parts_of(name, columns) for field, name in named if name not in columns}
    return Places(
        places, form, minor_units, {field: each for field, each in joined.items() if each}
    )
