"""What files are made of, whatever their format."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

from financeops.core.errors import InvalidValue

MAX_DEPTH = 100
"""Lists and objects in one another; a payment has none. What works with rows calls itself for each."""


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
    """A file that is open: its `columns` (None: each row has its own), its size, its rows.

    `minor_units` are columns that say of themselves that they are in minor units.
    """

    columns: tuple[str, ...] | None
    total: int
    rows: Iterator[Row]
    minor_units: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How a file is to be read.

    Parameters
    ----------
    format : Format
    delimiter : str, optional
        Of CSV: one character or `delimiters.WHITESPACE`; default: the one that separates the
        first line into columns that are known.
    columns : sequence of str, optional
        Column names of a CSV file without a header.
    encoding : str
        Of text files; ASCII must be a part of it.
    """

    format: Format
    delimiter: str | None = None
    columns: Sequence[str] | None = None
    encoding: str = "utf-8"


def check_names(columns: Sequence[str], path: Path) -> None:
    """Refuse two columns of one name: nobody knows which is meant. Any number may have none."""
    names = [name for name in columns if name.strip()]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InvalidValue("FILE", f"{path} has the column {twice!r} twice")
