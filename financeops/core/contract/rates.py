"""Exchange rates: those of a day, as they are sent and answered."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from msgspec import Meta, Raw

from financeops.core.contract.forms import Body, Document, Number
from financeops.core.contract.texts import CURRENCY_PATTERN, Word

_Code = Annotated[
    str, Meta(description="ISO 4217", extra_json_schema={"pattern": CURRENCY_PATTERN})
]
_Sent = Annotated[
    Raw,
    Meta(
        description="Units of the currency that one unit of the base is; at most 12 digits before the "
        "point, and 12 after it",
        extra_json_schema={"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 10**12},
    ),
]


class RatesRequest(Body, frozen=True, kw_only=True):
    """Rates of a day to record: of one unit of `base` in other currencies."""

    date: Annotated[
        str, Meta(description="From 1970 to tomorrow", extra_json_schema={"format": "date"})
    ]
    base: _Code
    source: Word
    rates: Annotated[
        dict[str, _Sent],
        Meta(
            min_length=1,
            max_length=1000,
            extra_json_schema={"propertyNames": {"pattern": CURRENCY_PATTERN}},
        ),
    ]


class RatesAnswer(Document, frozen=True, kw_only=True):
    """Rates of a day: how many units of other currencies one unit of `base` is, as `source` says."""

    date: date
    base: str
    source: str
    rates: dict[str, Number]


class RatesRecorded(Document, frozen=True, kw_only=True):
    """How many rates are new, replace others, and were known; with `check`, how many would be."""

    added: int
    replaced: int
    unchanged: int


class RatesRecomputed(Document, frozen=True, kw_only=True):
    """How many payments in other currencies than their tenant's were converted again, and how many changed."""

    checked: int
    changed: int
