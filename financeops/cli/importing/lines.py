"""Lines of a text file, one at a time, whatever it contains."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from financeops.core.errors import InvalidValue

MAX_BYTES = 1 << 20
"""A longer line cannot be a payment: it is skipped and reported, without taking more memory."""

_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_ASCII = bytes(range(0x20, 0x7B)).replace(b"\\", b"") + b"|\t\r\n"


def check_encoding(encoding: str) -> str:
    """Return the usual name of an encoding in which the ends of lines can be found.

    UTF-8 is read with or without a byte order mark, whichever of its two names is given.
    """
    try:
        name = codecs.lookup(encoding).name.removesuffix("-sig")
        b"\xff".decode(name, errors="backslashreplace")  # as lines that are not text are shown
        if _ASCII.decode(name) == _ASCII.decode("ascii"):
            return name
    except (LookupError, ValueError):  # UnicodeError is a ValueError
        pass
    raise InvalidValue(
        "--encoding", "must be an extension of ASCII, such as utf-8, cp1252 or latin-1"
    )


class Line(NamedTuple):
    """One line; `end` is the position in the file after it, `problem` why it cannot be read."""

    number: int
    text: str
    end: int
    problem: str | None = None


def lines_of(file: BinaryIO, *, encoding: str) -> Iterator[Line]:
    """Give the lines of a file without their line ends; blank lines are left out."""
    number = end = 0  # a pipe does not tell its position
    while raw := file.readline(MAX_BYTES):
        number += 1
        end += len(raw)
        problem = None
        if len(raw) == MAX_BYTES and not raw.endswith(b"\n"):
            problem = f"is longer than {MAX_BYTES:,} bytes"
            while rest := file.readline(MAX_BYTES):
                end += len(rest)
                if rest.endswith(b"\n"):
                    break
            raw = raw[:1000] + b"..."
        try:
            text = raw.decode(encoding)
        except UnicodeError:
            problem = (
                problem
                or f"is not {encoding.upper()} text: choose another encoding with --encoding"
            )
            text = raw.decode(encoding, errors="backslashreplace")
        text = text.rstrip("\r\n")
        if number == 1:
            if raw.startswith(_UTF_16):
                problem = "is UTF-16 text: convert it to UTF-8, or save it as CSV UTF-8"
            text = text.removeprefix("\ufeff")
        if text.strip():
            yield Line(number, text, end, problem)
