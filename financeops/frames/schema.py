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
from financeops.core.columns import PAYMENTS, Kind
from financeops.core.errors import InvalidValue
from financeops.core.payments import Status
from financeops.frames.results import collected

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
        the same in every library where that on times is not (`financeops.frames.clock`).

    Raises
    ------
    InvalidValue
        When a column is missing, of a wrong type (a float amount, a time without a zone), has
        nulls where none may be, an unknown status, a negative amount or an instant before 1970,
        or when all amounts add up to more than 2**62. It costs one pass over the columns.
    """
    frame = typed(payments, *columns, by=by)
    checks = [check for column in columns for check in _checks(column)]
    found = collected(frame.select(*checks)) if checks else {}
    for column in columns:
        _refuse(
            column,
            nulls=found[f"{column}_null"][0] or 0,
            least=found.get(f"{column}_least", [None])[0],
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
    frame = frame_of(payments)
    schema = frame.collect_schema()
    for column in columns:
        _check_type(column, schema)
    frame = _with_micros(frame, columns, by, schema)
    return frame.select(
        *(_cast(name, schema[name]) for name in columns),
        *(nw.col(f"by_{n}").cast(by_type(name, schema[name])) for n, name in enumerate(by)),
    )


def frame_of(payments: Any) -> nw.LazyFrame[Any]:
    """Any frame as a lazy narwhals frame; InvalidValue when it is none."""
    try:
        return _lazy(payments)
    except TypeError:
        raise InvalidValue(
            "payments", f"must be a data frame that narwhals knows, not {type(payments).__name__}"
        ) from None


def _lazy(native: Any) -> nw.LazyFrame[Any]:
    frame: nw.LazyFrame[Any] = nw.from_native(native).lazy()
    return frame


def check_by(by: str | Iterable[str], payments: Any) -> Names:
    """Names of the columns to group by, checked: they exist, once each, none is ``currency``."""
    names = (by,) if isinstance(by, str) else tuple(by)
    schema = frame_of(payments).collect_schema()
    for name in names:
        if name not in schema:
            raise InvalidValue(name, f"is missing: the frame has {', '.join(schema.names())}")
        if name == "currency" or names.count(name) > 1:
            raise InvalidValue("by", f"must not name {name} (again): figures are per currency")
    return names


def by_types(by: Names, payments: Any) -> dict[str, nw.dtypes.DType]:
    """Types that the columns to group by have in a result."""
    schema = frame_of(payments).collect_schema()
    return {name: by_type(name, schema[name]) for name in by}


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


def _check_type(column: str, schema: nw.Schema) -> None:
    wanted = PAYMENTS[column]
    if column not in schema:
        if wanted.json in schema:
            raise InvalidValue(
                column,
                f"is missing: the frame has an export's {wanted.json}, "
                "and fo.read gives the canonical names",
            )
        raise InvalidValue(column, f"is missing: the frame has {', '.join(schema.names())}")
    dtype = schema[column]
    if wanted.nullable and isinstance(dtype, nw.Unknown):
        return  # a column of nulls only has no type in several libraries
    match wanted.kind:
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
        return _lazy(frame.to_native().project(", ".join(said)))
    if frame.implementation.is_pyspark():
        said = [f"{_quoted(name, '`')} AS {alias}" for name, alias in others]
        said += [f"unix_micros({name}) AS {name}" for name in timed]
        return _lazy(frame.to_native().selectExpr(*said))
    return frame.select(
        *(nw.col(name).alias(alias) for name, alias in others),
        *(nw.col(name).dt.timestamp("us") for name in timed),
    )


def _quoted(name: str, quote: str = '"') -> str:
    """A name as SQL takes it, whatever is in it."""
    return quote + name.replace(quote, 2 * quote) + quote


def _cast(column: str, dtype: nw.dtypes.DType) -> nw.Expr:
    if isinstance(dtype, nw.Unknown):
        return nw.col(column).cast(
            nw.String if PAYMENTS[column].kind is Kind.TEXT else nw.Int64,
        )
    if PAYMENTS[column].kind is Kind.INTEGER and dtype != nw.Int64:
        return nw.col(column).cast(nw.Int64)
    return nw.col(column)


def _checks(column: str) -> list[nw.Expr]:
    values = nw.col(column)
    checks = [values.is_null().cast(nw.Int64).sum().alias(f"{column}_null")]
    if PAYMENTS[column].kind is not Kind.TEXT:
        checks.append(values.min().alias(f"{column}_least"))
    if PAYMENTS[column].kind is Kind.INTEGER:
        checks.append((values // SPLIT).sum().alias(f"{column}_high"))
    if column == "status":
        known = values.cast(nw.String).is_in([status.value for status in Status])
        checks.append((~known).cast(nw.Int64).sum().alias(f"{column}_unknown"))
    return checks


def _refuse(column: str, *, nulls: int, least: Any, unknown: int, high: int) -> None:
    if nulls and not PAYMENTS[column].nullable:
        raise InvalidValue(column, f"must not be null, but is in {nulls} rows")
    if unknown:
        known = ", ".join(repr(status.value) for status in Status)
        raise InvalidValue(column, f"must be one of {known}, but is not in {unknown} rows")
    if least is not None and least < 0:
        wrong = (
            "must not be negative" if column == "amount" else "must not lie before 1970-01-01 UTC"
        )
        raise InvalidValue(column, wrong)
    if high >= SPLIT:
        raise InvalidValue(column, "adds up to more than 64 bits hold")
