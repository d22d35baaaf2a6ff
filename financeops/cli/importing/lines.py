"""Lines of a text file, one at a time, whatever it contains."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from financeops.core.errors import InvalidValue

MAX_BYTES = 1 << 20
"""A longer line cannot be a payment: it is skipped and reported, without taking more memory."""

_AT_ONCE = 1 << 16
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


def as_utf_8(file: io.BufferedReader, encoding: str, called: Path) -> tuple[io.BufferedReader, str]:
    """Return the text of a file and its encoding: UTF-8 if its first bytes say that it is UTF-16."""
    if not file.peek(2).startswith(_UTF_16):
        return file, encoding
    return io.BufferedReader(_OfUtf16(file, called)), "utf-8"


class _OfUtf16(io.RawIOBase):
    """UTF-16 text, as UTF-8: in this the ends of lines can be found."""

    def __init__(self, file: BinaryIO, called: Path) -> None:
        self._file = file
        self._called = called
        self._decode = codecs.getincrementaldecoder("utf-16")().decode
        self._left = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._left:
            read = self._file.read(_AT_ONCE)
            try:
                self._left = self._decode(read, final=not read).encode()
            except UnicodeError as error:
                problem = f"{self._called} begins as UTF-16 text, but is not: {error}"
                raise InvalidValue("FILE", problem) from None
            if not read:
                break
        count = min(len(buffer), len(self._left))
        buffer[:count], self._left = self._left[:count], self._left[count:]
        return count


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
            text = text.removeprefix("\ufeff")
        if text.strip():
            yield Line(number, text, end, problem)
