"""Whether a database commits: one small write, with a time limit.

That it accepts connections, or answers a ping, says little: when its storage stands still, both go
on. Only `store` may import the driver, so this speaks MongoDB's protocol itself, as much of it as
one command needs.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Mapping
from typing import TypeAlias

_Value: TypeAlias = "bool | int | str | list[_Value] | Mapping[str, _Value]"

_OP_MSG = 2013
_HEADER = struct.Struct("<iiii")
_LONGEST_REPLY = 2**20
_BEAT: Mapping[str, _Value] = {
    "update": "beats",
    "$db": "financeops_pulse",
    "updates": [{"q": {"_id": 1}, "u": {"$inc": {"count": 1}}, "upsert": True}],
}


async def commits(host: str, port: int, *, within: float) -> bool:
    """Whether a write of one document is acknowledged within so many seconds."""
    try:
        async with asyncio.timeout(within):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(_message(_BEAT))
                length, *_ = _HEADER.unpack(await reader.readexactly(_HEADER.size))
                reply = await reader.readexactly(min(length, _LONGEST_REPLY) - _HEADER.size)
            finally:
                writer.close()
    except (OSError, EOFError, ValueError, struct.error):  # OSError: TimeoutError too
        return False
    return b"\x01ok\0" + struct.pack("<d", 1) in reply and b"writeErrors" not in reply


def _message(command: Mapping[str, _Value]) -> bytes:
    body = struct.pack("<iB", 0, 0) + _bson(command)
    return _HEADER.pack(_HEADER.size + len(body), 1, 0, _OP_MSG) + body


def _bson(document: Mapping[str, _Value]) -> bytes:
    elements = b"".join(_element(name.encode(), value) for name, value in document.items())
    return struct.pack("<i", len(elements) + 5) + elements + b"\0"


def _element(name: bytes, value: _Value) -> bytes:
    match value:
        case bool():
            kind, data = 8, bytes([value])
        case int():
            kind, data = 18, struct.pack("<q", value)
        case str():
            text = value.encode() + b"\0"
            kind, data = 2, struct.pack("<i", len(text)) + text
        case list():
            kind, data = 4, _bson({str(place): each for place, each in enumerate(value)})
        case _:
            kind, data = 3, _bson(value)
    return bytes([kind]) + name + b"\0" + data
