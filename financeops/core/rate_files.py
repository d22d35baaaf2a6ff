"""Rates in files: the European Central Bank's history, and plain ones.

The first has the columns Date, USD, JPY, …, all against the euro, with ``N/A`` where there is no rate.
Plain ones have the columns ``date``, ``base``, ``quote``, ``rate``, perhaps ``source``.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator

from financeops.core.errors import InvalidValue
from financeops.core.rates import (
    Rate,
    check_currency_of_rate,
    check_pair,
    check_source,
    day_in,
    rate_of,
)

ECB = "ecb"
"""The source of the European Central Bank's rates, unless another is named."""

_ECB_BASE, _UNKNOWN = "EUR", "N/A"
_PLAIN = ["date", "base", "quote", "rate"]
_Row = tuple[int, list[str]]


def read_rates(lines: Iterable[str], *, source: str | None = None) -> list[Rate]:
    """The rates of a file, oldest first.

    Parameters
    ----------
    lines : iterable of str
        The text of the file.
    source : str, optional
        Who says so. It must be named unless the file names it or has the form of the European Central
        Bank's; it cannot be named twice.

    Raises
    ------
    InvalidValue
        Naming line and column of the first thing that is wrong: nothing is taken of such a file.

    Examples
    --------
    >>> file = ["Date,USD,JPY,", "2026-11-20,1.09,N/A,"]
    >>> [(rate.base, rate.quote, str(rate.rate)) for rate in read_rates(file)]
    [('EUR', 'USD', '1.09')]
    """
    if source is not None:
        check_source(source)
    rows = _rows(lines)
    _, header = next(rows, (1, []))
    names = [name.strip() for name in header]
    if names and not names[-1]:  # the bank's lines end with a comma
        names.pop()
    if names[:1] == ["Date"]:
        found = _of_bank(names, rows, source or ECB)
    elif names in (_PLAIN, [*_PLAIN, "source"]):
        found = _plain(names, rows, source)
    else:
        raise InvalidValue(
            "line 1",
            "must name the columns Date,USD,JPY,… or date,base,quote,rate, perhaps with source",
        )
    return _each_once(found)


def _rows(lines: Iterable[str]) -> Iterator[_Row]:
    reader = csv.reader(lines, strict=True)
    try:
        for row in reader:
            if row:
                yield reader.line_num, row
    except csv.Error as error:
        raise InvalidValue(f"line {reader.line_num}", f"is not CSV: {error}") from None


def _of_bank(names: list[str], rows: Iterable[_Row], source: str) -> Iterator[tuple[str, Rate]]:
    quotes = names[1:]
    for place, quote in enumerate(quotes):
        where = _where(1, quote or str(place + 2))
        check_currency_of_rate(quote, where)
        check_pair(_ECB_BASE, quote, where)
        if quote in quotes[:place]:
            raise InvalidValue(where, "is the name of two columns")
    for line, row in rows:
        cells = _cells(line, row, names)
        day = day_in(cells[0], _where(line, "Date"))
        for quote, cell in zip(quotes, cells[1:], strict=True):
            if cell != _UNKNOWN:
                where = _where(line, quote)
                rate = rate_of(cell, where)
                yield where, Rate(date=day, base=_ECB_BASE, quote=quote, rate=rate, source=source)


def _plain(
    names: list[str], rows: Iterable[_Row], source: str | None
) -> Iterator[tuple[str, Rate]]:
    named = "source" in names
    if named == (source is not None):
        problem = "is in the file too: name it once" if named else "must be named: who says so?"
        raise InvalidValue("source", problem)
    for line, row in rows:
        cell = dict(zip(names, _cells(line, row, names), strict=True))
        where = {name: _where(line, name) for name in names}
        base = check_currency_of_rate(cell["base"], where["base"])
        quote = check_currency_of_rate(cell["quote"], where["quote"])
        check_pair(base, quote, where["quote"])
        yield (
            where["rate"],
            Rate(
                date=day_in(cell["date"], where["date"]),
                base=base,
                quote=quote,
                rate=rate_of(cell["rate"], where["rate"]),
                source=source or check_source(cell["source"], where["source"]),
            ),
        )


def _each_once(found: Iterable[tuple[str, Rate]]) -> list[Rate]:
    rates: dict[tuple[object, ...], tuple[str, Rate]] = {}
    for where, rate in found:
        key = (rate.date, rate.source, rate.base, rate.quote)
        if key in rates:
            pair = f"{rate.base} in {rate.quote} on {rate.date}"
            raise InvalidValue(where, f"{pair} is given twice, first in {rates[key][0]}")
        rates[key] = where, rate
    return [rate for _, (_, rate) in sorted(rates.items())]


def _cells(line: int, row: list[str], names: list[str]) -> list[str]:
    cells = [cell.strip() for cell in row]
    if len(cells) == len(names) + 1 and not cells[-1]:
        cells.pop()
    if len(cells) != len(names):
        raise InvalidValue(f"line {line}", f"has {len(cells)} columns instead of {len(names)}")
    return cells


def _where(line: int, column: str) -> str:
    return f"line {line}, column {column}"
