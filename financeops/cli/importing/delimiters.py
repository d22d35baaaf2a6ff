"""Which character separates the columns of a CSV file."""

from __future__ import annotations

import csv
from collections.abc import Collection, Mapping, Sequence

from financeops.core.columns import PAYMENTS
from financeops.core.errors import InvalidValue

WHITESPACE = "whitespace"

_DELIMITERS = (",", ";", "\t", "|")
_NAMED = {"tab": "\t", "\\t": "\t", "space": " ", WHITESPACE: WHITESPACE}
_KNOWN = {*PAYMENTS, *(column.json for column in PAYMENTS.values())}


def delimiter_of(text: str) -> str:
    """Parse a delimiter as the command line gives it: ``;``, ``tab``, ``whitespace``."""
    delimiter = _NAMED.get(text, text)
    if delimiter != WHITESPACE and (len(delimiter) != 1 or delimiter in '\r\n"'):
        raise InvalidValue("--delimiter", "must be one character, 'tab' or 'whitespace'")
    return delimiter


def found_in_header(
    header: str, needed: Collection[str], familiar: Collection[str] = frozenset()
) -> str:
    """Find the delimiter that splits a header into most of the `needed`, known and familiar columns.

    Raises
    ------
    InvalidValue
        Naming ``--delimiter``, when two do so equally well.
    """
    splits = {one: [name.strip() for name in _split(header, one)] for one in _DELIMITERS}
    return _best(
        splits,
        {
            one: tuple(sum(name in there for name in names) for there in (needed, _KNOWN, familiar))
            for one, names in splits.items()
        },
    )


def found_in_rows(lines: Sequence[str], columns: int) -> str:
    """Find the delimiter that splits the first lines of a file into `columns` fields.

    Raises
    ------
    InvalidValue
        Naming ``--delimiter``, when two do so equally well.
    """
    splits = {one: [_split(line, one) for line in lines] for one in _DELIMITERS}
    fits = {one: sum(len(row) == columns for row in rows) for one, rows in splits.items()}
    return _best(splits, {one: (count,) for one, count in fits.items()})


def _split(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:  # a field that is too long
        return []


def _best(splits: Mapping[str, object], worths: Mapping[str, tuple[int, ...]]) -> str:
    first, second, *_ = sorted(worths, key=worths.__getitem__, reverse=True)
    if worths[first] == worths[second] and any(worths[first]) and splits[first] != splits[second]:
        raise InvalidValue(
            "--delimiter", f"is required: {first!r} and {second!r} could both separate the columns"
        )
    return first
