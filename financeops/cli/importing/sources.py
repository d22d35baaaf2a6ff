"""Where the bytes of a file come from: a path, a pipe or standard input, packed or not."""

from __future__ import annotations

import gzip
import io
import os
import shutil
import stat
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from financeops.core.errors import InvalidValue

STANDARD_INPUT = Path("-")

_GZIP, _ZSTD, _ZIP = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PK\x03\x04"
_BESIDE = ("__MACOSX/", ".DS_Store")
"""What some programs put into every archive."""


@contextmanager
def kept(path: Path) -> Iterator[Path]:
    """Give a path that can be read several times: of a pipe or standard input that of a copy."""
    if path != STANDARD_INPUT:
        try:
            mode = path.stat().st_mode
        except OSError:  # whoever opens it says why it cannot be read
            yield path
            return
        if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
            yield path
            return
        refuse_device(path)
    with tempfile.TemporaryDirectory(prefix="financeops-") as folder:
        copy = Path(folder) / shown(path).name
        with copy.open("wb") as file:
            if path == STANDARD_INPUT:
                shutil.copyfileobj(sys.stdin.buffer, file)
            else:
                with path.open("rb") as pipe:
                    shutil.copyfileobj(pipe, file)
        yield copy


def shown(path: Path) -> Path:
    """How a file is called in what people read."""
    return Path("stdin") if path == STANDARD_INPUT else path


def refuse_device(path: Path) -> None:
    """Refuse what may never end, such as /dev/zero; standard input is the user's choice."""
    there = path.stat()
    ends = (
        stat.S_ISREG(there.st_mode) or stat.S_ISFIFO(there.st_mode) or stat.S_ISDIR(there.st_mode)
    )
    if not ends and not os.path.samestat(there, os.fstat(0)):
        raise InvalidValue("FILE", f"{path} is no regular file, pipe or standard input")


def name_within(path: Path) -> Path:
    """The name of a file without that of what packs it: ``a.csv`` of ``a.csv.gz``."""
    match path.suffix.lower():
        case ".gz" | ".zst":
            return path.with_suffix("")
        case ".zip":
            try:
                with path.open("rb") as file, _archive(file, path) as archive:
                    return Path(_only_member(archive, path).filename)
            except OSError as error:
                reason = error.strerror or error
                raise InvalidValue("FILE", f"{path} cannot be read: {reason}") from None
        case _:
            return path


def unpacked(file: io.BufferedReader, called: Path) -> tuple[io.BufferedReader, bool]:
    """Return the bytes of a file without what packs it, and whether anything does.

    Its first bytes tell, whatever it is called: no file of payments begins so.

    Raises
    ------
    InvalidValue
        Naming ``FILE``: when it is damaged, also while it is read, or holds several files.
    """
    head = file.peek(4)[:4]
    if head.startswith(_GZIP):
        return io.BufferedReader(_Unpacking(gzip.GzipFile(fileobj=file).read, called)), True
    if head == _ZSTD:
        import pyarrow as pa  # noqa: PLC0415 - takes most of a second

        return io.BufferedReader(
            _Unpacking(pa.CompressedInputStream(file, "zstd").read, called)
        ), True
    if head == _ZIP:
        archive = _archive(file, called)
        try:
            member = archive.open(_only_member(archive, called))
        except (RuntimeError, NotImplementedError) as error:  # it has a password
            raise _damaged(called, error) from None
        return io.BufferedReader(_Unpacking(member.read, called)), True
    return file, False


def spooled(file: BinaryIO) -> BinaryIO:
    """A copy of the bytes in which one can go back."""
    copy = tempfile.TemporaryFile()  # noqa: SIM115 - whoever asks for it closes it
    shutil.copyfileobj(file, copy)
    copy.seek(0)
    return copy


def _archive(file: BinaryIO, called: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(file)
    except zipfile.BadZipFile as error:
        raise _damaged(called, error) from None


def _only_member(archive: zipfile.ZipFile, called: Path) -> zipfile.ZipInfo:
    members = [
        each
        for each in archive.infolist()
        if not each.is_dir() and not each.filename.startswith(_BESIDE)
    ]
    names = [each.filename for each in members]
    if "[Content_Types].xml" in names:
        raise InvalidValue("FILE", f"{called} is a workbook: save its sheet as CSV")
    if len(members) != 1:
        listed = ", ".join(names[:10]) + (", …" if len(names) > 10 else "")
        holds = f"holds {len(names)} files: {listed}" if names else "holds no file"
        raise InvalidValue("FILE", f"{called} {holds}: there must be one")
    return members[0]


class _Unpacking(io.RawIOBase):
    """Bytes of another reader, whose errors become ours."""

    def __init__(self, read: Callable[[int], bytes], called: Path) -> None:
        self._read = read
        self._called = called

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        try:
            found = self._read(len(buffer))
        except (EOFError, OSError, zlib.error, zipfile.BadZipFile, ValueError) as error:
            raise _damaged(self._called, error) from None
        buffer[: len(found)] = found
        return len(found)


def _damaged(called: Path, error: Exception) -> InvalidValue:
    reason = " ".join(str(error).split())
    return InvalidValue("FILE", f"{called} cannot be unpacked: {reason}")
