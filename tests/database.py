"""A real database for tests: the embedded one in a process of its own, or a configured one."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from financeops.cli.running import embedded
from financeops.cli.running.addresses import free_port

NAMED_URI = os.environ.get("FINANCEOPS_TEST_MONGODB_URI")
"""A real MongoDB (replica set) to test against instead of the embedded database."""

MOST_DATABASES = 150
"""Databases per process: each test has its own, and what they leave in one process adds up."""


class EmbeddedDatabase:
    """The embedded database in a process for one test, which may kill and start it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = free_port()
        self.uri = embedded.uri(self.port)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *, timeout: float = 90) -> None:
        """Start it and return when it answers."""
        self.directory.mkdir(parents=True, exist_ok=True)
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen(
                embedded.command(self.directory / "db", self.port),
                stdout=log,
                stderr=log,
                cwd=self.directory,
            )
        deadline = time.monotonic() + timeout
        with MongoClient(self.uri, serverSelectionTimeoutMS=500) as client:
            while True:
                try:
                    client.admin.command("ping")
                except PyMongoError:
                    if self.process.poll() is not None or time.monotonic() > deadline:
                        raise
                else:
                    return

    def kill(self) -> None:
        """kill -9, which is like a power cut, and the quickest way to end it."""
        if self.process is None:
            return
        self.process.kill()
        self.process.wait()
        self.process = None


class DatabaseProcesses:
    """Embedded databases that test files share: starting one costs more than most files use it.

    A full one keeps running, for servers that live as long as the tests, but gets no new file.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._started: list[EmbeddedDatabase] = []

    def uri(self) -> str:
        """URI of the database for the next file."""
        if not self._started or _databases(self._started[-1].uri) >= MOST_DATABASES:
            database = EmbeddedDatabase(self._folder / str(len(self._started)))
            self._started.append(database)
            database.start()
        return self._started[-1].uri

    def kill(self) -> None:
        """End all of them."""
        for database in self._started:
            database.kill()


def _databases(uri: str) -> int:
    with MongoClient(uri) as client:
        return len(client.list_database_names())


def with_database(uri: str, name: str) -> str:
    """The same URI with `name` as its database."""
    return urlunsplit(urlsplit(uri)._replace(path=f"/{name}"))


def fresh_name() -> str:
    """A database name that no other test uses."""
    return f"financeops_test_{uuid4().hex[:12]}"
