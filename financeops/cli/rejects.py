"""The file of rows that could not be imported."""

from __future__ import annotations

import csv
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from financeops.cli.readers import Row
from financeops.core.errors import Misconfigured


class Rejects:
    """A CSV file with line number, reason and original of each row that was refused.

    It is written over when there is a first one, and not touched when there is none.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self._file: TextIO | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, row: Row, reason: str) -> None:
        """Write down one row."""
        try:
            if self._file is None:
                self._file = self.path.open("w", encoding="utf-8", newline="")
                csv.writer(self._file).writerow(["line", "reason", "original"])
            csv.writer(self._file).writerow([row.number, reason, row.text()])
        except OSError as error:
            raise Misconfigured(
                f"cannot write rejected rows to {self.path} ({error.strerror}): choose another "
                "file with --rejects"
            ) from None
        self.count += 1
