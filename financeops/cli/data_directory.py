"""The folder of one `financeops up`: database, logs, and a lock against a second one."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import psutil

from financeops.core.errors import Misconfigured

_WAIT = 45.0
"""Seconds for what a killed run left behind to end: its guard stops the database last."""


@contextmanager
def locked(directory: Path, say: Callable[[str], None]) -> Iterator[int]:
    """Make the folder if needed and hold it for this process.

    Gives the lock's file descriptor: who keeps that open, keeps the folder.

    Raises
    ------
    Misconfigured
        When it cannot be written to, or another run holds it.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "logs").mkdir(exist_ok=True)
        file = (directory / "up.lock").open("a+")
    except OSError as error:
        raise Misconfigured(
            f"cannot write to {directory} ({error.strerror}): choose another with --data-dir"
        ) from None
    with file:
        _lock(file, directory, say)
        file.truncate(0)
        file.write(str(psutil.Process().pid))
        file.flush()
        yield file.fileno()


def _lock(file: TextIO, directory: Path, say: Callable[[str], None]) -> None:
    deadline = time.monotonic() + _WAIT
    waiting = False
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = _holder(file)
            if holder is not None or time.monotonic() > deadline:
                who = f"process {holder}" if holder else "a run that was killed"
                raise Misconfigured(
                    f"{directory} is in use by another `financeops up` ({who}): stop it or choose "
                    "another with --data-dir"
                ) from None
            if not waiting:
                say("Waiting for what a killed run left behind to end …")
                waiting = True
            time.sleep(0.1)
        else:
            return


def _holder(file: TextIO) -> int | None:
    """Process id of the run that holds the lock; None when only its guard is left."""
    file.seek(0)
    text = file.read().strip()
    try:
        alive = psutil.Process(int(text)).status() != psutil.STATUS_ZOMBIE
    except (ValueError, psutil.Error):
        return None
    return int(text) if alive else None
