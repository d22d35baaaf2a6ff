"""What is kept for a time only."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from financeops.store.changes import changes_after
from financeops.store.expiry import delete_expired
from financeops.store.sessions import KEPT
from tests.store.recorded import insert, record

DAY = timedelta(days=1)


@pytest.fixture
async def aged(db):
    """Three changes of one payment each, the first two of them two days old, and an old note."""
    for _ in range(3):
        await record(db, insert(), now=datetime.now(UTC))
    now = datetime.now(UTC)
    await db.changes.update_many({"lastSeq": {"$lte": 2}}, {"$set": {"at": now - 2 * DAY}})
    await db.sessions.insert_one({"_id": "left", "at": now - KEPT - DAY})
    return db


async def test_what_is_older_than_it_is_kept_is_deleted_and_nothing_else(aged):
    notes = await aged.sessions.count_documents({"_id": {"$ne": "left"}})
    assert await delete_expired(aged, now=datetime.now(UTC), changes_ttl=DAY) == 3
    assert [each["lastSeq"] for each in await aged.changes.find({}).to_list()] == [3]
    assert await aged.sessions.count_documents({}) == notes
    assert await delete_expired(aged, now=datetime.now(UTC), changes_ttl=DAY) == 0
    # Payments stay, and whoever wants to know what followed long ago is told that it is gone.
    assert await aged.payments.count_documents({}) == 3
    assert await changes_after(aged, "tenant_1", 0) is None
    assert [change.seq for change in await changes_after(aged, "tenant_1", 2)] == [3]


async def test_more_than_fit_into_one_deletion(db):
    long_ago = datetime.now(UTC) - 2 * KEPT
    await db.sessions.insert_many({"_id": number, "at": long_ago} for number in range(250))
    assert await delete_expired(db, now=datetime.now(UTC), changes_ttl=DAY) == 250
