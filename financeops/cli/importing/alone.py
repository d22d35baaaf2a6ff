"""One import of a file at a time on this computer, so that each run counts its own payments alone.

The server takes two runs of one import for one that goes on after a break: it counts for both together.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

if sys.platform != "win32":
    import fcntl

_LOOK_EVERY = 0.2


@asynccontextmanager
async def alone(path: Path, *, say: Callable[[str], None]) -> AsyncIterator[None]:
    """Wait until no other run imports the file, and keep others waiting until the block ends."""
    # A pipe is read by one run anyway.
    if sys.platform == "win32" or not path.is_file():  # noqa: ASYNC240 - nothing else runs yet
        yield
        return
    waits = False
    with path.open("rb") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if not waits:
                    say("Waiting for another run that imports this file …")
                    waits = True
                await asyncio.sleep(_LOOK_EVERY)
            except OSError:
                break  # a file system without locks
            else:
                break
        yield
