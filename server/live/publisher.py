"""Publication: each tenant's change log is read in order and handed to its room."""

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
class Feed:
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
        self._feeds: dict[str, Feed] = {}
        self._readers: set[asyncio.Task[None]] = set()

    async def open(self, tenant_id: str) -> Feed:
        """Publish a tenant for one more listener, until `close` is called for it.

        Raises `NotFound`, `Unavailable`.
        """
        seq = await last_seq(self._db, tenant_id)
        feed = self._feeds.get(tenant_id)
        if feed is None:
            feed = self._feeds[tenant_id] = Feed(tenant_id, seq)
            reader = asyncio.create_task(self._run(feed))
            self._readers.add(reader)
            reader.add_done_callback(self._readers.discard)
        feed.listeners += 1
        return feed

    def close(self, feed: Feed) -> None:
        """Stop publishing a tenant for one listener."""
        feed.listeners -= 1
        if not feed.listeners:
            # Its reader ends by itself: if it were cancelled during a query, it might go on.
            del self._feeds[feed.tenant_id]
            feed.wake.set()

    def wake(self, tenant_id: str) -> None:
        """Note that changes of this tenant were committed."""
        if feed := self._feeds.get(tenant_id):
            feed.wake.set()

    async def catch_up(self, feed: Feed) -> None:
        """Publish everything committed so far; raises `Unavailable`."""
        async with feed.reading:
            while await self._publish_some(feed):
                pass

    async def catch_up_all(self) -> None:
        """Publish everything committed so far, if the database is available."""
        for feed in list(self._feeds.values()):
            with suppress(Unavailable):
                await self.catch_up(feed)

    async def stop(self) -> None:
        """End all reading."""
        for feed in self._feeds.values():
            feed.wake.set()
        self._feeds.clear()
        if self._readers:
            await asyncio.wait(self._readers)

    async def beat(self, seconds: float) -> None:
        """Send heartbeats until cancelled: they show a client that its last event was lost."""
        while True:
            await asyncio.sleep(seconds)
            server_time = Instant.of(self._now())
            for feed in self._feeds.values():
                beat = HeartbeatEvent(seq=feed.position, server_time=server_time)
                self._fanout.send(room_of(feed.tenant_id), Event.HEARTBEAT, [encode(beat)])

    async def _run(self, feed: Feed) -> None:
        while self._is_open(feed):
            feed.wake.clear()
            try:
                await self.catch_up(feed)
            except Unavailable:
                pass  # asked again at the next poll, from the same position
            except Exception:  # publication must go on: the error may be temporary
                logger.exception("cannot publish the changes of %s", feed.tenant_id)
            if self._is_open(feed):
                with suppress(TimeoutError):
                    async with asyncio.timeout(_POLL):
                        await feed.wake.wait()

    async def _publish_some(self, feed: Feed) -> bool:
        """Publish the next changes; return whether there may be more."""
        changes = await changes_after(self._db, feed.tenant_id, feed.position, limit=_CHUNK)
        if changes is None:
            await self._skip(feed)
            return False
        if not changes or not self._is_open(feed):
            return False
        events = [encode(change_document(change)) for change in changes]
        feed.position = changes[-1].seq
        self._fanout.send(room_of(feed.tenant_id), Event.PAYMENT, events)
        self._meters.published.inc(len(events))
        lag = (self._now() - changes[-1].at).total_seconds()
        self._meters.publish_lag.set(max(lag, 0))
        return True

    def _is_open(self, feed: Feed) -> bool:
        return self._feeds.get(feed.tenant_id) is feed

    async def _skip(self, feed: Feed) -> None:
        """Skip changes that the log no longer has, and tell the listeners to reload."""
        seq = feed.position = await last_seq(self._db, feed.tenant_id)
        logger.warning("the change log of %s was cut: its listeners reload", feed.tenant_id)
        reload = ReloadEvent(seq=seq)
        self._fanout.send(room_of(feed.tenant_id), Event.RELOAD, [encode(reload)])
