"""Taking turns at a tenant that other processes write to as well.

mongod does not queue writers: who comes second is sent away at once and has to come again. While a process goes from
one transaction straight to the next, another would have to come in just between the two. So who is sent away comes
again soon, and who has met another one there waits after its own transaction until that has come.
"""

from __future__ import annotations

import asyncio
import time
from weakref import WeakKeyDictionary

from pymongo import AsyncMongoClient
from pymongo.errors import OperationFailure, PyMongoError

from financeops.store.database.connection import Database, Document

SHORT_PAUSE = 0.015
"""The longest pause of who was sent away, in seconds."""

_WAY = 0.03
"""How long others are let in, in seconds: a short pause, and the journey to the database."""

_REMEMBERED = 1.0
"""For how many seconds after a conflict others are expected."""

_WRITE_CONFLICT = 112

_turns: WeakKeyDictionary[AsyncMongoClient[Document], Turns] = WeakKeyDictionary()


class Turns:
    """What a process has met at the tenants that it writes to."""

    def __init__(self) -> None:
        self._met: dict[str, float] = {}
        self._done: dict[str, float] = {}

    def meet(self, tenant_id: str) -> None:
        """Note that another one had the tenant's lock."""
        now = time.monotonic()
        # Whom it has not met for long it forgets: nothing is kept of a tenant that it has to itself.
        self._met = {each: at for each, at in self._met.items() if now - at < _REMEMBERED}
        self._met[tenant_id] = now
        self._done = {each: at for each, at in self._done.items() if each in self._met}

    def done(self, tenant_id: str) -> None:
        """Note that it had the lock itself, and has given it back."""
        if tenant_id in self._met:
            self._done[tenant_id] = time.monotonic()

    async def give_way(self, tenant_id: str) -> None:
        """Before the lock is taken once more: let in whom it met of late."""
        now = time.monotonic()
        if now - self._met.get(tenant_id, -_REMEMBERED) < _REMEMBERED and tenant_id in self._done:
            await asyncio.sleep(self._done[tenant_id] + _WAY - now)


def turns_at(db: Database) -> Turns:
    """The turns of this process at a database."""
    return _turns.setdefault(db.client, Turns())


def is_conflict(error: PyMongoError) -> bool:
    """Whether another one had the lock."""
    return isinstance(error, OperationFailure) and error.code == _WRITE_CONFLICT
