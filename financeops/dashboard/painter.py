"""When the screen is repainted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

INTERVAL = 0.125
"""Seconds between two repaints at least: 8 a second. More would only keep the browser busy."""


class Painter:
    """Calls `paint` soon after it was asked to, however often it is asked.

    At once when the last repaint is long ago, else when the interval is over.

    Parameters
    ----------
    paint : callable
    interval : float
        Seconds.
    """

    def __init__(self, paint: Callable[[], None], *, interval: float = INTERVAL) -> None:
        self._paint = paint
        self._interval = interval
        self._asked = asyncio.Event()
        self._allowed = asyncio.Event()
        self._allowed.set()

    def ask(self, _change: Any = None) -> None:
        """Something on the screen is no longer true."""
        self._asked.set()

    def allow(self, visible: bool) -> None:  # noqa: FBT001 - says what it is in its name
        """While the page is hidden nothing is painted: its browser would only pile it up."""
        if visible:
            self._allowed.set()
        else:
            self._allowed.clear()

    async def run(self) -> None:
        """Repaint for ever."""
        last = -self._interval
        while True:
            await self._asked.wait()
            await self._allowed.wait()
            await asyncio.sleep(max(0.0, last + self._interval - time.monotonic()))
            self._asked.clear()
            last = time.monotonic()
            self._paint()
