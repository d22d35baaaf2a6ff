"""A `mongod` of this machine, which `up` starts where there is one: a replica set of one in the data folder."""

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
"""Its major version; before that it lacks what the product needs, or is no longer kept up."""

_VERSION = re.compile(r"db version v(\d+)\.")


def program(environment: Mapping[str, str]) -> Path | None:
    """The one that the PATH names, if it is new enough."""
    found = shutil.which("mongod", path=environment.get("PATH"))
    if found is None:
        return None
    said = subprocess.run(  # noqa: S603 - what the user's PATH names
        [found, "--version"], capture_output=True, text=True, check=False
    ).stdout
    version = _VERSION.search(said)
    return Path(found) if version and int(version[1]) >= OLDEST else None


def password_of(directory: Path) -> str:
    """The password of its user, kept in the folder; makes one where there is none.

    Raises
    ------
    Misconfigured
        The folder cannot be read or written.
    """
    password = embedded.password_of(directory)
    if (made := directory / embedded.MADE).exists():
        # Its user is made while it runs, see `is_ready`: until then who asks from here may do that, and no more.
        made.rename(directory / embedded.KEPT)
    return password


def command(mongod: Path, directory: Path, port: int) -> tuple[str, ...]:
    """The command that runs it, on this machine only, with its data in a folder of its own."""
    return (
        str(mongod),
        *("--dbpath", str(directory.resolve())),
        *("--bind_ip", embedded.HOST, "--port", str(port), "--nounixsocket"),
        # Transactions need a replica set. It becomes one when it first runs: see `is_ready`. Members of
        # one know each other by a key; with it mongod asks everybody for a password.
        *("--replSet", "financeops", "--keyFile", str(directory.resolve() / embedded.KEPT)),
    )


async def is_ready(port: int, password: str) -> bool:
    """Whether it takes writes; makes it a replica set of one, at this port and with its user, when it is not.

    Only the server's side may speak to a database, so that is a program of its own.
    """
    if not await addresses.accepts(embedded.HOST, port):
        return False
    making = await asyncio.create_subprocess_exec(
        *start.command("server.replica_set"),
        env={**os.environ, embedded.URI_SETTING: embedded.uri(port, password=password)},
        stdin=asyncio.subprocess.DEVNULL,
    )
    try:
        return await making.wait() == 0
    finally:
        if making.returncode is None:
            making.kill()
