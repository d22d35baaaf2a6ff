"""The live stream of a tenant's changes, over Socket.IO."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Self

import aiohttp
import socketio
from msgspec import Struct
from socketio.packet import Packet

from financeops.client.address import authorization, server_url
from financeops.client.sequence import Sequence
from financeops.core import wire
from financeops.core.contract import paths, stream
from financeops.core.contract.agreements import DEFAULT_TENANT
from financeops.core.payments import Change
from financeops.tasks import end

_FIRST_DELAY = 0.25
_LONGEST_DELAY = 5.0
_LONGEST_WAIT = 10.0  # seconds that the server may take to accept
_PATIENCE = 2.0  # seconds that a change may take to arrive after a heartbeat announced it
_UNREAD = 100_000  # events that may wait for a consumer that does not read


class Connected(Struct, frozen=True):
    """The server accepted; `seq` is its last change, `server_time` the time of its clock.

    It sends a heartbeat after each `heartbeat`, None if it does not say so.
    """

    seq: int
    server_time: datetime
    heartbeat: timedelta | None = None


class Disconnected(Struct, frozen=True):
    """The connection was lost, or an attempt failed; the next one follows automatically."""

    reason: str


class Heartbeat(Struct, frozen=True):
    """The server is alive; `seq` is its last change."""

    seq: int


class Reload(Struct, frozen=True):
    """The position is unknown: load a snapshot, then call `Stream.continue_from`."""

    reason: str


Event = Connected | Disconnected | Heartbeat | Reload | Change


class Stream:
    """Connection states and changes of one tenant, as an async iterator.

    Every change passes once and in order. After a lost connection the stream connects again and
    resumes after the last change. When it cannot know what it missed (a gap, a server that no
    longer has the changes, or a start without `seq`) it yields `Reload` and holds what arrives
    until `continue_from` is called.

    Parameters
    ----------
    url : str, optional
        Default: ``FINANCEOPS_URL``, else ``http://localhost:3001``.
    tenant_id : str
    seq : int, optional
        The last change that is already known. None: the stream begins with `Reload`.
    token : str, optional
        Sent to a server, or a proxy in front of it, that asks for one.

    Examples
    --------
    >>> async with Client() as client, Stream() as stream:  # doctest: +SKIP
    ...     async for event in stream:
    ...         match event:
    ...             case Reload():
    ...                 snapshot = await client.snapshot(rollups=True)
    ...                 stream.continue_from(snapshot.seq)
    ...             case Change():
    ...                 print(event.seq, event.payment.amount)
    """

    def __init__(
        self,
        url: str | None = None,
        tenant_id: str = DEFAULT_TENANT,
        *,
        seq: int | None = None,
        token: str | None = None,
    ) -> None:
        self._url = server_url(url)
        self._tenant_id = tenant_id
        self._token = token
        self._sequence = Sequence(seq)
        self._events: deque[Event] = deque()
        self._arrived = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._overdue: asyncio.TimerHandle | None = None

    @property
    def seq(self) -> int | None:
        """Number of the last change passed on; None while the position is unknown."""
        return self._sequence.seq

    @property
    def head(self) -> int:
        """The highest known number, passed on or not."""
        return self._sequence.head

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._keep_connected(), name="financeops-stream")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._task is not None, "entered before it is left"
        await end([self._task])
        self._expect_nothing()
        with suppress(asyncio.CancelledError):
            self._task.result()

    async def __aiter__(self) -> AsyncIterator[Event]:
        while True:
            while self._events:
                yield self._events.popleft()
            self._arrived.clear()
            await self._arrived.wait()

    def hold(self) -> None:
        """Give up the position before loading a snapshot: hold what arrives meanwhile."""
        self._sequence.forget()

    def continue_from(self, seq: int) -> None:
        """Continue after `seq`, up to which everything is known, for example from a snapshot."""
        for change in self._sequence.continue_from(seq):
            self._put(change)
        if self._sequence.seq is None:
            self._put(Reload("changes are missing after the snapshot"))

    async def _keep_connected(self) -> None:
        delay = _FIRST_DELAY
        # A session of our own, so that it is closed whatever happens to the client.
        async with aiohttp.ClientSession() as http:
            while True:
                reason = await self._connect_once(http)
                if reason is None:
                    delay = _FIRST_DELAY
                self._put(Disconnected(reason or "the connection was lost"))
                await asyncio.sleep(delay)
                delay = min(2 * delay, _LONGEST_DELAY)

    async def _connect_once(self, http: aiohttp.ClientSession) -> str | None:
        """Connect, and return when the connection ends: None, or why it could not connect."""
        # Reconnect here, for python-socketio reports nothing about its attempts. Nor may it catch
        # SIGINT: in a notebook that belongs to the kernel.
        client = socketio.AsyncClient(
            reconnection=False, handle_sigint=False, serializer=_ExactPacket, http_session=http
        )
        client.on(stream.Event.CONNECTED, self._on_connected)
        client.on(stream.Event.PAYMENT, self._on_payment_event)
        client.on(stream.Event.HEARTBEAT, self._on_heartbeat)
        client.on(stream.Event.RELOAD, self._on_reload)
        refused: list[str] = []
        client.on("connect_error", lambda data: refused.append(_message(data)))
        try:
            await client.connect(
                self._url,
                headers=authorization(self._token),
                socketio_path=paths.STREAM,
                transports=["websocket"],
                auth=self._auth(),
                wait_timeout=_LONGEST_WAIT,
            )
            # Not client.wait(), which sleeps a second after the connection has ended. Shielded, for
            # cancelling it would cancel the client's reading, which it needs to disconnect.
            await asyncio.shield(client.eio.wait())
        except socketio.exceptions.ConnectionError as error:
            return refused[-1] if refused else str(error)
        finally:
            self._expect_nothing()
            await client.disconnect()
        return None

    def _auth(self) -> dict[str, Any]:
        auth = {"tenantId": self._tenant_id, "seq": self._sequence.seq, "token": self._token}
        return {name: value for name, value in auth.items() if value is not None}

    def _on_connected(self, data: dict[str, Any]) -> None:
        event = wire.read_document(stream.ConnectedEvent, data)
        seconds = event.heartbeat_seconds
        heartbeat = None if seconds is None else timedelta(seconds=float(seconds))
        self._put(Connected(event.seq, event.server_time, heartbeat))
        if self._sequence.seq is None:
            self._put(Reload("the position is not known yet"))

    def _on_payment_event(self, data: dict[str, Any]) -> None:
        followed = self._sequence.seq is not None
        change = self._sequence.receive(wire.change_from(data))
        if change is not None:
            self._put(change)
        elif followed and self._sequence.seq is None:
            self._put(Reload("a change is missing"))

    def _on_heartbeat(self, data: dict[str, Any]) -> None:
        head = wire.read_document(stream.HeartbeatEvent, data).seq
        self._sequence.head = max(self._sequence.head, head)
        self._put(Heartbeat(head))
        seq = self._sequence.seq
        if seq is not None and seq < head and self._overdue is None:
            self._overdue = asyncio.get_running_loop().call_later(_PATIENCE, self._miss, head)

    def _on_reload(self, data: dict[str, Any]) -> None:
        # It may also be the sequence of another database, whose numbers are lower.
        self._sequence.restart(wire.read_document(stream.ReloadEvent, data).seq)
        self._put(Reload("the server does not have what was missed"))

    def _miss(self, head: int) -> None:
        self._overdue = None
        if self._sequence.seq is not None and self._sequence.seq < head:
            self._sequence.forget()
            self._put(Reload("the last change did not arrive"))

    def _expect_nothing(self) -> None:
        if self._overdue is not None:
            self._overdue.cancel()
            self._overdue = None

    def _put(self, event: Event) -> None:
        if len(self._events) >= _UNREAD:
            self._events.clear()
            self._sequence.forget()
            event = Reload("events were not read")
        self._events.append(event)
        self._arrived.set()


class _ExactJson:
    """The part of a JSON module that python-socketio uses, with no float for an amount."""

    @staticmethod
    def loads(text: str) -> Any:
        return wire.decode(text)

    @staticmethod
    def dumps(value: Any, **_options: Any) -> str:
        return wire.encode(value).decode()


class _ExactPacket(Packet):  # type: ignore[misc]  # no type information
    json = _ExactJson


def _message(data: Any) -> str:
    return str(data.get("message", data)) if isinstance(data, dict) else str(data)
