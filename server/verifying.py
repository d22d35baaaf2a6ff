"""Verifications: one at a time, because each reads all payments of a tenant; others wait.

A limited number of results is kept in memory for a limited time, and lost when the process stops;
what was repaired until then stays repaired.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from enum import StrEnum

from financeops.core.errors import FinanceOpsError, NotFound, Unavailable
from financeops.store.database.connection import Database
from financeops.store.reading.reader import Reader
from financeops.store.tenants import find_tenant
from financeops.store.verifying.counting import Progress
from financeops.store.verifying.verify import Report, verify
from financeops.tasks import end
from server.http.problems import UNEXPECTED

MOST_ADMITTED, MOST_ADMITTED_OF_TENANT = 8, 2
"""Number of verifications that may run or wait at the same time, in all and per tenant."""

KEPT = timedelta(hours=1)
MOST_KEPT, MOST_KEPT_OF_TENANT = 32, 4
"""How long results are kept, and how many, in all and per tenant."""

_STOPPING = "the server is stopping: try again"

logger = logging.getLogger(__name__)


class State(StrEnum):
    """State of a verification."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"


class Verification:
    """A verification that was requested, with its state and result."""

    def __init__(self, tenant_id: str, *, repair: bool) -> None:
        self.id = secrets.token_hex(12)
        self.tenant_id = tenant_id
        self.repair = repair
        self.state = State.WAITING
        self.progress: Progress | None = None
        self.report: Report | None = None
        self.error: FinanceOpsError | None = None
        self.ended_at: datetime | None = None

    def hear(self, progress: Progress) -> None:
        """Note the progress of the verification."""
        self.progress = progress


class Verifications:
    """Runs verifications, one at a time."""

    def __init__(self, db: Database, reader: Reader, *, now: Callable[[], datetime]) -> None:
        self._db = db
        self._reader = reader
        self._now = now
        self._closed = False
        self._turn = asyncio.Lock()
        self._admitted: Counter[str] = Counter()
        self._known: dict[str, Verification] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    @property
    def admitted(self) -> int:
        """Number of verifications that run or wait."""
        return self._admitted.total()

    @asynccontextmanager
    async def turn(self, tenant_id: str) -> AsyncIterator[None]:
        """Wait until no verification runs; raise `Unavailable` if too many wait."""
        self._admit(tenant_id)
        try:
            async with self._turn:
                yield
        finally:
            self._admitted -= Counter([tenant_id])

    async def start(self, tenant_id: str, *, repair: bool) -> Verification:
        """Start a verification in the background; it runs when its turn comes.

        Raises
        ------
        NotFound
        Unavailable
            Also if too many wait.
        """
        await find_tenant(self._db, tenant_id)
        self._admit(tenant_id)
        started = Verification(tenant_id, repair=repair)
        self._known[started.id] = started
        task = self._tasks[started.id] = asyncio.create_task(self._run(started))
        task.add_done_callback(lambda _: self._end(started))
        return started

    def find(self, tenant_id: str, verification_id: str) -> Verification:
        """Return a verification of a tenant; raise `NotFound`."""
        self._forget()
        found = self._known.get(verification_id)
        if found is None or found.tenant_id != tenant_id:
            raise NotFound(
                f"tenant {tenant_id!r} has no verification {verification_id}: this server keeps only "
                "the latest results, for an hour, until it stops; start another"
            )
        return found

    async def stop(self, tenant_id: str, verification_id: str) -> Verification:
        """Stop a verification and return it; what it has repaired stays repaired."""
        found = self.find(tenant_id, verification_id)
        if task := self._tasks.get(verification_id):
            await end([task])
        return found

    async def close(self) -> None:
        """Stop all verifications, and accept no more."""
        self._closed = True
        await end(list(self._tasks.values()))

    def _admit(self, tenant_id: str) -> None:
        if self._closed:
            raise Unavailable(_STOPPING)
        if self._admitted[tenant_id] >= MOST_ADMITTED_OF_TENANT:
            raise Unavailable(
                f"{MOST_ADMITTED_OF_TENANT} verifications of tenant {tenant_id!r} run or wait, and it "
                "may have no more: try again when one is done"
            )
        if self.admitted >= MOST_ADMITTED:
            raise Unavailable(
                f"{MOST_ADMITTED} verifications run or wait on this server, one at a time, and it "
                "takes no more: try again when one is done"
            )
        self._admitted[tenant_id] += 1

    async def _run(self, begun: Verification) -> None:
        async with self._turn:
            begun.state = State.RUNNING
            try:
                begun.report = await verify(
                    self._db,
                    begun.tenant_id,
                    as_of=self._now(),
                    reader=self._reader,
                    repair=begun.repair,
                    progress=begun.hear,
                )
            except FinanceOpsError as error:
                begun.error = error
            except Exception:
                logger.exception("a verification of %s failed", begun.tenant_id)
                begun.error = FinanceOpsError(UNEXPECTED)

    def _end(self, ended: Verification) -> None:
        self._admitted -= Counter([ended.tenant_id])
        del self._tasks[ended.id]
        ended.ended_at = self._now()
        if ended.report is not None:
            ended.state = State.DONE
        else:
            ended.state = State.STOPPED if ended.error is None else State.FAILED
        self._forget()

    def _forget(self) -> None:
        """Forget results that are too old or too many."""
        ended = [each for each in self._known.values() if each.ended_at is not None]
        kept: Counter[str] = Counter()
        for each in sorted(ended, key=_end_of)[::-1]:
            old = self._now() - _end_of(each) > KEPT
            if old or kept.total() >= MOST_KEPT or kept[each.tenant_id] >= MOST_KEPT_OF_TENANT:
                del self._known[each.id]
            else:
                kept[each.tenant_id] += 1


def _end_of(ended: Verification) -> datetime:
    assert ended.ended_at is not None
    return ended.ended_at
