"""Limits how often the screen is repainted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

INTERVAL = 0.125
"""Minimum seconds between two repaints: 8 a second. More would only keep the browser busy."""


class Painter:
    """Calls `paint` soon after it is requested, however often that is.

    Immediately if the last repaint is long ago, else at the end of the interval.

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
        """Request a repaint."""
        self._asked.set()

    def allow(self, visible: bool) -> None:  # noqa: FBT001 - as the page sends it
        """Stop painting while the page is hidden: its browser would only queue the repaints."""
        if visible:
            self._allowed.set()
        else:
            self._allowed.clear()

    async def run(self) -> None:
        """Repaint until cancelled."""
        last = -self._interval
        while True:
            await self._asked.wait()
            await self._allowed.wait()
            await asyncio.sleep(max(0.0, last + self._interval - time.monotonic()))
            self._asked.clear()
            last = time.monotonic()
            self._paint()
