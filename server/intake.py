"""Group commit: operations that arrive while a transaction runs share the next one."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from financeops.core.contract.agreements import MAX_BATCH
from financeops.core.errors import Unavailable, Unsure
from financeops.core.payments import Tenant
from financeops.store.database.connection import Database
from financeops.store.writing.ledger import commit
from financeops.store.writing.operations import Operation, Outcome, counts_once
from server.monitoring import Meters

MAX_OPERATIONS = MAX_BATCH
"""Most operations of one transaction: a batch for one tenant fits in one."""

PLACES = 8
"""Transactions that run at once. More would only wait for each other until all of them time out."""

Part = TypeVar("Part")


@dataclass(slots=True, eq=False)
class _Submission:
    tenant: Tenant
    operations: Sequence[Operation]
    answer: asyncio.Future[list[Outcome]]

    def fail(self, error: Exception) -> None:
        """Give the error to the caller, who may have gone away."""
        if not self.answer.done():
            self.answer.set_exception(error)


class Intake:
    """The only way into the ledger: few transactions at once, one per tenant; answers follow commits.

    Tenants take turns: one that has more to commit than a transaction holds waits behind all
    others for its next transaction.
    """

    def __init__(
        self,
        db: Database,
        *,
        now: Callable[[], datetime],
        max_waiting: int,
        committed: Callable[[str], None],
        meters: Meters,
    ) -> None:
        self.waiting = 0
        self._db = db
        self._now = now
        self._max_waiting = max_waiting
        self._committed = committed
        self._meters = meters
        self._queues: dict[str, deque[_Submission]] = {}
        self._turns: deque[str] = deque()
        # Not the number of `_committers`: a finished task is in it for a moment longer.
        self._taken = 0
        self._committers: set[asyncio.Task[None]] = set()
        self._stopping = False

    async def submit(self, tenant: Tenant, operations: Sequence[Operation]) -> list[Outcome]:
        """Commit operations together, at most `MAX_OPERATIONS`, and return their outcomes."""
        if self._stopping:
            raise Unavailable("the server is stopping")
        if self.waiting + len(operations) > self._max_waiting:
            raise Unavailable("too many payments are waiting for their commit")
        if not operations:
            return []
        answer: asyncio.Future[list[Outcome]] = asyncio.get_running_loop().create_future()
        self._enqueue(_Submission(tenant, operations, answer))
        return await answer

    async def drain(self) -> None:
        """Accept nothing new, and return when everything accepted is committed."""
        self._stopping = True
        while self._committers:
            await asyncio.wait(self._committers)

    def _enqueue(self, submission: _Submission) -> None:
        self.waiting += len(submission.operations)
        tenant_id = submission.tenant.id
        if tenant_id in self._queues:  # it is waiting for its turn, or its transaction is running
            self._queues[tenant_id].append(submission)
            return
        self._queues[tenant_id] = deque([submission])
        self._turns.append(tenant_id)
        if self._taken < PLACES:
            self._taken += 1
            committer = asyncio.create_task(self._commit_in_turn())
            self._committers.add(committer)
            committer.add_done_callback(self._committers.discard)

    async def _commit_in_turn(self) -> None:
        try:
            while self._turns:
                tenant_id = self._turns.popleft()
                queue = self._queues[tenant_id]
                await self._commit_group(tenant_id, _next_group(queue))
                if queue:
                    self._turns.append(tenant_id)
                else:
                    del self._queues[tenant_id]
        finally:
            self._taken -= 1

    async def _commit_group(self, tenant_id: str, group: Sequence[_Submission]) -> None:
        operations = [operation for each in group for operation in each.operations]
        try:
            outcomes = await self._commit(group[0].tenant, operations)
        except Unsure as error:
            for each, ids in _parts(group, error.payment_ids):
                repeatable = all(map(counts_once, each.operations))
                each.fail(Unsure(ids, repeatable=repeatable))
            self._committed(tenant_id)
        except Exception as error:  # noqa: BLE001 - any error is passed to the callers
            for each in group:
                each.fail(error)
        else:
            for each, part in _parts(group, outcomes):
                if not each.answer.done():  # the caller may have gone away
                    each.answer.set_result(list(part))
            self._committed(tenant_id)
        finally:
            self.waiting -= len(operations)

    async def _commit(self, tenant: Tenant, operations: Sequence[Operation]) -> list[Outcome]:
        began = time.perf_counter()
        outcomes = await commit(self._db, tenant, operations, now=self._now())
        self._meters.commit_seconds.observe(time.perf_counter() - began)
        self._meters.group.observe(len(operations))
        for outcome in outcomes:
            self._meters.changes.labels(outcome.result.value).inc()
        return outcomes


def _next_group(queue: deque[_Submission]) -> list[_Submission]:
    """Take as many submissions from the queue as one transaction holds."""
    group = [queue.popleft()]
    size = len(group[0].operations)
    while queue and size + len(queue[0].operations) <= MAX_OPERATIONS:
        group.append(queue.popleft())
        size += len(group[-1].operations)
    return group


def _parts(
    group: Sequence[_Submission], results: Sequence[Part]
) -> Iterator[tuple[_Submission, Sequence[Part]]]:
    """Pair each submission with the results of its operations."""
    start = 0
    for each in group:
        end = start + len(each.operations)
        yield each, results[start:end]
        start = end
