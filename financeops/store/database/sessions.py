"""Sessions that write, and ending those that were abandoned.

An abandoned transaction holds its tenant's lock until the database aborts it, which takes a minute.
If a process abandons one because the database does not answer, it ends it as soon as the database
answers again. If a process was killed, its successor in the same place ends what it left when it
starts, for sessions that write are noted. Transactions of other machines and containers have to
wait for the database.
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
"""How long a note is kept, longer than any transaction lives; using the session renews its note."""

RENEWED = timedelta(hours=1)
"""Age at which the note of a session is renewed when the session is used again."""

NOTE_SECONDS = 4.0
"""Seconds that writing a note may take: less than the transaction, whose caller waits for it."""

_END_SECONDS, _END_PAUSE, _END_TRIES = 5.0, 1.0, 20
"""Seconds of one try to end a session, seconds between two, and the number of tries: the database
itself takes a minute."""

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
        # The driver would give a returned session to the next transaction, to be killed with it.
        if session not in _ending.values():
            await session.end_session()


async def _note(db: Database, lsid: Binary) -> None:
    now = datetime.now(UTC)
    noted = _noted.setdefault(db.client, {})
    # The driver reuses a few sessions: most of them have a note already.
    if now - noted.get(bytes(lsid), now - RENEWED) < RENEWED:
        return
    note = {"$set": {**this_process(), "at": now}}
    with pymongo.timeout(NOTE_SECONDS):
        await db.sessions.update_one({"_id": lsid}, note, upsert=True)
    # The driver discards sessions that it did not use for half an hour.
    _noted[db.client] = {each: at for each, at in noted.items() if now - at < RENEWED}
    _noted[db.client][bytes(lsid)] = now


def end_later(db: Database, session: Session) -> None:
    """End a session whose transaction may still be open in a database that did not answer in time.

    Until then nobody else gets the session.
    """
    # In a context of its own: the caller's time limit has passed.
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
            # It answers again. It may not yet have read all that the transaction sent, even its
            # first statement, which after the kill would begin the transaction again.
            await asyncio.sleep(_END_PAUSE)
            with pymongo.timeout(_END_SECONDS):
                await _kill(db, lsid)
        except (OperationFailure, InvalidOperation):
            return  # not allowed to, or closed meanwhile: the database ends it in its own time
        except PyMongoError:
            await asyncio.sleep(_END_PAUSE)  # still no answer
        else:
            return


async def _kill(db: Database, lsid: Binary) -> None:
    await db.client.admin.command({"killSessions": [{"id": lsid}]})


async def end_left_sessions(db: Database) -> None:
    """End the transactions of processes that have ended."""
    with driver_errors():
        async for note in db.sessions.find({"place": place()}):
            if not is_dead(note):
                continue
            try:
                await _kill(db, note["_id"])
            except OperationFailure:
                continue  # not allowed to: the database ends them in its own time
            await db.sessions.delete_one({"_id": note["_id"]})
