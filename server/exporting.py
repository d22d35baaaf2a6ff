"""Payments as files: each format takes chunks of payments and gives bytes, in constant memory."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Protocol

import pyarrow as pa
from pyarrow import ipc, parquet

from financeops.core.money import to_major
from financeops.core.payments import Payment
from financeops.core.wire import encode, payment_document, timestamp

_UTC_TIME = pa.timestamp("ms", tz="UTC")

SCHEMA = pa.schema(
    [
        pa.field("_id", pa.string(), nullable=False),
        pa.field("tenantId", pa.string(), nullable=False),
        # Exact in every ISO 4217 currency (at most 4 decimals).
        pa.field("amount", pa.decimal128(24, 4), nullable=False),
        pa.field("amountMinor", pa.int64(), nullable=False),
        pa.field("currency", pa.string(), nullable=False),
        pa.field("method", pa.string(), nullable=False),
        pa.field("status", pa.string(), nullable=False),
        pa.field("createdAt", _UTC_TIME, nullable=False),
        pa.field("updatedAt", _UTC_TIME, nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("reference", pa.string()),
        pa.field("customerId", pa.string()),
        pa.field("country", pa.string()),
        pa.field("declineCode", pa.string()),
        pa.field("refundedAt", _UTC_TIME),
    ]
)
"""Columns of the columnar formats; CSV has the same but `amountMinor`."""

_TEXT_COLUMNS = [name for name in SCHEMA.names if name != "amountMinor"]
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class Writer(Protocol):
    """Writes one file, piece by piece."""

    def write(self, payments: Iterable[Payment]) -> bytes:
        """Bytes that some more payments add."""

    def finish(self) -> bytes:
        """Bytes that end the file."""


class _Csv:
    def __init__(self) -> None:
        self._buffer = io.StringIO(newline="")
        self._rows = csv.writer(self._buffer)
        self._rows.writerow(_TEXT_COLUMNS)

    def write(self, payments: Iterable[Payment]) -> bytes:
        for payment in payments:
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
    def write(self, payments: Iterable[Payment]) -> bytes:
        return b"".join(encode(payment_document(payment)) + b"\n" for payment in payments)

    def finish(self) -> bytes:
        return b""


class _Columnar:
    def __init__(self, opened: Callable[[Any], Any]) -> None:
        self._sink = _Sink()
        self._writer = opened(self._sink)

    def write(self, payments: Iterable[Payment]) -> bytes:
        rows = [_row(payment) for payment in payments]
        columns = [pa.array([row[field.name] for row in rows], type=field.type) for field in SCHEMA]
        self._writer.write_batch(pa.record_batch(columns, schema=SCHEMA))
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


_FORMATS: dict[str, tuple[str, Callable[[], Writer]]] = {
    "csv": ("text/csv; charset=utf-8", _Csv),
    "ndjson": ("application/x-ndjson", _NdJson),
    "parquet": (
        "application/vnd.apache.parquet",
        lambda: _Columnar(lambda sink: parquet.ParquetWriter(sink, SCHEMA)),
    ),
    "arrow": (
        "application/vnd.apache.arrow.stream",
        lambda: _Columnar(lambda sink: ipc.new_stream(sink, SCHEMA)),
    ),
}


def media_type_of(name: str) -> str:
    """What a format is called in `Content-Type`."""
    return _FORMATS[name][0]


def writer_of(name: str) -> Writer:
    """A writer of a new file of the format."""
    return _FORMATS[name][1]()


def _row(payment: Payment) -> dict[str, Any]:
    return {
        "_id": payment.id,
        "tenantId": payment.tenant_id,
        "amount": to_major(payment.amount, payment.currency),
        "amountMinor": payment.amount,
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
        "refundedAt": payment.refunded_at,
    }


def _cell(value: Any) -> Any:
    if isinstance(value, datetime):
        return timestamp(value)
    # A spreadsheet takes such a text for a formula and would carry it out.
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return f"'{value}"
    return value
