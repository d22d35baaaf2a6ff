"""`financeops imports`: list imports, or take one back."""

from __future__ import annotations

import re
from functools import partial

from financeops.cli.patience import patiently
from financeops.cli.progress import Bar
from financeops.client import Client
from financeops.core import wire
from financeops.core.contract.imports import ImportAnswer
from financeops.core.contract.texts import PAYMENT_ID_PATTERN
from financeops.core.errors import NotFound

_HEADINGS = (
    "ID",
    "STARTED",
    "STATE",
    "CREATED",
    "UPDATED",
    "CONFLICT",
    "REJECTED",
    "FILE",
    "OPTIONS",
)
_STATES = {"running": "unfinished"}  # or still running: only its user knows


async def listed(url: str, *, tenant_id: str, as_json: bool) -> list[str]:
    """Return lines that list a tenant's imports, newest first."""
    async with Client(url) as client:
        imports = await client.imports(tenant_id)
    if as_json:
        return [wire.encode(imports).decode()]
    if not imports:
        return [f"{tenant_id}: no imports"]
    rows = [_HEADINGS, *(_row(each) for each in imports)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


async def undone(url: str, import_id: str) -> str:
    """Take an import back, and return the line to print."""
    if not re.fullmatch(PAYMENT_ID_PATTERN, import_id):
        raise NotFound(f"there is no import {import_id}: `financeops imports` lists them")
    async with Client(url) as client:
        found = await client.find_import(import_id)
        if found.state == "undone" and found.undone_at is not None:
            what = f"import {found.id} of {found.tenant_id}"
            when = wire.timestamp(found.undone_at)
            return f"{found.file}: {what} was already taken back at {when}"
        with Bar(total=None) as bar:  # only the server knows how far it is
            answer = await patiently(partial(client.undo_import, import_id), say=bar.say)
    counts = answer.counts
    return (
        f"{answer.file}: import {answer.id} of {answer.tenant_id} is taken back: "
        f"{counts.created:,} payments removed, {counts.updated:,} no longer refunded"
    )


def _row(found: ImportAnswer) -> tuple[str, ...]:
    refused = (found.counts.conflict, found.counts.rejected)
    return (
        found.id,
        wire.timestamp(found.started_at),
        _STATES.get(found.state, found.state),
        f"{found.counts.created:,}",
        f"{found.counts.updated:,}",
        # Those who sent the file report them, at its end.
        *("-" if found.finished_at is None else f"{count:,}" for count in refused),
        found.file,
        " ".join(_option(name, value) for name, value in found.options.items()),
    )


def _option(name: str, value: str | bool | list[str]) -> str:
    if value is True:
        return f"--{name}"
    return f"--{name} {' '.join(value) if isinstance(value, list) else value}"
