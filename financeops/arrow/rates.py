"""The table of exchange rates, on Arrow."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

from financeops.core.rates import RATE_DECIMALS, RATE_DIGITS, Rate

RATE = pa.decimal128(RATE_DIGITS, RATE_DECIMALS)
"""Rates have all their digits."""

RATES = pa.schema(
    [
        pa.field("date", pa.date32(), nullable=False),
        pa.field("base", pa.string(), nullable=False),
        pa.field("quote", pa.string(), nullable=False),
        pa.field("rate", RATE, nullable=False),
        pa.field("source", pa.string(), nullable=False),
    ]
)
"""One row per rate: one unit of ``base`` is ``rate`` units of ``quote``, as ``source`` says."""


def rates_table(rates: Iterable[Rate]) -> pa.Table:
    """Rates as a table, by day, source, base and quote."""
    ordered = sorted(rates, key=lambda rate: (rate.date, rate.source, rate.base, rate.quote))
    columns = {name: [getattr(rate, name) for rate in ordered] for name in RATES.names}
    return pa.table(columns, schema=RATES)
