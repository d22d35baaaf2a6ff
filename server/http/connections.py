"""What a connection may take: so many bytes of headers, so much time to send, so many of one address.

uvicorn knows none of these limits where httptools parses.
"""

from __future__ import annotations

from asyncio import TimerHandle, Transport
from collections import Counter
from http import HTTPStatus
from typing import Any

from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from financeops.core.contract.problems import Problem
from financeops.core.wire import encode
from server.settings import PREFIX, Settings

_LEAST_BYTES = 1024
"""So much of a body must arrive in each `receive_timeout`: who sends slowly is waited for, who pretends is not."""

_LINGER = 2.0
"""Seconds that somebody has to hear why nothing more is taken."""


class Limits:
    """The limits of all connections, and how many there are of each address."""

    def __init__(self, settings: Settings) -> None:
        self.header_bytes = settings.max_header_bytes
        self.seconds = settings.receive_timeout
        self._per_address = settings.max_connections_per_address
        self._open: Counter[str] = Counter()

    def take(self, address: str) -> bool:
        """Count one more connection of an address; False if that would be too many."""
        if self._per_address and self._open[address] >= self._per_address:
            return False
        self._open[address] += 1
        return True

    def give_back(self, address: str) -> None:
        """Count one less."""
        self._open[address] -= 1
        if not self._open[address]:
            del self._open[address]


class LimitedHttp(HttpToolsProtocol):
    """uvicorn's HTTP connection, within limits."""

    def __init__(self, limits: Limits, **given: Any) -> None:
        super().__init__(**given)
        self._limits = limits
        self._address: str | None = None  # where it counts as one
        self._timer: TimerHandle | None = None
        self._answering: RequestResponseCycle | None = None
        self._refused = False
        self._in_body = False
        self._headers = 0  # bytes
        # Bytes since the parser had something to tell: it keeps them. The rest of what came together counts as told.
        self._unused = 0
        self._received = 0  # bytes since the timer began

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        address = str((transport.get_extra_info("peername") or ("",))[0])
        if not self._limits.take(address):
            self._refuse(
                HTTPStatus.SERVICE_UNAVAILABLE,
                f"there are too many connections from {address}: "
                f"{PREFIX}MAX_CONNECTIONS_PER_ADDRESS says how many there may be",
            )
            return
        self._address = address
        self._arm()

    def connection_lost(self, exc: Exception | None) -> None:
        """Count one less."""
        self._disarm()
        if self._address is not None:
            self._limits.give_back(self._address)
        # Of requests that were sent without waiting for answers, uvicorn thinks of the last one only.
        if self._answering is not None:
            self._answering.disconnected = True
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Pass on what arrived, as long as it is within the limits."""
        if self._refused:
            return
        if self._timer is None and not self._is_answering():
            self._arm()  # the next request, or only blanks before it
        self._received += len(data)
        self._unused += len(data)
        super().data_received(data)
        self._check_headers(self._unused)

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection on: the other counts it from here."""
        self._disarm()
        if self._refused:
            return
        super().handle_websocket_upgrade()
        protocol = self.transport.get_protocol()
        if isinstance(protocol, LimitedWebSocket):
            protocol.address, self._address = self._address, None

    def on_message_begin(self) -> None:
        """Begin to count the bytes of its headers."""
        self._headers, self._in_body = 0, False
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Count it."""
        self._unused = 0
        self._headers += len(url)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count it; after a body there may be some, too."""
        self._unused = 0
        self._headers += len(name) + len(value) + 4
        if self._headers <= self._limits.header_bytes:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Begin to wait for the body."""
        self._unused = 0
        self._check_headers(self._headers)
        if self._refused:
            return
        self._in_body = True
        self._arm()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Pass it on."""
        self._unused = 0
        if not self._refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Stop waiting."""
        self._unused, self._in_body = 0, False
        if not self._refused:
            self._disarm()
            super().on_message_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn says it so
        """Refuse what is no HTTP, in our form."""
        self._refuse(HTTPStatus.BAD_REQUEST, "this is no HTTP request that can be read")

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._answering = cycle
        super()._start_asgi_task(cycle, app)

    def _check_headers(self, size: int) -> None:
        if max(size, self._headers) > self._limits.header_bytes and not self._refused:
            self._refuse(
                HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
                f"the headers must not be larger than {self._limits.header_bytes} bytes",
            )

    def _is_answering(self) -> bool:
        # uvicorn does not say that there may be none.
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete

    def _arm(self) -> None:
        self._disarm()
        self._received = 0
        self._timer = self.loop.call_later(self._limits.seconds, self._look)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        """End a connection on which nothing is getting on, unless it waits for us."""
        self._timer = None
        if self.transport.is_closing():
            return
        gets_on = self._received >= _LEAST_BYTES or self.flow.read_paused
        if self._in_body and gets_on and self._is_answering():
            self._arm()
        elif self._in_body and self.cycle.response_started:
            self.transport.abort()
        else:
            self._refuse(
                HTTPStatus.REQUEST_TIMEOUT,
                f"nothing more of the request has come for {self._limits.seconds:g} s",
            )

    def _refuse(self, status: HTTPStatus, detail: str) -> None:
        self._refused = True
        self._disarm()
        body = encode(
            Problem(type="about:blank", title=status.phrase, status=status.value, detail=detail)
        )
        head = (
            f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: application/problem+json\r\n"
            f"content-length: {len(body)}\r\ncache-control: no-store\r\nconnection: close\r\n\r\n"
        )
        if self._is_answering():  # there is nobody to answer any more
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        # Not closed at once: what still arrives then would have the answer thrown away on its way.
        self.transport.write(head.encode() + body)
        self.transport.write_eof()
        self._timer = self.loop.call_later(_LINGER, self.transport.abort)


class LimitedWebSocket(WebSocketsSansIOProtocol):
    """uvicorn's websocket connection, which counts as one of its address."""

    address: str | None = None

    def __init__(self, limits: Limits, **given: Any) -> None:
        super().__init__(**given)
        self._limits = limits

    def connection_lost(self, exc: Exception | None) -> None:
        """Count one less."""
        super().connection_lost(exc)
        if self.address is not None:
            self._limits.give_back(self.address)
            self.address = None
