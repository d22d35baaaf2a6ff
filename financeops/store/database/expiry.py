"""Delete what is kept only for a time: the change log, and notes of sessions.

TTL indexes are not used. For each of them the embedded database reads every document of its
collection once a minute while everyone else waits, deletes one by one, each with a write to disk,
and keeps the snapshot that it read until the next time. Its setting `ttl_sweep_seconds` would
prevent that, but secantusd-py 0.7.0b3 reads it without passing it on. So expired documents are
found here, through ordinary indexes, on mongod too.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from financeops.store.database.connection import MAX_IDS, Database, driver_errors
from financeops.store.database.sessions import KEPT

_SECONDS = 60.0
"""Seconds that the search and each deletion may take: nobody waits for them."""


async def delete_expired(db: Database, *, now: datetime, changes_ttl: timedelta) -> int:
    """Delete what has expired, and return the number of documents deleted.

    Parameters
    ----------
    now : datetime
        Aware.
    changes_ttl : timedelta
        How long the change log is kept.

    Raises
    ------
    Unavailable
    """
    deleted = 0
    for collection, kept in ((db.changes, changes_ttl), (db.sessions, KEPT)):
        with driver_errors(seconds=_SECONDS):
            due = await collection.find({"at": {"$lt": now - kept}}, {"_id": 1}).to_list()
        ids = [document["_id"] for document in due]
        for start in range(0, len(ids), MAX_IDS):
            some = {"_id": {"$in": ids[start : start + MAX_IDS]}}
            with driver_errors(seconds=_SECONDS):
                deleted += (await collection.delete_many(some)).deleted_count
    return deleted
