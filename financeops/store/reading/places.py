"""Places for reading much: a few such reads at once, for each holds up what everybody else asks of the database."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager, nullcontext
from weakref import WeakKeyDictionary

from pymongo import AsyncMongoClient

from financeops.store.database.connection import Database, Document, Session

PLACES = 2

_places: WeakKeyDictionary[AsyncMongoClient[Document], asyncio.Semaphore] = WeakKeyDictionary()


def place_for_reading(
    db: Database, session: Session | None = None
) -> AbstractAsyncContextManager[None]:
    """Wait for one, in line; it is held for one piece of what is read, not for the whole.

    Within a session nothing waits: it holds more than a place.
    """
    if session is not None:
        return nullcontext()
    return _places.setdefault(db.client, asyncio.Semaphore(PLACES))
