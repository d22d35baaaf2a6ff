"""Read files of payments: from the columns of an export to the canonical ones, all rows at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from financeops.arrow.acts import canonical_acts
from financeops.arrow.amounts import minor_of
from financeops.arrow.tables import JSON_NAMES, SCHEMA, UTC_TIME, most_of, with_sums
from financeops.core.act_texts import ACT_TEXTS
from financeops.core.columns import Form, form_of
from financeops.core.errors import InvalidValue
from financeops.core.payments import AMOUNTS, SIGNED

_TEXT = pa.string()
_FINER = r"(\.\d{3})\d+"
"""Pattern of the digits of a time beyond milliseconds."""


def names_in(table: pa.Table) -> Mapping[str, str]:
    """Names of the canonical columns in a file: those of an export, or the canonical ones.

    Raises
    ------
    InvalidValue
        Naming the column that occurs twice, or ``amount`` when the file could be both.
    """
    given = table.column_names
    amount = table.schema.field("amount").metadata if given.count("amount") == 1 else None
    form = form_of(given, amount)
    # A file that is neither lacks a column, which the error then names as the file would.
    exported = form is Form.EXPORT or (form is None and not {"_id", "tenantId"}.isdisjoint(given))
    names = JSON_NAMES if exported else {name: name for name in SCHEMA.names}
    for name in (*names.values(), *(["amountMinor"] if exported else [])):
        if given.count(name) > 1:
            raise InvalidValue(name, "is the name of two columns: rename or remove one")
    return names


def canonical_of(table: pa.Table) -> pa.Table:
    """Canonical table from that of an export, or from one that already has the canonical names.

    Parameters
    ----------
    table : pyarrow.Table
        Times may be text, amounts text or decimals in major units; an integer ``amountMinor`` takes
        precedence over ``amount``. Columns that may be null may be missing; columns that payments
        do not have are ignored.

    Raises
    ------
    InvalidValue
        Names the column, and the row (0 is the first) where a value is wrong.
    """
    names = names_in(table)
    columns = []
    for field in SCHEMA:
        name = names[field.name]
        if field.name == "amount":
            columns.append(_amounts(table, exported=names["id"] != "id"))
        elif field.name in AMOUNTS and name in table.column_names:
            columns.append(_money(field.name, table, names))
        elif field.name in ACT_TEXTS and name in table.column_names:
            columns.append(_acts(field.name, table, names))
        elif name in table.column_names:
            columns.append(_cast(name, table[name], field.type))
        elif field.nullable:
            columns.append(pa.nulls(table.num_rows, field.type))
        else:
            raise _missing(name, table)
    for field, column in zip(SCHEMA, columns, strict=True):
        if not field.nullable and column.null_count:
            row = pc.index(pc.is_null(column), value=True).as_py()
            raise InvalidValue(names[field.name], f"must not be empty (row {row})")
    return with_sums(pa.table(columns, schema=SCHEMA))


def _money(column: str, table: pa.Table, names: Mapping[str, str]) -> Any:
    """An amount beside the payment's, in minor units: an export has major units."""
    name = names[column]
    values = table[name]
    if names["id"] == "id":
        if column == "reporting_amount" and pa.types.is_floating(values.type):
            # pandas has no integers with nulls; these are whole numbers below 2**53.
            return _cast(name, values, pa.int64())
        return _minor_units(name, values)
    currencies = table["currency"]
    if (of := names[AMOUNTS[column]]) in table.column_names and of != "currency":
        currencies = pc.coalesce(table[of].cast(_TEXT), currencies.cast(_TEXT))
    try:
        return minor_of(values, currencies, signed=column in SIGNED, most=most_of(column))
    except InvalidValue as error:
        raise InvalidValue(
            name if error.field == "amount" else error.field, error.problem
        ) from None


def _acts(column: str, table: pa.Table, names: Mapping[str, str]) -> Any:
    """Their texts: in an export their amounts are in major units."""
    texts = _cast(names[column], table[names[column]], _TEXT)
    if names["id"] == "id":
        return texts
    return canonical_acts(column, texts, table["currency"])


def _amounts(table: pa.Table, *, exported: bool) -> Any:
    if not exported or "amountMinor" in table.column_names:
        name = "amountMinor" if exported else "amount"
        if name not in table.column_names:
            raise _missing(name, table)
        return _minor_units(name, table[name])
    for name in ("amount", "currency"):
        if name not in table.column_names:
            raise _missing(name, table)
    return minor_of(table["amount"], table["currency"])


def _minor_units(name: str, values: pa.ChunkedArray) -> Any:
    """Integers; text or decimals are accepted if each of them is an integer."""
    if not (
        pa.types.is_integer(values.type)
        or pa.types.is_decimal(values.type)
        or _is_text(values.type)
    ):
        raise InvalidValue(name, f"must be integers of minor units, not {values.type}")
    try:
        return values.cast(pa.int64())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        row = next(row for row, value in enumerate(values) if not _is_int64(value))
        problem = f"must be integers of minor units (1850 is 18.50 USD), not {values[row]}"
        raise InvalidValue(name, f"{problem} (row {row})") from None


def _is_int64(value: pa.Scalar) -> bool:
    try:
        value.cast(pa.int64())
    except pa.ArrowInvalid:
        return False
    return True


def _cast(name: str, values: pa.ChunkedArray, wanted: Any) -> Any:
    if values.type == wanted:
        return values
    if wanted == UTC_TIME and pa.types.is_timestamp(values.type) and values.type.tz is None:
        raise InvalidValue(name, "must have a time zone, such as UTC")
    if wanted == _TEXT and not _is_text(values.type):
        raise InvalidValue(name, f"must be text, not {values.type}")
    if wanted == UTC_TIME and not (_is_text(values.type) or pa.types.is_timestamp(values.type)):
        raise InvalidValue(name, f"must be times, not {values.type}")
    if wanted == UTC_TIME:
        values = _milliseconds(values)
    try:
        return values.cast(wanted)
    except pa.ArrowInvalid as error:
        for row, value in enumerate(values):
            try:
                value.cast(wanted)
            except pa.ArrowInvalid:
                problem = f"must be a time in UTC such as 2024-12-09T14:00:00Z, not {value}"
                raise InvalidValue(name, f"{problem} (row {row})") from None
        raise InvalidValue(name, str(error)) from None


def _milliseconds(values: pa.ChunkedArray) -> Any:
    """Times rounded down to milliseconds, as the server does."""
    if pa.types.is_timestamp(values.type):
        if values.type.unit in {"s", "ms"}:
            return values
        return pc.floor_temporal(values, unit="millisecond")
    return pc.replace_substring_regex(values.cast(_TEXT), _FINER, r"\1")


def _is_text(kind: Any) -> bool:
    if pa.types.is_null(kind):
        return True
    if pa.types.is_dictionary(kind):
        return _is_text(kind.value_type)
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


def _missing(name: str, table: pa.Table) -> InvalidValue:
    return InvalidValue(name, f"is missing: the columns are {', '.join(table.column_names)}")
