"""Ending tasks of an event loop for certain."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

_PATIENCE = 0.25
"""Seconds after which a task that still runs is cancelled again."""


async def end(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel tasks until all are done; their results and errors stay with them.

    Once is not enough: up to Python 3.11 `asyncio.wait_for`, which database driver and stream
    client wait with, may swallow a cancellation that comes in the moment in which it is over.
    """
    left = {task for task in tasks if not task.done()}
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=_PATIENCE)
