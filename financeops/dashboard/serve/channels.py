"""Messages between a page and its kernel."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from tornado.websocket import WebSocketClosedError
from voila.tornado.kernel_websocket_handler import (
    VoilaKernelWebsocketHandler,
    read_header_from_binary_message,
)

from financeops.dashboard.serve.door import Refused

PROTOCOL = "v1.kernel.websocket.jupyter.org"

_WORD = 8
_MOST_PARTS = 1024
_NAME = r"[A-Za-z0-9_.-]+"
_PARAMETER = re.compile(rf'{_NAME}(=({_NAME}|"{_NAME}"))?')
_SIDE = "(server|client)"
_OF_DEFLATE = re.compile(
    rf'{_SIDE}_no_context_takeover|{_SIDE}_max_window_bits(=("?)(9|1[0-5])\4)?', re.IGNORECASE
)
_SESSION = re.compile(r"[\w-]{1,64}")
_NOT_FOR_VIEWERS = frozenset({"execute_input", "stream", "error"})
"""Source and output of cells: they are for JupyterLab, and tracebacks name files of this machine."""

_NOT_FOR_KERNELS = frozenset({"shutdown_request"})
"""A page says good-bye otherwise; a kernel that ended without its server would be waited for."""


class ChannelsHandler(VoilaKernelWebsocketHandler):
    """Carries messages between a page and its kernel, in the latest protocol only.

    In the older one Voilà takes a part of a message for a number and counts so far, while nobody is served. A proxy
    that drops ``Sec-WebSocket-Protocol`` makes a page speak the older one without knowing it.
    """

    async def get(self, kernel_id: str) -> None:
        """Open the connection.

        Raises
        ------
        Refused
            Before anything is kept for it.
        """
        headers = self.request.headers
        if headers.get("Upgrade", "").lower() != "websocket":
            raise Refused(400, "this address is for WebSockets")
        if not self.check_origin():
            raise Refused(403, "requests of pages of other sites are refused")
        offered = headers.get("Sec-WebSocket-Protocol", "").split(",")
        if PROTOCOL not in map(str.strip, offered):
            problem = f"a WebSocket must name its protocol, {PROTOCOL}: does a proxy drop it?"
            self.log.warning("refused: %s", problem)
            raise Refused(400, problem)
        if not _are_extensions(headers.get("Sec-WebSocket-Extensions", "")):
            raise Refused(400, "the header Sec-WebSocket-Extensions cannot be read")
        if not _SESSION.fullmatch(self.get_argument("session_id", "none")):
            raise Refused(400, "session_id is not an id")
        try:
            await super().get(kernel_id)
        finally:
            # It was not opened, for another reason: Jupyter would keep it forever.
            if (connection := getattr(self, "connection", None)) is not None:
                connection._open_sessions.pop(connection.session_key, None)  # noqa: SLF001

    def write_message(
        self, message: bytes | str | dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        """Send a message to the page, if it is for pages."""
        if self.ws_connection is None:  # it is broken, so its protocol is unknown
            raise WebSocketClosedError
        if isinstance(message, bytes) and _kind_of(message) in _NOT_FOR_VIEWERS:
            return None
        sent = super().write_message(message, *args, **kwargs)
        if isinstance(sent, asyncio.Future):
            sent.add_done_callback(_forgive)
        return sent

    def on_message(self, ws_message: bytes | str) -> None:
        """Pass a message on to the kernel; close the connection if it is malformed."""
        if self.ws_connection is None:
            return
        if not isinstance(ws_message, bytes) or not _has_its_parts(ws_message):
            self.close(1007, "not a message")
            return
        if _kind_of(ws_message) in _NOT_FOR_KERNELS:
            self.close(1008, "not for a page to ask")
            return
        try:
            super().on_message(ws_message)
        except (AssertionError, AttributeError, LookupError, TypeError, ValueError):
            self.log.warning("a message to a kernel could not be read")
            self.close(1007, "not a message")


def _forgive(sent: asyncio.Future[None]) -> None:
    """Take note that a message did not arrive: Jupyter does not wait for it, and asyncio would log a traceback."""
    if not sent.cancelled():
        sent.exception()


def _are_extensions(header: str) -> bool:
    """Whether Tornado can read a header: RFC 6455 gives its form, RFC 7692 the parameters of compression."""
    for extension in filter(None, map(str.strip, header.split(","))):
        name, *parameters = map(str.strip, extension.split(";"))
        form = _OF_DEFLATE if name == "permessage-deflate" else _PARAMETER
        if not re.fullmatch(_NAME, name) or not all(map(form.fullmatch, parameters)):
            return False
    return True


def _kind_of(message: bytes) -> object:
    header: object = read_header_from_binary_message(message)
    return header.get("msg_type") if isinstance(header, dict) else None


def _has_its_parts(message: bytes) -> bool:
    """Whether a message has as many offsets as it declares at its beginning: Jupyter relies on it."""
    parts = int.from_bytes(message[:_WORD], "little")
    return 2 <= parts <= _MOST_PARTS and len(message) >= _WORD * (parts + 1)
