"""The file of rows that could not be imported."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from financeops.cli.importing.rows import Row
from financeops.core.card_numbers import without_card_numbers
from financeops.core.csv_guard import guard
from financeops.core.errors import InvalidValue, Misconfigured


def rejects_path(chosen: Path | None, file: Path) -> Path:
    """Return where to write the rejected rows of a file: beside it by default.

    Raises
    ------
    InvalidValue
        Naming ``--rejects``, when it is the file itself, under any name or link.
    """
    path = chosen or file.parent / f"{file.name}.rejects.csv"
    try:
        same = path.samefile(file)
    except OSError:  # one of them does not exist
        same = False
    if same:
        raise InvalidValue("--rejects", f"{path} is the file to import: choose another")
    return path


class Rejects:
    """A CSV file with line number, reason and original of each row that was refused.

    An existing file is overwritten at the first refused row, and left alone if there is none.
    Formulas are guarded against spreadsheets, because the imported file may come from anybody, and
    card numbers are left out.
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
        """Add a row to the file."""
        try:
            if self._file is None:
                self._file = _opened(self.path)
                csv.writer(self._file).writerow(["line", "reason", "original"])
            texts = (guard(without_card_numbers(text)) for text in (reason, row.text()))
            csv.writer(self._file).writerow([row.number, *texts])
        except OSError as error:
            raise Misconfigured(
                f"cannot write rejected rows to {self.path} ({error.strerror}): choose another "
                "file with --rejects"
            ) from None
        self.count += 1


def _opened(path: Path) -> TextIO:
    """Open an empty file; never through a link, which may lead to any file."""
    if (
        path.is_symlink()
    ):  # checked first: the system's message would be about too many levels of links
        raise Misconfigured(
            f"{path} is a link: rejected rows are not written through links; name a file with --rejects"
        )
    if path.is_fifo():  # opening it would block until somebody reads it
        raise Misconfigured(f"{path} is a pipe: name a file with --rejects")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0)
    return os.fdopen(os.open(path, flags, 0o666), "w", encoding="utf-8", newline="")
