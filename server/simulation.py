"""Simulate payments, one every few seconds, so that there is something to see."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np
from msgspec import structs

from financeops.core.contract.agreements import DEFAULT_TENANT
from financeops.core.disputes import Disputed, DisputeStatus
from financeops.core.errors import FinanceOpsError
from financeops.core.money import to_major
from financeops.core.payments import Draft, Status
from financeops.core.periods import floor_millisecond
from financeops.simulation.aftermath import WON
from financeops.simulation.business import time_to_next
from financeops.simulation.drafts import PARTIAL
from financeops.simulation.live import pick_dispute, pick_part, pick_refund, pick_retry
from financeops.simulation.scenario import SimulationConfig, profiles
from financeops.simulation.simulate import simulate
from financeops.store.writing.operations import (
    Insert,
    Operation,
    Refund,
    Result,
    refund_id_of,
)
from server.aftermath import disputes
from server.intake import Intake
from server.settings import Settings

logger = logging.getLogger(__name__)

_REMEMBERED = 1000
"""Number of latest payments that may still be refunded, disputed or tried again."""

_VERDICT = timedelta(minutes=20)
"""Time from a live dispute to its verdict. Real ones last for weeks, as those of the history do."""


class _Paid(NamedTuple):
    payment_id: str
    draft: Draft


class _Pending(NamedTuple):
    paid: _Paid
    dispute: Disputed
    until: datetime


@dataclass(slots=True, eq=False)
class _Acts:
    """What is told together; `done` are the places of payments to which nothing more happens."""

    operations: list[Operation] = field(default_factory=list)
    done: set[int] = field(default_factory=set)
    disputed: _Pending | None = None
    closed: bool = False


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
    """Submits simulated payments, and what becomes of them, to the intake, as real systems would."""

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
        self._paid: deque[_Paid] = deque(maxlen=_REMEMBERED)
        self._disputed: deque[_Pending] = deque()

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
                (each for each in self._failed if each.order_id != draft.order_id),
                maxlen=_REMEMBERED,
            )
        acts = self._acts(floor_millisecond(now))
        operations: list[Operation] = [Insert(draft=draft), *acts.operations]
        outcome, *_ = await self._intake.submit(self._tenant, operations)
        for place in sorted(acts.done, reverse=True):
            del self._paid[place]
        if acts.disputed is not None:
            self._disputed.append(acts.disputed)
        if acts.closed:
            self._disputed.popleft()
        if outcome.result is not Result.CREATED or outcome.payment is None:
            return
        if draft.status is Status.FAILED:
            self._failed.append(draft)
        else:
            self._paid.append(_Paid(outcome.payment.id, draft))

    def _acts(self, now: datetime) -> _Acts:
        """Decide what is told of earlier payments besides: a refund, a dispute or its end."""
        acts = _Acts()
        refunded = pick_refund(self._config, self._rng, range(len(self._paid)))
        part = pick_part(self._rng, 0 if refunded is None else self._paid[refunded].draft.amount)
        if refunded is not None:
            payment_id, draft = self._paid[refunded]
            acts.done.add(refunded)
            refund = Refund(payment_id=payment_id)
            if part is not None:
                refund = Refund(
                    payment_id=payment_id,
                    amount=to_major(part, draft.currency),
                    reason=PARTIAL,
                    refund_id=refund_id_of(self._tenant.id, payment_id, "live"),
                    keyed=True,
                )
            acts.operations.append(refund)
        chosen = pick_dispute(self._config, self._rng, [draft for _, draft in self._paid])
        verdict = self._rng.random()
        if chosen is not None and chosen[0] not in acts.done:
            acts.done.add(chosen[0])
            paid = self._paid[chosen[0]]
            dispute = Disputed(
                id=f"dp_{paid.payment_id}",
                amount=paid.draft.amount,
                status=DisputeStatus.OPEN,
                opened_at=now,
                reason=chosen[1],
            )
            acts.disputed = _Pending(paid, dispute, now + _VERDICT)
            acts.operations += disputes(dispute, paid.payment_id, paid.draft.currency)
        if self._disputed and self._disputed[0].until <= now:
            acts.closed = True
            paid, dispute, _ = self._disputed[0]
            won = verdict < WON[dispute.reason or ""]
            ended = structs.replace(
                dispute, status=DisputeStatus.WON if won else DisputeStatus.LOST, closed_at=now
            )
            acts.operations += disputes(ended, paid.payment_id, paid.draft.currency)[1:]
        return acts
