"""Rows of CSV, NDJSON and Parquet files, read as a stream."""

from __future__ import annotations

import csv
import json
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import msgspec

from financeops.cli.lines import Line, lines_of
from financeops.core import wire
from financeops.core.errors import InvalidValue

WHITESPACE = "whitespace"
_DELIMITERS = (",", ";", "\t", "|")
_NAMED_DELIMITERS = {"tab": "\t", "\\t": "\t", "space": " ", WHITESPACE: WHITESPACE}
_PARQUET_ROWS = 1000


class Format(StrEnum):
    """File formats that can be imported."""

    CSV = "csv"
    NDJSON = "ndjson"
    PARQUET = "parquet"


class Row(NamedTuple):
    """One row: `values` by column, or the `problem` that it has.

    `number` is its line, in Parquet its row, from 1. `end` is how far the file is read after it.
    """

    number: int
    end: int
    original: str | None
    values: Mapping[str, Any] | None
    problem: str | None = None

    def text(self) -> str:
        """The row as it stands in the file; as JSON where that is not text."""
        if self.original is not None:
            return self.original
        return json.dumps(self.values, default=str, ensure_ascii=False)


@dataclass(frozen=True, kw_only=True)
class Table:
    """A file that is open: its `columns` (None: each row has its own), its size, its rows."""

    columns: tuple[str, ...] | None
    total: int
    rows: Iterator[Row]


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How a file is to be read.

    Parameters
    ----------
    format : Format
    delimiter : str, optional
        Of CSV: one character or `WHITESPACE`; default: the one that separates the first line
        into the columns that are needed.
    columns : sequence of str, optional
        Column names of a CSV file without a header.
    encoding : str
        Of text files; ASCII must be a part of it.
    """

    format: Format
    delimiter: str | None = None
    columns: Sequence[str] | None = None
    encoding: str = "utf-8"


def format_of(path: Path) -> Format:
    """Format by a file's name."""
    match path.suffix.lower():
        case ".csv" | ".tsv" | ".txt":
            return Format.CSV
        case ".ndjson" | ".jsonl":
            return Format.NDJSON
        case ".parquet" | ".pq":
            return Format.PARQUET
        case _:
            raise InvalidValue("--format", f"{path.name} does not say: csv, ndjson or parquet")


def delimiter_of(text: str) -> str:
    """Delimiter as it is written on the command line: ``;``, ``tab``, ``whitespace``."""
    delimiter = _NAMED_DELIMITERS.get(text, text)
    if delimiter != WHITESPACE and (len(delimiter) != 1 or delimiter in '\r\n"'):
        raise InvalidValue("--delimiter", "must be one character, 'tab' or 'whitespace'")
    return delimiter


def check_encoding(encoding: str) -> str:
    """Return a text encoding if lines can be told apart in it."""
    try:
        fits = "\r\n,".encode(encoding) == b"\r\n,"
    except LookupError:
        fits = False
    if not fits:
        raise InvalidValue("--encoding", "must be one that contains ASCII: utf-8, cp1252, latin-1")
    return encoding


@contextmanager
def opened(path: Path, layout: Layout, *, needed: Sequence[str]) -> Iterator[Table]:
    """Open a file as a table.

    Parameters
    ----------
    needed : sequence of str
        Columns that are asked for by name; they tell delimiters apart.

    Raises
    ------
    InvalidValue
        When the file cannot be read at all.
    """
    try:
        with path.open("rb") as file:
            match layout.format:
                case Format.CSV:
                    yield _csv(file, path, layout, needed)
                case Format.NDJSON:
                    rows = _ndjson_rows(lines_of(file, encoding=layout.encoding))
                    yield Table(columns=None, total=path.stat().st_size, rows=rows)
                case Format.PARQUET:
                    yield _parquet(file, path)
    except OSError as error:
        # pyarrow raises its own without an errno
        reason = error.strerror or str(error).splitlines()[0]
        raise InvalidValue("FILE", f"{path} cannot be read: {reason}") from None


def _csv(file: BinaryIO, path: Path, layout: Layout, needed: Sequence[str]) -> Table:
    lines = lines_of(file, encoding=layout.encoding)
    first = next(lines, None)
    if first is None:
        return Table(columns=None, total=0, rows=iter(()))
    delimiter = layout.delimiter or _guess(first.text, layout.columns, needed)
    records = _records(chain([first], lines), delimiter)
    if layout.columns is not None:
        columns = tuple(layout.columns)
    else:
        _, header, problem = next(records)
        if header is None:
            raise InvalidValue("FILE", f"{path} has no header line that can be read: {problem}")
        columns = tuple(name.strip() for name in header)
    if len(set(columns)) < len(columns):
        twice = next(name for name in columns if columns.count(name) > 1)
        raise InvalidValue("FILE", f"{path} has the column {twice!r} twice")
    rows = _csv_rows(records, columns)
    return Table(columns=columns, total=path.stat().st_size, rows=rows)


def _guess(first: str, columns: Sequence[str] | None, needed: Sequence[str]) -> str:
    for delimiter in _DELIMITERS:
        names = [name.strip().strip('"') for name in first.split(delimiter)]
        if len(names) == len(columns) if columns else set(needed) <= set(names):
            return delimiter
    return ","


_Record = tuple[list[Line], list[str] | None, str | None]


def _records(lines: Iterator[Line], delimiter: str) -> Iterator[_Record]:
    """Lines of each record with its fields, or with what is wrong with it."""
    if delimiter == WHITESPACE:
        for line in lines:
            yield [line], None if line.problem else line.text.split(), line.problem
        return
    source = _Replay(lines)
    reader = csv.reader(source, delimiter=delimiter, strict=True)
    while True:
        try:
            fields = next(reader)
        except StopIteration:
            return
        except (csv.Error, _BadLine) as error:
            # A stray quote takes the lines after it along: only the first one is given up.
            first, *others = source.take()
            source.give_back(others)
            yield [first], None, first.problem or str(error)
        else:
            yield source.take(), fields, None


class _BadLine(Exception):
    """A line that is no text, in the middle of what looks like one record."""


class _Replay:
    """Feeds lines to the csv module, remembers which, and can feed some again."""

    def __init__(self, lines: Iterator[Line]) -> None:
        self._lines = lines
        self._again: deque[Line] = deque()
        self._taken: list[Line] = []

    def __iter__(self) -> _Replay:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._lines)
        self._taken.append(line)
        if line.problem:
            raise _BadLine("a quoted field does not end")
        return line.text + "\n"

    def take(self) -> list[Line]:
        """Lines that were fed since the last time."""
        taken, self._taken = self._taken, []
        return taken

    def give_back(self, lines: Sequence[Line]) -> None:
        """Feed these next."""
        self._again.extendleft(reversed(lines))


def _csv_rows(records: Iterator[_Record], columns: tuple[str, ...]) -> Iterator[Row]:
    for lines, fields, problem in records:
        row = Row(
            number=lines[0].number,
            end=lines[-1].end,
            original="\n".join(line.text for line in lines),
            values=None,
            problem=problem,
        )
        if fields is None:
            yield row
        elif len(fields) != len(columns):
            yield row._replace(problem=f"has {len(fields)} fields instead of {len(columns)}")
        else:
            yield row._replace(values=dict(zip(columns, fields, strict=True)))


def _ndjson_rows(lines: Iterator[Line]) -> Iterator[Row]:
    for line in lines:
        values = None
        problem = line.problem
        if problem is None:
            try:
                values = wire.decode(line.text)
            except (msgspec.DecodeError, UnicodeError) as error:
                problem = f"is not JSON: {error}"
            if problem is None and not isinstance(values, dict):
                values, problem = None, "is not a JSON object"
        yield Row(line.number, line.end, line.text, values, problem)


def _parquet(file: BinaryIO, path: Path) -> Table:
    import pyarrow as pa  # noqa: PLC0415 - most of a second: only for who needs it
    from pyarrow import parquet  # noqa: PLC0415

    try:
        source = parquet.ParquetFile(file)
    except pa.ArrowException as error:
        reason = str(error).splitlines()[0]
        raise InvalidValue("FILE", f"{path} is not a Parquet file: {reason}") from None
    schema = pa.schema([(column.name, _plain(column.type)) for column in source.schema_arrow])

    def rows() -> Iterator[Row]:
        number = 0
        try:
            for batch in source.iter_batches(batch_size=_PARQUET_ROWS):
                arrays = [
                    column.cast(kind, safe=False)
                    for column, kind in zip(batch.columns, schema.types, strict=True)
                ]
                for values in pa.RecordBatch.from_arrays(arrays, schema=schema).to_pylist():
                    number += 1
                    yield Row(number, number, None, values)
        except pa.ArrowException as error:
            raise InvalidValue("FILE", f"{path} breaks off after row {number}: {error}") from None

    return Table(columns=tuple(schema.names), total=source.metadata.num_rows, rows=rows())


def _plain(kind: Any) -> Any:
    """Arrow type whose values are exact in Python."""
    import pyarrow as pa  # noqa: PLC0415

    if pa.types.is_dictionary(kind):
        return _plain(kind.value_type)
    if pa.types.is_floating(kind):
        return pa.string()  # the shortest text: 11.77, not 11.770000457763672
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us", tz=kind.tz)  # datetime has no nanoseconds
    return kind
