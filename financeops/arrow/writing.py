"""Write payments as files: writers turn chunks of payments into bytes, in constant memory.

Text formats are written from single payments, columnar formats from canonical tables.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable
from datetime import datetime
from operator import attrgetter
from typing import Any, Protocol, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import ipc, parquet

from financeops.arrow.acts import exported_acts
from financeops.arrow.amounts import MAJOR, major_of
from financeops.arrow.tables import JSON_NAMES
from financeops.arrow.tables import SCHEMA as PAYMENTS
from financeops.core.csv_guard import guard
from financeops.core.money import to_major
from financeops.core.pairs import pairs_text
from financeops.core.payments import AMOUNTS, Payment
from financeops.core.wire import ACTS, encode, payment_document, timestamp


def _fields(field: pa.Field) -> list[pa.Field]:
    """The columns of an export for a canonical column: amounts also in major units."""
    if field.name not in AMOUNTS:
        return [field.with_name(JSON_NAMES[field.name])]
    if field.name != "amount":
        return [pa.field(JSON_NAMES[field.name], MAJOR)]
    major = pa.field("amount", MAJOR, nullable=False)
    return [major, field.with_name("amountMinor")]


SCHEMA = pa.schema([exported for field in PAYMENTS for exported in _fields(field)])
"""Columns of the columnar formats; CSV has the same without `amountMinor`."""

_TEXT_COLUMNS = [name for name in SCHEMA.names if name != "amountMinor"]

Taken_contra = TypeVar("Taken_contra", contravariant=True)


class Writer(Protocol[Taken_contra]):
    """Writes one file, piece by piece."""

    def write(self, chunk: Taken_contra) -> bytes:
        """Return the bytes that more payments add."""

    def finish(self) -> bytes:
        """Return the bytes that end the file."""


class CsvWriter:
    """Writes payments as CSV; cells that a spreadsheet would run are made harmless."""

    def __init__(self) -> None:
        self._buffer = io.StringIO(newline="")
        self._rows = csv.writer(self._buffer)
        self._rows.writerow(_TEXT_COLUMNS)

    def write(self, chunk: Iterable[Payment]) -> bytes:
        """Return the bytes that more payments add."""
        for payment in chunk:
            self._rows.writerow(_cells(payment))
        return self._drained()

    def finish(self) -> bytes:
        """Return the bytes that end the file: the header, if there was no payment."""
        return self._drained()

    def _drained(self) -> bytes:
        text = self._buffer.getvalue()
        self._buffer.seek(0)
        self._buffer.truncate()
        return text.encode()


class NdJsonWriter:
    """Writes payments as NDJSON."""

    def write(self, chunk: Iterable[Payment]) -> bytes:
        """Return the bytes that more payments add."""
        return b"".join(encode(payment_document(payment)) + b"\n" for payment in chunk)

    def finish(self) -> bytes:
        """Return nothing: the format has no end."""
        return b""


def parquet_writer() -> Writer[pa.Table]:
    """Return a writer of canonical tables as Parquet."""
    return _ColumnWriter(lambda sink: parquet.ParquetWriter(sink, SCHEMA))


def stream_writer() -> Writer[pa.Table]:
    """Return a writer of canonical tables as an Arrow stream."""
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
    """A file that buffers what is written until it is drained."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        part = bytes(data)
        self._parts.append(part)
        return len(part)

    def drained(self) -> bytes:
        """Return what was written since the last call."""
        data = b"".join(self._parts)
        self._parts.clear()
        return data


def _exported(payments: pa.Table) -> pa.Table:
    """Columns of an export from a canonical table."""
    currencies = payments["currency"]
    kept = [payments[name] for name in PAYMENTS.names]
    for place, of in _AMOUNTS:
        kept[place] = major_of(kept[place], pc.coalesce(payments.column(of), currencies))
    for place, name in _ACTS:
        kept[place] = exported_acts(name, kept[place], currencies)
    kept.insert(_AMOUNT + 1, payments["amount"])
    return pa.table(kept, schema=SCHEMA)


_values_of = attrgetter(*PAYMENTS.names)
_place = PAYMENTS.names.index
_AMOUNTS = [(_place(name), _place(of)) for name, of in AMOUNTS.items()]
_AMOUNT = _place("amount")
_ACTS = [(_place(name), name) for name in ACTS]
_RETURNED = _place("refunded_amount")
_SUMS = [_place("fee_amount"), _place("settled_amount"), _place("revision")]


def _cells(payment: Payment) -> list[Any]:
    values = list(_values_of(payment))
    values[_RETURNED] = payment.returned
    for place in _SUMS:
        values[place] = values[place] or 0
    for place, of in _AMOUNTS:
        if (minor := values[place]) is not None:
            values[place] = to_major(minor, values[of] or payment.currency)
    for place, name in _ACTS:
        if acts := values[place]:
            write, _ = ACTS[name]
            values[place] = encode(write(acts, payment.currency)).decode()
    return [_cell(value) for value in values]


def _cell(value: Any) -> Any:
    if isinstance(value, datetime):
        return timestamp(value)
    if isinstance(value, dict):
        return pairs_text(value)
    return guard(value) if isinstance(value, str) else value
