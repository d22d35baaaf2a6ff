"""The canonical table of payments, on Arrow: what every way of loading payments gives.

One row per payment. Columns, in this order, are named as the fields of
`financeops.core.payments.Payment`:

================= ====================== ===== =====================================================
column            Arrow type             null? meaning
================= ====================== ===== =====================================================
``id``            string                       24 hexadecimal digits
``tenant_id``     string                       whose payment it is
``amount``        int64                        minor units of ``currency``: 1850 USD is 18.50 USD
``currency``      string                       ISO 4217 code
``method``        string                       ``card``, ``bank_transfer``, …
``status``        string                       ``success``, ``failed`` or ``refunded``
``created_at``    timestamp[ms, tz=UTC]        when it was attempted
``updated_at``    timestamp[ms, tz=UTC]        when it was last changed
``source``        string                       ``api``, ``seed``, ``simulation``, ``import``, …
``reference``     string                 yes   the sender's name for the attempt
``customer_id``   string                 yes   the sender's name for the customer
``country``       string                 yes   ISO 3166 code
``decline_code``  string                 yes   why it failed
``decline_group`` string                 yes   set where the failure is counted under another code
``refunded_at``   timestamp[ms, tz=UTC]  yes   when the money was given back
================= ====================== ===== =====================================================

`financeops.frames` takes it in whatever library it was turned into.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from typing import Any, Literal, get_args

import pyarrow as pa
import pyarrow.compute as pc

from financeops.core.columns import MINOR_UNITS, PAYMENTS, Kind
from financeops.core.errors import InvalidValue, Misconfigured
from financeops.core.money import MAX_MINOR
from financeops.core.payments import Status

FrameKind = Literal["polars", "pandas", "pyarrow"]
"""The libraries in which payments are given."""

UTC_TIME = pa.timestamp("ms", tz="UTC")

_TYPES = {Kind.TEXT: pa.string(), Kind.INTEGER: pa.int64(), Kind.INSTANT: UTC_TIME}

SCHEMA = pa.schema(
    [
        pa.field(
            name,
            _TYPES[column.kind],
            nullable=column.nullable,
            metadata=MINOR_UNITS if name == "amount" else None,
        )
        for name, column in PAYMENTS.items()
    ]
)
"""The canonical schema. Its `amount` says that it is in minor units, also in files of Arrow's."""

JSON_NAMES = {name: column.json for name, column in PAYMENTS.items()}
"""What each column is called in the REST contract, in exports and in the database."""


def check_columns(columns: Iterable[str] | None) -> list[str]:
    """Names of canonical columns, checked; all of them for None.

    Raises
    ------
    InvalidValue
        A name is unknown, given twice, or there is none.

    Examples
    --------
    >>> check_columns(["id", "amount"])
    ['id', 'amount']
    """
    if columns is None:
        return list(SCHEMA.names)
    if isinstance(columns, str):
        raise InvalidValue("columns", f"must be a list of names: [{columns!r}]")
    names = list(columns)
    if unknown := [name for name in names if name not in SCHEMA.names]:
        raise InvalidValue(
            "columns", f"{unknown[0]!r} is none of payments: they are {', '.join(SCHEMA.names)}"
        )
    if not names or len(set(names)) < len(names):
        raise InvalidValue("columns", "must name at least one column, each once")
    return names


def check_frame(frame: str | None) -> FrameKind:
    """Which library payments are wanted in; by default Polars, else pandas, else PyArrow.

    Raises
    ------
    InvalidValue
        It is none of the three.
    Misconfigured
        It is not installed.
    """
    kinds: Sequence[FrameKind] = get_args(FrameKind)
    if frame is None:
        return next(kind for kind in kinds if find_spec(kind))
    for kind in kinds:
        if kind == frame:
            if find_spec(kind) is None:
                raise Misconfigured(f"frame={kind!r} needs {kind}: pip install {kind}")
            return kind
    raise InvalidValue("frame", f"must be one of {', '.join(map(repr, kinds))}, not {frame!r}")


def framed(table: pa.Table, frame: FrameKind) -> Any:
    """A table as a data frame of the library: the same columns, rows and types.

    Returns
    -------
    polars.DataFrame, pandas.DataFrame or pyarrow.Table
        In pandas times are ``datetime64[ms, UTC]``, missing text and times its missing values.
    """
    match frame:
        case "polars":
            import polars as pl  # noqa: PLC0415 - only who wants it pays

            return pl.from_arrow(table)
        case "pandas":
            return table.to_pandas()
        case "pyarrow":
            return table


def checked(table: pa.Table, *, row: int = 0) -> pa.Table:
    """A table of canonical columns whose values are what they must be.

    Parameters
    ----------
    table : pyarrow.Table
        Columns of `SCHEMA`, with its types.
    row : int
        Number that its first row has in the file it is from.

    Raises
    ------
    InvalidValue
        Names the column and the first row that is wrong (0 is the first): nulls where none may
        be, an unknown status, an amount that is negative or too large, an unknown currency.
    """
    for field in table.schema:
        values = table[field.name]
        if not field.nullable and values.null_count:
            _refuse(field.name, pc.is_null(values), values, row, "must not be empty")
    names = table.schema.names
    if "status" in names:
        known = pa.array([status.value for status in Status])
        wrong = pc.invert(pc.is_in(table["status"], value_set=known))
        said = ", ".join(repr(status.value) for status in Status)
        _refuse("status", wrong, table["status"], row, f"must be one of {said}")
    if "amount" in names:
        amounts = table["amount"]
        wrong = pc.or_(pc.less(amounts, 0), pc.greater(amounts, MAX_MINOR))
        _refuse("amount", wrong, amounts, row, f"must be 0 to {MAX_MINOR} minor units")
    return table


def _refuse(column: str, wrong: Any, values: Any, row: int, problem: str) -> None:
    """Raise `InvalidValue` for the first of the rows that are wrong, if there is one."""
    first = pc.index(wrong, value=True).as_py()
    if first >= 0:
        value = values[first].as_py()
        found = "" if value is None else f", not {value!r}"
        raise InvalidValue(column, f"{problem}{found} (row {row + first})")
