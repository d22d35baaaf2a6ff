"""How the amounts of a file are written: decided for each column by what can be read in one way only."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from financeops.cli.importing.amounts import Separator, separators_of
from financeops.cli.importing.rows import Row
from financeops.core.errors import InvalidValue

OPTION = "--decimal"


def separators_in(
    rows: Iterable[Row], amounts: Callable[[Mapping[str, Any]], Collection[str]]
) -> dict[str, Separator]:
    """What separates the decimals in each column of amounts that has any separators.

    Parameters
    ----------
    rows : iterable of Row
        Read until every column has told.
    amounts : callable
        Columns of amounts among those of a row.

    Raises
    ------
    InvalidValue
        Naming ``--decimal``, when all that a column has can be read in two ways: ``1,234``.

    Examples
    --------
    >>> rows = [Row(n, n, None, {"a": text}) for n, text in enumerate(["1,234", "0,50"])]
    >>> separators_in(rows, lambda values: values)
    {'a': <Separator.COMMA: 'comma'>}
    """
    found: dict[str, Separator] = {}
    unclear: dict[str, tuple[int, str]] = {}
    for row in rows:
        if row.values is None:
            continue
        columns = amounts(row.values)
        for column in columns:
            if column in found:
                continue
            told = separators_of(row.values.get(column))
            if len(told) == 1:
                (found[column],) = told
            elif told:
                unclear.setdefault(column, (row.number, str(row.values[column]).strip()))
        if found and all(column in found for column in columns):
            break
    for column, (line, text) in unclear.items():
        if column not in found:
            raise InvalidValue(
                OPTION,
                f"is required, point or comma: {text[:50]!r} in line {line} may mean two amounts, and "
                f"no other in the column {column!r} tells which",
            )
    return found
