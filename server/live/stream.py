"""The stream: accepts clients, each for one tenant and from one event on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any, TypeVar
from urllib.parse import parse_qs

import socketio
from msgspec import to_builtins
from socketio.exceptions import ConnectionRefusedError as Refused

from financeops.core.checks import check_tenant_id
from financeops.core.contract.agreements import DEFAULT_TENANT
from financeops.core.contract.forms import Instant
from financeops.core.contract.stream import ConnectedEvent, Event, ReloadEvent
from financeops.core.errors import FinanceOpsError, InvalidValue, Unavailable
from financeops.core.wire import change_document, encode
from financeops.store.changes import changes_after
from financeops.store.database.connection import Database
from server.http.problems import problem_of
from server.live.fanout import Fanout
from server.live.packets import end_at_once, ignore_events
from server.live.publisher import Publication, Publisher, room_of

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")

_CHUNK = 1000
_CATCH_UPS = 4
"""Clients that fetch missed events at once: after a restart all clients reconnect together."""
_RETRY = 0.5
"""Seconds until an unavailable database is asked again for a waiting client."""


@dataclass(frozen=True, slots=True)
class _Request:
    """What a client requests: the events of a tenant after `seq`, or from now on."""

    tenant_id: str
    seq: int | None


@dataclass(slots=True, eq=False)
class _Listener:
    request: _Request
    publication: Publication
    welcome: asyncio.Task[None] | None = None


class _Clients(socketio.AsyncManager):  # type: ignore[misc]  # python-socketio has no types
    """Reports when a client knows that it is connected: it might lose events sent before that."""

    def __init__(self) -> None:
        super().__init__()
        self.on_connected: Callable[[str], None] = lambda _: None

    async def connect(self, sid: str, namespace: str) -> Any:
        connected = await super().connect(sid, namespace)
        self.on_connected(sid)
        return connected


def socket_server(allows: Callable[[str | None, str | None], bool]) -> socketio.AsyncServer:
    """Return a Socket.IO server that accepts pages of the allowed origins."""

    def allowed(origin: str | None, environ: dict[str, Any]) -> bool:
        return allows(origin, environ.get("HTTP_HOST"))

    sio = socketio.AsyncServer(
        async_mode="asgi",
        client_manager=_Clients(),
        cors_allowed_origins=allowed,
        cors_credentials=False,
        # Clients send little, and must not be able to fill the server's memory.
        max_http_buffer_size=100_000,
    )
    ignore_events(sio)
    end_at_once(sio)
    return sio


class Stream:
    """Gives each client the events of its own tenant, in `seq` order, each once."""

    def __init__(
        self,
        sio: socketio.AsyncServer,
        *,
        db: Database,
        publisher: Publisher,
        fanout: Fanout,
        max_missed: int,
        heartbeat_seconds: float,
        now: Callable[[], datetime],
    ) -> None:
        self._sio = sio
        self._db = db
        self._publisher = publisher
        self._fanout = fanout
        self._max_missed = max_missed
        self._heartbeat_seconds = Decimal(str(heartbeat_seconds))
        self._now = now
        self._listeners: dict[str, _Listener] = {}
        self._catching_up = asyncio.Semaphore(_CATCH_UPS)
        sio.manager.on_connected = self._on_connected
        sio.on("connect", self._on_connect)
        sio.on("disconnect", self._on_disconnect)

    async def _on_connect(self, sid: str, environ: dict[str, Any], auth: Any) -> None:
        try:
            request = _read_request(auth, environ.get("QUERY_STRING", ""))
            publication = await self._publisher.open(request.tenant_id)
        except Unavailable as error:
            # Clients treat a refusal as final, but reconnect by themselves after a lost connection.
            self._drop(sid)
            raise Refused(str(error), to_builtins(problem_of(error))) from None
        except FinanceOpsError as error:
            raise Refused(str(error), to_builtins(problem_of(error))) from None
        self._listeners[sid] = _Listener(request, publication)

    def _on_connected(self, sid: str) -> None:
        listener = self._listeners.get(sid)
        if listener is None:
            return
        if self._sio.manager.eio_sid_from_sid(sid, "/") not in self._sio.eio.sockets:
            self._forget(sid)  # it disconnected while it was being accepted
            return
        listener.welcome = asyncio.create_task(self._welcome(sid, listener))

    async def _on_disconnect(self, sid: str, reason: str) -> None:
        if reason == self._sio.reason.SERVER_DISCONNECT:
            self._fanout.leave(sid)  # the server is stopping: pending events are still written
        else:
            self._fanout.forget(sid)
        self._forget(sid)

    def _forget(self, sid: str) -> None:
        listener = self._listeners.pop(sid, None)
        if listener is not None:
            self._publisher.close(listener.publication)

    async def _welcome(self, sid: str, listener: _Listener) -> None:
        try:
            await self._bring_in(sid, listener)
        except Exception:  # a client that is connected but gets no events must not stay
            logger.exception("cannot welcome client %s", sid)
            self._drop(sid)

    def _drop(self, sid: str) -> None:
        self._fanout.join(_own_room(sid), sid)
        self._fanout.drop(sid)

    async def _bring_in(self, sid: str, listener: _Listener) -> None:
        """Send the missed events, then let the client join its tenant's room, without a gap."""
        # Until it has all missed events, the client is in a room of its own.
        publication, own_room = listener.publication, _own_room(sid)
        self._fanout.join(own_room, sid)
        await _patiently(partial(self._publisher.catch_up, publication))

        heard = listener.request.seq
        reload = heard is not None and not 0 <= publication.position - heard <= self._max_missed
        if heard is None or reload:
            heard = publication.position
        welcome = ConnectedEvent(
            message="Connected",
            tenant_id=publication.tenant_id,
            seq=heard,
            server_time=Instant.of(self._now()),
            heartbeat_seconds=self._heartbeat_seconds,
        )
        self._fanout.send(own_room, Event.CONNECTED, [encode(welcome)])
        if reload:
            self._say_reload(own_room, heard)
        while heard < publication.position and sid in self._listeners:
            if not await self._fanout.has_read(sid):
                return
            async with self._catching_up:
                changes = await _patiently(
                    partial(changes_after, self._db, publication.tenant_id, heard, limit=_CHUNK)
                )
            if not changes:  # not even logged ones: the database has been emptied
                heard = publication.position
                self._say_reload(own_room, heard)
                break
            # Later events will reach it in the room of the tenant.
            missed = [change for change in changes if change.seq <= publication.position]
            events = [encode(change_document(change)) for change in missed]
            self._fanout.send(own_room, Event.PAYMENT, events)
            self._fanout.flush()
            heard += len(events)

        # Nothing is awaited since the position was compared, so no event can slip in between.
        self._fanout.flush()
        self._fanout.join(room_of(publication.tenant_id), sid)

    def _say_reload(self, room: str, seq: int) -> None:
        self._fanout.send(room, Event.RELOAD, [encode(ReloadEvent(seq=seq))])


def _own_room(sid: str) -> str:
    return f"client:{sid}"


async def _patiently(ask: Callable[[], Awaitable[Answer]]) -> Answer:
    """Ask the database, repeatedly while it is unavailable."""
    while True:
        try:
            return await ask()
        except Unavailable:
            await asyncio.sleep(_RETRY)


def _read_request(auth: Any, query_string: str) -> _Request:
    query = parse_qs(query_string, keep_blank_values=True)
    if auth is not None and not isinstance(auth, dict):
        raise InvalidValue("auth", "must be an object such as {tenantId: 'tenant_1'}")
    if auth and "tenantId" in auth and auth["tenantId"] is None:
        raise InvalidValue("tenantId", f"must not be null: leave it out for {DEFAULT_TENANT}")
    tenant_id = _given("tenantId", auth, query)
    if query.get("tenantId", [tenant_id]) != [tenant_id]:
        raise InvalidValue("tenantId", "differs between auth and the query: give one")
    if tenant_id is None:
        tenant_id = DEFAULT_TENANT
    if not isinstance(tenant_id, str):
        raise InvalidValue("tenantId", "must be a string such as 'tenant_1'")
    return _Request(check_tenant_id(tenant_id), _seq_of(_given("seq", auth, query)))


def _given(name: str, auth: dict[str, Any] | None, query: dict[str, list[str]]) -> Any:
    """Return what the client gives in `auth`, else in the query."""
    if auth and auth.get(name) is not None:
        return auth[name]
    values = query.get(name, [])
    if len(values) > 1:
        raise InvalidValue(name, "is given more than once: give it once")
    return values[0] if values else None


def _seq_of(given: Any) -> int | None:
    if given is None:
        return None
    text = str(given)
    if isinstance(given, bool) or not text.isascii() or not text.isdigit() or len(text) > 18:
        raise InvalidValue("seq", "must be the number of the last event received, such as 42")
    return int(text)
