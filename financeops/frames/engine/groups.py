"""Values of a whole group beside each of its rows."""

from __future__ import annotations

from typing import Any

import narwhals as nw

from financeops.frames.engine.schema import Names


def with_least(frame: nw.LazyFrame[Any], name: str, *, of: Names, alias: str) -> nw.LazyFrame[Any]:
    """The frame with the least value of a column in each row's group.

    Parameters
    ----------
    frame : narwhals.LazyFrame
    name : str
        The column.
    of : tuple of str
        Columns, without nulls, whose values make a group.
    alias : str
        Name of the new column.

    Returns
    -------
    narwhals.LazyFrame
        Its rows may be in another order.
    """
    least = nw.col(name).min()
    if not frame.implementation.is_pyarrow():
        return frame.with_columns(least.over(*of).alias(alias))
    # For a window narwhals joins, too, but takes the answer for being in the frame's order, which Arrow's
    # threads do not keep if the table has several chunks.
    return frame.join(frame.group_by(*of).agg(least.alias(alias)), on=list(of))
