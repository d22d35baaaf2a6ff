"""The formats in which payments are exported: how each is read, and what writes it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import Any, Generic, TypeVar

import pyarrow as pa
from msgspec import Struct

from financeops.arrow.tables import SCHEMA
from financeops.arrow.writing import (
    CsvWriter,
    NdJsonWriter,
    Writer,
    parquet_writer,
    stream_writer,
)
from financeops.core.contract.agreements import NDJSON, ExportFormat
from financeops.core.payments import Payment
from financeops.core.selection import Selection
from financeops.store.database.connection import Database
from financeops.store.reading.batches import payment_tables
from financeops.store.reading.queries import export_payments

Chunk = TypeVar("Chunk")


class Format(Struct, Generic[Chunk], frozen=True, kw_only=True):
    """A file format: its media type, its source of data and its writer."""

    media_type: str
    is_text: bool
    read: Callable[[Database, str, Selection], AsyncGenerator[Chunk, None]]
    nothing: Chunk
    writer: Callable[[], Writer[Chunk]]


_NO_PAYMENTS: list[Payment] = []
_NO_ROWS = pa.Table.from_batches([], SCHEMA)  # `empty_table` would import pandas

FORMATS: dict[ExportFormat, Format[Any]] = {
    ExportFormat.CSV: Format(
        media_type="text/csv; charset=utf-8",
        is_text=True,
        read=export_payments,
        nothing=_NO_PAYMENTS,
        writer=CsvWriter,
    ),
    ExportFormat.NDJSON: Format(
        media_type=NDJSON,
        is_text=True,
        read=export_payments,
        nothing=_NO_PAYMENTS,
        writer=NdJsonWriter,
    ),
    ExportFormat.PARQUET: Format(
        media_type="application/vnd.apache.parquet",
        is_text=False,
        read=payment_tables,
        nothing=_NO_ROWS,
        writer=parquet_writer,
    ),
    ExportFormat.ARROW: Format(
        media_type="application/vnd.apache.arrow.stream",
        is_text=False,
        read=payment_tables,
        nothing=_NO_ROWS,
        writer=stream_writer,
    ),
}
