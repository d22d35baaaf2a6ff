"""Rows of an NDJSON file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec

from financeops.cli.importing.floats import Double
from financeops.cli.importing.lines import Line
from financeops.cli.importing.rows import MAX_DEPTH, Row
from financeops.core import wire


class _KeyTwice(Exception):
    """An object in which a name is repeated, so that its value is ambiguous."""


def ndjson_rows(lines: Iterator[Line]) -> Iterator[Row]:
    """Read lines as rows, each a JSON object; numbers with a point or an exponent are a `Double`."""
    for line in lines:
        values, problem = (None, line.problem) if line.problem else _values(line.text)
        yield Row(line.number, line.end, line.text, values, problem)


def _values(text: str) -> tuple[dict[str, Any] | None, str | None]:
    try:
        # The first is strict but keeps the last of two equal keys; the second is lax but shows both.
        wire.decode(text)
        values = _decode(text)
    except _KeyTwice as error:
        return None, f"{error}: is given twice"
    except RecursionError:
        return None, "is nested too deeply"
    except (msgspec.DecodeError, ValueError) as error:  # UnicodeError is a ValueError
        return None, f"is not JSON: {error}"
    if not isinstance(values, dict):
        return None, "is not a JSON object"
    if _is_deep(values):
        return None, "is nested too deeply"
    return values, None


def _is_deep(values: dict[str, Any]) -> bool:
    level: list[Any] = [values]
    for _ in range(MAX_DEPTH):
        inside = (each.values() if isinstance(each, dict) else each for each in level)
        level = [each for part in inside for each in part if isinstance(each, (dict, list))]
        if not level:
            return False
    return True


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(members)
    if len(values) < len(members):
        names = [name for name, _ in members]
        raise _KeyTwice(next(name for name in names if names.count(name) > 1))
    return values


_decode = json.JSONDecoder(object_pairs_hook=_object, parse_float=Double).decode
