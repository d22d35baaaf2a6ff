"""The processes that benchmarks need: an embedded database and a server."""

import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from financeops.cli.running import embedded

ROOT = Path(__file__).parent.parent
START_SECONDS = 60


@contextmanager
def embedded_database():
    """Run an empty embedded database, and yield its URI; remove it and its files afterwards."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as directory:
        command = embedded.command(Path(directory), port)
        quiet = subprocess.DEVNULL
        with ended(subprocess.Popen(command, stdout=quiet, stderr=quiet, cwd=directory)):
            uri = embedded.uri(port, "financeops")
            wait_for(uri)
            yield uri


@contextmanager
def running_server(uri):
    """Run a server on a database, without simulation, and yield its URL."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FINANCEOPS_")}
    settings = {"MONGODB_URI": uri, "PORT": "0", "SIMULATE": "false"}
    process = subprocess.Popen(
        [sys.executable, "-m", "server"],
        cwd=ROOT,
        env=kept | {f"FINANCEOPS_{name}": value for name, value in settings.items()},
        stderr=subprocess.PIPE,
        text=True,
    )
    with ended(process):
        for line in process.stderr:
            if found := re.search(r"FinanceOps server on (http://\S+)", line):
                yield found[1]
                return
        raise RuntimeError("the server did not start")


@contextmanager
def ended(process):
    """End a process at the end of the block."""
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stderr:
            process.stderr.close()


def wait_for(uri):
    deadline = time.monotonic() + START_SECONDS
    with MongoClient(uri, serverSelectionTimeoutMS=500) as client:
        while time.monotonic() < deadline:
            with suppress(PyMongoError):
                client.admin.command("ping")
                return
    raise RuntimeError("the database did not start")
