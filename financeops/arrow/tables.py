"""The canonical table of payments, on Arrow: every way of loading payments returns it.

One row per payment. Columns, in this order, are named as the fields of
`financeops.core.payments.Payment`:

{columns}

`financeops.frames` accepts it as a data frame of any of the supported libraries.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from importlib.util import find_spec
from typing import Any, Literal, get_args

import pyarrow as pa
import pyarrow.compute as pc

from financeops.core.act_texts import ACT_TEXTS
from financeops.core.columns import MINOR_UNITS, PAYMENTS
from financeops.core.errors import InvalidValue, Misconfigured
from financeops.core.fields import Kind
from financeops.core.money import MAX_MINOR, exponent
from financeops.core.payments import AMOUNTS, Status
from financeops.core.periods import EPOCH, LATEST
from financeops.core.reporting import LARGEST
from financeops.core.wire import timestamp

FrameKind = Literal["polars", "pandas", "pyarrow"]
"""The libraries whose data frames payments are returned as."""

UTC_TIME = pa.timestamp("ms", tz="UTC")

_TYPES = {
    Kind.TEXT: pa.string(),
    Kind.INTEGER: pa.int64(),
    Kind.INSTANT: UTC_TIME,
    Kind.PAIRS: pa.string(),
    Kind.ACTS: pa.string(),
}

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
"""The canonical schema. Its `amount` is marked as minor units, also in files that Arrow writes."""

JSON_NAMES = {name: column.json for name, column in PAYMENTS.items()}
"""Name of each column in the REST contract, in exports and in the database."""


def _described() -> str:
    """The columns as a table of the documentation."""
    heads = ("column", "Arrow type", "null?", "meaning")
    rows = [
        (
            f"``{name}``",
            str(SCHEMA.field(name).type),
            "yes" if column.nullable else "",
            column.meaning,
        )
        for name, column in PAYMENTS.items()
    ]
    widths = [max(map(len, texts)) for texts in zip(heads, *rows, strict=True)]
    rule = tuple("=" * width for width in widths)
    lines = (rule, heads, rule, *rows, rule)
    return "\n".join(
        " ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


__doc__ = (__doc__ or "").replace("{columns}", _described())


def check_columns(columns: Iterable[str] | None) -> list[str]:
    """Names of canonical columns, checked; all of them for None.

    Raises
    ------
    InvalidValue
        A name is unknown or given twice, or no name is given.

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
            "columns",
            f"{unknown[0]!r} is not a column of payments: these are {', '.join(SCHEMA.names)}",
        )
    if not names or len(set(names)) < len(names):
        raise InvalidValue("columns", "must name at least one column, each once")
    return names


def check_frame(frame: str | None) -> FrameKind:
    """Return the library to use; by default Polars, else pandas, else PyArrow.

    Raises
    ------
    InvalidValue
        The name is not one of the three.
    Misconfigured
        The library is not installed.
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


def checked(table: pa.Table, *, names: Mapping[str, str] = JSON_NAMES) -> pa.Table:
    """Return a table of canonical columns if its values are valid.

    Parameters
    ----------
    table : pyarrow.Table
        Columns of `SCHEMA`, with its types.
    names : mapping of str to str
        Names of the columns in the file that they come from.

    Raises
    ------
    InvalidValue
        Names the column and the first row that is wrong (0 is the first): nulls where none may
        be, an unknown status, an amount that is negative or too large, a code that never was a
        currency, a time before 1970 or after 2099.
    """
    for field in table.schema:
        name, values = names[field.name], table[field.name]
        if not field.nullable and values.null_count:
            _refuse(name, pc.is_null(values), values, "must not be empty")
        if field.type == UTC_TIME:
            # Not constants: `pa.scalar` of a datetime imports pandas, which a server does not load.
            first, latest = pa.scalar(EPOCH, UTC_TIME), pa.scalar(LATEST, UTC_TIME)
            wrong = pc.or_(pc.less(values, first), pc.greater_equal(values, latest))
            _refuse(name, wrong, values, "must lie between 1970 and 2099")
    given = table.schema.names
    if "status" in given:
        known = pa.array([status.value for status in Status])
        wrong = pc.invert(pc.is_in(table["status"], value_set=known))
        choices = ", ".join(repr(status.value) for status in Status)
        _refuse(names["status"], wrong, table["status"], f"must be one of {choices}")
    if "currency" in given:
        codes = table["currency"]
        unknown = [code for code in pc.unique(codes).to_pylist() if not _was_currency(code)]
        wrong = pc.is_in(codes, value_set=pa.array(unknown, codes.type))
        _refuse(names["currency"], wrong, codes, "must be an ISO 4217 code such as 'USD'")
    if "amount" in given:
        amounts = table["amount"]
        wrong = pc.or_(pc.less(amounts, 0), pc.greater(amounts, MAX_MINOR))
        _refuse(names["amount"], wrong, amounts, f"must be 0 to {MAX_MINOR} minor units")
    if "amount" in given and "refunded_amount" in given:
        back = table["refunded_amount"]
        wrong = pc.or_(pc.less(back, 0), pc.greater(back, table["amount"]))
        _refuse(names["refunded_amount"], wrong, back, "must be 0 to the amount")
    for name in (AMOUNTS.keys() - {"amount", "refunded_amount"}) & set(given):
        most = most_of(name)
        wrong = pc.greater(pc.abs(table[name]), most)
        _refuse(names[name], wrong, table[name], f"must be at most {most} minor units")
    for name in ACT_TEXTS.keys() & set(given):
        lead = ACT_TEXTS[name].lead
        wrong = pc.invert(pc.starts_with(table[name], lead))
        _refuse(names[name], wrong, table[name], f"must begin with {lead}")
    return table


def most_of(column: str) -> int:
    """The largest amount of a column: a payment may be much more in another currency."""
    return LARGEST if column == "reporting_amount" else MAX_MINOR


def with_sums(table: pa.Table) -> pa.Table:
    """The same table; where nothing is said, refunded payments gave back the whole, others nothing.

    Neither did they cost anything, nor arrive, nor was anything told of them later. So columns of
    integers have no nulls, for which pandas would make them floats.
    """
    whole = pc.equal(table["status"], Status.REFUNDED.value)
    usual = {
        "refunded_amount": pc.if_else(whole, table["amount"], 0),
        "fee_amount": 0,
        "settled_amount": 0,
        "revision": 0,
    }
    for name, value in usual.items():
        place = table.schema.get_field_index(name)
        table = table.set_column(place, name, pc.coalesce(table[name], value))
    return table


def _was_currency(code: str) -> bool:
    try:
        exponent(code)
    except InvalidValue:
        return False
    return True


def _refuse(column: str, wrong: Any, values: Any, problem: str) -> None:
    """Raise `InvalidValue` for the first wrong row, if there is one."""
    first = pc.index(wrong, value=True).as_py()
    if first >= 0:
        value = values[first].as_py()
        shown = timestamp(value) if isinstance(value, datetime) else repr(value)
        found = "" if value is None else f", not {shown}"
        raise InvalidValue(column, f"{problem}{found} (row {first})")
