"""Read exported files as data frames."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.json
from pyarrow import ipc, parquet

from financeops.arrow.reading import canonical_of, names_in
from financeops.arrow.tables import (
    JSON_NAMES,
    SCHEMA,
    UTC_TIME,
    check_columns,
    check_frame,
    checked,
    framed,
)
from financeops.core import wire
from financeops.core.columns import Form, form_of
from financeops.core.csv_guard import GUARDED
from financeops.core.errors import InvalidValue, NotFound
from financeops.core.fields import Kind
from financeops.core.pairs import pairs_text
from financeops.core.payments import AMOUNTS, FIELDS

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

_ARROW_FILE = b"ARROW1"
_NESTED = {
    name: field.kind for name, field in FIELDS.items() if field.kind in (Kind.PAIRS, Kind.ACTS)
}


@overload
def read(
    path: str | PathLike[str], *, columns: Iterable[str] | None = None, frame: Literal["polars"]
) -> pl.DataFrame: ...
@overload
def read(
    path: str | PathLike[str], *, columns: Iterable[str] | None = None, frame: Literal["pandas"]
) -> pd.DataFrame: ...
@overload
def read(
    path: str | PathLike[str], *, columns: Iterable[str] | None = None, frame: Literal["pyarrow"]
) -> pa.Table: ...
@overload
def read(
    path: str | PathLike[str], *, columns: Iterable[str] | None = None, frame: str | None = None
) -> Any: ...
def read(
    path: str | PathLike[str],
    *,
    columns: Iterable[str] | None = None,
    frame: str | None = None,
) -> Any:
    r"""Payments of an exported file as a data frame.

    Parameters
    ----------
    path : path
        A file of ``financeops export`` or ``GET /payments/export``; its name gives the format:
        ``.csv``, ``.parquet``, ``.arrow``, ``.ndjson``. Saved data frames
        with the canonical column names are read, too: their ``amount`` is in minor units.
    columns : iterable of str, optional
        Which columns, in this order; all by default.
    frame : {"polars", "pandas", "pyarrow"}, optional
        Library of the data frame; by default Polars, else pandas, else PyArrow.

    Returns
    -------
    polars.DataFrame, pandas.DataFrame or pyarrow.Table
        One row per payment, in the order of the file, in the canonical columns
        (`financeops.arrow.tables`). Amounts are exact: decimal text becomes Int64 minor units by the
        currency's number of decimals, without floats. The ``'`` that keeps spreadsheets from taking
        text in a CSV for a formula is removed (``core/csv_guard.py``). Times are floored to the millisecond.

    Raises
    ------
    InvalidValue
        A value that no payment can have, a column that exists twice, or one whose unit is unclear;
        the error names the column, and the row (0 is the first).
    NotFound
        The file does not exist.

    Examples
    --------
    >>> import tempfile
    >>> import financeops as fo
    >>> path = Path(tempfile.mkdtemp()) / "payments.csv"
    >>> _ = path.write_text(
    ...     "_id,tenantId,amount,currency,method,status,createdAt,updatedAt,source\n"
    ...     "6756fb49a1b2c3d4e5f60701,tenant_1,18.5,USD,card,success,"
    ...     "2024-12-09T14:00:00Z,2024-12-09T14:00:00Z,api\n"
    ... )
    >>> fo.read(path, columns=["amount", "currency"], frame="pyarrow").to_pylist()
    [{'amount': 1850, 'currency': 'USD'}]
    """
    kind = check_frame(frame)
    names = check_columns(columns)
    path = Path(path)
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise InvalidValue("path", f"must end in {', '.join(_READERS)}, not {path.suffix!r}")
    if not path.is_file():
        raise NotFound(f"there is no file {path}")
    try:
        table = reader(path)
    except (pa.ArrowInvalid, pa.ArrowKeyError) as error:
        raise InvalidValue("path", f"{path} cannot be read: {error}") from None
    payments = checked(canonical_of(table), names=names_in(table))
    return framed(payments.select(names), kind)


def _read_csv(path: Path) -> pa.Table:
    table = pyarrow.csv.read_csv(
        path,
        parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
        convert_options=pyarrow.csv.ConvertOptions(
            # As text: no number becomes a float, and no time is guessed.
            column_types={name: pa.string() for pair in JSON_NAMES.items() for name in pair},
            null_values=[""],
            strings_can_be_null=True,
        ),
    )
    if form_of(table.column_names) is Form.FRAME:
        return table  # data frames save text unchanged
    for at, field in enumerate(table.schema):
        if field.type == pa.string():
            plain = pc.replace_substring_regex(table.column(at), GUARDED, r"\1")
            table = table.set_column(at, field.name, plain)
    return table


def _read_ndjson(path: Path) -> pa.Table:
    if path.stat().st_size == 0:  # without payments there are no column names either
        return SCHEMA.empty_table()
    own = form_of(_first_names(path)) is Form.FRAME
    fields = [
        pa.field(field.name if own else JSON_NAMES[field.name], field.type) for field in SCHEMA
    ]
    # Amounts are parsed as decimals; a time with its zone is one in UTC.
    for place in map(SCHEMA.names.index, AMOUNTS):
        fields[place] = pa.field(fields[place].name, pa.decimal128(38, 4))
    parsed = [
        field if field.type != UTC_TIME else pa.field(field.name, pa.string()) for field in fields
    ]
    # Pairs are objects of any names, which Arrow's reader cannot hold in one column; what happened
    # to a payment is text in every other file.
    nested = {} if own else {JSON_NAMES[name]: kind for name, kind in _NESTED.items()}
    table = pyarrow.json.read_json(
        path,
        parse_options=pyarrow.json.ParseOptions(
            explicit_schema=pa.schema([field for field in parsed if field.name not in nested]),
            unexpected_field_behavior="ignore",
        ),
    )
    for name, kind in nested.items():
        table = table.append_column(name, _texts_in(path, name, kind))
    return table


def _texts_in(path: Path, name: str, kind: Kind) -> pa.Array:
    """What is not plain of each payment of a file, as JSON text."""
    found: list[str | None] = []
    mark = f'"{name}"'.encode()
    with path.open("rb") as file:
        for line in file:
            if not line.strip():
                continue
            value = wire.decode(line).get(name) if mark in line else None
            if value is None:
                found.append(None)
            elif kind is Kind.ACTS:
                found.append(wire.encode(value).decode())
            elif _are_pairs(value):
                found.append(pairs_text(value))
            else:
                problem = "must be an object of texts"
                raise InvalidValue(name, f"{problem}, not {value!r} (row {len(found)})")
    return pa.array(found, pa.string())


def _are_pairs(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(each, str) for each in value.values())


def _first_names(path: Path) -> list[str]:
    """The keys of the first object in a file, if there is one."""
    with path.open("rb") as file:
        first = next((line for line in file if line.strip()), b"")
    try:
        found = wire.decode(first)
    except (msgspec.DecodeError, UnicodeError):
        return []  # reading the whole file will tell what is wrong
    return list(found) if isinstance(found, dict) else []


def _read_arrow(path: Path) -> pa.Table:
    with pa.OSFile(str(path)) as file:
        begins = file.read(len(_ARROW_FILE))
        file.seek(0)
        opened = ipc.open_file if begins == _ARROW_FILE else ipc.open_stream
        return opened(file).read_all()


def _read_parquet(path: Path) -> pa.Table:
    with parquet.ParquetFile(path) as file:  # `read_table` fails on duplicate names
        return file.read()


_READERS: dict[str, Callable[[Path], pa.Table]] = {
    ".csv": _read_csv,
    ".parquet": _read_parquet,
    ".arrow": _read_arrow,
    ".ndjson": _read_ndjson,
}
