"""Other clients of the database of a test."""

from __future__ import annotations

import pytest

from financeops.store.connection import close, connect


@pytest.fixture
async def other_db(db, database_uri):
    """The same database as another server process sees it: through a client of its own."""
    database = await connect(database_uri)
    yield database
    await close(database)
