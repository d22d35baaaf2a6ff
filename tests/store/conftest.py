"""A prepared database, and other clients of it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from financeops.store.connection import close, connect
from financeops.store.schema import prepare


@pytest.fixture
async def db(database_uri):
    """A prepared database of the test's own."""
    database = await connect(database_uri)
    await prepare(database, [], changes_ttl=timedelta(days=7))
    yield database
    await close(database)


@pytest.fixture
async def other_db(db, database_uri):
    """The same database as another server process sees it: through a client of its own."""
    database = await connect(database_uri)
    yield database
    await close(database)
