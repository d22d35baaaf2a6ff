"""What all answers are made of: the form of objects, numbers and times."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Self, TypeAlias

from msgspec import Meta, Struct

Number: TypeAlias = Decimal
"""An exact JSON number: amounts in major units, rates in percent. Never a float."""


class Instant(datetime):
    """A moment of an answer, aware and in UTC.

    A class of its own, because msgspec has its own form for the times of the standard library and
    none of ours: `financeops.core.wire` reads and writes this one.
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
    """A JSON object in camelCase. A field with a default, which is None, is left out without a value."""


class Body(
    Struct,
    frozen=True,
    kw_only=True,
    rename="camel",
    omit_defaults=True,
    forbid_unknown_fields=True,
):
    """A JSON object that is sent: what the server does not know would not be done, so it is refused."""
