"""How long is waited for what passes by itself, and how often it is tried again meanwhile."""

from __future__ import annotations

import asyncio
import random
import time

LONGEST_PAUSE = 0.1
_FIRST_PAUSE, _GROWTH = 0.005, 1.5
_TRIES_OF_GROWTH = 20
"""After so many the longest pause is long reached."""


class Patience:
    """So many seconds, counted from now, for all tries together."""

    def __init__(self, seconds: float) -> None:
        self._deadline = time.monotonic() + seconds
        self._pauses = 0

    @property
    def left(self) -> float:
        """Seconds that are left; not 0, which to the driver is no limit."""
        return max(0.001, self._deadline - time.monotonic())

    @property
    def over(self) -> bool:
        """Whether it has been tried for long enough."""
        return time.monotonic() > self._deadline

    async def pause(self, *, longest: float = LONGEST_PAUSE) -> None:
        """Wait before the next try: longer each time, and never as long as others do."""
        pause = min(_FIRST_PAUSE * _GROWTH ** min(self._pauses, _TRIES_OF_GROWTH), longest)
        self._pauses += 1
        await asyncio.sleep(pause * random.random())  # noqa: S311 - no secret
