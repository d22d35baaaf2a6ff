"""Convert BSON, as the database sends it, to Arrow without a Python object for each payment."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import bson
import numpy as np
import pyarrow as pa

from financeops.arrow.tables import JSON_NAMES, SCHEMA, with_sums
from financeops.core.errors import InvalidValue

_BSON_TYPES: dict[Any, tuple[type, ...]] = {
    pa.string(): (str,),
    pa.int64(): (int,),
}


def table_of(replies: Sequence[bytes], columns: Sequence[str]) -> pa.Table:
    """Canonical table of stored payments, sorted by time and then by id.

    Parameters
    ----------
    replies : sequence of bytes
        Concatenated BSON documents each.
    columns : sequence of str
        Names of canonical columns; the documents must also have those to sort by.

    Raises
    ------
    InvalidValue
        A stored payment is invalid; names the column.
    """
    context = _reading()
    try:
        for reply in replies:
            context.process_bson_stream(reply)
    except TypeError as error:
        raise _what_is_wrong(replies) or error from None
    stored = context.finish()
    arrays = [_hex(stored["_id"]), *(stored[JSON_NAMES[name]] for name in SCHEMA.names[1:])]
    # Sort here, not in the database: it costs a tenth.
    table = with_sums(pa.table(arrays, names=SCHEMA.names)).sort_by(
        [("created_at", "ascending"), ("id", "ascending")]
    )
    fields = [SCHEMA.field(name) for name in columns]
    for field in fields:
        if not field.nullable and table[field.name].null_count:
            raise InvalidValue(field.name, "is missing in a stored payment")
    return table.select(columns).cast(pa.schema(fields))


def documents_in(reply: bytes) -> int:
    """Number of concatenated BSON documents: each begins with its length."""
    count = at = 0
    while at < len(reply):
        at += int.from_bytes(reply[at : at + 4], "little")
        count += 1
    return count


_HEX = np.frombuffer(b"".join(b"%02x" % byte for byte in range(256)), dtype=np.uint16)


def _hex(ids: pa.ChunkedArray) -> pa.Array:
    """Text of object ids, all at once."""
    stored = pa.concat_arrays([chunk.storage for chunk in ids.chunks]) if ids.num_chunks else None
    count = len(ids)
    if stored is None or not count:
        return pa.array([], pa.string())
    start = stored.offset * 12
    octets = np.frombuffer(stored.buffers()[1], dtype=np.uint8)[start : start + count * 12]
    offsets = np.arange(count + 1, dtype=np.int32) * 24
    return pa.StringArray.from_buffers(
        count, pa.py_buffer(offsets.tobytes()), pa.py_buffer(_HEX[octets].tobytes())
    )


def _reading() -> Any:
    """The context that reads BSON into the canonical columns."""
    # Imported late: it imports pandas and Polars too, which takes a third of a server's start.
    with warnings.catch_warnings():
        # Cython warns when PyArrow is newer than the one that this was compiled with.
        warnings.filterwarnings("ignore", "pyarrow.lib.*size changed", RuntimeWarning)
        from pymongoarrow.context import PyMongoArrowContext  # noqa: PLC0415
        from pymongoarrow.schema import Schema  # noqa: PLC0415
        from pymongoarrow.types import ObjectIdType  # noqa: PLC0415

    types = {JSON_NAMES[field.name]: field.type for field in SCHEMA}
    return PyMongoArrowContext(Schema({**types, "_id": ObjectIdType()}))


def _what_is_wrong(replies: Sequence[bytes]) -> InvalidValue | None:
    """The first stored value that fits no canonical column; only called when there is one."""
    for reply in replies:
        for document in bson.decode_all(reply):
            for field in SCHEMA:
                value = document.get(JSON_NAMES[field.name])
                wanted = _BSON_TYPES.get(field.type)
                wrong = wanted and not isinstance(value, wanted)
                if field.name != "id" and value is not None and wrong:
                    problem = f"of payment {document['_id']} is {value!r}, not of type {field.type}"
                    return InvalidValue(field.name, problem)
    return None
