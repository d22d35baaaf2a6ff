"""What clients of the stream may send: packets that connect and disconnect; all others are ignored."""

from __future__ import annotations

import logging
from typing import Any

import socketio
from starlette.datastructures import QueryParams
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.http.problems import Over, problem_response

_FAULTS_OF_CLIENTS = {
    "post request handler error",  # a posted body that is not packets
    "Invalid UTF-8 sequence received from client.",
}
_ENGINE_PACKETS = frozenset("0123456b")
_CONNECTS_OR_DISCONNECTS = ("0", "1")
"""The Socket.IO packets that open and close a namespace; all others are events and acknowledgements."""


def ignore_events(sio: socketio.AsyncServer) -> None:
    """Pass on only those packets, and only valid ones; call this before `sio` is served.

    Otherwise a client's event named `connect` would be taken for a connection. Errors that clients
    cause are logged in one line, without a traceback.
    """
    pass_on = sio.eio.handlers["message"]

    async def filtered(eio_sid: str, data: Any) -> None:
        if isinstance(data, str) and data.startswith(_CONNECTS_OR_DISCONNECTS):
            try:
                sio.packet_class(encoded_packet=data)
            except (ValueError, RecursionError):
                return
            await pass_on(eio_sid, data)

    sio.eio.on("message", filtered)
    for each in (sio.eio.logger, logging.getLogger("uvicorn.error")):
        each.addFilter(_in_one_line)


def end_at_once(sio: socketio.AsyncServer) -> None:
    """End a session that breaks the protocol without waiting until its queue has been fetched.

    The client may never fetch it, and the request that broke the protocol would stay unanswered.
    """
    end_all = sio.eio.disconnect

    async def disconnect(session: str | None = None) -> None:
        if session is None:
            await end_all()
        elif (ended := sio.eio.sockets.pop(session, None)) is not None:
            await ended.close(wait=False, reason=sio.eio.reason.SERVER_DISCONNECT)

    sio.eio.disconnect = disconnect


class RefuseEndedSessions:
    """Refuses requests to a session of the stream that has just ended, which engine.io logs as errors."""

    def __init__(self, app: ASGIApp, sio: socketio.AsyncServer) -> None:
        self._app = app
        self._eio = sio.eio

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, unless its session has ended."""
        # Most requests name no session; do not parse their query.
        if scope["type"] == "http" and b"sid=" in scope["query_string"]:
            session = QueryParams(scope["query_string"]).get("sid")
            if getattr(self._eio.sockets.get(session), "closed", False):
                del self._eio.sockets[session]
                error = Over("this session has ended: start another")
                await problem_response(error)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def only_packets(receive: Receive) -> Receive:
    """Receive from a websocket, and disconnect it at the first message that is not an Engine.IO packet."""

    async def receive_packet() -> Message:
        message = await receive()
        text = message.get("text")
        if text is not None and text[:1] not in _ENGINE_PACKETS:
            return {"type": "websocket.disconnect", "code": 1007}
        return message

    return receive_packet


def _in_one_line(record: logging.LogRecord) -> bool:
    """Drop the traceback of an error that a client caused."""
    if record.msg in _FAULTS_OF_CLIENTS:
        record.exc_info = None
    return True
