"""`financeops import`: from the options of the command line to the rows that are sent."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from financeops.cli.importing.alone import alone
from financeops.cli.importing.batches import Summary, send
from financeops.cli.importing.preparing import Request, prepared
from financeops.cli.importing.rehearsal import rehearsed
from financeops.cli.importing.rejects import Rejects, rejects_path
from financeops.cli.importing.sources import kept
from financeops.cli.patience import patiently
from financeops.cli.progress import Bar
from financeops.client import Client
from financeops.core.contract.agreements import DEFAULT_TENANT
from financeops.core.contract.imports import ImportAnswer
from financeops.core.contract.texts import CONTROL
from financeops.core.errors import InvalidValue

__all__ = ["Request", "import_file", "rehearse_file"]


@dataclass(frozen=True, kw_only=True)
class Result:
    """What became of a file."""

    file: Path
    import_id: str
    summary: Summary
    rejects: Path
    seconds: float
    assumed: str | None
    """What was taken as given for all rows, in words."""

    fees_left_out: str | None = None
    """How many payments have fees in another currency, in words."""

    @property
    def notes(self) -> list[str]:
        """What was not read, a line for each reason."""
        lines = [f"{count:,} skipped: {reason}" for reason, count in self.summary.skipped.items()]
        if self.fees_left_out:
            lines.append(self.fees_left_out)
        return lines

    def __str__(self) -> str:
        where = f" ({self.rejects})" if self.summary.refused else ""
        return (
            f"{self.file.name}: {self.summary}{where} in {self.seconds:.1f} s"
            f" (import {self.import_id}{f'; {self.assumed}' if self.assumed else ''})"
        )


async def import_file(request: Request) -> Result:
    """Import a file.

    Raises
    ------
    FinanceOpsError
        When nothing of it can be imported; single rows that are refused are counted and listed.
    """
    with kept(request.file) as path:
        return await _import(request, path)


async def rehearse_file(request: Request) -> tuple[list[str], bool]:
    """Return lines that say what importing a file would do, and whether no row would be refused.

    Raises
    ------
    FinanceOpsError
        When nothing of it can be imported.
    """
    with kept(request.file) as path:
        async with prepared(request, path) as ready:
            found = await asyncio.to_thread(
                rehearsed, ready.table.rows, ready.columns, now=datetime.now(UTC)
            )
            for method in list(found.methods):
                try:  # of a tenant that always exists
                    await ready.client.metrics(DEFAULT_TENANT, method=method)
                except InvalidValue as error:
                    found.refuse_method(method, str(error))
    said = [*ready.notes(), *found.lines()]
    if currency := ready.assumed:
        said.append(currency)
    if left_out := ready.fees_left_out:
        said.append(left_out)
    return [CONTROL.sub("\N{REPLACEMENT CHARACTER}", line) for line in said], not found.refused


async def _import(request: Request, path: Path) -> Result:
    """Import a file that can be read several times."""
    began = time.monotonic()
    rejected = rejects_path(request.rejects, request.called)
    async with prepared(request, path) as ready:
        client, table, columns = ready.client, ready.table, ready.columns
        start = partial(
            client.start_import,
            request.tenant_id,
            # Control characters of a file name would control the terminal of who lists imports.
            file=CONTROL.sub("\N{REPLACEMENT CHARACTER}", request.called.name),
            size=_size(path),
            options=ready.options,
        )
        with Rejects(rejected) as rejects, Bar(total=table.total or None) as bar:
            for line in ready.notes():
                bar.say(line)
            async with alone(request.file, say=bar.say):
                started = await patiently(start, say=bar.say)
                try:
                    summary = await send(
                        table, columns, client, import_id=started.id, rejects=rejects, bar=bar
                    )
                except asyncio.CancelledError:
                    bar.say(
                        "Stopped. What was sent is recorded; run the command again to complete the import."
                    )
                    raise
                await _finish(client, started, summary, bar)
    return Result(
        file=request.called,
        import_id=started.id,
        summary=summary,
        rejects=rejected,
        seconds=time.monotonic() - began,
        assumed=ready.assumed,
        fees_left_out=ready.fees_left_out,
    )


def _size(path: Path) -> int:
    return path.stat().st_size


async def _finish(client: Client, started: ImportAnswer, summary: Summary, bar: Bar) -> None:
    """Tell the server that all rows were sent.

    A batch that was sent again, because its answer was lost, is answered as duplicate: how many
    payments this run created only the server knows.
    """
    counted = await patiently(partial(client.find_import, started.id), say=bar.say)
    summary.account_for(
        created=counted.counts.created - started.counts.created,
        updated=counted.counts.updated - started.counts.updated,
    )
    finish = partial(
        client.finish_import,
        started.id,
        duplicate=summary.duplicate,
        conflict=summary.conflict,
        rejected=summary.rejected,
    )
    await patiently(finish, say=bar.say)
