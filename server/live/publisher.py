"""Publication: reads each tenant's change log in order and sends it to the tenant's room."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from financeops.core.contract.forms import Instant
from financeops.core.contract.stream import Event, HeartbeatEvent, ReloadEvent
from financeops.core.errors import Unavailable
from financeops.core.wire import change_document, encode
from financeops.store.changes import changes_after, last_seq
from financeops.store.database.connection import Database
from server.live.fanout import Fanout
from server.monitoring import Meters

logger = logging.getLogger(__name__)

_CHUNK = 1000
_POLL = 1.0
"""Seconds between two checks for commits of other server processes."""


@dataclass(slots=True, eq=False)
class Publication:
    """A tenant with listeners. All events up to `position` have been sent to its room."""

    tenant_id: str
    position: int
    listeners: int = 0
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    reading: asyncio.Lock = field(default_factory=asyncio.Lock)


def room_of(tenant_id: str) -> str:
    """Return the name of the room that gets a tenant's events."""
    return f"tenant:{tenant_id}"


class Publisher:
    """Publishes the changes of tenants with listeners, whichever process committed them."""

    def __init__(
        self, db: Database, fanout: Fanout, *, now: Callable[[], datetime], meters: Meters
    ) -> None:
        self._db = db
        self._fanout = fanout
        self._now = now
        self._meters = meters
        self._publications: dict[str, Publication] = {}
        self._readers: set[asyncio.Task[None]] = set()

    async def open(self, tenant_id: str) -> Publication:
        """Publish a tenant for one more listener, until `close` is called for it.

        Raises `NotFound`, `Unavailable`.
        """
        seq = await last_seq(self._db, tenant_id)
        publication = self._publications.get(tenant_id)
        if publication is None:
            publication = self._publications[tenant_id] = Publication(tenant_id, seq)
            reader = asyncio.create_task(self._run(publication))
            self._readers.add(reader)
            reader.add_done_callback(self._readers.discard)
        publication.listeners += 1
        return publication

    def close(self, publication: Publication) -> None:
        """Stop publishing a tenant for one listener."""
        publication.listeners -= 1
        if not publication.listeners:
            # Its reader ends by itself; cancelled during a query, it might continue.
            del self._publications[publication.tenant_id]
            publication.wake.set()

    def wake(self, tenant_id: str) -> None:
        """Note that changes of this tenant were committed."""
        if publication := self._publications.get(tenant_id):
            publication.wake.set()

    async def catch_up(self, publication: Publication) -> None:
        """Publish everything committed so far; raises `Unavailable`."""
        async with publication.reading:
            while await self._publish_some(publication):
                pass

    async def catch_up_all(self) -> None:
        """Publish everything committed so far, if the database is available."""
        for publication in list(self._publications.values()):
            with suppress(Unavailable):
                await self.catch_up(publication)

    async def stop(self) -> None:
        """End all reading."""
        for publication in self._publications.values():
            publication.wake.set()
        self._publications.clear()
        if self._readers:
            await asyncio.wait(self._readers)

    async def beat(self, seconds: float) -> None:
        """Send heartbeats until cancelled: by them a client notices that it lost the last event."""
        while True:
            await asyncio.sleep(seconds)
            server_time = Instant.of(self._now())
            for publication in self._publications.values():
                beat = HeartbeatEvent(seq=publication.position, server_time=server_time)
                self._fanout.send(room_of(publication.tenant_id), Event.HEARTBEAT, [encode(beat)])

    async def _run(self, publication: Publication) -> None:
        while self._is_open(publication):
            publication.wake.clear()
            try:
                await self.catch_up(publication)
            except Unavailable:
                pass  # read again at the next poll, from the same position
            except Exception:  # publication must go on: the error may be temporary
                logger.exception("cannot publish the changes of %s", publication.tenant_id)
            if self._is_open(publication):
                with suppress(TimeoutError):
                    async with asyncio.timeout(_POLL):
                        await publication.wake.wait()

    async def _publish_some(self, publication: Publication) -> bool:
        """Publish the next changes; return whether there may be more."""
        changes = await changes_after(
            self._db, publication.tenant_id, publication.position, limit=_CHUNK
        )
        if changes is None:
            await self._skip(publication)
            return False
        if not changes or not self._is_open(publication):
            return False
        events = [encode(change_document(change)) for change in changes]
        publication.position = changes[-1].seq
        self._fanout.send(room_of(publication.tenant_id), Event.PAYMENT, events)
        self._meters.published.inc(len(events))
        lag = (self._now() - changes[-1].at).total_seconds()
        self._meters.publish_lag.set(max(lag, 0))
        return True

    def _is_open(self, publication: Publication) -> bool:
        return self._publications.get(publication.tenant_id) is publication

    async def _skip(self, publication: Publication) -> None:
        """Skip changes that the log no longer has, and tell the listeners to reload."""
        seq = publication.position = await last_seq(self._db, publication.tenant_id)
        logger.warning("the change log of %s was cut: its listeners reload", publication.tenant_id)
        reload = ReloadEvent(seq=seq)
        self._fanout.send(room_of(publication.tenant_id), Event.RELOAD, [encode(reload)])
