"""Limits of connections: bytes of headers, time to send, number per address.

uvicorn knows none of these limits where httptools parses. Nor does it read the body of a request that
offers a protocol that it does not speak: here such an offer is ignored, as RFC 9110, 7.8, permits.
"""

from __future__ import annotations

import sys
from asyncio import TimerHandle, Transport
from collections import Counter
from http import HTTPStatus
from typing import Any

from httptools import HttpRequestParser
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from financeops.core.contract.problems import Problem
from financeops.core.wire import encode
from server.settings import PREFIX, Settings

_LEAST_BYTES = 1024
"""Bytes of a body that must arrive in each `receive_timeout`, so that trickling does not count."""

_LINGER = 2.0
"""Seconds for a client to read why it is refused."""


class Limits:
    """The limits of all connections, and their number per address."""

    def __init__(self, settings: Settings) -> None:
        self.header_bytes = settings.max_header_bytes
        self.seconds = settings.receive_timeout
        self._per_address = settings.max_connections_per_address
        self._open: Counter[str] = Counter()

    def take(self, address: str) -> bool:
        """Count a connection of an address; False if there are too many."""
        if self._per_address and self._open[address] >= self._per_address:
            return False
        self._open[address] += 1
        return True

    def give_back(self, address: str) -> None:
        """Uncount a connection."""
        self._open[address] -= 1
        if not self._open[address]:
            del self._open[address]


class LimitedHttp(HttpToolsProtocol):
    """uvicorn's HTTP connection, within limits."""

    def __init__(self, limits: Limits, **given: Any) -> None:
        super().__init__(**given)
        self._limits = limits
        self._address: str | None = None  # under which it is counted
        self._timer: TimerHandle | None = None
        self._answering: RequestResponseCycle | None = None
        self._refused = False
        self._in_body = False
        self._headers = 0  # bytes
        # Bytes since the parser last reported something, which it keeps. The rest of a chunk counts as reported.
        self._unused = 0
        self._received = 0  # bytes since the timer began
        self._data = self._left = b""  # what is parsed, and what has to be parsed again
        self._offers = False  # a protocol that is ignored

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Start waiting for a request."""
        super().connection_made(transport)
        address = str((transport.get_extra_info("peername") or ("",))[0])
        if not self._limits.take(address):
            self._refuse(
                HTTPStatus.SERVICE_UNAVAILABLE,
                f"there are too many connections from {address}: "
                f"{PREFIX}MAX_CONNECTIONS_PER_ADDRESS sets how many there may be",
            )
            return
        self._address = address
        self._arm()

    def connection_lost(self, exc: Exception | None) -> None:
        """Uncount a connection."""
        self._disarm()
        if self._address is not None:
            self._limits.give_back(self._address)
        # uvicorn knows only the last of pipelined requests.
        if self._answering is not None:
            self._answering.disconnected = True
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Pass on what arrived, as long as it is within the limits."""
        if self._refused:
            return
        if self._timer is None and not self._is_answering():
            self._arm()  # the next request has begun, or line breaks before it
        self._received += len(data)
        self._unused += len(data)
        self._left = data
        while self._left and not self._refused:
            self._data, self._left = self._left, b""
            super().data_received(self._data)
        self._check_headers(self._unused)

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection over to another protocol, which counts it from now on."""
        self._disarm()
        if self._refused:
            return
        super().handle_websocket_upgrade()
        protocol = self.transport.get_protocol()
        if not isinstance(protocol, LimitedWebSocket):
            return
        if protocol.handshake_initiated:
            protocol.address, self._address = self._address, None
            return
        # That protocol reads no request with a body, and none as long as this one does: uvicorn would never answer.
        self.transport.set_protocol(self)
        self.connections.discard(protocol)
        self.connections.add(self)
        self._refuse(
            HTTPStatus.BAD_REQUEST,
            "a WebSocket needs a GET without a body, with at most 128 headers and 8192 bytes in a line",
        )

    def _should_upgrade(self) -> bool:
        """Ignore the offer of a websocket while earlier requests are answered: it would be open before."""
        return super()._should_upgrade() and not self._is_answering()

    def _unsupported_upgrade_warning(self) -> None:
        """Parse the request again without its offer, for the parser has skipped its body."""
        skipped: int = sys.exception().args[0]  # type: ignore[union-attr] # it is called where one is handled
        method, version = self.parser.get_method(), self.parser.get_http_version().encode()
        head = [b"%b %b HTTP/%b" % (method, self.url, version)]
        for name, value in self.headers:
            kept = _without_upgrade(value) if name == b"connection" else value
            if kept and name != b"upgrade":
                head.append(b"%b: %b" % (name, kept))
        self.parser = HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does
        self._left = b"\r\n".join([*head, b"", b""]) + self._data[skipped:]

    def on_message_begin(self) -> None:
        """Start counting the bytes of the headers."""
        self._headers, self._in_body, self._offers = 0, False, False
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Count the URL."""
        self._unused = 0
        self._headers += len(url)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count the header; also trailers after a body."""
        self._unused = 0
        self._headers += len(name) + len(value) + 4
        if self._headers <= self._limits.header_bytes:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Start waiting for the body."""
        self._unused = 0
        self._check_headers(self._headers)
        if self._refused:
            return
        if self.parser.get_method() == b"CONNECT":
            self._refuse(HTTPStatus.NOT_IMPLEMENTED, "this server is not a proxy")
            return
        self._offers = self.parser.should_upgrade() and not self._should_upgrade()
        if self._offers:
            return
        self._in_body = True
        self._arm()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Pass the body on."""
        self._unused = 0
        if not self._refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Stop waiting."""
        self._unused, self._in_body = 0, False
        if not self._refused and not self._offers:
            self._disarm()
            super().on_message_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - the signature is uvicorn's
        """Refuse what is not HTTP, in the form of all errors."""
        self._refuse(HTTPStatus.BAD_REQUEST, "this is not a valid HTTP request")

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
        # It may be None, although uvicorn does not declare this.
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
        """End a connection that makes no progress, unless it waits for the server."""
        self._timer = None
        if self.transport.is_closing():
            return
        progresses = self._received >= _LEAST_BYTES or self.flow.read_paused
        if self._in_body and progresses and self._is_answering():
            self._arm()
        elif self._in_body and self.cycle.response_started:
            self.transport.abort()
        else:
            self._refuse(
                HTTPStatus.REQUEST_TIMEOUT,
                f"no more of the request has arrived for {self._limits.seconds:g} s",
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
        if self._is_answering():  # the answer is no longer needed
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        # Do not close at once: data that still arrive would make the system discard the answer.
        self.transport.write(head.encode() + body)
        self.transport.write_eof()
        self._timer = self.loop.call_later(_LINGER, self.transport.abort)


def _without_upgrade(value: bytes) -> bytes:
    """Return a `Connection` header without the option that would make a parser skip the body."""
    options = [option.strip() for option in value.split(b",")]
    return b", ".join(option for option in options if option.lower() != b"upgrade")


class LimitedWebSocket(WebSocketsSansIOProtocol):
    """uvicorn's websocket connection, counted under its address."""

    address: str | None = None

    def __init__(self, limits: Limits, **given: Any) -> None:
        super().__init__(**given)
        self._limits = limits

    def connection_lost(self, exc: Exception | None) -> None:
        """Uncount a connection."""
        super().connection_lost(exc)
        if self.address is not None:
            self._limits.give_back(self.address)
            self.address = None
