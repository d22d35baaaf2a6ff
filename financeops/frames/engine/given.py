"""A frame of payments: wrapped and checked once, then passed on.

Every function on frames begins with `payments_of`, naming the columns that it needs, and ends with
`Payments.same_kind`, which turns its rows into a frame of the caller's kind.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Generic, NamedTuple

import narwhals as nw
from narwhals.typing import IntoFrameT

from financeops.core.columns import PAYMENTS
from financeops.core.errors import InvalidValue
from financeops.core.fields import Kind
from financeops.frames.engine.native import known_frame, names_of, only_once
from financeops.frames.engine.results import TEXT, Schema, collected, same_kind
from financeops.frames.engine.schema import (
    Names,
    checks_of,
    group_type,
    refuse_values,
    type_problem,
)


class Payments(NamedTuple, Generic[IntoFrameT]):
    """The columns of a frame that a function needs, their names and types checked.

    `whole` is what the caller passed, wrapped. `frame` has the `columns` needed and no others:
    amounts as Int64 minor units, and **instants as Int64 microseconds since 1970-01-01 UTC**,
    because arithmetic on integers is the same in every library and arithmetic on times is not
    (`financeops.frames.engine.clock`). Columns to group by are called ``by_0``, ``by_1``, … in it,
    so that no name is taken twice; `by` has the caller's names of them, and `groups` the types of
    the currency and of them in a result.
    """

    whole: nw.DataFrame[Any] | nw.LazyFrame[Any]
    frame: nw.LazyFrame[Any]
    columns: Names
    by: Names
    groups: Schema

    @property
    def keys(self) -> Names:
        """Names in `frame` of the columns to group by."""
        return _keys(self.by)

    def same_kind(self, rows: Iterable[Sequence[Any]], schema: Schema) -> IntoFrameT:
        """A frame of the caller's kind, of rows with a value for each column of the schema."""
        table = list(rows)
        columns = {name: [row[n] for row in table] for n, name in enumerate(schema)}
        frame: IntoFrameT = same_kind(self.whole, columns, schema)
        return frame


def payments_of(
    payments: IntoFrameT,
    *columns: str,
    by: str | Iterable[str] = (),
    optional: Names = (),
) -> Payments[IntoFrameT]:
    """Wrap a frame of payments and check the names and types of columns; no pass over the data.

    Parameters
    ----------
    payments : frame
        pandas, Polars (eager or lazy), PyArrow table, DuckDB relation, PySpark, or any other frame
        that narwhals knows.
    *columns : str
        Columns needed: fields of `financeops.core.payments.Payment`.
    by : str or iterable of str
        Columns to group by: any columns of the frame.
    optional : tuple of str
        Columns that are needed where the frame has them.

    Returns
    -------
    Payments

    Raises
    ------
    InvalidValue
        When it is not a frame, or a column is missing, there twice or of a wrong type (a float amount,
        a time without a zone); the error names it.
    """
    names = (by,) if isinstance(by, str) else tuple(by)
    known = names_of(payments)
    _check_names(payments, known, names)
    _check_groups(names)
    columns = (*columns, *(name for name in optional if name in known))
    _check_names(payments, known, columns)
    whole = known_frame(payments, [*columns, *names])
    frame: nw.LazyFrame[Any] = whole.lazy()
    schema = frame.collect_schema()
    nothing = _of_nulls_only(frame, columns, names, schema)
    if nothing:
        frame = frame.with_columns(*(null.alias(name) for name, null in nothing.items()))
        schema = frame.collect_schema()
    for column in columns:
        if column not in nothing and (problem := type_problem(column, schema[column])):
            raise InvalidValue(column, problem)
    types = {name: _group_type(name, schema[name]) for name in names}
    frame = _with_micros(frame, columns, names, schema).select(
        *(_cast(name, schema[name]) for name in columns),
        *(nw.col(key).cast(types[name]) for key, name in zip(_keys(names), names, strict=True)),
    )
    in_result = {name: TEXT if name in nothing else types[name] for name in names}
    return Payments(whole, frame, columns, names, {"currency": TEXT, **in_result})


def checked(given: Payments[Any]) -> nw.LazyFrame[Any]:
    """The columns of a frame of payments, their values checked in one pass over them; text as String.

    Functions that find wrong values in the results of folding do without this pass.

    Raises
    ------
    InvalidValue
        When a column has nulls where none may be, an unknown status, a negative amount or an
        instant before 1970 or after 2099, or when all amounts add up to more than 2**62.
    """
    frame, columns = given.frame, given.columns
    checks = [check for column in columns for check in checks_of(column)]
    found = collected(frame.select(*checks)) if checks else {}
    for column in columns:
        refuse_values(column, found)
    return frame.select(
        *(
            nw.col(name).cast(nw.String) if PAYMENTS[name].kind is Kind.TEXT else nw.col(name)
            for name in columns
        ),
        *map(nw.col, given.keys),
    )


def _keys(by: Names) -> Names:
    return tuple(f"by_{n}" for n in range(len(by)))


def _check_names(payments: Any, known: Sequence[str], names: Names) -> None:
    for name in names:
        if name in known:
            continue
        if name in PAYMENTS and PAYMENTS[name].json in known:
            raise InvalidValue(
                name,
                f"is missing: the frame has an export's {PAYMENTS[name].json}, "
                "and fo.read gives the canonical names",
            )
        raise InvalidValue(name, f"is missing: the frame has {', '.join(map(str, known))}")
    only_once(payments, names)


def _check_groups(by: Names) -> None:
    for name in by:
        if name == "currency":
            raise InvalidValue("by", "must not name currency: figures are per currency anyway")
        if by.count(name) > 1:
            raise InvalidValue("by", f"must not name {name} more than once")


def _group_type(name: str, dtype: nw.dtypes.DType) -> nw.dtypes.DType:
    found = group_type(dtype)
    if found is None:
        raise InvalidValue(name, f"must be text, integers, booleans or dates, not {dtype}")
    return found


def _of_nulls_only(
    frame: nw.LazyFrame[Any], columns: Names, by: Names, schema: nw.Schema
) -> dict[str, nw.Expr]:
    """Nulls of the right type for each column that contains nothing but nulls of a wrong one.

    In most libraries nulls have no type: a column of them is one of floats, of objects or of times
    without a zone. Only columns of a wrong type are queried.
    """
    nullable = [name for name in (*columns, *by) if name in PAYMENTS and PAYMENTS[name].nullable]
    wrong = [name for name in nullable if type_problem(name, schema[name])]
    wrong += [name for name in by if group_type(schema[name]) is None]
    wrong = list(dict.fromkeys(wrong))
    if not wrong:
        return {}
    counts = (nw.col(name).count().alias(f"_{n}") for n, name in enumerate(wrong))
    found = collected(frame.select(*counts))
    # NumPy has no integers that are null.
    number = nw.Float64() if frame.implementation.is_pandas_like() else nw.Int64()
    return {
        name: nw.lit(None, dtype=number if _is_number(name, columns) else nw.String())
        for n, name in enumerate(wrong)
        if not found[f"_{n}"][0]
    }


def _is_number(name: str, columns: Names) -> bool:
    return name in columns and PAYMENTS[name].kind in (Kind.INSTANT, Kind.INTEGER)


def _with_micros(
    frame: nw.LazyFrame[Any], columns: Names, by: Names, schema: nw.Schema
) -> nw.LazyFrame[Any]:
    """These columns, instants as microseconds since 1970 UTC, and those of `by` renamed."""
    timed = [name for name in columns if isinstance(schema[name], nw.Datetime)]
    others = [(name, name) for name in columns if name not in timed]
    others += zip(by, _keys(by), strict=True)
    # narwhals has no epoch for these two; their own SQL has one, independent of the session's zone.
    if frame.implementation.is_duckdb():
        selected = [f"{_quoted(name)} AS {alias}" for name, alias in others]
        selected += [f"epoch_us({name}) AS {name}" for name in timed]
        return _relation(frame.to_native().project(", ".join(selected)))
    if frame.implementation.is_pyspark():
        selected = [f"{_quoted(name, '`')} AS {alias}" for name, alias in others]
        selected += [f"unix_micros({name}) AS {name}" for name in timed]
        return _relation(frame.to_native().selectExpr(*selected))
    return frame.select(
        *(nw.col(name).alias(alias) for name, alias in others),
        *(nw.col(name).dt.timestamp("us") for name in timed),
    )


def _relation(native: Any) -> nw.LazyFrame[Any]:
    frame: nw.LazyFrame[Any] = nw.from_native(native).lazy()
    return frame


def _quoted(name: str, quote: str = '"') -> str:
    """A name quoted for SQL."""
    return quote + name.replace(quote, 2 * quote) + quote


def _cast(column: str, dtype: nw.dtypes.DType) -> nw.Expr:
    if PAYMENTS[column].kind is Kind.INTEGER and dtype.is_integer() and dtype != nw.Int64:
        return nw.col(column).cast(nw.Int64)
    return nw.col(column)
