"""Log files of child processes."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

MAX_BYTES = 10 * 1024 * 1024
_TAIL_BYTES = 16 * 1024


class Log:
    """A log file that a child appends to by itself, so that it never waits for us.

    The file of the run before is kept beside it as ``NAME.log.1``.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if path.exists():
            path.replace(self._earlier)

    @property
    def _earlier(self) -> Path:
        return self.path.with_name(self.path.name + ".1")

    def open(self) -> BinaryIO:
        """Open the file for a child to append to."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.touch(mode=0o600)  # Jupyter writes its token there
        return self.path.open("ab")

    def bound(self, *, max_bytes: int = MAX_BYTES) -> None:
        """Empty a file that has grown too large into its ``.1``; the child goes on writing."""
        with suppress(OSError):  # deleted by hand, disk full: no reason to stop anything
            if self.path.stat().st_size > max_bytes:
                shutil.copyfile(self.path, self._earlier)
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
