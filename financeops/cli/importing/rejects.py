"""The file of rows that could not be imported."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from financeops.cli.importing.rows import Row
from financeops.core.csv_guard import guard
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

    It is written over when there is a first one, and not touched when there is none. What is a
    formula to a spreadsheet is guarded: it is the file of somebody else that is shown here.
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
                self._file = _opened(self.path)
                csv.writer(self._file).writerow(["line", "reason", "original"])
            csv.writer(self._file).writerow([row.number, guard(reason), guard(row.text())])
        except OSError as error:
            raise Misconfigured(
                f"cannot write rejected rows to {self.path} ({error.strerror}): choose another "
                "file with --rejects"
            ) from None
        self.count += 1


def _opened(path: Path) -> TextIO:
    """The file, empty; never one that a link of its name leads to: it may be anybody's."""
    if path.is_symlink():  # said before: what the system says of it is about too many levels
        raise Misconfigured(
            f"{path} is a link: rejected rows are not written through it; name a file with --rejects"
        )
    if path.is_fifo():  # who opens it waits until somebody reads it
        raise Misconfigured(f"{path} is a pipe: name a file with --rejects")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0)
    return os.fdopen(os.open(path, flags, 0o666), "w", encoding="utf-8", newline="")
