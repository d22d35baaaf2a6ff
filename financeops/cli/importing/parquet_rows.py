"""Rows of a Parquet file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from financeops.cli.importing.floats import Double, Half, Single
from financeops.cli.importing.rows import MAX_DEPTH, Row, Table, check_names
from financeops.core.columns import MINOR_UNITS
from financeops.core.errors import InvalidValue

if TYPE_CHECKING:
    import pyarrow as pa

_AT_ONCE = 1000  # rows

# A file of 2 KB may expand to gigabytes: one text a million times, a list of a billion zeros.
_MOST_BYTES = 100_000_000  # of `_AT_ONCE` rows
_MOST_ELEMENTS = 10_000_000  # of a column of lists in a group of rows
_LARGEST_CHUNK = 2**30  # bytes of a column in a group of rows


def parquet_table(file: BinaryIO, path: Path) -> Table:
    """Read a Parquet file as a table; floats are a `Double`, NaN counts as missing."""
    import pyarrow as pa  # noqa: PLC0415 - takes most of a second
    from pyarrow import parquet  # noqa: PLC0415

    try:
        # Keep repeated texts dictionary-encoded, as they are stored: they may be long.
        texts = _texts(parquet.read_metadata(file).schema)
        file.seek(0)
        source = parquet.ParquetFile(file, read_dictionary=texts)
    except pa.ArrowException as error:
        reason = str(error).splitlines()[0]
        raise InvalidValue("FILE", f"{path} is not a Parquet file: {reason}") from None
    _check_size(source.metadata, path)
    schema = source.schema_arrow
    check_names(schema.names, path)
    named = [at for at, name in enumerate(schema.names) if name.strip()]
    columns = tuple(schema.names[at] for at in named)

    def rows() -> Iterator[Row]:
        number = 0
        try:
            for batch in source.iter_batches(batch_size=_AT_ONCE):
                if sum(map(_weight, batch.columns)) > _MOST_BYTES:
                    raise InvalidValue(
                        "FILE",
                        f"{path} holds more than {_MOST_BYTES:,} bytes in the {_AT_ONCE:,} rows "
                        f"after row {number}: these are not payments",
                    )
                lists = [_values(batch.column(at)) for at in named]
                for values in zip(*lists, strict=True):
                    number += 1
                    yield Row(number, number, None, dict(zip(columns, values, strict=True)))
        except pa.ArrowException as error:
            raise InvalidValue(
                "FILE", f"{path} cannot be read after row {number}: {error}"
            ) from None

    return Table(
        columns=columns,
        total=source.metadata.num_rows,
        rows=rows(),
        minor_units=frozenset(
            field.name for field in schema if MINOR_UNITS.items() <= (field.metadata or {}).items()
        ),
        numbers=frozenset(field.name for field in schema if _is_number(field.type)),
    )


def _is_number(kind: Any) -> bool:
    import pyarrow as pa  # noqa: PLC0415

    told = pa.types.is_integer(kind), pa.types.is_floating(kind), pa.types.is_decimal(kind)
    return any(told)


def _texts(schema: Any) -> list[str]:
    """Return the paths of columns that hold texts or bytes."""
    columns = [schema.column(at) for at in range(len(schema))]
    return [
        each.path
        for each in columns
        if each.physical_type == "BYTE_ARRAY" and each.logical_type.type in {"STRING", "NONE"}
    ]


def _check_size(metadata: Any, path: Path) -> None:
    """Refuse what would not fit into memory before any of it is read."""
    for group in map(metadata.row_group, range(metadata.num_row_groups)):
        for at in range(group.num_columns):
            chunk = group.column(at)
            in_lists = metadata.schema.column(at).max_repetition_level > 0
            if chunk.total_uncompressed_size > _LARGEST_CHUNK or (
                in_lists and chunk.num_values > _MOST_ELEMENTS
            ):
                raise InvalidValue(
                    "FILE",
                    f"{path} has {chunk.num_values:,} values of {chunk.path_in_schema!r} in one "
                    f"group of rows, {chunk.total_uncompressed_size:,} bytes: write it in smaller "
                    "groups, or without that column",
                )
    if any(
        metadata.schema.column(at).path.count(".") > MAX_DEPTH for at in range(len(metadata.schema))
    ):
        raise InvalidValue("FILE", f"{path} is nested too deeply")


def _weight(array: pa.Array) -> int:
    """Return the size of an array's values in bytes, repeated values counted each time."""
    import pyarrow as pa  # noqa: PLC0415
    from pyarrow import compute  # noqa: PLC0415

    kind = array.type
    if pa.types.is_dictionary(kind):
        if not (pa.types.is_string(kind.value_type) or pa.types.is_binary(kind.value_type)):
            return int(array.nbytes)
        lengths = compute.binary_length(array.dictionary).take(array.indices)
        return int(compute.sum(lengths).as_py() or 0)
    if pa.types.is_struct(kind):
        return sum(map(_weight, array.flatten()))
    if pa.types.is_map(kind):
        return _weight(array.keys) + _weight(array.items)
    if pa.types.is_nested(kind):
        return _weight(array.flatten())
    return int(array.nbytes)


def _values(column: pa.Array) -> list[Any]:
    """Return the values of a column as exact Python values."""
    import pyarrow as pa  # noqa: PLC0415

    kind = column.type
    if pa.types.is_dictionary(kind):
        # Equal values share one object.
        known = _values(column.dictionary)
        return [None if at is None else known[at] for at in column.indices.to_pylist()]
    if pa.types.is_floating(kind):
        of_width: dict[int, Callable[[str], Double]] = {16: Half, 32: Single, 64: Double}
        number = of_width[kind.bit_width]
        texts = column.cast(pa.string()).to_pylist()  # the shortest: 11.77, not 11.770000457763672
        return [None if text is None or text == "nan" else number(text) for text in texts]
    if pa.types.is_timestamp(kind):
        # datetime has no nanoseconds; and the zone does not matter for the moment
        unit = "us" if kind.unit == "ns" else kind.unit
        zone = None if kind.tz is None else "UTC"
        column = column.cast(pa.timestamp(unit, tz=zone), safe=False)
    try:
        return list(column.to_pylist())
    except (ValueError, OverflowError):
        return [_value(scalar) for scalar in column]


def _value(scalar: pa.Scalar[Any]) -> Any:
    """Return a value, or a text if Python cannot hold it: the year 10000, a map with equal keys."""
    try:
        return scalar.as_py()
    except (ValueError, OverflowError):
        return f"{scalar.type} out of bounds"
