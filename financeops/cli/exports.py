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
from financeops.core.errors import Misconfigured
from financeops.core.instants import instant_of
from financeops.core.payments import Status
from financeops.core.periods import zone_of

STANDARD_OUTPUT = Path("-")


@dataclass(frozen=True, kw_only=True)
class Request:
    """The options of the command line; see `financeops export --help`."""

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
        When the server refuses or breaks off; then an earlier file, if there is one, is kept.
    """
    async with Client(request.url) as client:
        start, end = await _bounds(request, client)
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


async def _bounds(request: Request, client: Client) -> list[datetime | None]:
    """Start and end; a date begins at midnight in the tenant's zone, which the server knows."""
    named = {"--from": request.start, "--to": request.end}
    if not any(named.values()):
        return [None, None]
    zone = zone_of((await client.metrics(request.tenant_id)).timezone)
    return [instant_of(flag, text, zone) if text else None for flag, text in named.items()]


@contextmanager
def _written(path: Path) -> Iterator[BinaryIO]:
    """Open a file that gets its name only when it is complete."""
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
