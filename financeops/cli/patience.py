"""Repeat requests, as long as they may be repeated, while the server is unavailable."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from financeops.core.errors import Unavailable

PATIENCE = 300.0
"""Seconds that a server may be unavailable before a command gives up."""

_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 10.0

Answer = TypeVar("Answer")


async def patiently(ask: Callable[[], Awaitable[Answer]], *, say: Callable[[str], None]) -> Answer:
    """Ask until there is an answer; tell `say` once that it is tried again.

    Raises
    ------
    Unavailable
        When the server is unavailable for longer than `PATIENCE`.
    """
    deadline = time.monotonic() + PATIENCE
    pause = _FIRST_PAUSE
    while True:
        try:
            return await ask()
        except Unavailable as error:
            if time.monotonic() + pause > deadline:
                raise
            if pause == _FIRST_PAUSE:
                say(f"{error}; trying again for {PATIENCE:.0f} s")
        await asyncio.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)
