"""Rows and tables, the same for every file format."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple

from financeops.core.errors import InvalidValue

MAX_DEPTH = 100
"""Levels of nested lists and objects; a payment has none, and functions on rows are recursive."""


class Format(StrEnum):
    """File formats that can be imported."""

    CSV = "csv"
    NDJSON = "ndjson"
    PARQUET = "parquet"


class Row(NamedTuple):
    """One row: its `values` by column, or its `problem`.

    `number` is its line (in Parquet its row), from 1. `end` is how far the file has been read.
    """

    number: int
    end: int
    original: str | None
    values: Mapping[str, Any] | None
    problem: str | None = None

    def text(self) -> str:
        """Return the row as it is in the file, or as JSON if the file is not text."""
        if self.original is not None:
            return self.original
        return json.dumps(self.values, default=str, ensure_ascii=False)


@dataclass(frozen=True, kw_only=True)
class Table:
    """An open file: its `columns` (None: each row has its own), its size, its rows.

    `minor_units` are the columns that the file itself marks as being in minor units, `numbers` those
    of which it says that they hold numbers, not texts.
    """

    columns: tuple[str, ...] | None
    total: int
    rows: Iterator[Row]
    minor_units: frozenset[str] = frozenset()
    numbers: frozenset[str] = frozenset()

    def peeked(self, count: int) -> tuple[list[Row], Table]:
        """Return the first rows, and the table with all of its rows still to come."""
        first = list(islice(self.rows, count))
        return first, replace(self, rows=chain(first, self.rows))


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How to read a file.

    Parameters
    ----------
    format : Format
    delimiter : str, optional
        Of CSV: one character or `delimiters.WHITESPACE`; default: the one that splits the first
        line into known columns.
    columns : sequence of str, optional
        Column names of a CSV file without a header.
    encoding : str
        Of text files; an extension of ASCII.
    familiar : frozenset of str
        Columns that files may have, besides those of payments: they help to find the delimiter.
    """

    format: Format
    delimiter: str | None = None
    columns: Sequence[str] | None = None
    encoding: str = "utf-8"
    familiar: frozenset[str] = frozenset()


def check_names(columns: Sequence[str], path: Path) -> None:
    """Refuse two columns of one name, which would be ambiguous. Columns may have no name."""
    names = [name for name in columns if name.strip()]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InvalidValue("FILE", f"{path} has the column {twice!r} twice")
