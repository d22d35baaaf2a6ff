"""What all answers are made of: the form of objects, numbers and times."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, TypeAlias

from msgspec import Meta, Struct

Number: TypeAlias = Decimal | int
"""An exact JSON number: amounts in major units, rates in percent. Never a float."""

Time = Annotated[
    str,
    Meta(
        description="ISO 8601, UTC with `Z`; milliseconds only where there are any",
        extra_json_schema={"format": "date-time"},
    ),
]
"""A moment as `financeops.core.wire.timestamp` writes it."""


class Document(Struct, frozen=True, kw_only=True, rename="camel"):
    """A JSON object in camelCase."""
