"""A running server, and a client of it."""

from __future__ import annotations

from uuid import uuid4

import pytest

from financeops.client import Client
from tests.database import fresh_name, with_database
from tests.processes import start_server


@pytest.fixture(scope="session")
def server(lasting_mongodb_uri):
    """One server for all tests that only need a tenant of their own."""
    process = start_server(
        with_database(lasting_mongodb_uri, fresh_name()),
        heartbeat_seconds=0.3,
        max_missed_events=50,
    )
    yield process
    assert process.stop() == 0, process.said


@pytest.fixture
async def client(server):
    async with Client(server.url) as client:
        yield client


@pytest.fixture
def tenant_id():
    """A tenant that no other test uses; it exists with its first payment."""
    return f"tenant_{uuid4().hex[:12]}"


@pytest.fixture
def record(client, tenant_id):
    """Record one payment of the test's tenant: ``await record(amount=3, status="failed")``."""

    async def post(**fields):
        return await client.post_payment(
            {
                "tenantId": tenant_id,
                "amount": 18.5,
                "method": "card",
                "status": "success",
                **fields,
            }
        )

    return post
