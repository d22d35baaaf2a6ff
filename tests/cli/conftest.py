"""A real server, and the command line as a person runs it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from pymongo import MongoClient

from tests.database import fresh_name, with_database
from tests.forks import Fork
from tests.processes import start_server


def start(*arguments: object, url: str = "", cwd: Path | None = None, **environment: str) -> Fork:
    """Start `financeops`."""
    clean = {name: value for name, value in os.environ.items() if "FINANCEOPS" not in name}
    env = {**clean, **({"FINANCEOPS_URL": url} if url else {}), **environment}
    return Fork("financeops", *map(str, arguments), env=env, cwd=cwd or Path.cwd())


def run(*arguments: object, url: str = "", cwd: Path | None = None, **environment: str):
    """Run `financeops` to its end and return its output."""
    return start(*arguments, url=url, cwd=cwd, **environment).finish(timeout=120)


@pytest.fixture(scope="module")
def server_url(mongodb_uri: str) -> Iterator[str]:
    """One server for all tests here, each of which has a tenant of its own."""
    name = fresh_name()
    server = start_server(
        with_database(mongodb_uri, name),
        tenants='{"berlin": {"currency": "EUR", "timezone": "Europe/Berlin"}}',
    )
    yield server.url
    server.stop()
    with MongoClient(mongodb_uri) as client:
        client.drop_database(name)


@pytest.fixture
def tenant() -> str:
    return f"tenant_{uuid4().hex[:12]}"


@pytest.fixture
def financeops(server_url: str, tmp_path: Path):
    """The command line, in a temporary folder, connected to the server."""

    def command(*arguments: object, **environment: str):
        return run(*arguments, url=server_url, cwd=tmp_path, **environment)

    return command
