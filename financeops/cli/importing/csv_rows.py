"""Rows of a CSV file."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO

from financeops.cli.importing.delimiters import WHITESPACE, found_in_header, found_in_rows
from financeops.cli.importing.lines import Line, lines_of
from financeops.cli.importing.rows import Layout, Row, Table, check_names
from financeops.core.columns import Form, form_of
from financeops.core.csv_guard import unguard
from financeops.core.errors import InvalidValue

_SAMPLE = 20  # lines


def csv_table(
    file: BinaryIO, path: Path, layout: Layout, needed: Sequence[str], *, size: int
) -> Table:
    """Read a CSV file as a table; texts of a FinanceOps export lose their guard."""
    lines = lines_of(file, encoding=layout.encoding)
    sample = list(islice(lines, _SAMPLE))
    if not sample:
        return Table(columns=None, total=0, rows=iter(()))
    delimiter = layout.delimiter or _found(sample, layout, needed)
    records = _records(chain(sample, lines), delimiter)
    if layout.columns is not None:
        columns = tuple(layout.columns)
    else:
        (first, *_), header, problem = next(records)
        if header is None:
            why = f"it {problem}" if first.problem else problem
            raise InvalidValue("FILE", f"{path} has no readable header line: {why}")
        columns = tuple(name.strip() for name in header)
    check_names(columns, path)
    guarded = form_of(columns) is Form.EXPORT
    rows = _rows(records, columns, guarded=guarded)
    named = tuple(filter(None, columns))
    return Table(columns=named, total=size, rows=rows)


def _found(sample: Sequence[Line], layout: Layout, needed: Sequence[str]) -> str:
    texts = [line.text for line in sample if not line.problem]
    if layout.columns is not None:
        return found_in_rows(texts, len(layout.columns))
    return found_in_header(sample[0].text, needed, layout.familiar)


_Record = tuple[list[Line], list[str] | None, str | None]


def _records(lines: Iterator[Line], delimiter: str) -> Iterator[_Record]:
    """Give the lines of each record with its fields, or with its problem."""
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
            # A stray quote swallows the lines after it: refuse only the first and read the others again.
            first, *others = source.take()
            source.give_back(others)
            why = str(error)
            if why.startswith("new-line character"):  # the rest is about the internals of Python
                why = "ends with a carriage return alone: a line feed must follow"
            yield [first], None, first.problem or why
        else:
            yield source.take(), fields, None


class _BadLine(Exception):
    """A line that is not text, inside what looks like one record."""


class _Replay:
    """Feeds lines to the csv module, remembers them, and can feed some again."""

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
            raise _BadLine("a quoted field has no closing quote")
        return line.text + "\n"

    def take(self) -> list[Line]:
        """Return the lines that were fed since the last call."""
        taken, self._taken = self._taken, []
        return taken

    def give_back(self, lines: Sequence[Line]) -> None:
        """Feed these lines next."""
        self._again.extendleft(reversed(lines))


def _rows(records: Iterator[_Record], columns: tuple[str, ...], *, guarded: bool) -> Iterator[Row]:
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
            texts = map(unguard, fields) if guarded else fields
            values = {name: text for name, text in zip(columns, texts, strict=True) if name}
            yield row._replace(values=values)
