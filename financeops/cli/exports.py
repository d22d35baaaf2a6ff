"""`financeops export`: payments as a file."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from msgspec.structs import replace

from financeops.client import Client
from financeops.client.query import keywords_of
from financeops.core.errors import Misconfigured
from financeops.core.periods import zone_of
from financeops.core.selection import Selection
from financeops.core.windows import window_from

STANDARD_OUTPUT = Path("-")


async def export_file(
    url: str,
    tenant_id: str,
    *,
    chosen: Selection,
    between: tuple[str | None, str | None],
    file_format: str,
    output: Path,
) -> int:
    """Write a tenant's payments and return how many bytes they took.

    Parameters
    ----------
    chosen : Selection
        Which payments, whenever they were.
    between : (str or None, str or None)
        From when and until when, as the command line said.

    Raises
    ------
    FinanceOpsError
        When the server refuses or breaks off; then an earlier file, if there is one, is kept.
    """
    async with Client(url) as client:
        if any(between):
            # A date begins in the tenant's zone, which the server knows.
            zone = zone_of((await client.metrics(tenant_id)).timezone)
            start, end = (text or None for text in between)
            window = window_from(start, end, zone, names=("--from", "--to"))
            chosen = replace(chosen, window=window)
        with _written(output) as file:
            return await client.export(file, tenant_id, format=file_format, **keywords_of(chosen))


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
