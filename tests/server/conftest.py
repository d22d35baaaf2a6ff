"""A running server and its clients."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import httpx
import pytest

from tests.database import fresh_name, with_database
from tests.processes import start_server
from tests.server.signed import SECRETS_SETTING


@pytest.fixture(scope="session")
def shared_server(lasting_mongodb_uri):
    """One server for all tests that need only a tenant of their own."""
    process = start_server(
        with_database(lasting_mongodb_uri, fresh_name()),
        heartbeat_seconds=0.3,
        max_missed_events=50,
        webhook_secrets=SECRETS_SETTING,
    )
    yield process
    assert process.stop() == 0, process.said
    assert "Traceback" not in process.said, process.said


@pytest.fixture
async def http(shared_server):
    """A client of the shared server."""
    async with httpx.AsyncClient(base_url=shared_server.url, timeout=30) as client:
        yield client


@pytest.fixture
def tenant_id():
    """A tenant that no other test uses; its first payment creates it."""
    return f"tenant_{uuid4().hex[:12]}"


@pytest.fixture
async def start():
    """Start servers for one test: ``start(uri, simulate=True)``; they stop with it."""
    started = []

    def start_one(uri, **settings):
        process = start_server(uri, **settings)
        started.append(process)
        return process

    yield start_one
    # In a thread: the proxy before their database works in this one's loop.
    codes = [await asyncio.to_thread(each.stop) for each in started if not each.killed]
    assert all(code == 0 for code in codes), [process.said for process in started]


@pytest.fixture
def server(start, database_uri):
    """A server for one test, on an empty database, without simulation."""
    return start(database_uri, heartbeat_seconds=0.3)


@pytest.fixture
def record(http, tenant_id):
    """Record payments of the test's tenant: ``await record(amount=18.5, status="failed")``."""

    async def post(*payments, **fields):
        wanted = list(payments) or [fields]
        items = [
            {"tenantId": tenant_id, "amount": 18.5, "method": "card", "status": "success", **each}
            for each in wanted
        ]
        response = await http.post("/payments/batch?source=import", json=items)
        assert response.status_code == 200, response.text
        answer = response.json()
        assert answer["created"] == len(items), answer
        return [item["_id"] for item in answer["items"]]

    return post
