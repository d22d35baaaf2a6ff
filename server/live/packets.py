"""What clients of the stream may say: that they come and go. Nothing else is heard, and nothing makes the log long."""

from __future__ import annotations

import logging
from typing import Any

import socketio
from starlette.datastructures import QueryParams
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.http.problems import Over, problem_response

_FAULTS_OF_CLIENTS = {
    "post request handler error",  # a body that was posted is no packets
    "Invalid UTF-8 sequence received from client.",
}
_ENGINE_PACKETS = frozenset("0123456b")
_COMES_OR_GOES = ("0", "1")
"""The packets of Socket.IO that open and close a namespace; all others are events and their answers."""


def hear_who_comes_and_goes(sio: socketio.AsyncServer) -> None:
    """Have only those packets handed on, and only whole ones; call it before `sio` is served.

    A client's event of the name `connect` would else be taken for a connection.
    """
    hand_on = sio.eio.handlers["message"]

    async def hear(eio_sid: str, data: Any) -> None:
        if isinstance(data, str) and data.startswith(_COMES_OR_GOES):
            try:
                sio.packet_class(encoded_packet=data)
            except (ValueError, RecursionError):
                return
            await hand_on(eio_sid, data)

    sio.eio.on("message", hear)
    for each in (sio.eio.logger, logging.getLogger("uvicorn.error")):
        each.addFilter(_in_one_line)


def end_at_once(sio: socketio.AsyncServer) -> None:
    """Have a session that breaks the protocol end without waiting for somebody to fetch what waits for it.

    Nobody need, and the request that broke it would never be answered.
    """
    end_all = sio.eio.disconnect

    async def disconnect(session: str | None = None) -> None:
        if session is None:
            await end_all()
        elif (ended := sio.eio.sockets.pop(session, None)) is not None:
            await ended.close(wait=False, reason=sio.eio.reason.SERVER_DISCONNECT)

    sio.eio.disconnect = disconnect


class RefuseEndedSessions:
    """Refuses what is sent to a session of the stream that just ended, which engine.io takes for a fault."""

    def __init__(self, app: ASGIApp, sio: socketio.AsyncServer) -> None:
        self._app = app
        self._eio = sio.eio

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, unless it is such a one."""
        # Most requests name none: theirs is not taken apart.
        if scope["type"] == "http" and b"sid=" in scope["query_string"]:
            session = QueryParams(scope["query_string"]).get("sid")
            if getattr(self._eio.sockets.get(session), "closed", False):
                del self._eio.sockets[session]
                error = Over("this session has ended: begin another")
                await problem_response(error)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def only_packets(receive: Receive) -> Receive:
    """Receive from a websocket, until something comes that is no packet of Engine.IO at all."""

    async def receive_packet() -> Message:
        message = await receive()
        text = message.get("text")
        if text is not None and text[:1] not in _ENGINE_PACKETS:
            return {"type": "websocket.disconnect", "code": 1007}
        return message

    return receive_packet


def _in_one_line(record: logging.LogRecord) -> bool:
    """Without a traceback, where it is the client's fault."""
    if record.msg in _FAULTS_OF_CLIENTS:
        record.exc_info = None
    return True
