"""Sessions that write, noted so that those of a killed process can be ended at once.

The transaction of a process that was killed holds its tenant's lock until the database gives it
up, which takes a minute. A process that starts ends what its predecessors on the same machine left.
Those of other machines have to wait for the database.
"""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from weakref import WeakKeyDictionary

import psutil
import pymongo
from bson import Binary
from pymongo import AsyncMongoClient
from pymongo.errors import OperationFailure

from financeops.store.connection import Database, Document, Session, driver_errors

KEPT = timedelta(days=1)
"""How long a note is kept: no transaction lives that long."""

NOTE_SECONDS = 4.0
"""How long a note may take: less than the transaction, so that its caller knows in good time."""

_noted: WeakKeyDictionary[AsyncMongoClient[Document], set[bytes]] = WeakKeyDictionary()


@asynccontextmanager
async def writing_session(db: Database) -> AsyncIterator[Session]:
    """Open a session for a transaction that writes."""
    async with db.client.start_session() as session:
        lsid: Binary = session.session_id["id"]
        noted = _noted.setdefault(db.client, set())
        # The driver uses few sessions again and again: most find their note there.
        if bytes(lsid) not in noted:
            note = {"$set": {**_this_process(), "at": datetime.now(UTC)}}
            with pymongo.timeout(NOTE_SECONDS):
                await db.sessions.update_one({"_id": lsid}, note, upsert=True)
            noted.add(bytes(lsid))
        yield session


async def prepare_sessions(db: Database) -> None:
    """Create what notes need, and end the transactions of processes that are no more."""
    with driver_errors():
        await db.sessions.create_index("at", expireAfterSeconds=round(KEPT.total_seconds()))
        async for note in db.sessions.find({"host": socket.gethostname()}):
            if _lives(note):
                continue
            try:
                await db.client.admin.command({"killSessions": [{"id": note["_id"]}]})
            except OperationFailure:
                continue  # not allowed to: the database ends them in its own time
            await db.sessions.delete_one({"_id": note["_id"]})


def _this_process() -> Document:
    pid = os.getpid()
    return {"host": socket.gethostname(), "pid": pid, "started": psutil.Process(pid).create_time()}


def _lives(note: Document) -> bool:
    try:
        # A number may belong to another process by now: that one began later.
        return bool(abs(psutil.Process(note["pid"]).create_time() - note["started"]) < 1)
    except psutil.NoSuchProcess:
        return False
