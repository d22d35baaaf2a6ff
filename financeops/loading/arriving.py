"""Decode an Arrow stream as it arrives."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
from pyarrow import ipc

from financeops.arrow.reading import canonical_of
from financeops.arrow.tables import SCHEMA
from financeops.core.errors import Busy


def received(chunks: Iterator[bytes], *, arrived: Callable[[int], object]) -> pa.Table:
    """Canonical table of an export in Arrow's stream format.

    Parameters
    ----------
    chunks : iterator of bytes
        The file, in chunks of any size.
    arrived : callable
        Called with the number of payments in each batch.

    Raises
    ------
    Busy
        The stream broke off before its end.
    """
    tables = [SCHEMA.empty_table()]
    try:
        with ipc.open_stream(pa.PythonFile(_Pieces(chunks), mode="r")) as stream:
            for batch in stream:
                tables.append(canonical_of(pa.Table.from_batches([batch])))
                arrived(batch.num_rows)
    except pa.ArrowInvalid as error:
        raise Busy("the export broke off: load again") from error
    return pa.concat_tables(tables)


class _Pieces(io.RawIOBase):
    """A file read from chunks as they arrive."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._left = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """Read that many bytes, fewer only at the end."""
        parts: list[bytes] = []
        while size:
            if not self._left:
                self._left = next(self._chunks, b"")
                if not self._left:
                    break
            part = self._left if size < 0 else self._left[:size]
            self._left = self._left[len(part) :]
            size = size if size < 0 else size - len(part)
            parts.append(part)
        return b"".join(parts)

    def readinto(self, buffer: Any) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)
