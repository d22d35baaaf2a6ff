"""Send rows as payments, in batches, each exactly once.

A row is recognised by its own content (`identity.py`): importing a file again, under any name and
with any options, adds nothing, and equal rows all count. The order of rows does not matter.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from financeops.cli.importing.columns import Columns
from financeops.cli.importing.identity import Identities
from financeops.cli.importing.interpreting import Skipped
from financeops.cli.importing.readers import Row, Table
from financeops.cli.importing.rejects import Rejects
from financeops.cli.patience import patiently
from financeops.cli.progress import Bar
from financeops.client import BatchAnswer, Client
from financeops.core.contract.agreements import MAX_BATCH
from financeops.core.contract.payments import BatchOutcome
from financeops.core.contract.problems import Problem
from financeops.core.errors import InvalidValue

_REFUSED = (BatchOutcome.REJECTED, BatchOutcome.CONFLICT)


@dataclass
class Summary:
    """What became of the rows of a file.

    `updated` counts rows whose payment has been refunded since it was recorded; `conflict` counts
    rows that differ from what is recorded, and changed nothing.
    """

    created: int = 0
    duplicate: int = 0
    rejected: int = 0
    updated: int = 0
    conflict: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    """Rows that are no payments, by what they are."""

    unsure: int = 0
    """Duplicates of batches that were sent again: a lost answer may have called them otherwise."""

    @property
    def refused(self) -> int:
        """How many rows were refused, and are in the file of rejects."""
        return self.rejected + self.conflict

    def account_for(self, *, created: int, updated: int) -> None:
        """Correct the counts of rows that were sent twice by what the server counted.

        The server may also have counted another run that imports the same file at the same time.
        """
        newly_created = min(created - self.created, self.unsure)
        newly_updated = min(updated - self.updated, self.unsure - newly_created)
        self.created += newly_created
        self.updated += newly_updated
        self.duplicate -= newly_created + newly_updated

    def __str__(self) -> str:
        text = f"{self.created:,} created, {self.duplicate:,} duplicate, {self.rejected:,} rejected"
        if self.updated:
            text += f", {self.updated:,} updated"
        if self.conflict:
            text += f", {self.conflict:,} in conflict"
        if self.skipped:
            text += f", {self.skipped.total():,} skipped"
        return text


@dataclass
class _Batch:
    """Rows that are sent together, and those beside them that cannot be read."""

    rows: list[Row] = field(default_factory=list)
    payments: list[Mapping[str, Any]] = field(default_factory=list)
    unreadable: list[tuple[Row, str]] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    end: int = 0
    sent: int = 0


async def send(
    table: Table, columns: Columns, client: Client, *, import_id: str, rejects: Rejects, bar: Bar
) -> Summary:
    """Send the rows of a table to the server, as rows of an import.

    While one batch is under way the next one is read. Sending more at once would not be faster:
    the payments of a tenant are committed batch by batch.

    Raises
    ------
    Unavailable
        When the server is unavailable for longer than `patience.PATIENCE`. What was sent is
        recorded; running the import again completes it.
    """
    summary = Summary()
    batches = _batches(table.rows, columns)
    batch = await asyncio.to_thread(next, batches, None)
    while batch is not None:
        reading = asyncio.create_task(asyncio.to_thread(next, batches, None))
        try:
            answer = await _post(batch, client, import_id, bar) if batch.payments else None
        finally:
            following = await reading
        _note(batch, answer, summary, rejects)
        bar.show(batch.end, str(summary))
        batch = following
    return summary


def _batches(rows: Iterator[Row], columns: Columns) -> Iterator[_Batch]:
    identities = Identities(columns.of_status)
    batch = _Batch()
    for row in rows:
        batch.end = row.end
        if row.values is None:
            batch.unreadable.append((row, row.problem or "cannot be read"))
        else:
            try:
                payment = columns.payment(row.values)
            except Skipped as reason:
                batch.skipped[str(reason)] += 1
            except InvalidValue as error:
                batch.unreadable.append((row, str(error)))
            else:
                batch.rows.append(row)
                batch.payments.append(identities.named(payment, row.values))
        most = max(len(batch.rows), len(batch.unreadable), batch.skipped.total())
        if most == MAX_BATCH:
            yield batch
            batch = _Batch()
    if batch.rows or batch.unreadable or batch.skipped:
        yield batch


async def _post(batch: _Batch, client: Client, import_id: str, bar: Bar) -> BatchAnswer:
    """Send a batch, repeatedly if necessary: its rows are recognised, so that does no harm."""

    async def ask() -> BatchAnswer:
        batch.sent += 1
        return await client.post_batch(batch.payments, source="import", import_id=import_id)

    return await patiently(ask, say=bar.say)


def _note(batch: _Batch, answer: BatchAnswer | None, summary: Summary, rejects: Rejects) -> None:
    refused = list(batch.unreadable)
    summary.skipped += batch.skipped
    if answer is not None:
        summary.created += answer.created
        summary.duplicate += answer.duplicate
        summary.unsure += answer.duplicate if batch.sent > 1 else 0
        summary.updated += answer.updated or 0
        summary.conflict += answer.conflict or 0
        refused += [
            (batch.rows[item.index], _why(item.problem))
            for item in answer.items
            if item.outcome in _REFUSED
        ]
    for row, reason in sorted(refused, key=lambda refusal: refusal[0].number):
        rejects.add(row, reason)
    summary.rejected += len(refused) - (answer.conflict or 0 if answer else 0)


def _why(problem: Problem | None) -> str:
    return problem.detail if problem else "refused by the server"
