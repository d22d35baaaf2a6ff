"""Whether somebody looks at the dashboard."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

PATIENCE = 90.0
"""Seconds without a sign of life after which nobody is there any more.

A browser lets the timers of a tab that is long hidden run once a minute: such a tab is still there.
One that was closed is noticed sooner, by Voilà.
"""


class Presence:
    """Tells when somebody comes and when everybody has gone, by the page's heartbeat.

    A live feed counts as activity of its kernel, so no server would ever cull it: it has to stop
    by itself when the tab was closed.

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
        """Somebody is there."""
        absent = self._timer is None
        self.stop()
        self._timer = asyncio.get_running_loop().call_later(self._patience, self._leave)
        if absent:
            self._arrived()

    def stop(self) -> None:
        """Watch no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _leave(self) -> None:
        self._timer = None
        self._left()
