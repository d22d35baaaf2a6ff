"""Taking turns at a tenant that several processes write to.

mongod does not queue writers: the second one is refused at once and has to retry. While a process
goes from one transaction straight to the next, another would have to retry just between the two. So
a refused process retries soon, and a process that met another one waits after its own transaction
to let it in.
"""

from __future__ import annotations

import asyncio
import time
from weakref import WeakKeyDictionary

from pymongo import AsyncMongoClient
from pymongo.errors import OperationFailure, PyMongoError

from financeops.store.database.connection import Database, Document

SHORT_PAUSE = 0.015
"""Longest pause of a refused process, in seconds."""

_WAY = 0.03
"""Seconds for which others are let in: a short pause, and the way to the database."""

_REMEMBERED = 1.0
"""Seconds after a conflict for which other writers are expected."""

_WRITE_CONFLICT = 112

_turns: WeakKeyDictionary[AsyncMongoClient[Document], Turns] = WeakKeyDictionary()


class Turns:
    """The other writers that a process met at the tenants that it writes to."""

    def __init__(self) -> None:
        self._met: dict[str, float] = {}
        self._done: dict[str, float] = {}

    def meet(self, tenant_id: str) -> None:
        """Note that another process had the tenant's lock."""
        now = time.monotonic()
        # Forget what is long past, so that nothing is kept for a tenant without other writers.
        self._met = {each: at for each, at in self._met.items() if now - at < _REMEMBERED}
        self._met[tenant_id] = now
        self._done = {each: at for each, at in self._done.items() if each in self._met}

    def done(self, tenant_id: str) -> None:
        """Note that this process had the lock and has released it."""
        if tenant_id in self._met:
            self._done[tenant_id] = time.monotonic()

    async def give_way(self, tenant_id: str) -> None:
        """Before taking the lock again, let in other writers that were met recently."""
        now = time.monotonic()
        if now - self._met.get(tenant_id, -_REMEMBERED) < _REMEMBERED and tenant_id in self._done:
            await asyncio.sleep(self._done[tenant_id] + _WAY - now)


def turns_at(db: Database) -> Turns:
    """The turns of this process at a database."""
    return _turns.setdefault(db.client, Turns())


def is_conflict(error: PyMongoError) -> bool:
    """Whether another process had the lock."""
    return isinstance(error, OperationFailure) and error.code == _WRITE_CONFLICT
