"""What is kept for a time only: the change log, and notes of sessions.

mongod deletes it by itself, through TTL indexes. The embedded database reads every document of such
a collection once a minute to do so, while all others wait: it is started without that
(`cli/embedded.py`), and what is due is found here through the same indexes.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from financeops.store.connection import MAX_IDS, Database, driver_errors
from financeops.store.sessions import KEPT

_SECONDS = 60.0
"""How long finding and each deletion may take: nobody waits for it."""


async def delete_expired(db: Database, *, now: datetime, changes_ttl: timedelta) -> int:
    """Delete what is older than it is kept, and say how many documents that were.

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
