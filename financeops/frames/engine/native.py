"""Frames as their libraries give them, made such that narwhals takes them for what they are.

It reads pandas' types by name, and not every name of a time zone; it does not know Arrow's texts
of the type string_view, for which Arrow lacks most functions; and of two columns of one name some
libraries give the first without a word.
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
    """Names of a frame's columns as they stand, some of them twice perhaps."""
    native: Any = nw.to_native(payments, pass_through=True)
    if _is_duckdb(native) or _is_spark(native) or _is_pandas(native):
        return [str(name) for name in native.columns]
    if nw.dependencies.is_pyarrow_table(native):
        return [*native.column_names]
    return [*_narwhals(native).collect_schema().names()]


def only_once(payments: Any, names: Iterable[str]) -> None:
    """Raise `InvalidValue` for the first of these names that two columns have."""
    native: Any = nw.to_native(payments, pass_through=True)
    # SQL takes Amount and amount for the same.
    fold = str.casefold if _is_duckdb(native) or _is_spark(native) else str
    counts = Counter(map(fold, names_of(native)))
    for name in names:
        if counts[fold(name)] > 1:
            raise InvalidValue(name, "is the name of two columns: nobody knows which is meant")


def known_frame(payments: Any, names: Sequence[str]) -> Any:
    """The frame as narwhals takes it, with these columns such as it knows them.

    Parameters
    ----------
    payments : frame
        Of any library.
    names : sequence of str
        Columns that are looked at; each is there, once. The others are passed on as they are, and
        left out where two of them have one name.

    Returns
    -------
    narwhals.DataFrame or narwhals.LazyFrame

    Raises
    ------
    InvalidValue
        It is no frame.
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
    """The frame without the columns whose name another one has, too."""
    if not _is_pandas(native) and not nw.dependencies.is_pyarrow_table(native):
        return native  # DuckDB and Spark are asked by name
    names = names_of(native)
    counts = Counter(names)
    kept = [at for at, name in enumerate(names) if counts[name] == 1]
    if len(kept) == len(names):
        return native
    return native.iloc[:, kept] if _is_pandas(native) else native.select(kept)


def _pandas_column(column: Any) -> Any:
    """The column with a type whose name narwhals can read; None where it has one."""
    arrow = getattr(column.dtype, "pyarrow_dtype", None)
    zone = getattr(column.dtype if arrow is None else arrow, "tz", None)
    if zone is not None and str(zone) != "UTC":
        return column.dt.tz_convert("UTC")
    if arrow is not None and _VIEW in str(arrow):
        # pandas cannot cast it: what it is made of can.
        return type(column.array)(_decoded(column.array.__arrow_array__()))
    return None


def _decoded(column: Any) -> Any:
    """Arrow's texts of string_view, plain or as a dictionary, as large_string."""
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
