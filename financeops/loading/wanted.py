"""A selection of payments and their columns."""

from __future__ import annotations

from functools import reduce
from operator import and_

import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct

from financeops.arrow.tables import SCHEMA, UTC_TIME
from financeops.core.periods import Window


class Wanted(Struct, frozen=True, kw_only=True):
    """A selection of payments and columns; None stands for any."""

    window: Window
    status: str | None
    method: str | None
    currency: str | None
    columns: list[str]

    @property
    def needed(self) -> list[str]:
        """The wanted columns, and those that the selection is made by."""
        values = {"status": self.status, "method": self.method, "currency": self.currency}
        selecting = (name for name, value in values.items() if value)
        return list(dict.fromkeys([*self.columns, "created_at", *selecting]))

    def of(self, table: pa.Table) -> pa.Table:
        """The wanted payments and columns of a table that is sorted by time."""
        wanted = [
            pc.field(name) == value
            for name in ("status", "method", "currency")
            if (value := getattr(self, name)) is not None
        ]
        at, rows = pc.field("created_at"), table.num_rows
        if rows and table["created_at"][0].as_py() < self.window.start:
            wanted.append(at >= pa.scalar(self.window.start, UTC_TIME))
        if rows and table["created_at"][rows - 1].as_py() >= self.window.end:
            wanted.append(at < pa.scalar(self.window.end, UTC_TIME))
        # Filtering a million rows without need takes a quarter of a second.
        return (table.filter(reduce(and_, wanted)) if wanted else table).select(self.columns)


def all_in(window: Window) -> Wanted:
    """All payments in a window, with all columns."""
    return Wanted(
        window=window, status=None, method=None, currency=None, columns=list(SCHEMA.names)
    )
