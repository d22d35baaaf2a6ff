"""The task that keeps the model in step with the server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from financeops.client import Snapshot
from financeops.client.query import keywords_of
from financeops.client.rest import Client
from financeops.client.stream import Connected, Disconnected, Heartbeat, Reload, Stream
from financeops.core.dimensions import Dimension
from financeops.core.errors import Busy, FinanceOpsError, Unavailable
from financeops.core.payments import Change
from financeops.core.questions import Question
from financeops.dashboard.state.history import History
from financeops.dashboard.state.model import Connection, DashboardModel

_MISSED = 3
"""How many heartbeats of a connected server may be missed before its figures are shown as stale."""

_HEARTBEAT = timedelta(seconds=20)
"""The time between two heartbeats of a server that does not say it."""

_SHORTEST_SILENCE = timedelta(seconds=10)
"""A busy server may be late by as much, however often its heart beats."""

_RETRY = 2.0
"""Seconds before asking again for what could not be loaded or is incomplete."""


def utc_now() -> datetime:
    """The computer's clock."""
    return datetime.now(UTC)


class _Superseded(Exception):
    """Other figures were asked for before these came."""


class Live:
    """Loads snapshots and follows the stream, for one tenant.

    Parameters
    ----------
    model : DashboardModel
    client : Client
    now : callable
        The clock.
    """

    def __init__(
        self,
        model: DashboardModel,
        client: Client,
        *,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._model = model
        self._client = client
        self._now = now
        self._ahead = timedelta()  # the server's clock minus this one
        self._heard_at = now()
        self._patience = _MISSED * _HEARTBEAT
        self._wanted = asyncio.Event()
        self._stream: Stream | None = None
        self._loading: tuple[Question, asyncio.Task[tuple[Snapshot, str]]] | None = None

    def server_now(self) -> datetime:
        """The time by the server's clock, as far as it is known."""
        return self._now() + self._ahead

    def reload(self, _change: object = None) -> None:
        """Request a snapshot: another period was chosen, or the figures are incomplete."""
        self._wanted.set()
        if self._loading is not None and self._loading[0] != self._model.question:
            self._loading[1].cancel()  # the server may count for long what nobody wants any more

    async def run(self) -> None:
        """Follow the tenant until cancelled."""
        model = self._model
        model.observe(self.reload, ["period", "days", "chosen_currency", "facets"])
        model.observe(self._reload_if_needed, ["paused"])
        model.observe(self._load_counts, ["by"])
        try:
            self._wanted.set()
            await self._load_when_wanted(once=True)
            async with (
                Stream(self._client.url, model.tenant, seq=model.seq) as stream,
                asyncio.TaskGroup() as tasks,
            ):
                self._stream = stream
                tasks.create_task(self._load_when_wanted())
                tasks.create_task(History(model, self._client).run())
                tasks.create_task(self._listen(stream))
                tasks.create_task(self._tick())
                tasks.create_task(self._watch_recording())
        finally:
            self._stream = None
            model.unobserve(self.reload, ["period", "days", "chosen_currency", "facets"])
            model.unobserve(self._reload_if_needed, ["paused"])
            model.unobserve(self._load_counts, ["by"])

    async def _listen(self, stream: Stream) -> None:
        model = self._model
        tenant = model.tenant
        async for event in stream:
            if model.tenant != tenant:  # another one was chosen: this task is about to be cancelled
                return
            match event:
                case Change():
                    model.receive(event)
                    self._heard()
                    self._reload_if_needed()
                case Connected():
                    self._ahead = event.server_time - self._now()
                    between = event.heartbeat or _HEARTBEAT
                    self._patience = max(_MISSED * between, _SHORTEST_SILENCE)
                    model.head = max(model.head, event.seq)
                    self._heard()
                case Heartbeat():
                    model.head = max(model.head, event.seq)
                    self._heard()
                case Disconnected():
                    model.disconnected_at = model.disconnected_at or self._now()
                    model.connection = Connection.RECONNECTING
                case Reload():
                    model.overflow()
                    if not model.paused:
                        self.reload()

    async def ask_recording(self) -> bool:
        """Ask how far the recording of a simulated history is; return whether it need not be asked again."""
        model = self._model
        try:
            at = await self._client.history(model.tenant)
        except Unavailable:
            return False
        except FinanceOpsError:  # a server without this route
            return True
        model.recording = at.recorded / at.count if at.recorded < at.count else None
        return model.recording is None

    async def _watch_recording(self) -> None:
        """Follow the recording of a simulated history until it is complete: comparisons depend on it."""
        while not await self.ask_recording():  # noqa: ASYNC110 - another process records
            await asyncio.sleep(_RETRY)

    def _heard(self) -> None:
        self._heard_at = self._now()
        if not self._model.missed:  # else the figures are as old as they were
            self._model.fresh_at = self.server_now()
        self._model.disconnected_at = None
        if self._model.error is None or self._counts(self._model.error):
            self._model.connection = Connection.LIVE

    async def _load_when_wanted(self, *, once: bool = False) -> None:
        model = self._model
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            # The stream holds what arrives meanwhile: it may or may not be in the snapshot.
            if self._stream is not None:
                self._stream.hold()
            requested, by = (model.tenant, model.question), model.counts_by
            try:
                snapshot, own = await self._load(*requested, by)
            except _Superseded:
                continue
            except FinanceOpsError as error:
                model.error = error
                silent = model.loaded and not self._counts(error)
                if silent and model.disconnected_at is None:
                    model.connection = Connection.STALE
                await asyncio.sleep(_RETRY)
                self._wanted.set()
                continue
            chosen = model.tenant, model.question
            if requested != chosen or model.counts_by not in {None, by}:
                continue  # another one was chosen meanwhile, and is already requested
            if model.days is not None and snapshot.metrics.timezone != model.timezone:
                # These days begin at other moments.
                model.timezone = snapshot.metrics.timezone
                self._wanted.set()
                continue
            model.load(snapshot, own_currency=own)
            if self._stream is not None:
                self._stream.continue_from(snapshot.seq)
            if once:
                return

    def _counts(self, error: FinanceOpsError) -> bool:
        """Whether the server is not silent, but has yet to count what was asked for."""
        return self._model.outdated and isinstance(error, Busy)

    async def _load(
        self, tenant: str, question: Question, by: Dimension | None
    ) -> tuple[Snapshot, str]:
        """Load figures, unless others are wanted meanwhile."""
        task = asyncio.create_task(self._snapshot(tenant, question, by))
        self._loading = question, task
        try:
            await asyncio.wait([task])
            if task.cancelled():
                raise _Superseded
            return task.result()
        finally:
            self._loading = None
            task.cancel()

    async def _snapshot(
        self, tenant: str, question: Question, by: Dimension | None
    ) -> tuple[Snapshot, str]:
        """Load figures, and the tenant's currency: they are in another one if there are no payments in it."""
        snapshot = await self._client.snapshot(tenant, rollups=True, by=by, **keywords_of(question))
        own, paid_in = snapshot.metrics.currency, snapshot.metrics.currencies
        if question.currency or not paid_in or own in paid_in:
            return snapshot, own
        # The one that is shown already, rather than another one because payments in that came too.
        shown = self._model.currency
        question = replace(question, currency=shown if shown in paid_in else paid_in[0])
        snapshot = await self._client.snapshot(tenant, rollups=True, by=by, **keywords_of(question))
        return snapshot, own

    async def _tick(self) -> None:
        """Once a second: update what depends on the clock alone."""
        model = self._model
        while True:
            await asyncio.sleep(1.0)
            if model.due(self.server_now()):
                self.reload()
            silent = self._now() - self._heard_at
            if model.connection is Connection.LIVE and silent > self._patience:
                model.connection = Connection.STALE
            if self._stream is not None:
                model.head = max(model.head, self._stream.head)
            model.ticks += 1

    def _load_counts(self, _change: object) -> None:
        if self._model.lacks_counts:
            self.reload()

    def _reload_if_needed(self, _change: object = None) -> None:
        if self._model.needs_reload:
            self.reload()
