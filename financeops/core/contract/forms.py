"""The form of objects, numbers and times in all answers."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Self, TypeAlias

from msgspec import Meta, Struct

Number: TypeAlias = Decimal
"""An exact JSON number: amounts in major units, rates in percent. Never a float."""


class Instant(datetime):
    """A moment in an answer, aware and in UTC.

    A class of its own, because msgspec writes the standard library's datetimes in a form that
    cannot be changed; `financeops.core.wire` reads and writes this one.
    """

    @classmethod
    def of(cls, moment: datetime) -> Self:
        """The same moment; `moment` must be aware."""
        utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
        return cls(
            utc.year, utc.month, utc.day, utc.hour, utc.minute, utc.second, utc.microsecond, UTC
        )


Time = Annotated[
    Instant,
    Meta(
        description="ISO 8601, UTC with `Z`; milliseconds only where there are any",
        extra_json_schema={"format": "date-time", "type": "string"},
    ),
]
"""A moment as `financeops.core.wire.timestamp` writes it."""


class Document(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A JSON object in camelCase. A field with a default, which is None, is left out if empty."""


class Body(
    Struct,
    frozen=True,
    kw_only=True,
    rename="camel",
    omit_defaults=True,
    forbid_unknown_fields=True,
):
    """A JSON object that is sent. Unknown fields are refused: the server could not act on them."""
