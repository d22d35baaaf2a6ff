"""Simulate payments, one every few seconds, so that there is something to see."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta

import numpy as np

from financeops.core.contract.agreements import DEFAULT_TENANT
from financeops.core.errors import FinanceOpsError
from financeops.core.payments import Draft, Status
from financeops.simulation.business import time_to_next
from financeops.simulation.scenario import SimulationConfig, profiles
from financeops.simulation.simulate import pick_refund, pick_retry, simulate
from financeops.store.writing.operations import Insert, Operation, Refund, Result
from server.intake import Intake
from server.settings import Settings

logger = logging.getLogger(__name__)

_REMEMBERED = 1000
"""Number of latest payments that may still be refunded or tried again."""


def simulation_config(settings: Settings) -> SimulationConfig:
    """Return the configuration of simulated payments from the settings."""
    tenant = settings.tenant(DEFAULT_TENANT)
    return SimulationConfig(
        tenant_id=tenant.id,
        currency=tenant.currency,
        timezone=tenant.timezone,
        methods=profiles(settings.methods),
        success_rate=settings.simulate_success_rate,
        refund_rate=settings.simulate_refund_rate,
        amount_factor=settings.simulate_amount_factor,
        seed=1 if settings.simulate_seed is None else settings.simulate_seed,
    )


class Simulation:
    """Submits simulated payments and refunds to the intake, as real systems would."""

    def __init__(
        self,
        settings: Settings,
        intake: Intake,
        *,
        now: Callable[[], datetime],
        pace: Callable[[], timedelta | None] = lambda: None,
    ) -> None:
        self._tenant = settings.tenant(DEFAULT_TENANT)
        self._interval = settings.simulate_interval
        self._config = simulation_config(settings)
        self._rng = np.random.default_rng(settings.simulate_seed)
        self._intake = intake
        self._now = now
        self._pace = pace
        self._failed: deque[Draft] = deque(maxlen=_REMEMBERED)
        self._refundable: deque[str] = deque(maxlen=_REMEMBERED)

    async def run(self) -> None:
        """Submit payments until cancelled; wait while the database is unavailable.

        Payments come one per interval; after a first history, at its average pace and in its rhythm.
        """
        away = False
        while True:
            await asyncio.sleep(self._pause())
            try:
                await self._step()
            except FinanceOpsError as error:
                if not away:
                    logger.warning("the simulation waits: %s", error)
                away = True
            else:
                away = False

    def _pause(self) -> float:
        pace = self._pace()
        if pace is None:
            return self._interval
        mean = time_to_next(self._config, self._now(), pace=pace).total_seconds()
        # Customers arrive at random, not at fixed intervals.
        return self._rng.exponential(mean)

    async def _step(self) -> None:
        now = self._now()
        draft = pick_retry(self._config, self._rng, now, self._failed)
        if draft is None:
            (draft,) = simulate(self._config, self._rng, now)
        else:
            # A failed payment is tried again only once.
            self._failed = deque(
                (each for each in self._failed if each.customer_id != draft.customer_id),
                maxlen=_REMEMBERED,
            )
        operations: list[Operation] = [Insert(draft=draft)]
        refunded = pick_refund(self._config, self._rng, self._refundable)
        if refunded is not None:
            operations.append(Refund(payment_id=refunded))
        outcome, *_ = await self._intake.submit(self._tenant, operations)
        if refunded is not None:
            self._refundable.remove(refunded)
        if outcome.result is not Result.CREATED or outcome.payment is None:
            return
        if draft.status is Status.FAILED:
            self._failed.append(draft)
        else:
            self._refundable.append(outcome.payment.id)
