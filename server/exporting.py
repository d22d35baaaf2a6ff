"""Payments as files: each format takes chunks of payments and gives bytes, in constant memory.

Text is made of payments one by one, columns of tables as the database gave them.
"""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncGenerator, Callable, Iterable
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import pyarrow as pa
from msgspec import Struct
from pyarrow import ipc, parquet

from financeops.arrow.tables import JSON_NAMES
from financeops.arrow.tables import SCHEMA as PAYMENTS
from financeops.core.csv_guard import guard
from financeops.core.money import decimals_of, to_major
from financeops.core.payments import Payment
from financeops.core.selection import Selection
from financeops.core.wire import encode, payment_document, timestamp
from financeops.store.database.connection import Database
from financeops.store.reading.batches import payment_tables
from financeops.store.reading.queries import export_payments

_AMOUNT_DECIMALS = 4
"""Exact in every ISO 4217 currency."""


def _fields(field: pa.Field) -> list[pa.Field]:
    """A canonical column as exports have it: amounts also in major units."""
    if field.name != "amount":
        return [field.with_name(JSON_NAMES[field.name])]
    major = pa.field("amount", pa.decimal128(24, _AMOUNT_DECIMALS), nullable=False)
    return [major, field.with_name("amountMinor")]


SCHEMA = pa.schema([exported for field in PAYMENTS for exported in _fields(field)])
"""Columns of the columnar formats; CSV has the same but `amountMinor`."""

_TEXT_COLUMNS = [name for name in SCHEMA.names if name != "amountMinor"]

Chunk = TypeVar("Chunk")
Taken_contra = TypeVar("Taken_contra", contravariant=True)


class Writer(Protocol[Taken_contra]):
    """Writes one file, piece by piece."""

    def write(self, chunk: Taken_contra) -> bytes:
        """Bytes that some more payments add."""

    def finish(self) -> bytes:
        """Bytes that end the file."""


class _Csv:
    def __init__(self) -> None:
        self._buffer = io.StringIO(newline="")
        self._rows = csv.writer(self._buffer)
        self._rows.writerow(_TEXT_COLUMNS)

    def write(self, chunk: Iterable[Payment]) -> bytes:
        for payment in chunk:
            row = _row(payment)
            self._rows.writerow([_cell(row[name]) for name in _TEXT_COLUMNS])
        return self._drained()

    def finish(self) -> bytes:
        return self._drained()

    def _drained(self) -> bytes:
        text = self._buffer.getvalue()
        self._buffer.seek(0)
        self._buffer.truncate()
        return text.encode()


class _NdJson:
    def write(self, chunk: Iterable[Payment]) -> bytes:
        return b"".join(encode(payment_document(payment)) + b"\n" for payment in chunk)

    def finish(self) -> bytes:
        return b""


class _Columnar:
    def __init__(self, opened: Callable[[Any], Any]) -> None:
        self._sink = _Sink()
        self._writer = opened(self._sink)

    def write(self, chunk: pa.Table) -> bytes:
        self._writer.write_table(_exported(chunk))
        return self._sink.drained()

    def finish(self) -> bytes:
        self._writer.close()
        return self._sink.drained()


class _Sink(io.RawIOBase):
    """A file that keeps what was written until it is taken away."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        part = bytes(data)
        self._parts.append(part)
        return len(part)

    def drained(self) -> bytes:
        """What was written since the last time."""
        data = b"".join(self._parts)
        self._parts.clear()
        return data


class Format(Struct, Generic[Chunk], frozen=True, kw_only=True):
    """A file format: what it is called in `Content-Type`, what it is made of, and how."""

    media_type: str
    is_text: bool
    read: Callable[[Database, str, Selection], AsyncGenerator[Chunk, None]]
    nothing: Chunk
    writer: Callable[[], Writer[Chunk]]


_NO_PAYMENTS: list[Payment] = []

FORMATS: dict[str, Format[Any]] = {
    "csv": Format(
        media_type="text/csv; charset=utf-8",
        is_text=True,
        read=export_payments,
        nothing=_NO_PAYMENTS,
        writer=_Csv,
    ),
    "ndjson": Format(
        media_type="application/x-ndjson",
        is_text=True,
        read=export_payments,
        nothing=_NO_PAYMENTS,
        writer=_NdJson,
    ),
    "parquet": Format(
        media_type="application/vnd.apache.parquet",
        is_text=False,
        read=payment_tables,
        nothing=pa.Table.from_batches([], PAYMENTS),  # `empty_table` would import pandas
        writer=lambda: _Columnar(lambda sink: parquet.ParquetWriter(sink, SCHEMA)),
    ),
    "arrow": Format(
        media_type="application/vnd.apache.arrow.stream",
        is_text=False,
        read=payment_tables,
        nothing=pa.Table.from_batches([], PAYMENTS),  # `empty_table` would import pandas
        writer=lambda: _Columnar(lambda sink: ipc.new_stream(sink, SCHEMA)),
    ),
}


def _exported(payments: pa.Table) -> pa.Table:
    """Columns of the export, of a canonical table."""
    minor = payments["amount"]
    kept = [payments[name] for name in PAYMENTS.names]
    at = PAYMENTS.names.index("amount")
    return pa.table([*kept[:at], _major(minor, payments["currency"]), *kept[at:]], schema=SCHEMA)


def _major(minor: pa.ChunkedArray, currency: pa.ChunkedArray) -> pa.Array:
    """Exact amounts in major units: integers of the fourth decimal, taken as decimals."""
    codes = currency.combine_chunks().dictionary_encode()
    factors = [
        10 ** (_AMOUNT_DECIMALS - decimals_of(code)) for code in codes.dictionary.to_pylist()
    ]
    scaled = minor.to_numpy()
    if factors:
        scaled = scaled * np.array(factors, dtype=np.int64)[codes.indices.to_numpy()]
    words = np.zeros((len(scaled), 2), dtype=np.int64)  # 128 bits, the lower 64 first
    words[:, 0] = scaled
    kind = SCHEMA.field("amount").type
    return pa.Array.from_buffers(kind, len(scaled), [None, pa.py_buffer(words.tobytes())])


def _row(payment: Payment) -> dict[str, Any]:
    return {
        "_id": payment.id,
        "tenantId": payment.tenant_id,
        "amount": to_major(payment.amount, payment.currency),
        "currency": payment.currency,
        "method": payment.method,
        "status": payment.status.value,
        "createdAt": payment.created_at,
        "updatedAt": payment.updated_at,
        "source": str(payment.source),
        "reference": payment.reference,
        "customerId": payment.customer_id,
        "country": payment.country,
        "declineCode": payment.decline_code,
        "declineGroup": payment.decline_group,
        "refundedAt": payment.refunded_at,
    }


def _cell(value: Any) -> Any:
    if isinstance(value, datetime):
        return timestamp(value)
    return guard(value) if isinstance(value, str) else value
