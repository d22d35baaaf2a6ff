"""Selected payments as canonical tables, made from the BSON that the database sends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing, suppress
from typing import Any, TypeVar

import pyarrow as pa

from financeops.arrow.bson import documents_in, table_of
from financeops.arrow.tables import JSON_NAMES, SCHEMA
from financeops.core.periods import Window
from financeops.core.selection import Selection
from financeops.store.database.connection import Database, driver_errors
from financeops.store.reading.filters import conditions
from financeops.store.reading.newest import parts_by_time
from financeops.store.tenants import TenantRecord, find_record

TABLE_SIZE = 5000
"""Approximate number of payments read at a time."""

_AT_ONCE = 5000  # per reply: converting one blocks other threads, and a reply is 16 MB at most

Item = TypeVar("Item")


class RawPayments:
    """Payments as the database sent them: concatenated BSON documents."""

    def __init__(self, replies: Sequence[bytes]) -> None:
        self.replies = replies
        self._count = sum(documents_in(reply) for reply in replies)

    def __len__(self) -> int:
        return self._count


async def payment_tables(
    db: Database, tenant_id: str, chosen: Selection, columns: Sequence[str] | None = None
) -> AsyncGenerator[pa.Table, None]:
    """Yield all selected payments as canonical tables, oldest first, some thousands at a time.

    While one is being used, the database already reads the next.

    Parameters
    ----------
    columns : sequence of str, optional
        Names of canonical columns; all by default.

    Raises
    ------
    NotFound
        The tenant does not exist.
    InvalidValue
        A stored payment is invalid, or the currency does not exist; names the column.
    Unavailable
    """
    record = await find_record(db, tenant_id)
    record.check_currency(chosen.currency)
    names = list(SCHEMA.names) if columns is None else list(columns)
    async with aclosing(ahead(_raw_by_time(db, record, chosen, names))) as found:
        async for raw in found:
            yield await asyncio.to_thread(table_of, raw.replies, names)


async def ahead(source: AsyncGenerator[Item, None]) -> AsyncGenerator[Item, None]:
    """Yield the same items, fetching each while the one before is being used."""

    async def following() -> Item | None:
        return await anext(source, None)

    waiting = asyncio.create_task(following())
    try:
        while (item := await waiting) is not None:
            waiting = asyncio.create_task(following())
            yield item
    finally:
        waiting.cancel()
        with suppress(Exception, asyncio.CancelledError):  # no longer needed
            await waiting
        await source.aclose()


def _raw_by_time(
    db: Database, record: TenantRecord, chosen: Selection, columns: Sequence[str]
) -> AsyncGenerator[RawPayments, None]:
    wanted: dict[str, int] | None = None
    if len(columns) < len(SCHEMA.names):
        # The rows are sorted by `createdAt` and `_id`; the latter is always included.
        wanted = {JSON_NAMES[name]: 1 for name in [*columns, "created_at"]}

    async def read(part: Window) -> RawPayments:
        between, other = conditions(record, part, chosen)
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
