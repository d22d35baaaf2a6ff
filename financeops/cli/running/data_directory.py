"""The folder of one `financeops up`: database, logs, and a lock against a second one."""

from __future__ import annotations

import fcntl
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

import psutil

from financeops.core.errors import Misconfigured

MONGODB, EMBEDDED = "mongodb", "db"
"""Folders of the two kinds of database: each has its own, which tells the kind."""

_OURS = {MONGODB, EMBEDDED, "logs", "up.lock"}
_WAIT = 45.0
"""Seconds to wait for the processes of a killed run to end: its guard stops the database last."""


@contextmanager
def locked(directory: Path, say: Callable[[str], None]) -> Iterator[int]:
    """Create the folder if necessary, and lock it for this process.

    Yields the file descriptor of the lock, which is held as long as any process keeps it open. If
    the run is refused (`Misconfigured`), what it has made here is removed again.

    Raises
    ------
    Misconfigured
        When the folder cannot be written to, or another run has locked it.
    """
    lock, logs = directory / "up.lock", directory / "logs"
    try:
        made = _make(directory)
        if not logs.exists():
            logs.mkdir(mode=0o700, exist_ok=True)
            made.append(logs)
        if not lock.exists():
            lock.touch(mode=0o600)
            made.append(lock)
        file = lock.open("a+")
    except OSError as error:
        raise Misconfigured(
            f"cannot write to {directory} ({error.strerror}): choose another folder with --data-dir"
        ) from None
    with file:
        _lock(file, directory, say)
        # From here on nobody else changes it: before, another run may have made something, too.
        kept = set(directory.iterdir()).difference(made)
        file.truncate(0)
        file.write(str(psutil.Process().pid))
        file.flush()
        try:
            yield file.fileno()
        except Misconfigured:
            _remove_new(kept, directory, made)
            raise


def _make(directory: Path) -> list[Path]:
    """Create a folder and those above it if necessary; return those that are new."""
    made = [each for each in (directory, *directory.parents) if not each.exists()]
    # Only a new folder is made private: an existing one may be shared with others.
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    return made


def _remove_new(kept: set[Path], directory: Path, made: list[Path]) -> None:
    """Remove what a run makes, but not what was there, nor what anybody else has put there meanwhile."""
    with suppress(OSError):  # what was refused is said all the same
        for each in {directory / name for name in _OURS} - kept:
            if each.is_dir():
                shutil.rmtree(each)
            else:
                each.unlink(missing_ok=True)
        for folder in made:
            if folder == directory or folder in directory.parents:
                folder.rmdir()


def keep_private(directory: Path) -> None:
    """Create the folder if necessary, and let no other user of this computer read it.

    Raises
    ------
    Misconfigured
        When another user owns it.
    """
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory.chmod(0o700)
        for file in directory.rglob("*"):  # of a run of an earlier version
            if not file.is_symlink():
                file.chmod(0o700 if file.is_dir() else 0o600)
    except OSError as error:
        raise Misconfigured(
            f"cannot make {directory} private ({error.strerror}): choose another folder with --data-dir"
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
                    f"{directory} is in use by another `financeops up` ({who}): stop it, or choose "
                    "another folder with --data-dir"
                ) from None
            if not waiting:
                say("Waiting for the processes of a killed run to end …")
                waiting = True
            time.sleep(0.1)
        else:
            return


def _holder(file: TextIO) -> int | None:
    """Return the process id of the run that holds the lock; None when only its guard is left."""
    file.seek(0)
    text = file.read().strip()
    try:
        alive = psutil.Process(int(text)).status() != psutil.STATUS_ZOMBIE
    except (ValueError, psutil.Error):
        return None
    return int(text) if alive else None
