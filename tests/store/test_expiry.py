"""What is kept only for a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from financeops.store.changes import changes_after
from financeops.store.database.expiry import delete_expired
from financeops.store.database.sessions import KEPT
from financeops.store.schema import prepare
from tests.database import NAMED_URI
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


async def test_expired_documents_are_deleted_and_nothing_else(aged):
    notes = await aged.sessions.count_documents({"_id": {"$ne": "left"}})
    assert await delete_expired(aged, now=datetime.now(UTC), changes_ttl=DAY) == 3
    assert [each["lastSeq"] for each in await aged.changes.find({}).to_list()] == [3]
    assert await aged.sessions.count_documents({}) == notes
    assert await delete_expired(aged, now=datetime.now(UTC), changes_ttl=DAY) == 0
    # Payments stay, and a reader of changes long ago learns that they are gone.
    assert await aged.payments.count_documents({}) == 3
    assert await changes_after(aged, "tenant_1", 0) is None
    assert [change.seq for change in await changes_after(aged, "tenant_1", 2)] == [3]


@pytest.mark.parametrize(("hours", "kept"), [(2, 0), (24, 1)])
async def test_the_change_log_expires_when_configured(db, hours, kept):
    now = datetime.now(UTC)
    await record(db, insert(), now=now - timedelta(hours=3))
    await delete_expired(db, now=now, changes_ttl=timedelta(hours=hours))
    assert await db.changes.count_documents({}) == kept


async def test_more_is_deleted_than_fits_into_one_deletion(db):
    long_ago = datetime.now(UTC) - 2 * KEPT
    await db.sessions.insert_many({"_id": number, "at": long_ago} for number in range(250))
    assert await delete_expired(db, now=datetime.now(UTC), changes_ttl=DAY) == 250


@pytest.fixture
async def of_an_earlier_version(aged):
    """The same with the TTL indexes that the database was given once."""
    for collection, kept in ((aged.changes, DAY), (aged.sessions, KEPT)):
        await collection.drop_index("at_1")
        await collection.create_index("at", expireAfterSeconds=round(kept.total_seconds()))
    return aged


@pytest.mark.skipif(NAMED_URI is not None, reason="asks the embedded database for its own sweep")
async def test_the_embedded_databases_own_sweep_has_nothing_to_do(aged):
    """It sweeps once a minute, while every other client waits."""
    swept = await aged.client.admin.command("secantusAdmin.pruneTtl")
    assert swept["pruned"] == 0


async def test_ttl_indexes_of_an_earlier_version_are_replaced(of_an_earlier_version):
    db = of_an_earlier_version
    await prepare(db, [])
    for collection in (db.changes, db.sessions):
        index = (await collection.index_information())["at_1"]
        assert "expireAfterSeconds" not in index
    assert await delete_expired(db, now=datetime.now(UTC), changes_ttl=DAY) == 3
