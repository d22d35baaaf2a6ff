"""A proxy before a database that speaks MongoDB's wire protocol, and fails the commands that a test names.

As mongod's own `failCommand` does, which the embedded database lacks: with an error's code and labels, with a
connection that breaks, late; before the command took effect or after, when it is not known to who sent it.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import bson
from pymongo.uri_parser import parse_uri

from financeops.tasks import end

UNKNOWN_COMMIT = ("UnknownTransactionCommitResult",)
"""Labels of a commit of which the database does not know whether it took effect."""

_HEADER = struct.Struct("<iiii")  # length, id, which one it answers, kind
_OP_MSG = 2013
_KIND_OF_SECTION = 1
_FLAGS = 4
_HAS_CHECKSUM = 1

Document = dict[str, Any]


@dataclass
class Fault:
    """What happens to some commands; by default the connection breaks before they arrive."""

    commands: Collection[str]
    times: float
    code: int | None
    labels: Sequence[str]
    delay: float
    after: bool
    answer: Document | None = None
    happened: int = 0

    def concerns(self, command: str) -> bool:
        return command in self.commands and self.happened < self.times


class Proxy:
    """Listens at `uri` and forwards what it receives, except for its faults.

    Attributes
    ----------
    seen : list of dict
        The commands received, with the documents that some have in sections of their own.
    before : callable
        Awaited with each command before it is handled.
    """

    def __init__(self, uri: str) -> None:
        self._uri = uri
        ((self._host, self._port),) = parse_uri(uri)["nodelist"]
        self._faults: list[Fault] = []
        self._serving: set[asyncio.Task[None]] = set()
        self.seen: list[Document] = []
        self.before: Callable[[Document], Awaitable[None]] | None = None
        self.uri = ""

    def fail(
        self,
        *commands: str,
        times: float = 1,
        code: int | None = None,
        labels: Sequence[str] = (),
        delay: float = 0.0,
        after: bool = False,
    ) -> Fault:
        """Make commands fail `times` times: with an error's code, else by a broken connection.

        Parameters
        ----------
        delay : float
            Seconds until it does.
        after : bool
            Whether the command takes effect, and only its answer is lost.
        """
        fault = Fault(commands, times, code, labels, delay, after)
        self._faults.append(fault)
        return fault

    def answer(self, command: str, *, times: float = float("inf"), **answer: Any) -> None:
        """Answer a command in place of the database, as another kind of database would."""
        fault = Fault((command,), times, None, (), 0.0, after=False, answer=answer)
        self._faults.append(fault)

    def heal(self) -> None:
        """Stop all failures."""
        self._faults.clear()

    def names(self) -> list[str]:
        """Names of the commands received."""
        return [next(iter(command)) for command in self.seen]

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[Proxy]:
        """Accept connections until the block ends."""
        server = await asyncio.start_server(self._accept, "127.0.0.1")
        port = server.sockets[0].getsockname()[1]
        self.uri = self._uri.replace(f"{self._host}:{self._port}", f"127.0.0.1:{port}")
        yield self
        server.close()
        await end(self._serving)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            database_reader, database = await asyncio.open_connection(self._host, self._port)
        except ConnectionError:  # the database is down
            writer.transport.abort()
            return
        waiting: dict[int, Fault] = {}  # faults of the answers to come, by their commands' ids
        ways = (
            self._commands(reader, database, writer, waiting),
            self._answers(database_reader, writer, waiting),
        )
        tasks = [asyncio.create_task(way) for way in ways]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for connection in (writer, database):
                connection.transport.abort()
            await end(tasks)

    async def _commands(
        self,
        reader: asyncio.StreamReader,
        database: asyncio.StreamWriter,
        writer: asyncio.StreamWriter,
        waiting: dict[int, Fault],
    ) -> None:
        while message := await _message(reader):
            _length, number, _answers, kind = _HEADER.unpack_from(message)
            command = _command(message) if kind == _OP_MSG else {}
            fault = None
            if command:
                self.seen.append(command)
                if self.before is not None:
                    await self.before(command)
                name = next(iter(command))
                fault = next((each for each in self._faults if each.concerns(name)), None)
            if fault is None:
                database.write(message)
                continue
            fault.happened += 1
            if fault.after:
                waiting[number] = fault
                database.write(message)
            elif not await _befall(fault, number, writer):
                return

    async def _answers(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        waiting: dict[int, Fault],
    ) -> None:
        while message := await _message(reader):
            number = _HEADER.unpack_from(message)[2]
            fault = waiting.pop(number, None)
            if fault is None:
                writer.write(message)
            elif not await _befall(fault, number, writer):
                return


async def _befall(fault: Fault, number: int, writer: asyncio.StreamWriter) -> bool:
    """Answer a command as its fault says; return whether the connection stays open."""
    await asyncio.sleep(fault.delay)
    if fault.answer is not None:
        answer = {"ok": 1.0, **fault.answer}
    elif fault.code is None:
        return False
    else:
        answer = {
            "ok": 0.0,
            "code": fault.code,
            "codeName": "Injected",
            "errmsg": "the test wants it so",
            "errorLabels": list(fault.labels),
        }
    body = struct.pack("<iB", 0, 0) + bson.encode(answer)
    writer.write(_HEADER.pack(_HEADER.size + len(body), 0, number, _OP_MSG) + body)
    return True


async def _message(reader: asyncio.StreamReader) -> bytes | None:
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        head = await reader.readexactly(_HEADER.size)
        return head + await reader.readexactly(_HEADER.unpack(head)[0] - _HEADER.size)
    return None


def _command(message: bytes) -> Document:
    """The document of a message, with those of its sections under the sections' names."""
    at, end = _HEADER.size + _FLAGS, len(message)
    if _HAS_CHECKSUM & struct.unpack_from("<I", message, _HEADER.size)[0]:
        end -= _FLAGS
    command: Document = {}
    along: Document = {}
    while at < end:
        (size,) = struct.unpack_from("<i", message, at + 1)
        section = message[at + 1 : at + 1 + size]
        if message[at] == _KIND_OF_SECTION:
            name, _, documents = section[4:].partition(b"\0")
            along[name.decode()] = bson.decode_all(documents)
        else:
            command = bson.decode(section)
        at += 1 + size
    return command | along
