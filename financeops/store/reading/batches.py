"""Payments from the database to Arrow without a Python object for each of them."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing, suppress
from typing import Any, TypeVar

import bson
import numpy as np
import pyarrow as pa

from financeops.arrow.tables import JSON_NAMES, SCHEMA
from financeops.core.errors import InvalidValue
from financeops.core.periods import Window
from financeops.core.selection import Selection
from financeops.store.database.connection import Database, driver_errors
from financeops.store.reading.filters import conditions
from financeops.store.reading.newest import parts_by_time
from financeops.store.tenants import TenantRecord, find_record

TABLE_SIZE = 5000
"""About how many payments are read at a time."""

_AT_ONCE = 5000  # per reply: converting it holds up other threads, and a reply is 16 MB at most
_BSON_TYPES: dict[Any, tuple[type, ...]] = {
    pa.string(): (str,),
    pa.int64(): (int,),
}

Item = TypeVar("Item")


class RawPayments:
    """Payments as the database sent them: BSON documents one after the other."""

    def __init__(self, replies: Sequence[bytes]) -> None:
        self.replies = replies
        self._count = sum(_documents_in(reply) for reply in replies)

    def __len__(self) -> int:
        return self._count


async def payment_tables(
    db: Database, tenant_id: str, chosen: Selection, columns: Sequence[str] | None = None
) -> AsyncGenerator[pa.Table, None]:
    """Yield all selected payments as canonical tables, oldest first, some thousands at a time.

    While one is being used the database already looks for the next.

    Parameters
    ----------
    columns : sequence of str, optional
        Names of canonical columns; all by default.

    Raises
    ------
    NotFound
        The tenant does not exist.
    InvalidValue
        A stored payment is not what it must be, or the currency is none; names the column.
    Unavailable
    """
    record = await find_record(db, tenant_id)
    record.check_currency(chosen.currency)
    names = list(SCHEMA.names) if columns is None else list(columns)
    async with aclosing(ahead(_raw_by_time(db, record, chosen, names))) as found:
        async for raw in found:
            yield await asyncio.to_thread(table_of, raw.replies, names)


def table_of(replies: Sequence[bytes], columns: Sequence[str]) -> pa.Table:
    """Canonical table of BSON documents, by time and then by id; raises `InvalidValue`."""
    context = _reading()
    try:
        for reply in replies:
            context.process_bson_stream(reply)
    except TypeError as error:
        raise _what_is_wrong(replies) or error from None
    stored = context.finish()
    arrays = [_hex(stored["_id"]), *(stored[JSON_NAMES[name]] for name in SCHEMA.names[1:])]
    # The database is not asked to sort: here it costs a tenth of that.
    table = pa.table(arrays, names=SCHEMA.names).sort_by(
        [("created_at", "ascending"), ("id", "ascending")]
    )
    fields = [SCHEMA.field(name) for name in columns]
    for field in fields:
        if not field.nullable and table[field.name].null_count:
            raise InvalidValue(field.name, "is missing in a stored payment")
    return table.select(columns).cast(pa.schema(fields))


async def ahead(source: AsyncGenerator[Item, None]) -> AsyncGenerator[Item, None]:
    """The same items, each asked for while the one before is being used."""

    async def following() -> Item | None:
        return await anext(source, None)

    waiting = asyncio.create_task(following())
    try:
        while (item := await waiting) is not None:
            waiting = asyncio.create_task(following())
            yield item
    finally:
        waiting.cancel()
        with suppress(Exception, asyncio.CancelledError):  # nobody asks for it any more
            await waiting
        await source.aclose()


def _raw_by_time(
    db: Database, record: TenantRecord, chosen: Selection, columns: Sequence[str]
) -> AsyncGenerator[RawPayments, None]:
    wanted: dict[str, int] | None = None
    if len(columns) < len(SCHEMA.names):
        # `createdAt` and `_id`, which comes in any case, are what it is sorted by.
        wanted = {JSON_NAMES[name]: 1 for name in [*columns, "created_at"]}

    async def read(part: Window) -> RawPayments:
        between, other = conditions(record.tenant.id, part, chosen)
        with driver_errors():
            replies: list[Any] = []  # of bytes; the driver's types say documents
            if other:
                stages: list[Mapping[str, Any]] = [{"$match": between}, {"$match": other}]
                stages += [{"$project": wanted}] if wanted else []
                found = await db.payments.aggregate_raw_batches(stages, batchSize=_AT_ONCE)
                replies += [reply async for reply in found]
            else:
                cursor = db.payments.find_raw_batches(between, wanted, batch_size=_AT_ONCE)
                replies += [reply async for reply in cursor]
        return RawPayments(replies)

    return parts_by_time(db, record, chosen, read, size=TABLE_SIZE)


def _documents_in(reply: bytes) -> int:
    """How many BSON documents stand one after the other: each begins with its length."""
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
    """What turns BSON into the canonical columns."""
    # Imported here: it imports pandas and Polars too, a third of a server's start.
    with warnings.catch_warnings():
        # Of Cython, when PyArrow is newer than the one that this was compiled with.
        warnings.filterwarnings("ignore", "pyarrow.lib.*size changed", RuntimeWarning)
        from pymongoarrow.context import PyMongoArrowContext  # noqa: PLC0415
        from pymongoarrow.schema import Schema  # noqa: PLC0415
        from pymongoarrow.types import ObjectIdType  # noqa: PLC0415

    types = {JSON_NAMES[field.name]: field.type for field in SCHEMA}
    return PyMongoArrowContext(Schema({**types, "_id": ObjectIdType()}))


def _what_is_wrong(replies: Sequence[bytes]) -> InvalidValue | None:
    """The first stored value that no canonical column takes; looked for when one is known."""
    for reply in replies:
        for document in bson.decode_all(reply):
            for field in SCHEMA:
                value = document.get(JSON_NAMES[field.name])
                wanted = _BSON_TYPES.get(field.type)
                wrong = wanted and not isinstance(value, wanted)
                if field.name != "id" and value is not None and wrong:
                    said = f"of payment {document['_id']} is {value!r}, which is no {field.type}"
                    return InvalidValue(field.name, said)
    return None
