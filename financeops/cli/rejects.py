"""The file of rows that could not be imported."""

from __future__ import annotations

import csv
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from financeops.cli.rows import Row
from financeops.core.errors import InvalidValue, Misconfigured


def rejects_path(said: Path | None, file: Path) -> Path:
    """Where the rejected rows of a file go: beside it, unless something else is said.

    Raises
    ------
    InvalidValue
        Naming ``--rejects``, when that is the file itself, by whatever name or link.
    """
    path = said or file.with_name(f"{file.name}.rejects.csv")
    try:
        same = path.samefile(file)
    except OSError:  # one of them is not there
        same = False
    if same:
        raise InvalidValue("--rejects", f"{path} is the file that is imported: choose another")
    return path


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
