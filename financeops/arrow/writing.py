"""Payments as files: each writer takes chunks of payments and gives bytes, in constant memory.

Text is made of payments one by one, columns of canonical tables.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable
from datetime import datetime
from operator import attrgetter
from typing import Any, Protocol, TypeVar

import pyarrow as pa
from pyarrow import ipc, parquet

from financeops.arrow.amounts import MAJOR, major_of
from financeops.arrow.tables import JSON_NAMES
from financeops.arrow.tables import SCHEMA as PAYMENTS
from financeops.core.csv_guard import guard
from financeops.core.money import to_major
from financeops.core.payments import Payment
from financeops.core.wire import encode, payment_document, timestamp


def _fields(field: pa.Field) -> list[pa.Field]:
    """A canonical column as exports have it: amounts also in major units."""
    if field.name != "amount":
        return [field.with_name(JSON_NAMES[field.name])]
    major = pa.field("amount", MAJOR, nullable=False)
    return [major, field.with_name("amountMinor")]


SCHEMA = pa.schema([exported for field in PAYMENTS for exported in _fields(field)])
"""Columns of the columnar formats; CSV has the same but `amountMinor`."""

_TEXT_COLUMNS = [name for name in SCHEMA.names if name != "amountMinor"]

Taken_contra = TypeVar("Taken_contra", contravariant=True)


class Writer(Protocol[Taken_contra]):
    """Writes one file, piece by piece."""

    def write(self, chunk: Taken_contra) -> bytes:
        """Bytes that some more payments add."""

    def finish(self) -> bytes:
        """Bytes that end the file."""


class CsvWriter:
    """Writes CSV, of payments; cells that a spreadsheet would run are made harmless."""

    def __init__(self) -> None:
        self._buffer = io.StringIO(newline="")
        self._rows = csv.writer(self._buffer)
        self._rows.writerow(_TEXT_COLUMNS)

    def write(self, chunk: Iterable[Payment]) -> bytes:
        """Bytes that some more payments add."""
        for payment in chunk:
            self._rows.writerow(_cells(payment))
        return self._drained()

    def finish(self) -> bytes:
        """Bytes that end the file: the names of the columns where there was no payment."""
        return self._drained()

    def _drained(self) -> bytes:
        text = self._buffer.getvalue()
        self._buffer.seek(0)
        self._buffer.truncate()
        return text.encode()


class NdJsonWriter:
    """Writes NDJSON, of payments."""

    def write(self, chunk: Iterable[Payment]) -> bytes:
        """Bytes that some more payments add."""
        return b"".join(encode(payment_document(payment)) + b"\n" for payment in chunk)

    def finish(self) -> bytes:
        """Nothing ends it."""
        return b""


def parquet_writer() -> Writer[pa.Table]:
    """Writes Parquet, of canonical tables."""
    return _ColumnWriter(lambda sink: parquet.ParquetWriter(sink, SCHEMA))


def stream_writer() -> Writer[pa.Table]:
    """Writes a stream of Arrow's, of canonical tables."""
    return _ColumnWriter(lambda sink: ipc.new_stream(sink, SCHEMA))


class _ColumnWriter:
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


def _exported(payments: pa.Table) -> pa.Table:
    """Columns of the export, of a canonical table."""
    minor = payments["amount"]
    kept = [payments[name] for name in PAYMENTS.names]
    at = PAYMENTS.names.index("amount")
    return pa.table([*kept[:at], major_of(minor, payments["currency"]), *kept[at:]], schema=SCHEMA)


_values_of = attrgetter(*PAYMENTS.names)
_AMOUNT = PAYMENTS.names.index("amount")


def _cells(payment: Payment) -> list[Any]:
    values = list(_values_of(payment))
    values[_AMOUNT] = to_major(payment.amount, payment.currency)
    return [_cell(value) for value in values]


def _cell(value: Any) -> Any:
    if isinstance(value, datetime):
        return timestamp(value)
    return guard(value) if isinstance(value, str) else value
