"""Whether anybody is viewing the dashboard."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

PATIENCE = 90.0
"""Seconds without a heartbeat after which a page counts as gone.

Browsers run the timers of a tab that has been hidden for long only once a minute, and such a tab still
counts. Voilà notices sooner when a tab is closed.
"""


class Presence:
    """Tells by the page's heartbeat when viewers arrive, and when all have left.

    A live feed counts as activity of its kernel, so servers never cull it: it has to stop by
    itself after the tab is closed.

    Parameters
    ----------
    arrived, left : callable
    patience : float
        Seconds without a beat.
    """

    def __init__(
        self,
        *,
        arrived: Callable[[], None],
        left: Callable[[], None],
        patience: float = PATIENCE,
    ) -> None:
        self._arrived = arrived
        self._left = left
        self._patience = patience
        self._timer: asyncio.TimerHandle | None = None

    def beat(self) -> None:
        """Note a heartbeat."""
        absent = self._timer is None
        self.stop()
        self._timer = asyncio.get_running_loop().call_later(self._patience, self._leave)
        if absent:
            self._arrived()

    def stop(self) -> None:
        """Stop watching."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _leave(self) -> None:
        self._timer = None
        self._left()
