"""The viewers of the dashboard, and the kernels that are no longer needed."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from jupyter_core.utils import ensure_async

logger = logging.getLogger(__name__)

ALONE = 20.0
"""Seconds for which to keep a kernel whose page does not answer: it may be reloading."""

UNSEEN = 8.0
"""The same for a page that has never answered, counted from when it was completely sent.

A page says so before it loads anything large. One that does not is none: a program that took a page and left, or
somebody who wants to take all places.
"""

_EVERY = 1.0


class Viewers:
    """The kernels that have, or had, a page.

    A page shows that it is there by its WebSocket, and by asking for its kernel now and then. A
    kernel whose page has done neither for some time is ended, and so is one that died. Kernels
    that Voilà keeps warm for the next page are not viewers; they are replaced when they die.

    Parameters
    ----------
    kernels : voila.voila_kernel_manager.VoilaKernelManager
    limit : int
        Number of viewers at once.
    alone, unseen : float
        Seconds without a sign of life, after one and before the first.
    clock : callable
        Seconds.
    """

    def __init__(
        self,
        kernels: Any,
        *,
        limit: int,
        alone: float = ALONE,
        unseen: float = UNSEEN,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._kernels = kernels
        self.limit = limit
        self._alone = alone
        self._unseen = unseen
        self._clock = clock
        self._arriving = 0
        self._seen: dict[str, float] = {}
        self._sent: set[str] = set()
        self._heard: set[str] = set()

    @property
    def count(self) -> int:
        """Number of viewers, including those whose page is still being sent."""
        return self._arriving + len(set(self._kernels.list_kernel_ids()) - self.waiting())

    @property
    def has_room(self) -> bool:
        """Whether there is room for another viewer."""
        return self.count < self.limit

    def waiting(self) -> set[str]:
        """Ids of the kernels without a page, which wait for the next viewers."""
        return {each["kernel_id"] for each in self._started()}

    @property
    def ready(self) -> int:
        """Number of those that have run their cells: their page comes with figures."""
        return sum(each["task"].done() for each in self._started())

    def _started(self) -> list[dict[str, Any]]:
        return [
            task.result()
            for pool in self._pools().values()
            for task in pool
            if task.done() and not task.cancelled() and task.exception() is None
        ]

    @contextmanager
    def arriving(self) -> Iterator[Callable[[], None]]:
        """Count one more until the given function is called: its kernel is known by then."""
        counted = 1
        self._arriving += 1

        def arrived() -> None:
            nonlocal counted
            self._arriving -= counted
            counted = 0

        try:
            yield arrived
        finally:
            arrived()

    def sent(self, kernel_id: str) -> None:
        """Note that a page was completely sent and should now ask for its kernel."""
        self._seen[kernel_id] = self._clock()
        self._sent.add(kernel_id)

    def see(self, kernel_id: str) -> None:
        """Note that a page has asked for its kernel."""
        if kernel_id in self._kernels:
            self._seen[kernel_id] = self._clock()
            self._heard.add(kernel_id)

    async def watch(self) -> None:
        """Check the kernels until cancelled."""
        while True:
            try:
                await self.tidy()
            except Exception:
                logger.exception("the kernels could not be looked after")
            await asyncio.sleep(_EVERY)

    async def tidy(self) -> None:
        """End the kernels that are not needed, and start new ones in their place."""
        self._drop_failed()
        waiting = self.waiting()
        now = self._clock()
        ids = self._kernels.list_kernel_ids()
        self._seen = {kernel_id: self._seen.get(kernel_id, now) for kernel_id in ids}
        for kept in (self._sent, self._heard):
            kept.intersection_update(ids)
        for kernel_id in ids:
            kernel = self._kernels.get_kernel(kernel_id)
            # Jupyter has no model of a kernel before it has connected to it.
            if not (kernel.ready.done() and kernel.trait_has_value("last_activity")):
                continue  # it starts
            if not await ensure_async(kernel.is_alive()):
                logger.info("kernel %s has ended", kernel_id)
                await self.end(kernel_id)
            elif self._kernels.kernel_model(kernel_id)["connections"]:
                self.see(kernel_id)
            elif kernel_id in waiting:
                self._seen[kernel_id] = now
            elif now - self._seen[kernel_id] >= self._patience(kernel_id):
                logger.info("kernel %s has no page any more", kernel_id)
                await self.end(kernel_id)
        self._refill()

    async def end(self, kernel_id: str) -> None:
        """End a kernel immediately: it has nothing to save."""
        if kernel_id in self._kernels:
            self._seen.pop(kernel_id, None)
            await ensure_async(self._kernels.shutdown_kernel(kernel_id, now=True))

    def _patience(self, kernel_id: str) -> float:
        ignored = kernel_id in self._sent and kernel_id not in self._heard
        return self._unseen if ignored else self._alone

    def _pools(self) -> dict[str, list[asyncio.Task[Any]]]:
        # Voilà has no public way to list waiting kernels; without pre-started ones it has none.
        pools: dict[str, list[asyncio.Task[Any]]] = getattr(self._kernels, "_pools", {})
        return pools

    def _drop_failed(self) -> None:
        """Forget kernels that could not start: Voilà would show the failure to the next viewer."""
        for pool in self._pools().values():
            pool[:] = [
                task
                for task in pool
                if not (task.done() and (task.cancelled() or task.exception() is not None))
            ]

    def _refill(self) -> None:
        for notebook in self._pools():
            self._kernels.fill_if_needed(delay=0, notebook_name=notebook)
