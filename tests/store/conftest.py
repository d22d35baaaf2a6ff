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
    """A prepared database behind the proxy; files whose tests all use it name it `db`."""
    # A mongod that steps down also tells the driver's waiting monitor. This one must be polled.
    database = await connect(f"{proxy.uri}&serverMonitoringMode=poll")
    await prepare(database, [])
    yield database
    await close(database)
