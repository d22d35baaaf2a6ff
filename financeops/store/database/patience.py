"""How long to keep trying while an error may pass by itself, and how often."""

from __future__ import annotations

import asyncio
import random
import time

LONGEST_PAUSE = 0.1
_FIRST_PAUSE, _GROWTH = 0.005, 1.5
_TRIES_OF_GROWTH = 20
"""After this many tries the longest pause has long been reached."""


class Patience:
    """A number of seconds, counted from now, for all tries together."""

    def __init__(self, seconds: float) -> None:
        self._deadline = time.monotonic() + seconds
        self._pauses = 0

    @property
    def left(self) -> float:
        """Seconds that are left; never 0, which the driver takes for no limit."""
        return max(0.001, self._deadline - time.monotonic())

    @property
    def over(self) -> bool:
        """Whether the time is over."""
        return time.monotonic() > self._deadline

    async def pause(self, *, longest: float = LONGEST_PAUSE) -> None:
        """Wait before the next try: longer each time, and at random to spread several processes."""
        pause = min(_FIRST_PAUSE * _GROWTH ** min(self._pauses, _TRIES_OF_GROWTH), longest)
        self._pauses += 1
        await asyncio.sleep(pause * random.random())  # noqa: S311 - no secret
