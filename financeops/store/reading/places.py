"""Places for large reads: only a few at once, for each delays every other use of the database."""

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
    """Wait in line for a place; hold it for one piece of the read, not for all of it.

    Within a session there is no wait: a session holds more than a place.
    """
    if session is not None:
        return nullcontext()
    return _places.setdefault(db.client, asyncio.Semaphore(PLACES))
