"""The part of MongoDB's protocol that a few commands need.

Only `store` may import the driver, and checking that a database commits does not need it.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TypeAlias

from financeops.cli.running.scram import Conversation, Refused

Value: TypeAlias = "bool | int | str | bytes | list[Value] | Mapping[str, Value]"

_OP_MSG = 2013
_HEADER = struct.Struct("<iiii")
_LONGEST_REPLY = 2**20
_NUMBERS = {1: "<d", 16: "<i", 18: "<q"}
_LENGTHS = {1: 8, 8: 1, 9: 8, 16: 4, 17: 8, 18: 8}  # of values that may be skipped: double, date, …


FAILURES = (OSError, EOFError, ValueError, LookupError, struct.error, Refused)
"""Raised when a database is unavailable, too slow (`TimeoutError`), refuses access or gives nonsense."""


class Connection:
    """A connection to a database; any failure raises one of `FAILURES`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def run(self, command: Mapping[str, Value]) -> dict[str, object]:
        """Run a command and return the numbers, texts and bytes of its answer."""
        body = struct.pack("<iB", 0, 0) + _bson(command)
        self._writer.write(_HEADER.pack(_HEADER.size + len(body), 1, 0, _OP_MSG) + body)
        length, *_ = _HEADER.unpack(await self._reader.readexactly(_HEADER.size))
        reply = await self._reader.readexactly(min(length, _LONGEST_REPLY) - _HEADER.size)
        return _read(reply[5:])

    async def authenticate(self, user: str, password: str) -> None:
        """Log in as a user of the database `admin`; raise `Refused` if that fails."""
        talk = Conversation(user, password)
        challenge = await self._say({"saslStart": 1, "mechanism": "SCRAM-SHA-256"}, talk.first())
        proceed: dict[str, Value] = {"saslContinue": 1, "conversationId": _int(challenge)}
        proved = await self._say(proceed, talk.final(_payload(challenge)))
        talk.check(_payload(proved))
        if not proved.get("done"):
            await self._say(proceed, b"")

    async def _say(self, command: Mapping[str, Value], payload: bytes) -> dict[str, object]:
        answer = await self.run({**command, "payload": payload, "$db": "admin"})
        if answer.get("ok") != 1.0:
            raise Refused
        return answer


@asynccontextmanager
async def connected(host: str, port: int) -> AsyncIterator[Connection]:
    """Connect to a database, and disconnect at the end."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        yield Connection(reader, writer)
    finally:
        writer.close()


def _int(answer: Mapping[str, object]) -> int:
    found = answer.get("conversationId")
    if not isinstance(found, int):
        raise Refused
    return found


def _payload(answer: Mapping[str, object]) -> bytes:
    found = answer.get("payload")
    if not isinstance(found, bytes):
        raise Refused
    return found


def _bson(document: Mapping[str, Value]) -> bytes:
    elements = b"".join(_element(name.encode(), value) for name, value in document.items())
    return struct.pack("<i", len(elements) + 5) + elements + b"\0"


def _element(name: bytes, value: Value) -> bytes:
    match value:
        case bool():
            kind, data = 8, bytes([value])
        case int():
            kind, data = 18, struct.pack("<q", value)
        case str():
            text = value.encode() + b"\0"
            kind, data = 2, struct.pack("<i", len(text)) + text
        case bytes():
            kind, data = 5, struct.pack("<iB", len(value), 0) + value
        case list():
            kind, data = 4, _bson({str(place): each for place, each in enumerate(value)})
        case _:
            kind, data = 3, _bson(value)
    return bytes([kind]) + name + b"\0" + data


def _read(document: bytes) -> dict[str, object]:
    """Return the numbers, texts and bytes of a document; other values only as None."""
    found: dict[str, object] = {}
    at = 4
    while (kind := document[at]) != 0:
        end = document.index(b"\0", at)
        name, at = document[at + 1 : end].decode(), end + 1
        size = _length(kind, document, at)
        value, at = document[at : at + size], at + size
        match kind:
            case 1 | 16 | 18:
                (found[name],) = struct.unpack(_NUMBERS[kind], value)
            case 8:
                found[name] = value != b"\0"
            case 2:
                found[name] = value[4:-1].decode()
            case 5:
                found[name] = value[5:]
            case _:
                found[name] = None
    return found


def _length(kind: int, document: bytes, at: int) -> int:
    match kind:
        case 2:
            return 4 + int(struct.unpack_from("<i", document, at)[0])
        case 3 | 4:
            return int(struct.unpack_from("<i", document, at)[0])
        case 5:
            return 5 + int(struct.unpack_from("<i", document, at)[0])
        case 7:
            return 12
        case 10:
            return 0
        case _:
            return _LENGTHS[kind]
