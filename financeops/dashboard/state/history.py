"""The task that reads older entries for the live feed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from financeops.client.query import keywords_of
from financeops.client.rest import Client
from financeops.core.errors import FinanceOpsError
from financeops.core.payments import Payment
from financeops.core.selection import Selection
from financeops.dashboard.state.model import DashboardModel
from financeops.dashboard.state.timeline import HISTORY

STEP = 100
"""How many payments new to the feed to read at a time."""

_RETRY = 2.0
"""Seconds before asking again for payments that could not be read."""


class History:
    """Reads older selected payments whenever the model asks for them.

    Parameters
    ----------
    model : DashboardModel
    client : Client
    """

    def __init__(self, model: DashboardModel, client: Client) -> None:
        self._model = model
        self._client = client
        self._asked = asyncio.Event()
        self._payments: AsyncIterator[Payment] | None = None
        self._beginning = -1
        self._reading: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Read until cancelled."""
        model = self._model
        model.observe(self._ask, ["history_asked"])
        try:
            if model.timeline.selection != Selection():
                self._asked.set()  # the selection was made before this task started
            while True:
                await self._asked.wait()
                self._asked.clear()
                model.reading = True
                self._reading = asyncio.create_task(self._read())
                await asyncio.wait([self._reading])
                if not self._reading.cancelled():
                    self._reading.result()
                model.reading = self._asked.is_set()
        finally:
            if self._reading is not None:
                self._reading.cancel()
            model.reading = False
            model.unobserve(self._ask, ["history_asked"])

    def _ask(self, _change: object) -> None:
        self._asked.set()
        if self._reading is not None and self._beginning != self._model.timeline.beginning:
            # The server may search for long what nobody wants any more.
            self._payments = None
            self._reading.cancel()

    async def _read(self) -> None:
        """Read on until `STEP` new payments have arrived or there are no more."""
        timeline = self._model.timeline
        while True:
            beginning = timeline.beginning
            if self._payments is None or self._beginning != beginning:
                self._payments, self._beginning = self._from_the_newest(), beginning
            read: list[Payment] = []
            new = 0
            try:
                async for payment in self._payments:
                    read.append(payment)
                    new += payment not in timeline
                    if new == STEP:
                        break
            except FinanceOpsError:
                self._payments = None
                await asyncio.sleep(_RETRY)
                continue
            # If the selection has changed meanwhile, its payments are already requested.
            if beginning == timeline.beginning:
                self._model.remember(read, complete=new < STEP)
            return

    def _from_the_newest(self) -> AsyncIterator[Payment]:
        selection = keywords_of(self._model.timeline.selection)
        return self._client.payments(self._model.tenant, limit=HISTORY, page=STEP, **selection)
