"""Exchange rates in a frame of any library."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import narwhals as nw

from financeops.core.errors import InvalidValue
from financeops.core.rates import (
    Rate,
    check_currency_of_rate,
    check_rate,
    check_source,
    day_in,
    rate_of,
)
from financeops.frames.engine.native import known_frame, names_of, only_once

_NEEDED = ("date", "base", "quote", "rate")


def rates_in(rates: Any, quotes: Collection[str], *, source: str | None) -> list[Rate]:
    """The rates in these currencies, exactly; those without a column ``source`` are of `source`.

    Raises
    ------
    InvalidValue
        When it is not a frame of rates, naming the column.
    """
    known = names_of(rates)
    for name in _NEEDED:
        if name not in known:
            raise InvalidValue(name, f"is missing: the rates have {', '.join(known)}")
    if "source" not in known and source is None:
        raise InvalidValue("source", "must be named: the rates have no such column")
    names = [*_NEEDED, *(["source"] if "source" in known else [])]
    only_once(rates, names)
    frame = known_frame(rates, names).lazy().select(*names)
    if frame.collect_schema()["rate"].is_float():
        raise InvalidValue(
            "rate",
            "must be decimals or text, not floats, which are rounded: fo.read_rates gives them",
        )
    table = (
        frame.filter(nw.col("quote").cast(nw.String).is_in(sorted(quotes)))
        .collect()
        .to_arrow()
        .to_pydict()
    )
    sources = table.get("source", [source] * len(table["rate"]))
    columns = (table[name] for name in _NEEDED)
    return [
        Rate(
            date=_day(day),
            base=check_currency_of_rate(str(base), "base"),
            quote=quote,
            rate=_rate(rate),
            source=check_source(str(said)),
        )
        for day, base, quote, rate, said in zip(*columns, sources, strict=True)
    ]


def _day(value: Any) -> date:
    if isinstance(value, datetime):  # pandas has no other type for days
        if value.tzinfo is not None or value.time() != time():
            raise InvalidValue("date", f"must be days, not {value}")
        value = value.date()
    return day_in(str(value))


def _rate(value: Any) -> Decimal:
    if isinstance(value, str):
        return rate_of(value)
    if isinstance(value, int | Decimal):
        return check_rate(Decimal(value))
    raise InvalidValue("rate", f"must be decimals or text, not {value!r}")
