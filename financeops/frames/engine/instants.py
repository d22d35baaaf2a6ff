"""Microseconds since 1970 as times again, for rows that stay where the frame lives."""

from __future__ import annotations

from typing import Any

import narwhals as nw

from financeops.frames.engine.results import INSTANT
from financeops.frames.engine.schema import Names


def as_times(frame: nw.LazyFrame[Any], names: Names) -> nw.LazyFrame[Any]:
    """The frame with these columns of microseconds as times in UTC."""
    # narwhals knows no way from numbers to times for these two; their own SQL has one.
    if frame.implementation.is_duckdb():
        selected = _selected(frame, names, "make_timestamptz")
        return _lazy(frame.to_native().project(", ".join(selected)))
    if frame.implementation.is_pyspark():
        return _lazy(frame.to_native().selectExpr(*_selected(frame, names, "timestamp_micros")))
    return frame.with_columns(nw.col(name).cast(INSTANT) for name in names)


def _selected(frame: nw.LazyFrame[Any], names: Names, function: str) -> list[str]:
    return [
        f"{function}({name}) AS {name}" if name in names else name
        for name in frame.collect_schema().names()
    ]


def _lazy(native: Any) -> nw.LazyFrame[Any]:
    frame: nw.LazyFrame[Any] = nw.from_native(native).lazy()
    return frame
