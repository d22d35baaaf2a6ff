"""Rows become payments, in batches, each exactly once.

A row with a reference is known by it. Any other is known by its content and by how often the same
content came before in the file: a file that is imported again, under whatever name, adds nothing,
and rows that are equal all count. The order of rows does not matter for that.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from financeops.cli.columns import Columns
from financeops.cli.occurrences import Occurrences
from financeops.cli.progress import Bar
from financeops.cli.readers import Row, Table
from financeops.cli.rejects import Rejects
from financeops.client import BatchAnswer, Client
from financeops.core import wire
from financeops.core.errors import InvalidValue, Unavailable

BATCH = 1000
"""Payments in one request: what the server takes at most."""

PATIENCE = 300.0
"""Seconds that a server may be away before an import gives up."""

_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 10.0


@dataclass
class Summary:
    """What became of the rows of a file."""

    created: int = 0
    duplicate: int = 0
    rejected: int = 0

    def __str__(self) -> str:
        return f"{self.created:,} created, {self.duplicate:,} duplicate, {self.rejected:,} rejected"


@dataclass
class _Batch:
    """Rows that are sent together, those that cannot be read beside them."""

    rows: list[Row] = field(default_factory=list)
    payments: list[Mapping[str, Any]] = field(default_factory=list)
    unreadable: list[tuple[Row, str]] = field(default_factory=list)
    end: int = 0


async def send(
    table: Table, columns: Columns, client: Client, *, rejects: Rejects, bar: Bar
) -> Summary:
    """Send the rows of a table to the server.

    One batch is on its way while the next one is read. More at once would not be faster: the
    payments of a tenant are committed one batch after the other.

    Raises
    ------
    Unavailable
        When the server is away for longer than `PATIENCE`. What was sent is recorded; to run the
        import again completes it.
    """
    summary = Summary()
    batches = _batches(table.rows, columns)
    batch = await asyncio.to_thread(next, batches, None)
    while batch is not None:
        reading = asyncio.create_task(asyncio.to_thread(next, batches, None))
        try:
            answer = await _post(batch, client, bar) if batch.payments else None
        finally:
            following = await reading
        _note(batch, answer, summary, rejects)
        bar.show(batch.end, str(summary))
        batch = following
    return summary


def _batches(rows: Iterator[Row], columns: Columns) -> Iterator[_Batch]:
    occurrences = Occurrences()
    batch = _Batch()
    for row in rows:
        batch.end = row.end
        if row.values is None:
            batch.unreadable.append((row, row.problem or "cannot be read"))
        else:
            try:
                payment = columns.payment(row.values)
            except InvalidValue as error:
                batch.unreadable.append((row, str(error)))
            else:
                payment.setdefault("reference", _reference(payment, occurrences))
                batch.rows.append(row)
                batch.payments.append(payment)
        if len(batch.rows) == BATCH or len(batch.unreadable) == BATCH:
            yield batch
            batch = _Batch()
    if batch.rows or batch.unreadable:
        yield batch


def _reference(payment: Mapping[str, Any], occurrences: Occurrences) -> str:
    digest = hashlib.blake2b(wire.encode(payment), digest_size=16)
    return f"row:{digest.hexdigest()}:{occurrences.count(digest.digest())}"


async def _post(batch: _Batch, client: Client, bar: Bar) -> BatchAnswer:
    """Send a batch, again if need be: references make that harmless."""
    deadline = time.monotonic() + PATIENCE
    pause = _FIRST_PAUSE
    while True:
        try:
            return await client.post_batch(batch.payments, source="import")
        except Unavailable as error:
            if time.monotonic() + pause > deadline:
                raise
            if pause == _FIRST_PAUSE:
                bar.say(f"{error}; trying again for {PATIENCE:.0f} s")
        await asyncio.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)


def _note(batch: _Batch, answer: BatchAnswer | None, summary: Summary, rejects: Rejects) -> None:
    refused = list(batch.unreadable)
    if answer is not None:
        summary.created += answer.created
        summary.duplicate += answer.duplicate
        refused += [
            (batch.rows[item.index], _why(item.problem))
            for item in answer.items
            if item.outcome == "rejected"
        ]
    for row, reason in sorted(refused, key=lambda refusal: refusal[0].number):
        rejects.add(row, reason)
    summary.rejected += len(refused)


def _why(problem: Mapping[str, Any] | None) -> str:
    problem = problem or {}
    return str(problem.get("detail") or problem.get("title") or "refused by the server")
