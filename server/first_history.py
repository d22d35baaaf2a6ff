"""The first history of `financeops up`, recorded in the background."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from financeops.core.contract.agreements import DEFAULT_TENANT
from financeops.core.errors import Unavailable
from financeops.core.payments import Source
from financeops.core.periods import floor_millisecond
from financeops.simulation.business import PACE, first_history
from financeops.store.beginning import Beginning, begin, find_beginning, finish, recorded
from financeops.store.database.connection import Database
from financeops.store.documents import Key, derived_payment_id
from financeops.store.tenants import payments_by_source
from financeops.store.writing.operations import Insert
from financeops.tasks import end
from server.aftermath import inserts_of
from server.intake import MAX_OPERATIONS, Intake
from server.settings import Settings
from server.simulation import simulation_config
from server.tenants import Tenants

logger = logging.getLogger(__name__)

_BREATH = 0.1
"""Pause after a batch, as a share of its duration, in which others get the database."""
_RETRY = 1.0


class Progress(Struct, frozen=True):
    """How many payments of a first history are recorded; `count` is 0 if there is no history."""

    recorded: int
    count: int


class FirstHistory:
    """Records the history of a simulated business, newest payments first.

    It finishes what it began, even after it was killed: each payment has a place that is filled once.
    """

    def __init__(
        self,
        settings: Settings,
        db: Database,
        *,
        tenants: Tenants,
        intake: Intake,
        now: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self._db = db
        self._tenants = tenants
        self._intake = intake
        self._now = now
        self._beginning: Beginning | None = None
        self._batches: list[list[Insert]] = []
        self._count = self._recorded = 0
        self._lock = asyncio.Lock()
        self._work: asyncio.Task[None] | None = None
        self._resuming: asyncio.Task[None] | None = None

    @property
    def progress(self) -> Progress:
        """The progress of the recording."""
        return Progress(self._recorded, self._count)

    def current_pace(self) -> timedelta | None:
        """Mean time between two payments after the history; None without a history."""
        if self._beginning is None:
            return None
        return self._chosen_pace or self._beginning.pace

    async def resume(self) -> None:
        """Resume a history that an earlier process began."""
        self._beginning = await find_beginning(self._db)
        if self._beginning is not None and not self._beginning.finished:
            self._resuming = asyncio.create_task(self._begin_again())

    async def record(self, *, newest: int | None = None) -> Progress:
        """Start or resume, in a database without other payments.

        Parameters
        ----------
        newest : int, optional
            Return when this many are recorded, and leave the others to the next call. Without it,
            all are recorded in the background.
        """
        async with self._lock:
            if self._work is None and await self._prepare():
                if newest is None:
                    self._work = asyncio.create_task(self._finish())
                else:
                    while self._batches and self._recorded < newest:
                        await self._record_next()
        return self.progress

    async def stop(self) -> None:
        """Stop; the next start resumes."""
        for task in (self._resuming, self._work):
            if task is not None:
                await end([task])

    async def _begin_again(self) -> None:
        while True:
            try:
                await self.record()
            except Unavailable:
                await asyncio.sleep(_RETRY)
            else:
                return

    async def _prepare(self) -> bool:
        """Plan the batches that are not yet recorded; return whether there are any."""
        if self._batches:
            return True
        beginning = await find_beginning(self._db)
        if beginning is None:
            counts = await payments_by_source(self._db)
            if any(n for source, n in counts.items() if source != Source.SIMULATION):
                return False
            beginning = await begin(self._db, self._new_beginning())
        self._beginning = beginning
        if beginning.finished:
            return False
        batches = await asyncio.to_thread(self._made, beginning)
        ids = [_payment_id(batch) for batch in batches]
        # A batch is one transaction: if its first payment is recorded, so is all of it.
        already = await recorded(self._db, DEFAULT_TENANT, ids)
        self._batches = [
            batch for batch, each in zip(batches, ids, strict=True) if each not in already
        ]
        self._count = sum(map(len, batches))
        self._recorded = self._count - sum(map(len, self._batches))
        return True

    def _new_beginning(self) -> Beginning:
        seed = self._settings.simulate_seed
        return Beginning(
            begun=floor_millisecond(self._now()),
            pace=self._chosen_pace or PACE,
            seed=secrets.randbits(31) if seed is None else seed,
        )

    def _made(self, beginning: Beginning) -> list[list[Insert]]:
        config = replace(simulation_config(self._settings), source=Source.SEED.value)
        rng = np.random.default_rng(beginning.seed)
        columns = first_history(config, rng, beginning.begun, pace=beginning.pace)
        return _batches(inserts_of(columns, _key))

    @property
    def _chosen_pace(self) -> timedelta | None:
        settings = self._settings
        if "simulate_interval" not in settings.model_fields_set:
            return None
        return timedelta(seconds=settings.simulate_interval)

    async def _finish(self) -> None:
        loop = asyncio.get_running_loop()
        while self._batches:
            began = loop.time()
            try:
                await self._record_next()
            except Unavailable as error:
                logger.warning("the first history waits: %s", error)
                await asyncio.sleep(_RETRY)
            else:
                await asyncio.sleep(_BREATH * (loop.time() - began))
        await finish(self._db)

    async def _record_next(self) -> None:
        tenant = await self._tenants.existing_or_new(DEFAULT_TENANT)
        await self._intake.submit(tenant, self._batches[0])
        self._recorded += len(self._batches.pop(0))


def _batches(inserts: list[Insert]) -> list[list[Insert]]:
    """Newest batch first; within a batch oldest payment first, so that it touches few rollups."""
    ends = range(len(inserts), 0, -MAX_OPERATIONS)
    return [inserts[max(0, last - MAX_OPERATIONS) : last] for last in ends]


def _key(place: int) -> Key:
    return ("first_history", str(place))


def _payment_id(batch: list[Insert]) -> str:
    first = batch[0]
    assert first.key is not None
    return derived_payment_id(first.draft.tenant_id, first.key)
