"""The content of a row, independent of its file format and of how it is mapped."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, date
from decimal import Decimal
from functools import lru_cache
from typing import Any

from financeops.cli.importing.times import moment_of
from financeops.core.money import significant

# Not 007, +7, .5 or 1,000: these are texts, and 007 may be another id than 7.
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]{1,4})?")
_LONGEST_NUMBER = 100
_SHORTEST_TIME = len("20260501")
_TRUTHS = {"true": "true", "True": "true", "TRUE": "true"} | {
    "false": "false",
    "False": "false",
    "FALSE": "false",
}

_encode = json.JSONEncoder(separators=(",", ":")).encode


def content_of(values: Mapping[str, Any]) -> bytes:
    """Return the canonical form of a row: equal for equal rows of any format.

    It does not depend on ``--map``, ``--default``, ``--timezone`` or any other option, so that a
    row is recognised when these change.

    Parameters
    ----------
    values : mapping of str to value
        By column: texts of CSV; numbers, texts, booleans, lists and objects of NDJSON; dates and
        times of Parquet as well.

    Returns
    -------
    bytes
        Pairs of column and canonical text, sorted by column. The order of columns does not matter.
        Columns without a name and values that are missing, empty or blank are left out. Numbers are
        equal by value: 7, ``7.0`` and ``7e0``; 18.5 and ``18.50``. Whatever can be read as a time
        without ``--date-format`` is a time: ``2026-05-01``, ``20260501``, a Parquet date; without
        an offset it is taken as UTC, because the zone is an option. Other texts are compared
        character by character, without blanks around them.

    Examples
    --------
    >>> content_of({"amount": "18.50", "day": "2026-05-01", "note": " "})
    b'[["amount","185e-1"],["day","2026-05-01T00:00:00Z"]]'
    >>> content_of({"day": date(2026, 5, 1), "amount": 18.5}) == _
    True
    """
    pairs = sorted(
        (column.strip(), text)
        for column, value in values.items()
        if (text := _canonical(value)) and column.strip()
    )
    return _encode(pairs).encode()


def _canonical(value: Any) -> str:
    """Return the text of a value, the same for all its forms; empty for no value."""
    match value:
        case str():
            return _of_text(value.strip())
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float():
            return _of_number(Decimal(repr(value)))
        case int() | Decimal():
            return _of_number(Decimal(value))
        case date():  # a datetime is one
            return _of_time(value) or value.isoformat()
        case bytes():
            return value.hex()
        case Mapping():
            return content_of(value).decode()
        case list() | tuple():
            return _encode([_canonical(each) for each in value])
        case _:
            return str(value)


@lru_cache(maxsize=8192)  # methods, statuses, currencies and customers repeat
def _of_text(text: str) -> str:
    if text in _TRUTHS:
        return _TRUTHS[text]
    if not text[:1].isdigit() and text[:1] != "-":
        return text
    if len(text) <= _LONGEST_NUMBER and _NUMBER.fullmatch(text):
        return _of_number(Decimal(text))
    return (len(text) >= _SHORTEST_TIME and _of_time(text)) or text


def _of_number(number: Decimal) -> str:
    if number.is_nan():
        return ""
    if not number.is_finite():
        return str(number)
    if number.adjusted() + 1 >= _SHORTEST_TIME and (time := _of_time(number)):
        return time
    digits, power = significant(number)
    return f"{digits}e{power}"


def _of_time(value: date | Decimal | str) -> str | None:
    """Return what can be read as a time as UTC text, None for anything else."""
    try:
        moment = moment_of(value)
        aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
        return f"{aware.astimezone(UTC).replace(tzinfo=None).isoformat()}Z"
    except (ValueError, OverflowError, ArithmeticError):
        return None
