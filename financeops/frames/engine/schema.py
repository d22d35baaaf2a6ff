"""The canonical frame of payments, and what a frame must be to count as one.

One row per payment, columns named as the fields of `financeops.core.payments.Payment`. A function
asks for the columns it needs; the others may be missing. A frame with a wrong column is refused
with an error that names the column.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import narwhals as nw

from financeops.core.choices import choice_of
from financeops.core.columns import PAYMENTS
from financeops.core.errors import InvalidValue
from financeops.core.fields import Kind
from financeops.core.payments import Status
from financeops.frames.engine.clock import check_instants
from financeops.frames.engine.native import known_frame, names_of, only_once
from financeops.frames.engine.results import TEXT, collected

Names = tuple[str, ...]


_TEXTS = (nw.String, nw.Categorical, nw.Enum)

SPLIT = 2**31
"""Sums overflow silently in most libraries: the higher halves of the numbers tell, or both are added."""


def payments_of(payments: Any, *columns: str, by: Names = ()) -> nw.LazyFrame[Any]:
    """The named columns of a frame of payments, checked, ready to be computed with anywhere.

    Parameters
    ----------
    payments : frame
        pandas, Polars (eager or lazy), PyArrow table, DuckDB relation, PySpark, or whatever else
        narwhals knows.
    *columns : str
        Names in `PAYMENTS`.
    by : tuple of str
        Columns to group by, as of `check_by`: they come as ``by_0``, ``by_1``, …, see `typed`.

    Returns
    -------
    narwhals.LazyFrame
        The columns asked for and no others: text as String, amounts as Int64 minor units, and
        **instants as Int64 microseconds since 1970-01-01 UTC**, for arithmetic on integers is
        the same in every library where that on times is not (`financeops.frames.engine.clock`).

    Raises
    ------
    InvalidValue
        When a column is missing, of a wrong type (a float amount, a time without a zone), has
        nulls where none may be, an unknown status, a negative amount or an instant before 1970
        or after 2099, or when all amounts add up to more than 2**62. It costs one pass over the columns.
    """
    frame = typed(payments, *columns, by=by)
    checks = [check for column in columns for check in _checks(column)]
    found = collected(frame.select(*checks)) if checks else {}
    for column in columns:
        _refuse(
            column,
            nulls=found[f"{column}_null"][0] or 0,
            least=found.get(f"{column}_least", [None])[0],
            most=found.get(f"{column}_most", [None])[0],
            unknown=found.get(f"{column}_unknown", [None])[0] or 0,
            high=found.get(f"{column}_high", [None])[0] or 0,
        )
    texts = {column for column in columns if PAYMENTS[column].kind is Kind.TEXT}
    values = {column: nw.col(column) for column in columns}
    return frame.select(
        *(value.cast(nw.String) if name in texts else value for name, value in values.items()),
        *(nw.col(f"by_{n}") for n in range(len(by))),
    )


def typed(payments: Any, *columns: str, by: Names = ()) -> nw.LazyFrame[Any]:
    """The same as `payments_of` with only names and types looked at: no pass over the data.

    For functions that see the values for themselves in what they fold them to. Columns to group
    by come beside the others as ``by_0``, ``by_1``, …, so that no name is taken twice.
    """
    frame = frame_of(payments, *columns, *by)
    schema = frame.collect_schema()
    nothing = _of_nulls_only(frame, columns, by, schema)
    if nothing:
        frame = frame.with_columns(*(null.alias(name) for name, null in nothing.items()))
        schema = frame.collect_schema()
    for column in columns:
        if column not in nothing:
            _check_type(column, schema[column])
    frame = _with_micros(frame, columns, by, schema)
    return frame.select(
        *(_cast(name, schema[name]) for name in columns),
        *(nw.col(f"by_{n}").cast(by_type(name, schema[name])) for n, name in enumerate(by)),
    )


def frame_of(payments: Any, *names: str) -> nw.LazyFrame[Any]:
    """Any frame as a lazy narwhals frame, whose columns of these names are as narwhals knows them.

    Raises
    ------
    InvalidValue
        It is no frame, or one of the columns is missing or there twice; it is named.
    """
    _check_names(payments, names)
    frame: nw.LazyFrame[Any] = known_frame(payments, names).lazy()
    return frame


def _check_names(payments: Any, names: Iterable[str]) -> None:
    there = names_of(payments)
    for name in names:
        if name in there:
            continue
        if name in PAYMENTS and PAYMENTS[name].json in there:
            raise InvalidValue(
                name,
                f"is missing: the frame has an export's {PAYMENTS[name].json}, "
                "and fo.read gives the canonical names",
            )
        raise InvalidValue(name, f"is missing: the frame has {', '.join(map(str, there))}")
    only_once(payments, names)


def check_by(by: str | Iterable[str], payments: Any) -> Names:
    """Names of the columns to group by, checked: they exist, once each, none is ``currency``."""
    names = (by,) if isinstance(by, str) else tuple(by)
    _check_names(payments, names)
    for name in names:
        if name == "currency" or names.count(name) > 1:
            raise InvalidValue("by", f"must not name {name} (again): figures are per currency")
    return names


def by_types(by: Names, payments: Any) -> dict[str, nw.dtypes.DType]:
    """Types that the columns to group by have in a result."""
    frame = frame_of(payments, *by)
    schema = frame.collect_schema()
    nothing = _of_nulls_only(frame, (), by, schema)
    return {name: TEXT if name in nothing else by_type(name, schema[name]) for name in by}


def by_type(column: str, dtype: nw.dtypes.DType) -> nw.dtypes.DType:
    """Type in which a column is grouped by; InvalidValue when its values are no groups."""
    if isinstance(dtype, (*_TEXTS, nw.Unknown)):
        return nw.String()
    if dtype.is_integer():
        return nw.Int64()
    if isinstance(dtype, nw.Boolean | nw.Date):
        return dtype
    raise InvalidValue(column, f"must be text, integers, booleans or dates, not {dtype}")


def decoded_status(value: object) -> Status:
    """Status of its text in a frame; InvalidValue naming the column when there is no such."""
    return choice_of(Status, str(value), field="status")


def _of_nulls_only(
    frame: nw.LazyFrame[Any], columns: Names, by: Names, schema: nw.Schema
) -> dict[str, nw.Expr]:
    """Columns that hold nothing but nulls, of whatever type, and nulls of the type they should have.

    What is null has no type in most libraries: a column of nulls is one of floats, of objects or
    of times without a zone. Asked of those only whose type is wrong.
    """
    nullable = [name for name in (*columns, *by) if name in PAYMENTS and PAYMENTS[name].nullable]
    wrong = [name for name in nullable if not _fits(name, schema[name])]
    wrong += [name for name in by if not _groups(schema[name])]
    wrong = list(dict.fromkeys(wrong))
    if not wrong:
        return {}
    counts = (nw.col(name).count().alias(f"_{n}") for n, name in enumerate(wrong))
    found = collected(frame.select(*counts))
    # NumPy has no integers that are null.
    instant = nw.Float64() if frame.implementation.is_pandas_like() else nw.Int64()
    return {
        name: nw.lit(None, dtype=instant if _is_instant(name, columns) else nw.String())
        for n, name in enumerate(wrong)
        if not found[f"_{n}"][0]
    }


def _is_instant(name: str, columns: Names) -> bool:
    return name in columns and PAYMENTS[name].kind is Kind.INSTANT


def _fits(column: str, dtype: nw.dtypes.DType) -> bool:
    try:
        _check_type(column, dtype)
    except InvalidValue:
        return False
    return True


def _groups(dtype: nw.dtypes.DType) -> bool:
    try:
        by_type("by", dtype)
    except InvalidValue:
        return False
    return True


def _check_type(column: str, dtype: nw.dtypes.DType) -> None:
    match PAYMENTS[column].kind:
        case Kind.TEXT:
            if not isinstance(dtype, _TEXTS):
                raise InvalidValue(column, f"must be text, not {dtype}")
        case Kind.INTEGER:
            if not dtype.is_integer():
                raise InvalidValue(
                    column, f"must be Int64 minor units (1850 is 18.50 USD), not {dtype}"
                )
        case Kind.INSTANT:
            if not isinstance(dtype, nw.Datetime):
                raise InvalidValue(column, f"must be timestamps with a time zone, not {dtype}")
            if dtype.time_zone is None:
                raise InvalidValue(column, "must have a time zone: nobody knows which is meant")


def _with_micros(
    frame: nw.LazyFrame[Any], columns: Names, by: Names, schema: nw.Schema
) -> nw.LazyFrame[Any]:
    """These columns, instants as microseconds since 1970 UTC, and those of `by` renamed."""
    timed = [name for name in columns if isinstance(schema[name], nw.Datetime)]
    others = [(name, name) for name in columns if name not in timed]
    others += [(name, f"by_{n}") for n, name in enumerate(by)]
    # narwhals has no epoch for these two; their own SQL has one that ignores the session's zone.
    if frame.implementation.is_duckdb():
        said = [f"{_quoted(name)} AS {alias}" for name, alias in others]
        said += [f"epoch_us({name}) AS {name}" for name in timed]
        return _relation(frame.to_native().project(", ".join(said)))
    if frame.implementation.is_pyspark():
        said = [f"{_quoted(name, '`')} AS {alias}" for name, alias in others]
        said += [f"unix_micros({name}) AS {name}" for name in timed]
        return _relation(frame.to_native().selectExpr(*said))
    return frame.select(
        *(nw.col(name).alias(alias) for name, alias in others),
        *(nw.col(name).dt.timestamp("us") for name in timed),
    )


def _relation(native: Any) -> nw.LazyFrame[Any]:
    frame: nw.LazyFrame[Any] = nw.from_native(native).lazy()
    return frame


def _quoted(name: str, quote: str = '"') -> str:
    """A name as SQL takes it, whatever is in it."""
    return quote + name.replace(quote, 2 * quote) + quote


def _cast(column: str, dtype: nw.dtypes.DType) -> nw.Expr:
    if PAYMENTS[column].kind is Kind.INTEGER and dtype != nw.Int64:
        return nw.col(column).cast(nw.Int64)
    return nw.col(column)


def _checks(column: str) -> list[nw.Expr]:
    values = nw.col(column)
    checks = [values.is_null().cast(nw.Int64).sum().alias(f"{column}_null")]
    if PAYMENTS[column].kind is not Kind.TEXT:
        checks.append(values.min().alias(f"{column}_least"))
    if PAYMENTS[column].kind is Kind.INSTANT:
        checks.append(values.max().alias(f"{column}_most"))
    if PAYMENTS[column].kind is Kind.INTEGER:
        checks.append((values // SPLIT).sum().alias(f"{column}_high"))
    if column == "status":
        known = values.cast(nw.String).is_in([status.value for status in Status])
        checks.append((~known).cast(nw.Int64).sum().alias(f"{column}_unknown"))
    return checks


def _refuse(column: str, *, nulls: int, least: Any, most: Any, unknown: int, high: int) -> None:
    if nulls and not PAYMENTS[column].nullable:
        raise InvalidValue(column, f"must not be null, but is in {nulls} rows")
    if unknown:
        known = ", ".join(repr(status.value) for status in Status)
        raise InvalidValue(column, f"must be one of {known}, but is not in {unknown} rows")
    if PAYMENTS[column].kind is Kind.INSTANT:
        check_instants(column, least, most)
    elif least is not None and least < 0:
        raise InvalidValue(column, "must not be negative")
    if high >= SPLIT:
        raise InvalidValue(column, "adds up to more than 64 bits hold")
