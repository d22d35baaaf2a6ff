"""Lines of a text file, one at a time, whatever is in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

MAX_BYTES = 1 << 20
"""A longer line is no payment: it is reported and skipped, and costs no more memory than this."""


class Line(NamedTuple):
    """One line; `end` is the position in the file after it, `problem` why it cannot be read."""

    number: int
    text: str
    end: int
    problem: str | None = None


def lines_of(file: BinaryIO, *, encoding: str) -> Iterator[Line]:
    """Lines of a file without their ends, those without anything but blanks left out."""
    number = 0
    while raw := file.readline(MAX_BYTES):
        number += 1
        problem = None
        if len(raw) == MAX_BYTES and not raw.endswith(b"\n"):
            problem = f"is longer than {MAX_BYTES:,} bytes"
            while (rest := file.readline(MAX_BYTES)) and not rest.endswith(b"\n"):
                pass
            raw = raw[:1000] + b"..."
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            problem = problem or f"is not {encoding.upper()} text: choose another with --encoding"
            text = raw.decode(encoding, errors="backslashreplace")
        text = text.rstrip("\r\n")
        if number == 1:
            text = text.removeprefix("\ufeff")
        if text.strip():
            yield Line(number, text, file.tell(), problem)
