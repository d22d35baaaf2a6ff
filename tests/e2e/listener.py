"""The npm socket.io-client as a process, and its events."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

NPM = Path(__file__).parent / "npm"


class Listener:
    """`node listen.js`: its events are awaited, never polled for."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(
        cls, url: str, tenant_id: str, *, transports: str = "default", seq: int | None = None
    ) -> Listener:
        """Start it and wait until the server has sent `connected`."""
        arguments = [url, tenant_id, transports, *([str(seq)] if seq is not None else [])]
        process = await asyncio.create_subprocess_exec(
            "node", NPM / "listen.js", *arguments, stdout=asyncio.subprocess.PIPE, cwd=NPM
        )
        listener = cls(process)
        await listener.hear("connected")
        return listener

    async def hear(self, name: str, *, timeout: float = 60) -> Any:  # noqa: ASYNC109
        """Return the next message of that name, skipping others."""
        async with asyncio.timeout(timeout):
            while True:
                assert self._process.stdout is not None
                line = await self._process.stdout.readline()
                assert line, "the listener ended"
                heard, value = json.loads(line)
                if heard == name:
                    return value

    async def events(self, count: int) -> list[Any]:
        """Return the next `count` payment events."""
        return [await self.hear("payment_event") for _ in range(count)]

    async def stop(self) -> None:
        """End the process."""
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
