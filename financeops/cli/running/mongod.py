"""The `mongod` of this machine, if it has one: `up` runs it as a replica set of one member."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from financeops.cli.running import addresses, embedded, start

OLDEST = 7
"""Oldest major version: earlier ones lack features or are no longer maintained."""

_VERSION = re.compile(r"db version v(\d+)\.")


def program(environment: Mapping[str, str]) -> Path | None:
    """Return the mongod on the PATH, if it is new enough."""
    found = shutil.which("mongod", path=environment.get("PATH"))
    if found is None:
        return None
    output = subprocess.run(  # noqa: S603 - from the user's PATH
        [found, "--version"], capture_output=True, text=True, check=False
    ).stdout
    version = _VERSION.search(output)
    return Path(found) if version and int(version[1]) >= OLDEST else None


def password_of(directory: Path) -> str:
    """Return the password of its user, kept in the folder; create one if there is none.

    Raises
    ------
    Misconfigured
        When the folder cannot be read or written.
    """
    password = embedded.password_of(directory)
    if (made := directory / embedded.MADE).exists():
        # Its user is created while it runs, see `is_ready`: until then local clients may do that and nothing else.
        made.rename(directory / embedded.KEPT)
    return password


def command(mongod: Path, directory: Path, port: int) -> tuple[str, ...]:
    """Return the command that runs it, reachable from this machine only, with its data in a folder."""
    return (
        str(mongod),
        *("--dbpath", str(directory.resolve())),
        *("--bind_ip", embedded.HOST, "--port", str(port), "--nounixsocket"),
        # Transactions need a replica set; `is_ready` makes it one when it first runs. Its members
        # authenticate each other by a key file, with which mongod requires a password of all clients.
        *("--replSet", "financeops", "--keyFile", str(directory.resolve() / embedded.KEPT)),
    )


async def is_ready(port: int, password: str) -> bool:
    """Whether it accepts writes; first makes it a replica set at this port, and creates its user.

    Only the server may import the driver, so this runs a program of the server.
    """
    if not await addresses.accepts(embedded.HOST, port):
        return False
    setup = await asyncio.create_subprocess_exec(
        *start.command("server.replica_set"),
        env={**os.environ, embedded.URI_SETTING: embedded.uri(port, password=password)},
        stdin=asyncio.subprocess.DEVNULL,
    )
    try:
        return await setup.wait() == 0
    finally:
        if setup.returncode is None:
            setup.kill()
