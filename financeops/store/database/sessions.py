"""Sessions that write, and an end for those that nobody goes on with.

A transaction that was left holds its tenant's lock until the database gives it up, which takes a
minute. What a process leaves because the database does not answer, it ends as soon as that answers
again. What a killed process left, its successor in the same place ends when it starts, for
sessions that write are noted. Those of other machines and containers have to wait for the database.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from contextvars import Context
from datetime import UTC, datetime, timedelta
from weakref import WeakKeyDictionary

import pymongo
from bson import Binary
from pymongo import AsyncMongoClient
from pymongo.errors import InvalidOperation, OperationFailure, PyMongoError

from financeops.store.database.connection import Database, Document, Session, driver_errors
from financeops.store.database.processes import is_dead, place, this_process

KEPT = timedelta(days=1)
"""How long a note is kept: no transaction lives that long. Of a session that is used it is renewed."""

RENEWED = timedelta(hours=1)
"""How old the note of a session may be that is used once more."""

NOTE_SECONDS = 4.0
"""How long a note may take: less than the transaction, so that its caller knows in good time."""

_END_SECONDS, _END_PAUSE, _END_TRIES = 5.0, 1.0, 20
"""Of one try to end a session, between two, and how many: the database itself takes a minute."""

_ending: dict[asyncio.Task[None], Session] = {}  # the event loop holds tasks only weakly
_noted: WeakKeyDictionary[AsyncMongoClient[Document], dict[bytes, datetime]] = WeakKeyDictionary()


@asynccontextmanager
async def writing_session(db: Database) -> AsyncIterator[Session]:
    """Open a session for a transaction that writes."""
    session = db.client.start_session()
    try:
        lsid: Binary = session.session_id["id"]
        await _note(db, lsid)
        yield session
    finally:
        # Given back, the driver would hand it to the next transaction, which would be killed with it.
        if session not in _ending.values():
            await session.end_session()


async def _note(db: Database, lsid: Binary) -> None:
    now = datetime.now(UTC)
    noted = _noted.setdefault(db.client, {})
    # The driver uses few sessions again and again: most find their note there.
    if now - noted.get(bytes(lsid), now - RENEWED) < RENEWED:
        return
    note = {"$set": {**this_process(), "at": now}}
    with pymongo.timeout(NOTE_SECONDS):
        await db.sessions.update_one({"_id": lsid}, note, upsert=True)
    # The driver gives up sessions that it did not use for half an hour.
    _noted[db.client] = {each: at for each, at in noted.items() if now - at < RENEWED}
    _noted[db.client][bytes(lsid)] = now


def end_later(db: Database, session: Session) -> None:
    """End a session whose transaction may live on in a database that did not answer in time.

    Until then nobody else gets it.
    """
    # Without this context: the time that its caller had is over.
    task = asyncio.get_running_loop().create_task(_end(db, session), context=Context())
    _ending[task] = session
    task.add_done_callback(_ending.pop)


async def _end(db: Database, session: Session) -> None:
    try:
        await _kill_when_it_answers(db, session.session_id["id"])
    finally:
        with suppress(PyMongoError):
            await session.end_session()


async def _kill_when_it_answers(db: Database, lsid: Binary) -> None:
    for _ in range(_END_TRIES):
        try:
            with pymongo.timeout(_END_SECONDS):
                await db.command("ping")
            # It answers again. What the transaction had sent may still wait to be read by it, its
            # first statement too: after the kill that would begin it once more.
            await asyncio.sleep(_END_PAUSE)
            with pymongo.timeout(_END_SECONDS):
                await _kill(db, lsid)
        except (OperationFailure, InvalidOperation):
            return  # not allowed to, or closed meanwhile: the database ends it in its own time
        except PyMongoError:
            await asyncio.sleep(_END_PAUSE)  # still away
        else:
            return


async def _kill(db: Database, lsid: Binary) -> None:
    await db.client.admin.command({"killSessions": [{"id": lsid}]})


async def end_left_sessions(db: Database) -> None:
    """End the transactions of processes that are no more."""
    with driver_errors():
        async for note in db.sessions.find({"place": place()}):
            if not is_dead(note):
                continue
            try:
                await _kill(db, note["_id"])
            except OperationFailure:
                continue  # not allowed to: the database ends them in its own time
            await db.sessions.delete_one({"_id": note["_id"]})
