"""Control a real MongoDB, for tests of what the embedded database does not have.

The workflow runs them (`.github/workflows/ci.yml`), with a replica set and with a sharded cluster whose programs
run with `--setParameter enableTestCommands=1`, as `FINANCEOPS_TEST_MONGODB_URI` and its user `root` find them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from random import Random
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.errors import AutoReconnect
from pymongo.uri_parser import parse_uri

from tests.database import NAMED_URI
from tests.e2e.listener import Listener
from tests.processes import ServerProcess, start_server
from tests.rounds import Ledger

CONTAINERS = os.environ.get("FINANCEOPS_TEST_MONGODB_CONTAINERS")
"""Name of the container of a node, by its port: ``mongodb-{port}``."""


@pytest.fixture(autouse=True)
def _only_with_a_real_one():
    if NAMED_URI is None:
        pytest.skip("needs a MongoDB: FINANCEOPS_TEST_MONGODB_URI names one (the workflow does)")


@pytest.fixture
def admin() -> Iterator[MongoClient]:
    """The whole of it, to command."""
    with MongoClient(NAMED_URI) as client:
        yield client


@pytest.fixture
def replica_set(admin):
    """The same, where it is a replica set of several nodes."""
    if len(admin.admin.command("hello").get("hosts", [])) < 3:
        pytest.skip("needs a replica set of three nodes: the workflow has a job for it")
    return admin


@pytest.fixture
def sharded(admin):
    """The same, where it is a sharded cluster."""
    if admin.admin.command("hello").get("msg") != "isdbgrid":
        pytest.skip("needs a sharded cluster: the workflow has a job for it")
    return admin


@contextmanager
def failing(admin: MongoClient, mode: Any, *commands: str, **data: Any) -> Iterator[None]:
    """Make commands fail on the primary with `failCommand`."""
    fail = {"configureFailPoint": "failCommand"}
    ours = {"failCommands": list(commands), "appName": "financeops", **data}
    admin.admin.command({**fail, "mode": mode, "data": ours})
    try:
        yield
    finally:
        admin.admin.command({**fail, "mode": "off"})


def step_down(admin: MongoClient, *, seconds: int) -> None:
    """Make the primary step down, so that another is elected."""
    with suppress(AutoReconnect):  # it closes connections with it
        admin.admin.command({"replSetStepDown": seconds, "force": True})


def as_user(uri: str, name: str, password: str, database: str) -> str:
    """The same URI for another user, who is known to one database."""
    parsed = parse_uri(uri)
    nodes = ",".join(f"{host}:{port}" for host, port in parsed["nodelist"])
    replica = parsed["options"].get("replicaset")
    options = f"authSource={database}" + (f"&replicaSet={replica}" if replica else "")
    return f"mongodb://{name}:{password}@{nodes}/{database}?{options}"


def with_option(uri: str, option: str) -> str:
    """The same URI with one more option."""
    return f"{uri}{'&' if '?' in uri else '?'}{option}"


@pytest.fixture
def start():
    """Start servers; they end with the test."""
    started: list[ServerProcess] = []

    def start_one(uri, **settings):
        started.append(start_server(uri, **settings))
        return started[-1]

    yield start_one
    for server in started:
        if not server.killed:
            assert server.stop() == 0, server.said
        assert "Traceback" not in server.said


@pytest.fixture
async def held(start):
    """Have a ledger opened, and compare what it was told in the end: ``ledger = await held(urls)``."""
    opened: list[tuple[Ledger, Listener]] = []

    async def hold(*urls: str) -> Ledger:
        ledger = Ledger(urls, Random(1), f"held_{len(opened)}")
        await ledger.open()
        listener = await Listener.start(urls[0], ledger.tenants[0], transports="websocket", seq=0)
        opened.append((ledger, listener))
        return ledger

    yield hold
    for ledger, listener in opened:
        try:
            await ledger.check(listener)
        finally:
            await listener.stop()
        assert ledger.wrong == []
