"""Rows of CSV, NDJSON and Parquet files, read as a stream."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from financeops.cli.importing.csv_rows import csv_table
from financeops.cli.importing.delimiters import delimiter_of
from financeops.cli.importing.lines import check_encoding, lines_of
from financeops.cli.importing.ndjson_rows import ndjson_rows
from financeops.cli.importing.parquet_rows import parquet_table
from financeops.cli.importing.rows import Format, Layout, Row, Table
from financeops.core.errors import InvalidValue

__all__ = [
    "Format",
    "Layout",
    "Row",
    "Table",
    "check_encoding",
    "delimiter_of",
    "format_of",
    "opened",
]


def format_of(path: Path) -> Format:
    """Tell the format by a file's name."""
    match path.suffix.lower():
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


@contextmanager
def opened(path: Path, layout: Layout, *, needed: Sequence[str]) -> Iterator[Table]:
    """Open a file as a table.

    Parameters
    ----------
    needed : sequence of str
        Columns that options name; they help to find the delimiter.

    Raises
    ------
    InvalidValue
        When the file cannot be read at all.
    """
    try:
        _refuse_device(path)
        with path.open("rb") as file:
            match layout.format:
                case Format.CSV:
                    yield csv_table(file, path, layout, needed)
                case Format.NDJSON:
                    rows = ndjson_rows(lines_of(file, encoding=layout.encoding))
                    yield Table(columns=None, total=path.stat().st_size, rows=rows)
                case Format.PARQUET:
                    yield parquet_table(file, path)
    except OSError as error:
        # errors of pyarrow have no errno
        reason = error.strerror or str(error).splitlines()[0]
        raise InvalidValue("FILE", f"{path} cannot be read: {reason}") from None


def _refuse_device(path: Path) -> None:
    """Refuse what may never end, such as /dev/zero; standard input is the user's choice."""
    there = path.stat()
    ends = (
        stat.S_ISREG(there.st_mode) or stat.S_ISFIFO(there.st_mode) or stat.S_ISDIR(there.st_mode)
    )
    if not ends and not os.path.samestat(there, os.fstat(0)):
        raise InvalidValue("FILE", f"{path} is no regular file, pipe or standard input")
