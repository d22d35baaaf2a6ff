"""Start the embedded database protected by a password: ``… DIRECTORY COMMAND…``.

It has to run without protection once, so that its first user can be created. This happens here, on
a port that nobody knows; then this process becomes the database.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

from financeops.cli.running import embedded
from financeops.cli.running.addresses import accepts, free_port
from financeops.cli.running.wire import FAILURES, connected

_LOOK_EVERY = 0.05
_ALREADY_THERE = 51003


def main(directory: Path, command: list[str]) -> None:
    """Become the database, unless its user cannot be created."""
    if not (directory / embedded.KEPT).exists():
        if not asyncio.run(_user_is_made(directory)):
            sys.exit("the user of the embedded database could not be created")
        (directory / embedded.MADE).rename(directory / embedded.KEPT)
    os.execv(command[0], [*command, "--auth"])  # noqa: S606 - our own


async def _user_is_made(directory: Path) -> bool:
    port = free_port()
    database = subprocess.Popen(embedded.command(directory, port))  # noqa: S603, ASYNC220 - our own
    try:
        while not await accepts(embedded.HOST, port):
            if database.poll() is not None:
                return False
            await asyncio.sleep(_LOOK_EVERY)
        async with connected(embedded.HOST, port) as connection:
            answer = await connection.run(
                {
                    "createUser": embedded.USER,
                    "pwd": embedded.password_of(directory),
                    "roles": ["root"],
                    "$db": "admin",
                }
            )
    except FAILURES:
        return False
    finally:
        database.terminate()
        database.wait()
    # The user exists already if an earlier start was killed at this point.
    return answer.get("ok") == 1.0 or answer.get("code") == _ALREADY_THERE


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
