"""Rows of a Parquet file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from financeops.cli.floats import Double, Half, Single
from financeops.cli.rows import Row, Table, check_names
from financeops.core.columns import MINOR_UNITS
from financeops.core.errors import InvalidValue

if TYPE_CHECKING:
    import pyarrow as pa

_AT_ONCE = 1000  # rows


def parquet_table(file: BinaryIO, path: Path) -> Table:
    """Table of a Parquet file; floats are a `Double`, what is not a number is nothing."""
    import pyarrow as pa  # noqa: PLC0415 - most of a second: only for who needs it
    from pyarrow import parquet  # noqa: PLC0415

    try:
        source = parquet.ParquetFile(file)
    except pa.ArrowException as error:
        reason = str(error).splitlines()[0]
        raise InvalidValue("FILE", f"{path} is not a Parquet file: {reason}") from None
    schema = source.schema_arrow
    check_names(schema.names, path)
    named = [at for at, name in enumerate(schema.names) if name.strip()]
    columns = tuple(schema.names[at] for at in named)

    def rows() -> Iterator[Row]:
        number = 0
        try:
            for batch in source.iter_batches(batch_size=_AT_ONCE):
                lists = [_values(batch.column(at)) for at in named]
                for values in zip(*lists, strict=True):
                    number += 1
                    yield Row(number, number, None, dict(zip(columns, values, strict=True)))
        except pa.ArrowException as error:
            raise InvalidValue("FILE", f"{path} breaks off after row {number}: {error}") from None

    return Table(
        columns=columns,
        total=source.metadata.num_rows,
        rows=rows(),
        minor_units=frozenset(
            field.name for field in schema if MINOR_UNITS.items() <= (field.metadata or {}).items()
        ),
    )


def _values(column: pa.Array) -> list[Any]:
    """Values of a column as Python has them, each exact."""
    import pyarrow as pa  # noqa: PLC0415

    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.dictionary_decode()
        kind = column.type
    if pa.types.is_floating(kind):
        of_width: dict[int, Callable[[str], Double]] = {16: Half, 32: Single, 64: Double}
        number = of_width[kind.bit_width]
        texts = column.cast(pa.string()).to_pylist()  # the shortest: 11.77, not 11.770000457763672
        return [None if text is None or text == "nan" else number(text) for text in texts]
    if pa.types.is_timestamp(kind):
        # datetime has no nanoseconds; and the moment is the same in each zone
        unit = "us" if kind.unit == "ns" else kind.unit
        zone = None if kind.tz is None else "UTC"
        column = column.cast(pa.timestamp(unit, tz=zone), safe=False)
    try:
        return list(column.to_pylist())
    except (ValueError, OverflowError):
        return [_value(scalar) for scalar in column]


def _value(scalar: pa.Scalar[Any]) -> Any:
    """A value, or a text that says so where Python has none: of the year 10000, of two equal keys."""
    try:
        return scalar.as_py()
    except (ValueError, OverflowError):
        return f"{scalar.type} out of bounds"
