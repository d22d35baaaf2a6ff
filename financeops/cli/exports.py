"""`financeops export`: payments as a file."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from financeops.client import Client
from financeops.core.errors import InvalidValue, Misconfigured
from financeops.core.payments import Status

STANDARD_OUTPUT = Path("-")


@dataclass(frozen=True, kw_only=True)
class Request:
    """What the command line said; see `financeops export --help`."""

    output: Path
    format: str
    tenant_id: str
    start: str | None
    end: str | None
    status: Status | None
    method: str | None
    url: str


async def export_file(request: Request) -> int:
    """Write the payments and return how many bytes they took.

    Raises
    ------
    FinanceOpsError
        When the server refuses or breaks off; then there is no file, or still the one before.
    """
    start = _instant(request.start, "--from")
    end = _instant(request.end, "--to")
    async with Client(request.url) as client:
        with _written(request.output) as file:
            return await client.export(
                file,
                request.tenant_id,
                format=request.format,
                status=request.status,
                method=request.method,
                start=start,
                end=end,
            )


@contextmanager
def _written(path: Path) -> Iterator[BinaryIO]:
    """Open a file that is at its place only once it is complete."""
    if path == STANDARD_OUTPUT:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            yield file
        part.replace(path)
    except OSError as error:
        raise Misconfigured(f"cannot write {path}: {error.strerror}; change --output") from None
    finally:
        part.unlink(missing_ok=True)


def _instant(text: str | None, flag: str) -> datetime | None:
    if text is None:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise InvalidValue(flag, "must be a time with an offset such as 2026-01-01T00:00:00Z")
    return instant
