"""A running server, and connections to it with the test's own cache."""

from __future__ import annotations

from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx
import pytest
from pyarrow import ipc

from financeops.cli.running.addresses import free_port
from financeops.loading import connect
from tests.database import fresh_name, with_database
from tests.processes import start_server


@pytest.fixture(scope="session")
def server_uri(lasting_mongodb_uri):
    """The database of that server."""
    return with_database(lasting_mongodb_uri, fresh_name())


@pytest.fixture(scope="session")
def server(server_uri):
    """One server for all tests that only need their own tenant."""
    process = start_server(server_uri, heartbeat_seconds=0.3)
    yield process
    assert process.stop() == 0, process.said


@pytest.fixture
def tenant_id():
    """A tenant that no other test uses; it exists with its first payment."""
    return f"tenant_{uuid4().hex[:12]}"


@pytest.fixture
def cache_folder(tmp_path, monkeypatch):
    """The folder of the cache of the test's connections."""
    monkeypatch.setenv("FINANCEOPS_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def connection(server, tenant_id, cache_folder):
    with connect(server.url, tenant_id) as connection:
        yield connection


class _Passing(BaseHTTPRequestHandler):
    """Passes a request on to the server."""

    def do_GET(self):
        path = urlsplit(self.path).path
        if path == "/payments/export":
            self.server.before_export()
        answer = httpx.get(
            self.server.upstream + self.path, headers={"Accept-Encoding": "identity"}, timeout=30
        )
        if path == "/payments/export":
            self.server.note(parse_qs(urlsplit(self.path).query), answer.content)
            self.server.after_export()
        self.send_response(answer.status_code)
        for name in ("Content-Type", "Content-Length"):
            if name in answer.headers:
                self.send_header(name, answer.headers[name])
        self.end_headers()
        self.wfile.write(answer.content)

    def log_message(self, *_):
        pass


class _Door(ThreadingHTTPServer):
    """A proxy that notes exports and calls functions before and after each."""

    def __init__(self, upstream):
        super().__init__(("127.0.0.1", 0), _Passing)
        self.upstream = upstream
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.exports = []
        self.before_export = self.after_export = lambda: None

    def note(self, query, content):
        window = (datetime.fromisoformat(query[name][0]) for name in ("from", "to"))
        self.exports.append((*window, ipc.open_stream(content).read_all().num_rows))


@pytest.fixture
def door(server):
    """A proxy in front of the server: ``exports`` are (from, to, number of payments)."""
    with _Door(server.url) as door:
        thread = Thread(target=door.serve_forever)
        thread.start()
        yield door
        door.shutdown()
        thread.join()


@pytest.fixture
def through_door(door, tenant_id, cache_folder):
    """A connection through the proxy."""
    with connect(door.url, tenant_id) as connection:
        yield connection


@pytest.fixture
def http(server):
    """An HTTP client of the server."""
    with httpx.Client(base_url=server.url, timeout=30) as client:
        yield client


@pytest.fixture
def record(http, tenant_id):
    """Record payments of the test's tenant: ``record(amount=18.5, status="failed")``; their ids."""

    def post(*payments, **fields):
        wanted = list(payments) or [fields]
        items = [
            {"tenantId": tenant_id, "amount": 18.5, "method": "card", "status": "success", **each}
            for each in wanted
        ]
        response = http.post("/payments/batch?source=import", json=items)
        assert response.status_code == 200, response.text
        answer = response.json()
        assert answer["created"] == len(items), answer
        return [item["_id"] for item in answer["items"]]

    return post


@pytest.fixture
def refund(http, tenant_id):
    """Refund a payment of the test's tenant, or a part of it: ``refund(payment_id, amount=1)``."""

    def post(payment_id, **terms):
        path = f"/payments/{payment_id}/refund"
        answer = http.post(path, params={"tenantId": tenant_id}, json=terms or None)
        assert answer.status_code == 200, answer.text

    return post


class _Restarts:
    """Servers on the same address, each on an empty database: ``start_on(port=…)``."""

    def __init__(self, mongodb_uri):
        self._mongodb_uri = mongodb_uri
        self.port = free_port()

    def __call__(self, **settings):
        return start_server(with_database(self._mongodb_uri, fresh_name()), **settings)

    def post(self, server, items):
        """Record payments of the default tenant."""
        answer = httpx.post(f"{server.url}/payments/batch?source=import", json=items)
        assert answer.json()["created"] == len(items), answer.text


@pytest.fixture
def start_on(mongodb_uri):
    return _Restarts(mongodb_uri)


class _Servers:
    """The test's own servers: ``start(uri, …)``; they end with the test."""

    def __init__(self):
        self.started = []

    def __call__(self, uri, **settings):
        server = start_server(uri, **{"heartbeat_seconds": 0.3, **settings})
        self.started.append(server)
        return server

    def record(self, server, count):
        """Record a number of payments of the default tenant."""
        item = {"amount": 1, "method": "card", "status": "success"}
        answer = httpx.post(f"{server.url}/payments/batch", json=[item] * count, timeout=30)
        assert answer.json()["created"] == count, answer.text


@pytest.fixture
def start():
    servers = _Servers()
    yield servers
    codes = [server.stop() for server in servers.started if not server.killed]
    assert all(code == 0 for code in codes), [server.said for server in servers.started]
