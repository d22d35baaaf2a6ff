"""The canonical frame of payments, and what a frame must be to count as one.

One row per payment, columns named as the fields of `financeops.core.payments.Payment`. A function
asks for the columns it needs; the others may be missing. A frame with a wrong column is refused
with an error that names the column.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import narwhals as nw

from financeops.core.choices import choice_of
from financeops.core.columns import PAYMENTS
from financeops.core.errors import InvalidValue
from financeops.core.fields import Kind
from financeops.core.payments import AMOUNTS, SIGNED, Status
from financeops.frames.engine.clock import check_instants

Names = tuple[str, ...]

SPLIT = 2**31
"""Most libraries let sums overflow silently. The sum of the higher halves shows whether one would;
where it may, both halves are added up separately."""

_TEXTS = (nw.String, nw.Categorical, nw.Enum)


def type_problem(column: str, dtype: nw.dtypes.DType) -> str | None:
    """What is wrong with the type of a column of payments; None when nothing is."""
    match PAYMENTS[column].kind:
        case Kind.TEXT | Kind.PAIRS | Kind.ACTS:
            return None if isinstance(dtype, _TEXTS) else f"must be text, not {dtype}"
        case Kind.INTEGER:
            # NumPy has no integers that are null: a column with such is one of floats.
            if dtype.is_integer() or (column not in AMOUNTS and dtype.is_float()):
                return None
            if column not in AMOUNTS:
                return f"must be integers, not {dtype}"
            return f"must be Int64 minor units (1850 is 18.50 USD), not {dtype}"
        case Kind.INSTANT:
            if not isinstance(dtype, nw.Datetime):
                return f"must be timestamps with a time zone, not {dtype}"
            return None if dtype.time_zone else "must have a time zone: without one it is ambiguous"


def group_type(dtype: nw.dtypes.DType) -> nw.dtypes.DType | None:
    """Type in which a column is grouped by; None when its values cannot be groups."""
    if isinstance(dtype, (*_TEXTS, nw.Unknown)):
        return nw.String()
    if dtype.is_integer():
        return nw.Int64()
    return dtype if isinstance(dtype, nw.Boolean | nw.Date) else None


def decoded_status(value: object) -> Status:
    """The status that a frame's text names; InvalidValue naming the column when there is none."""
    return choice_of(Status, str(value), field="status")


def checks_of(column: str) -> list[nw.Expr]:
    """Aggregates of a column that show whether its values are right: see `refuse_values`."""
    values = nw.col(column)
    checks = [values.is_null().cast(nw.Int64).sum().alias(f"{column}_null")]
    if PAYMENTS[column].kind in (Kind.INTEGER, Kind.INSTANT):
        checks.append(values.min().alias(f"{column}_least"))
    if PAYMENTS[column].kind is Kind.INSTANT:
        checks.append(values.max().alias(f"{column}_most"))
    if PAYMENTS[column].kind is Kind.INTEGER:
        checks.append((values // SPLIT).sum().alias(f"{column}_high"))
    if column == "status":
        known = values.cast(nw.String).is_in([status.value for status in Status])
        checks.append((~known).cast(nw.Int64).sum().alias(f"{column}_unknown"))
    return checks


def refuse_values(column: str, found: Mapping[str, list[Any]]) -> None:
    """Raise `InvalidValue` when the aggregates of `checks_of` show wrong values."""

    def value(check: str) -> Any:
        return found.get(f"{column}_{check}", [None])[0]

    nulls, unknown, least = value("null") or 0, value("unknown") or 0, value("least")
    if nulls and not PAYMENTS[column].nullable:
        raise InvalidValue(column, f"must not be null, but is in {nulls} rows")
    if unknown:
        known = ", ".join(repr(status.value) for status in Status)
        raise InvalidValue(column, f"must be one of {known}, but is not in {unknown} rows")
    if PAYMENTS[column].kind is Kind.INSTANT:
        check_instants(column, least, value("most"))
    elif least is not None and least < 0 and column not in SIGNED:
        raise InvalidValue(column, "must not be negative")
    if abs(value("high") or 0) >= SPLIT:
        raise InvalidValue(column, "adds up to more than 64 bits hold")
