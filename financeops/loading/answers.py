"""The server's figures as data frames, with amounts in minor units as in all frames."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from financeops.arrow.tables import UTC_TIME
from financeops.client import DeclineAnswer, MethodAnswer, TrendAnswer
from financeops.core.money import decimals_of

_RATE = pa.float64()
_COUNTS = [pa.field("count", pa.int64(), nullable=False)]
_CURRENCY = pa.field("currency", pa.string(), nullable=False)

TRENDS = pa.schema(
    [
        _CURRENCY,
        pa.field("start", UTC_TIME, nullable=False),
        pa.field("amount", pa.int64(), nullable=False),
        *_COUNTS,
        pa.field("success_rate", _RATE),
    ]
)
METHODS = pa.schema(
    [
        _CURRENCY,
        pa.field("method", pa.string(), nullable=False),
        *_COUNTS,
        pa.field("volume", pa.int64(), nullable=False),
        pa.field("success_rate", _RATE),
        pa.field("share", _RATE),
    ]
)
DECLINES = pa.schema(
    [
        _CURRENCY,
        pa.field("decline_code", pa.string(), nullable=False),
        *_COUNTS,
        pa.field("volume", pa.int64(), nullable=False),
        pa.field("share", _RATE),
    ]
)

_AMOUNTS = {"amount", "volume"}
_ANSWERED = {"start": "timestamp"}  # a bucket's start in frames, and in the contract


def table_of(
    answers: Iterable[TrendAnswer | MethodAnswer | DeclineAnswer], schema: pa.Schema, currency: str
) -> pa.Table:
    """One row per answer: amounts as integers of minor units, rates as floats."""

    def value(answer: Any, field: pa.Field) -> Any:
        if field.name == "currency":
            return currency
        found = getattr(answer, _ANSWERED.get(field.name, field.name))
        if field.name in _AMOUNTS:
            return int(found * 10 ** decimals_of(currency))  # a Decimal: exact
        return float(found) if field.type == _RATE and found is not None else found

    rows = [{field.name: value(answer, field) for field in schema} for answer in answers]
    return pa.Table.from_pylist(rows, schema=schema)
