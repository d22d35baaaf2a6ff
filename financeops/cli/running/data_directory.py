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
        # Only a new one: a folder that somebody names may be used by others for other things.
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        (directory / "logs").mkdir(mode=0o700, exist_ok=True)
        lock = directory / "up.lock"
        lock.touch(mode=0o600)
        file = lock.open("a+")
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


def keep_private(directory: Path) -> None:
    """Make the folder if needed, and let nobody else on this computer read what is in it.

    Raises
    ------
    Misconfigured
        When it is somebody else's.
    """
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory.chmod(0o700)
        for file in directory.rglob("*"):  # of a run that did not know this yet
            if not file.is_symlink():
                file.chmod(0o700 if file.is_dir() else 0o600)
    except OSError as error:
        raise Misconfigured(
            f"cannot keep {directory} from others ({error.strerror}): choose another with --data-dir"
        ) from None


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
