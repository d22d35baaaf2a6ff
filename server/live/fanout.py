"""Fan-out of events to Socket.IO clients: encoded and framed once, written once per client and tick."""

# Stock python-socketio spends a task, a queue, a timer and a system call on each event of each client. Here the events
# of a room are collected for one tick and written to a client's connection in one piece. Each stays a Socket.IO packet
# of its own, so that any client understands it. This reaches below python-socketio's public interface (engine.io's
# sockets, uvicorn's connection). Where it does not find what it expects, engine.io's packet queue takes over.

import asyncio
import json
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import socketio
from engineio.packet import MESSAGE, Packet
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import State

from server.live.wires import Wire, watch_websockets

logger = logging.getLogger(__name__)

_LINGER = 10.0
"""Seconds until a closed connection is aborted: uvicorn would wait forever for its last write."""


class _Batch:
    """The events of one room and tick; each of their encodings is made once, when first needed."""

    def __init__(self, messages: list[bytes]) -> None:
        self._messages = messages
        self._frames: list[bytes] = []
        self._joined = b""
        self._packets: list[Any] = []

    def frames(self, skip: int) -> bytes:
        """WebSocket frames, one per event, in one piece."""
        if not self._frames:
            self._frames = [
                Frame(Opcode.TEXT, b"4" + message).serialize(mask=False)
                for message in self._messages
            ]
            self._joined = b"".join(self._frames)
        return b"".join(self._frames[skip:]) if skip else self._joined

    def packets(self, skip: int) -> list[Any]:
        """engine.io packets, one per event, shared by all clients and encoded by the first."""
        if not self._packets:
            self._packets = [Packet(MESSAGE, message.decode()) for message in self._messages]
        return self._packets[skip:] if skip else self._packets


@dataclass(slots=True, eq=False)
class _Client:
    """A member of a room."""

    socket: Any  # engineio.AsyncSocket
    skip: int  # number of the room's pending events that are older than its join
    wire: Wire | None = None
    full_since: float | None = None


class Fanout:
    """Sends the events of a room to its clients, in order, and cuts off clients that stop reading."""

    def __init__(
        self,
        sio: socketio.AsyncServer,
        *,
        interval: float = 0.02,
        max_packets: int = 1000,
        max_bytes: int = 1 << 20,
        patience: float = 3.0,
    ) -> None:
        self.interval = interval
        self.max_packets = max_packets
        self.max_bytes = max_bytes
        self.patience = patience
        # For tests and Prometheus; writes are counted per client and tick, not per event.
        self.raw_writes = 0
        self.fallback_writes = 0
        self.cut_offs = 0
        self.gone = 0
        self._sio = sio
        self._rooms: dict[str, dict[str, _Client]] = {}
        self._room_of: dict[str, str] = {}
        self._pending: dict[str, list[bytes]] = {}
        self._wires: WeakKeyDictionary[Any, Wire] = WeakKeyDictionary()
        self._closing: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        watch_websockets(sio, self._wires)

    @property
    def clients(self) -> int:
        """Number of clients."""
        return len(self._room_of)

    def join(self, room: str, sid: str) -> None:
        """Move a client to a room: from now on it gets the events of this room only."""
        self.leave(sid)
        eio_sid = self._sio.manager.eio_sid_from_sid(sid, "/")
        eio_socket = self._sio.eio.sockets.get(eio_sid)
        if eio_socket is None or eio_socket.closing or eio_socket.closed:
            return  # it disconnected while the caller was busy
        skip = len(self._pending.get(room, ()))
        self._rooms.setdefault(room, {})[sid] = _Client(eio_socket, skip)
        self._room_of[sid] = room

    def leave(self, sid: str) -> None:
        """Forget a client; to be called when it disconnects."""
        room = self._room_of.pop(sid, None)
        if room is None:
            return
        clients = self._rooms[room]
        client = clients.pop(sid)
        if not clients:
            del self._rooms[room]
            self._pending.pop(room, None)
        asyncio.get_running_loop().call_later(_LINGER, self._abort_if_closed, client)

    def forget(self, sid: str) -> None:
        """Forget a client that is gone for good, with everything that waits for it."""
        client = self._client_of(sid)
        self.leave(sid)
        self.gone += 1
        if client is not None and (client.socket.closing or client.socket.closed):
            _empty(client.socket)

    async def has_read(self, sid: str) -> bool:
        """Wait until a client has read most of what it was sent; return False if it is gone.

        A client that reads nothing for a while is cut off; otherwise all missed events would wait in memory.
        """
        least, since = None, time.monotonic()
        while (client := self._client_of(sid)) is not None:
            buffered, packets, is_sending = self._waiting_for(client)
            if buffered <= self.max_bytes and packets <= self.max_packets and not is_sending:
                return True
            now = time.monotonic()
            if least is None or (buffered, packets) < least:
                least, since = (buffered, packets), now
            elif now - since >= self.patience:
                logger.warning("client %s has stopped reading: cutting it off", sid)
                self._cut_off(sid, client)
                break
            await asyncio.sleep(self.interval)
        return False

    def drop(self, sid: str) -> None:
        """End a client's connection without notice, as a network failure would, so that it reconnects."""
        client = self._client_of(sid)
        if client is not None:
            self._end(sid, client)

    def send(self, room: str, event: str, payloads: Sequence[bytes]) -> None:
        """Queue events for the next tick; a payload is the JSON text of one event."""
        if not payloads or room not in self._rooms:
            return
        head = f"2[{json.dumps(event)},".encode()
        self._pending.setdefault(room, []).extend(head + payload + b"]" for payload in payloads)
        self._wake.set()

    async def run(self) -> None:
        """Write pending events until cancelled: at once after a pause, else once per interval."""
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                self.flush()
                await asyncio.sleep(self.interval)
        finally:
            self.flush()

    def flush(self) -> None:
        """Write pending events now."""
        pending, self._pending = self._pending, {}
        now = time.monotonic()
        for room, messages in pending.items():
            batch = _Batch(messages)
            for sid, client in list(self._rooms[room].items()):
                try:
                    self._deliver(sid, client, batch, now)
                except Exception:  # an error of one client must not affect the others
                    logger.exception("cannot write to client %s: cutting it off", sid)
                    self._cut_off(sid, client)

    def _deliver(self, sid: str, client: _Client, batch: _Batch, now: float) -> None:
        """Write a batch to one client, after everything that it was sent before."""
        eio_socket, skip = client.socket, client.skip
        client.skip = 0
        if eio_socket.closing or eio_socket.closed:
            self.leave(sid)
            return
        protocol = self._protocol_of(client)
        buffered = protocol.transport.get_write_buffer_size() if protocol else 0
        if buffered <= self.max_bytes and eio_socket.queue.qsize() <= self.max_packets:
            client.full_since = None
        elif client.full_since is None:
            # A burst, such as an import, can also fill the buffers of a client that keeps reading.
            client.full_since = now
        elif now - client.full_since >= self.patience:
            logger.warning("client %s has stopped reading: cutting it off", sid)
            self._cut_off(sid, client)
            return
        if protocol and buffered <= self.max_bytes and _is_idle(client, protocol):
            protocol.transport.write(batch.frames(skip))
            self.raw_writes += 1
        else:
            # Clients share the packets, so a waiting packet costs each only a pointer.
            for packet in batch.packets(skip):
                eio_socket.queue.put_nowait(packet)
            self.fallback_writes += 1

    def _client_of(self, sid: str) -> _Client | None:
        room = self._room_of.get(sid)
        return None if room is None else self._rooms[room][sid]

    def _waiting_for(self, client: _Client) -> tuple[int, int, bool]:
        """Return bytes and packets that wait for a client, and whether engine.io is sending to it."""
        protocol = self._protocol_of(client)
        buffered = protocol.transport.get_write_buffer_size() if protocol else 0
        # The writer takes all packets from the queue at once, and may then wait with them.
        is_sending = client.wire is not None and client.wire.sending
        return buffered, client.socket.queue.qsize(), is_sending

    def _protocol_of(self, client: _Client) -> WebSocketsSansIOProtocol | None:
        """Return the connection of a client whose upgrade to a websocket is complete, else None."""
        if not client.socket.upgraded or client.socket.upgrading:
            return None
        if client.wire is None:
            client.wire = self._wires.get(client.socket)
        return client.wire.protocol if client.wire else None

    def _cut_off(self, sid: str, client: _Client) -> None:
        """Drop a client with everything that waits for it; it may reconnect and resume."""
        self.cut_offs += 1
        self._end(sid, client)

    def _end(self, sid: str, client: _Client) -> None:
        self.leave(sid)
        wire = client.wire or self._wires.get(client.socket)
        protocol = wire.protocol if wire else None
        if protocol:
            protocol.transport.abort()
        if not protocol or not client.socket.upgraded:
            # engine.io does not learn of it from a lost connection.
            task = asyncio.get_running_loop().create_task(self._close(client.socket))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    async def _close(self, eio_socket: Any) -> None:
        """End an engine.io session without waiting for its client."""
        # Remove it first, so that later requests get a plain 400, after which clients reconnect.
        self._sio.eio.sockets.pop(eio_socket.sid, None)
        _empty(eio_socket)
        eio_socket.queue.put_nowait(None)  # ends a writer or a poll that still waits
        reason = self._sio.reason.TRANSPORT_ERROR
        await eio_socket.close(wait=False, abort=True, reason=reason)

    @staticmethod
    def _abort_if_closed(client: _Client) -> None:
        """Abort the connection of a session that is closed, if it is still open."""
        if client.socket.closed and client.wire and client.wire.protocol:
            client.wire.protocol.transport.abort()


def _empty(eio_socket: Any) -> None:
    """Empty the queue of an engine.io session: the session stays in memory until garbage collection."""
    while not eio_socket.queue.empty():
        eio_socket.queue.get_nowait()
        eio_socket.queue.task_done()


def _is_idle(client: _Client, protocol: WebSocketsSansIOProtocol) -> bool:
    """Whether engine.io is not sending to the client, so that a direct write keeps the order."""
    # Unlike `empty()`, `_unfinished_tasks` counts a packet until the writer has taken it. From there to the send the
    # writer is not interrupted, and the send itself (which waits while the connection is full) is watched.
    return (
        not client.socket.queue._unfinished_tasks  # noqa: SLF001 - asyncio has no public equivalent
        and client.wire is not None
        and not client.wire.sending
        and protocol.conn.state is State.OPEN
        and not protocol.conn.extensions  # compression was negotiated: let engine.io compress
        and not protocol.transport.is_closing()
    )
