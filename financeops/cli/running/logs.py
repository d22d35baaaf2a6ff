"""Log files of child processes."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import BinaryIO, Literal

MAX_BYTES = 10 * 1024 * 1024
_TAIL_BYTES = 16 * 1024
_OWN = 0o600


class Log:
    """A log file that a child appends to by itself, so that it never waits for us.

    The file of the run before is kept beside it as ``NAME.log.1``. Both are for their owner alone, and so is their
    folder: Jupyter writes its token there, and programs write what they were doing when they failed.
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
        """Empty a file that has grown too large into its ``.1``; the child goes on writing."""
        with suppress(OSError):  # deleted by hand, disk full: no reason to stop anything
            if self.path.stat().st_size > max_bytes:
                with self.path.open("rb") as file, _opened(self._earlier, "wb") as earlier:
                    shutil.copyfileobj(file, earlier)
                os.truncate(self.path, 0)

    def last_lines(self, count: int = 20) -> list[str]:
        """Last lines that were written, without blank ones."""
        try:
            with self.path.open("rb") as file:
                size = file.seek(0, 2)
                file.seek(max(0, size - _TAIL_BYTES))
                text = file.read().decode(errors="replace")
        except OSError:
            return []
        return [line for line in text.splitlines() if line.strip()][-count:]


def _opened(path: Path, mode: Literal["ab", "wb"]) -> BinaryIO:
    """A file opened for its owner alone, also when it was there before."""
    file = open(path, mode, opener=partial(os.open, mode=_OWN))  # noqa: SIM115 - Path.open has no opener
    os.fchmod(file.fileno(), _OWN)
    return file
