"""Native frames, prepared so that narwhals reads their columns correctly.

narwhals parses the names of pandas' types, but not every name of a time zone. It does not support
Arrow's string_view, for which Arrow itself lacks most functions. And some libraries silently give
the first of two columns of one name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import narwhals as nw

from financeops.core.errors import InvalidValue

_VIEW = "string_view"
_TEXT = "large_string"


def names_of(payments: Any) -> list[str]:
    """Names of a frame's columns, duplicates included."""
    native: Any = nw.to_native(payments, pass_through=True)
    if _is_duckdb(native) or _is_spark(native) or _is_pandas(native):
        return [str(name) for name in native.columns]
    if nw.dependencies.is_pyarrow_table(native):
        return [*native.column_names]
    return [*_narwhals(native).collect_schema().names()]


def only_once(payments: Any, names: Iterable[str]) -> None:
    """Raise `InvalidValue` for the first of these names that several columns have."""
    native: Any = nw.to_native(payments, pass_through=True)
    # SQL does not distinguish Amount from amount.
    fold = str.casefold if _is_duckdb(native) or _is_spark(native) else str
    counts = Counter(map(fold, names_of(native)))
    for name in names:
        if counts[fold(name)] > 1:
            raise InvalidValue(name, "is the name of two columns, so it is ambiguous")


def known_frame(payments: Any, names: Sequence[str]) -> Any:
    """The frame wrapped by narwhals, with these columns of types that it supports.

    Parameters
    ----------
    payments : frame
        Of any library.
    names : sequence of str
        Columns that are used; each exists once. The others are passed on unchanged, without those
        that share a name.

    Returns
    -------
    narwhals.DataFrame or narwhals.LazyFrame

    Raises
    ------
    InvalidValue
        It is not a frame.
    """
    native = _each_once(nw.to_native(payments, pass_through=True))
    if _is_pandas(native):
        changed = {name: new for name in names if (new := _pandas_column(native[name])) is not None}
        native = native.assign(**changed) if changed else native
    elif nw.dependencies.is_pyarrow_table(native):
        for name in names:
            if _VIEW in str(native.schema.field(name).type):
                at = native.column_names.index(name)
                native = native.set_column(at, name, _decoded(native.column(name)))
    return _narwhals(native)


def _each_once(native: Any) -> Any:
    """The frame without columns that share a name."""
    if not _is_pandas(native) and not nw.dependencies.is_pyarrow_table(native):
        return native  # DuckDB and Spark select by name
    names = names_of(native)
    counts = Counter(names)
    kept = [at for at, name in enumerate(names) if counts[name] == 1]
    if len(kept) == len(names):
        return native
    return native.iloc[:, kept] if _is_pandas(native) else native.select(kept)


def _pandas_column(column: Any) -> Any:
    """The column with a type that narwhals supports; None where it already has one."""
    arrow = getattr(column.dtype, "pyarrow_dtype", None)
    zone = getattr(column.dtype if arrow is None else arrow, "tz", None)
    if zone is not None and str(zone) != "UTC":
        return column.dt.tz_convert("UTC")
    if arrow is not None and _VIEW in str(arrow):
        # pandas cannot cast it, but the Arrow array in it can be.
        return type(column.array)(_decoded(column.array.__arrow_array__()))
    return None


def _decoded(column: Any) -> Any:
    """An Arrow column of string_view, plain or dictionary-encoded, as large_string."""
    if str(column.type) == _VIEW:
        return column.cast(_TEXT)
    chunks = [
        type(chunk).from_arrays(chunk.indices, chunk.dictionary.cast(_TEXT)).cast(_TEXT)
        for chunk in column.chunks
    ]
    arrow = nw.get_native_namespace(column)
    return arrow.chunked_array(chunks, _TEXT)


def _narwhals(native: Any) -> Any:
    try:
        return nw.from_native(native)
    except TypeError:
        raise InvalidValue(
            "payments", f"must be a data frame that narwhals knows, not {type(native).__name__}"
        ) from None


def _is_pandas(native: Any) -> bool:
    return nw.dependencies.is_pandas_like_dataframe(native)


def _is_duckdb(native: Any) -> bool:
    return nw.dependencies.is_duckdb_relation(native)


def _is_spark(native: Any) -> bool:
    return nw.dependencies.is_pyspark_dataframe(native)
