"""Fixtures that every test may use."""

from __future__ import annotations

import gc
import os
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path

# The threads of OpenBLAS spend three times as long waiting for each other as computing fits of a
# few numbers. It reads this when numpy or scipy is imported, here and in processes of the tests.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import pytest
from hypothesis import settings
from pymongo import MongoClient

from financeops.jupyter import without_address_grammar
from financeops.store.database.connection import Database, close, connect
from financeops.store.schema import prepare
from tests.database import NAMED_URI, DatabaseProcesses, fresh_name, with_database
from tests.proxy import Proxy

# The time of an example depends on the machine, its result does not. Each run draws other examples;
# ARGS="--hypothesis-profile=thorough" draws more at once, `make test-quick` fewer.
settings.register_profile("any-machine", parent=settings.default, deadline=None, max_examples=40)
settings.register_profile("thorough", parent=settings.default, deadline=None, max_examples=400)
settings.register_profile("quick", parent=settings.default, deadline=None, max_examples=10)
settings.load_profile("any-machine")

without_address_grammar()  # saves time in each process of the tests, as in a program

# Imported modules and collected tests stay: scanning them again takes a fifth of the time.
gc.disable()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """After collection, let the garbage collector look only at what the tests create."""
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files beside this one: they build much, and at the end would run alone."""
    items.sort(key=lambda item: item.path.parent != Path(__file__).parent)
    if os.environ.get("FINANCEOPS_TEST_LONG") != "1":
        elsewhere = pytest.mark.skip(
            reason="takes minutes, and has a job of its own: make test-long"
        )
        for item in items:
            if item.get_closest_marker("long") is not None:
                item.add_marker(elsewhere)


def pytest_unconfigure() -> None:
    """At the end release everything: libraries complain about what is left."""
    gc.unfreeze()


@pytest.fixture(scope="session")
def database_processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DatabaseProcesses]:
    """The embedded databases of this run (of this worker, where several share the tests)."""
    processes = DatabaseProcesses(tmp_path_factory.mktemp("mongodb"))
    yield processes
    processes.kill()


@pytest.fixture(scope="module")
def mongodb_uri(database_processes: DatabaseProcesses) -> str:
    """A running MongoDB: the configured one, or the embedded database in a shared process."""
    return NAMED_URI or database_processes.uri()


@pytest.fixture(scope="session")
def lasting_mongodb_uri(database_processes: DatabaseProcesses) -> str:
    """The same for servers that the tests of several files share."""
    return NAMED_URI or database_processes.uri()


@pytest.fixture
def database_uri(mongodb_uri: str) -> Iterator[str]:
    """A running MongoDB with a database for this test only."""
    name = fresh_name()
    yield with_database(mongodb_uri, name)
    if NAMED_URI:
        # The embedded one goes as a whole; dropping under a server that still writes may block it.
        with MongoClient(mongodb_uri) as client:
            client.drop_database(name)


@pytest.fixture
async def proxy(database_uri: str) -> AsyncIterator[Proxy]:
    """A proxy before the test's database, which makes commands fail on request."""
    if NAMED_URI:
        pytest.skip("a replica set names its own addresses, past the proxy; it has failCommand")
    async with Proxy(database_uri).listening() as proxy:
        yield proxy


@pytest.fixture
async def db(database_uri: str) -> AsyncIterator[Database]:
    """A prepared database for this test only."""
    database = await connect(database_uri)
    await prepare(database, [])
    yield database
    await close(database)
