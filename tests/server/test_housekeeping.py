"""The server repeatedly deletes what has expired."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from financeops.tasks import end
from server.housekeeping import keep_house
from tests.store.recorded import insert, record

DAY = timedelta(days=1)


async def test_what_expires_while_it_runs_is_deleted(db):
    keeper = asyncio.create_task(
        keep_house(db, now=lambda: datetime.now(UTC), changes_ttl=DAY, pause=0.01)
    )
    for _ in range(2):
        await record(db, insert(), now=datetime.now(UTC) - 2 * DAY)
        async with asyncio.timeout(20):
            while await db.changes.count_documents({}):
                pass
    await end([keeper])
    assert keeper.cancelled()
    assert await db.payments.count_documents({}) == 2
