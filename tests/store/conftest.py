"""Other clients of the database of a test."""

from __future__ import annotations

import pytest

from financeops.store.database.connection import close, connect
from financeops.store.schema import prepare


@pytest.fixture
async def other_db(db, database_uri):
    """The same database as another server process sees it: through a client of its own."""
    database = await connect(database_uri)
    yield database
    await close(database)


@pytest.fixture
async def proxied_db(proxy):
    """A prepared database behind the proxy; a file whose tests all want that calls it `db`."""
    # A mongod that steps down says so to the driver's monitor too, which waits for it. This one has to be asked.
    database = await connect(f"{proxy.uri}&serverMonitoringMode=poll")
    await prepare(database, [])
    yield database
    await close(database)
