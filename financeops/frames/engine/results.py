"""Turn the result of a query into exact Python values, and figures into a frame of a given kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import narwhals as nw

from financeops.core.errors import InvalidValue

Schema = Mapping[str, nw.dtypes.DType]

INTEGER = nw.Int64()
REAL = nw.Float64()
TEXT = nw.String()
INSTANT = nw.Datetime("us", "UTC")
FLAG = nw.Boolean()
DAY = nw.Date()

_SPARK_TYPES = {
    INTEGER: "bigint",
    REAL: "double",
    TEXT: "string",
    INSTANT: "timestamp",
    FLAG: "boolean",
    DAY: "date",
}

_NULLABLE_TYPES = {INTEGER: "Int64", FLAG: "boolean", DAY: "date32[pyarrow]"}

_ARROW_TYPES = {
    INTEGER: "int64[pyarrow]",
    REAL: "double[pyarrow]",
    TEXT: "string[pyarrow]",
    INSTANT: "timestamp[us, tz=UTC][pyarrow]",
    FLAG: "bool[pyarrow]",
    DAY: "date32[pyarrow]",
}


def collected(frame: nw.LazyFrame[Any]) -> dict[str, list[Any]]:
    """Run a query with a small result.

    Returns
    -------
    dict of str to list
        Columns as Python values: integers exact (`int`), null as None in every library.
    """
    answer = frame.collect()
    return {name: _values(answer[name]) for name in answer.columns}


def same_kind(
    given: nw.DataFrame[Any] | nw.LazyFrame[Any],
    columns: Mapping[str, Sequence[Any]],
    schema: Schema,
) -> Any:
    """A native frame of the same kind as another.

    Parameters
    ----------
    given : narwhals.DataFrame or narwhals.LazyFrame
        Gives the kind: pandas gives pandas, lazy Polars gives lazy Polars, and so on.
    columns : mapping of str to sequence
        Python values; None is null.
    schema : mapping of str to narwhals dtype
        Type of each column, in the order of the result; it also applies to no rows.

    Returns
    -------
    frame
        In pandas integers are ``int64``, or ``Int64`` where some are null; pandas frames with
        Arrow types give Arrow types.

    Raises
    ------
    InvalidValue
        When an integer does not fit 64 bits: a sum is exact or an error.
    """
    ordered = {name: list(columns[name]) for name in schema}
    for name, type_ in schema.items():
        if type_ == INTEGER and any(abs(value) >= 2**63 for value in ordered[name] if value):
            raise InvalidValue(name, "does not fit 64 bits")
    implementation = given.implementation
    if implementation.is_pyspark():
        return _spark(given.to_native(), ordered, schema)
    if implementation.is_pandas_like():
        return _pandas(given, ordered, schema)
    if implementation.is_duckdb():
        # A relation does not expose its connection, so it has to read an Arrow table itself: it
        # finds one by the name of this variable.
        financeops_result = _frame(ordered, schema, "pyarrow")  # noqa: F841
        names = ", ".join(f'"{name.replace(chr(34), chr(34) * 2)}"' for name in schema)
        relation = given.to_native()
        query = f"SELECT {names} FROM financeops_result"  # noqa: S608 - names are quoted
        return relation.query("financeops_payments", query)
    native = _frame(ordered, schema, implementation)
    return native.lazy() if isinstance(given, nw.LazyFrame) else native


def number(value: Decimal | None) -> float | None:
    """A rounded rate or average as the nearest float."""
    return None if value is None else float(value)


def numbers(values: Iterable[Any]) -> tuple[Any, ...]:
    """Values with the rates and averages among them as the nearest floats."""
    return tuple(float(value) if isinstance(value, Decimal) else value for value in values)


def _frame(columns: dict[str, list[Any]], schema: Schema, backend: Any) -> Any:
    return nw.from_dict(columns, schema=schema, backend=backend).to_native()


def _pandas(given: Any, columns: dict[str, list[Any]], schema: Schema) -> Any:
    # NumPy has no nulls for these types, and pandas has no dates: build them as objects.
    holes = {
        name: _NULLABLE_TYPES[type_]
        for name, type_ in schema.items()
        if type_ in _NULLABLE_TYPES and (type_ == DAY or None in columns[name])
    }
    kinds = {name: nw.Object() if name in holes else type_ for name, type_ in schema.items()}
    frame = _frame(columns, kinds, given.implementation).astype(holes)
    if any(type(dtype).__name__ == "ArrowDtype" for dtype in given.to_native().dtypes):
        frame = frame.astype({name: _ARROW_TYPES[type_] for name, type_ in schema.items()})
    return frame


def _spark(native: Any, columns: dict[str, list[Any]], schema: Schema) -> Any:
    rows = list(zip(*columns.values(), strict=True))
    types = ", ".join(f"`{name}` {_SPARK_TYPES[type_]}" for name, type_ in schema.items())
    return native.sparkSession.createDataFrame(rows, types)


def _values(column: nw.Series[Any]) -> list[Any]:
    values: list[Any] = column.to_list()
    dtype = column.dtype
    if (dtype.is_integer() or dtype == nw.String) and not column.implementation.is_pandas_like():
        return values
    return [_plain(value) for value in values]


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):  # DuckDB's sums are wider than 64 bits
        return int(value)
    if isinstance(value, float):
        return None if value != value else value  # noqa: PLR0124 - pandas says null with NaN
    if value is None or isinstance(value, int | str | date):
        return value
    return None if str(value) in {"<NA>", "NaT"} else value
