"""Selected payments of a table, and what must be known of each to tell."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import and_

import pyarrow as pa
import pyarrow.compute as pc

from financeops.arrow.tables import UTC_TIME
from financeops.core.selection import Selection

_LOOKED_AT = ("status", "method", "currency")


def needed_columns(selection: Selection, columns: Sequence[str]) -> list[str]:
    """Columns that `filtered` looks at, and those that it gives."""
    looked_at = [name for name in _LOOKED_AT if getattr(selection, name) is not None]
    return list(dict.fromkeys([*columns, "created_at", *looked_at]))


def filtered(table: pa.Table, selection: Selection, columns: Sequence[str]) -> pa.Table:
    """Columns of the selected payments of a table that is in the order of time."""
    wanted = [
        pc.field(name) == str(value)
        for name in _LOOKED_AT
        if (value := getattr(selection, name)) is not None
    ]
    at, rows, window = pc.field("created_at"), table.num_rows, selection.window
    if rows and table["created_at"][0].as_py() < window.start:
        wanted.append(at >= pa.scalar(window.start, UTC_TIME))
    if rows and table["created_at"][rows - 1].as_py() >= window.end:
        wanted.append(at < pa.scalar(window.end, UTC_TIME))
    # To look at a million rows for nothing takes a quarter of a second.
    return (table.filter(reduce(and_, wanted)) if wanted else table).select(columns)
