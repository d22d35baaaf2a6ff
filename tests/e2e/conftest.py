"""One server, one dashboard and one Chromium for tests that need only a tenant and a window of their own."""

from __future__ import annotations

import json

import pytest_asyncio

from tests.database import fresh_name, with_database
from tests.e2e.browser import PATIENT, dashboard_of, launched, visiting
from tests.e2e.traffic import client_of
from tests.processes import start_server

SHOP = "shop_berlin"
"""Counts in euros, in Berlin's time."""
LONG_TENANT = "a-tenant-name-of-sixty-letters-that-goes-on-and-on-and-on-60"
LONG_METHODS = [f"method_{n}_with_quite_a_long_name"[: 8 + 3 * n] for n in range(12)]
_SETTINGS = {
    "methods": ",".join(("card", "bank_transfer", "crypto", "paypal", *LONG_METHODS)),
    "tenants": json.dumps(
        {
            SHOP: {"currency": "EUR", "timezone": "Europe/Berlin"},
            LONG_TENANT: {"currency": "KWD", "timezone": "America/Argentina/Ushuaia"},
        }
    ),
}

# Files that use them have `pytestmark = pytest.mark.asyncio(loop_scope="session")`: a browser, and what
# else tests share, belongs to the event loop in which it was started.


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def http(lasting_mongodb_uri):
    """A client of a server."""
    uri = with_database(lasting_mongodb_uri, fresh_name())
    server = start_server(uri, **_SETTINGS)
    async with client_of(server) as http:
        yield http
    assert server.stop() == 0, server.said
    assert "Traceback" not in server.said, server.said


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def dashboard(http, tmp_path_factory):
    """The address of the dashboard of that server."""
    logs = tmp_path_factory.mktemp("logs")
    server_url = str(http.base_url).rstrip("/")
    async with dashboard_of(server_url, logs, PATIENT) as address:
        yield address


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium():
    async with launched() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="session")
async def browser(chromium):
    """For pages with a language, a clock or a storage of their own; closed with the test."""
    yield chromium
    for context in chromium.contexts:
        await context.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def visitor(tmp_path_factory):
    """For pages that the tests of a file share."""
    async with visiting(tmp_path_factory.mktemp("profile")) as window:
        yield window


@pytest_asyncio.fixture(loop_scope="session")
async def window(visitor):
    """For all other pages, whose resources are loaded and compiled once."""
    empty = visitor.pages
    yield visitor
    for page in set(visitor.pages).difference(empty):
        await page.close()
