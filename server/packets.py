"""What clients of the stream may say: that they come and go. Nothing else is heard, and nothing makes the log long."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

import socketio

_ENGINE_PACKETS = frozenset("0123456b")
_COMES_OR_GOES = ("0", "1")
"""The packets of Socket.IO that open and close a namespace; all others are events and their answers."""

Receive = Callable[[], Awaitable[dict[str, Any]]]


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
    sio.eio.logger.addFilter(_in_one_line)


def only_packets(receive: Receive) -> Receive:
    """Receive from a websocket, until something comes that is no packet of Engine.IO at all."""

    async def receive_packet() -> dict[str, Any]:
        message = await receive()
        text = message.get("text")
        if text is not None and text[:1] not in _ENGINE_PACKETS:
            return {"type": "websocket.disconnect", "code": 1007}
        return message

    return receive_packet


def _in_one_line(record: logging.LogRecord) -> bool:
    """Without a traceback, where a body that was posted is no packets."""
    if record.msg == "post request handler error":
        record.exc_info = None
    return True
