"""Rows of CSV, NDJSON and Parquet files, read as a stream."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

from financeops.cli.importing.csv_rows import csv_table
from financeops.cli.importing.delimiters import delimiter_of
from financeops.cli.importing.lines import as_utf_8, check_encoding, lines_of
from financeops.cli.importing.ndjson_rows import ndjson_rows
from financeops.cli.importing.parquet_rows import parquet_table
from financeops.cli.importing.rows import Format, Layout, Row, Table
from financeops.cli.importing.sources import name_within, refuse_device, spooled, unpacked
from financeops.core.errors import InvalidValue

__all__ = [
    "Format",
    "Layout",
    "Row",
    "Table",
    "check_encoding",
    "delimiter_of",
    "format_in",
    "format_of",
    "opened",
]


def format_of(path: Path) -> Format:
    """Tell the format by a file's name; of a packed one by that of the file within."""
    match name_within(path).suffix.lower():
        case ".csv" | ".tsv" | ".txt":
            return Format.CSV
        case ".ndjson" | ".jsonl":
            return Format.NDJSON
        case ".parquet" | ".pq":
            return Format.PARQUET
        case _:
            raise InvalidValue(
                "--format",
                f"is required, csv, ndjson or parquet: the name {path.name} does not tell",
            )


def format_in(path: Path) -> Format:
    """Tell the format of a file without a name by its first bytes."""
    with path.open("rb") as file:
        head = unpacked(file, path)[0].peek(4).lstrip(b"\xef\xbb\xbf \r\n\t")
    if head.startswith(b"PAR1"):
        return Format.PARQUET
    return Format.NDJSON if head.startswith(b"{") else Format.CSV


@contextmanager
def opened(
    path: Path, layout: Layout, *, needed: Sequence[str], called: Path | None = None
) -> Iterator[Table]:
    """Open a file as a table.

    Parameters
    ----------
    needed : sequence of str
        Columns that options name; they help to find the delimiter.
    called : Path, optional
        What messages call it.

    Raises
    ------
    InvalidValue
        When the file cannot be read at all.
    """
    called = called or path
    try:
        refuse_device(path)
        with path.open("rb") as packed:
            file, was_packed = unpacked(packed, called)
            # How far a packed file has been read, its unpacked bytes do not tell.
            size = 0 if was_packed else path.stat().st_size
            yield from _tables(file, layout, needed, called=called, size=size, packed=was_packed)
    except OSError as error:
        # errors of pyarrow have no errno
        reason = error.strerror or str(error).splitlines()[0]
        raise InvalidValue("FILE", f"{called} cannot be read: {reason}") from None


def _tables(
    file: io.BufferedReader,
    layout: Layout,
    needed: Sequence[str],
    *,
    called: Path,
    size: int,
    packed: bool,
) -> Iterator[Table]:
    """Give the one table of a file."""
    if layout.format is Format.PARQUET:
        if packed:
            with closing(spooled(file)) as copy:
                yield parquet_table(copy, called)
        else:
            yield parquet_table(file, called)
        return
    text, encoding = as_utf_8(file, layout.encoding, called)
    if layout.format is Format.NDJSON:
        rows = ndjson_rows(lines_of(text, encoding=encoding))
        yield Table(columns=None, total=size, rows=rows)
    else:
        yield csv_table(text, called, replace(layout, encoding=encoding), needed, size=size)
