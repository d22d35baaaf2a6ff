"""Log files of child processes."""

from __future__ import annotations

import errno
import os
import shutil
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import BinaryIO, Literal

MAX_BYTES = 10 * 1024 * 1024
_TAIL_BYTES = 16 * 1024
# Behind the first line that names the cause come tracebacks of all that fails after it.
_LATELY_BYTES = 1024 * 1024
_DISK_FULL = (os.strerror(errno.ENOSPC), os.strerror(errno.EDQUOT), "OutOfDiskSpace")
_OWN = 0o600


class Log:
    """A log file to which a child appends directly, so that it never waits for `up`.

    The file of the previous run is kept beside it as ``NAME.log.1``. Only their owner may read them and their
    folder: Jupyter logs its token, and programs log what they were doing when they failed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if path.exists():
            path.replace(self._earlier)
            self._earlier.chmod(_OWN)

    @property
    def _earlier(self) -> Path:
        return self.path.with_name(self.path.name + ".1")

    def open(self) -> BinaryIO:
        """Open the file for a child to append to."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.parent.chmod(0o700)
        return _opened(self.path, "ab")

    def bound(self, *, max_bytes: int = MAX_BYTES) -> None:
        """Move the content of a file that is too large to its ``.1``; the child goes on writing."""
        with suppress(OSError):  # deleted by hand, disk full: not a reason to stop anything
            if self.path.stat().st_size > max_bytes:
                with self.path.open("rb") as file, _opened(self._earlier, "wb") as earlier:
                    shutil.copyfileobj(file, earlier)
                os.truncate(self.path, 0)

    def last_lines(self, count: int = 20) -> list[str]:
        """Return the last lines that are not blank."""
        lines = self._tail(_TAIL_BYTES).splitlines()
        return [line for line in lines if line.strip()][-count:]

    def tells_of_full_disk(self) -> bool:
        """Whether the child said lately that a disk is full."""
        text = self._tail(_LATELY_BYTES)
        return any(words in text for words in _DISK_FULL)

    def _tail(self, size: int) -> str:
        try:
            with self.path.open("rb") as file:
                file.seek(max(0, file.seek(0, 2) - size))
                return file.read().decode(errors="replace")
        except OSError:
            return ""


def _opened(path: Path, mode: Literal["ab", "wb"]) -> BinaryIO:
    """Open a file so that only its owner may read it, even if it existed before."""
    file = open(path, mode, opener=partial(os.open, mode=_OWN))  # noqa: SIM115 - Path.open has no opener
    os.fchmod(file.fileno(), _OWN)
    return file
