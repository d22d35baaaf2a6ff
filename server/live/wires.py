"""The connections below engine.io's sessions, noted as they open so that fan-out can write to them."""

# Only this module and `fanout` reach below python-socketio's public interface.

from collections.abc import Awaitable, Callable
from typing import Any
from weakref import WeakKeyDictionary

import socketio
from engineio.async_drivers.asgi import WebSocket
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from server.live.packets import only_packets


class Wire:
    """A websocket of engine.io as its server holds it, and whether a send is under way."""

    __slots__ = ("_send", "protocol", "sending")

    def __init__(self, send: Callable[[Any], Awaitable[None]]) -> None:
        # The uvicorn connection; None below another server or a middleware that wraps `send`.
        owner = getattr(send, "__self__", None)
        self.protocol = owner if isinstance(owner, WebSocketsSansIOProtocol) else None
        self.sending = False
        self._send = send

    async def send(self, message: Any) -> None:
        """Pass a message of engine.io on."""
        self.sending = True
        try:
            await self._send(message)
        finally:
            self.sending = False


def watch_websockets(sio: socketio.AsyncServer, wires: WeakKeyDictionary[Any, Wire]) -> None:
    """Note each websocket that engine.io opens, at once or by an upgrade, with its session."""
    if sio.eio.async_mode != "asgi":
        return

    def open_websocket(handler: Any, server: Any) -> Callable[[dict[str, Any]], Awaitable[Any]]:
        async def serve(environ: dict[str, Any]) -> Any:
            # `handler` is a method of the session's socket. The wire must not refer to it: a value that holds its
            # key would keep both in the dictionary forever.
            wire = wires[handler.__self__] = Wire(environ["asgi.send"])
            heard = only_packets(environ["asgi.receive"])
            return await WebSocket(handler, server)(
                {**environ, "asgi.receive": heard, "asgi.send": wire.send}
            )

        return serve

    # A copy: the original belongs to the module and is shared by all servers of the process.
    sio.eio._async = {**sio.eio._async, "websocket": open_websocket}  # noqa: SLF001 - no public hook
