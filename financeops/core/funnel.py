"""How far payments come, from the attempt to money that is kept, as a function of a rollup."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from financeops.core.declines import FailureStage
from financeops.core.metrics import net_volume
from financeops.core.money import ratio
from financeops.core.payments import Status
from financeops.core.rollup import Count, Rollup


class Step(StrEnum):
    """How far a payment came: each includes all that came further."""

    CREATED = "created"
    AUTHENTICATED = "authenticated"
    AUTHORISED = "authorised"
    SUCCEEDED = "succeeded"
    KEPT = "kept"


class StepFigures(Struct, frozen=True, kw_only=True):
    """One step; shares in percent of the attempts, and of those that came as far as the step before."""

    step: Step
    count: int
    volume: int
    share: Decimal | None
    share_of_previous: Decimal | None


_LOST_BEFORE = {
    Step.AUTHENTICATED: (FailureStage.AUTHENTICATION, FailureStage.ABANDONED),
    Step.AUTHORISED: (FailureStage.BLOCKED, FailureStage.DECLINED),
    Step.SUCCEEDED: (FailureStage.TECHNICAL,),
}
"""The stages at which payments failed that did not come as far as a step, but as the one before.

Customers mostly give up when they are asked who they are; risk rules decide beside the issuer. Of a
technical failure it is not known what was decided before: it only keeps the money from coming.
"""


def funnel(rollup: Rollup) -> list[StepFigures]:
    """Figures of each step, in their order.

    `KEPT` are payments that were not given back as a whole and whose dispute was not lost; its volume
    is what is left of all that succeeded.
    """
    everything = n, volume = _sum(rollup.cells.values())
    counts = {Step.CREATED: everything}
    for step, stages in _LOST_BEFORE.items():
        lost = _sum(
            count for (_, stage, _), count in rollup.part("failures").items() if stage in stages
        )
        n, volume = n - lost[0], volume - lost[1]
        counts[step] = n, volume
    gone, _ = _sum(
        count for (_, status), count in rollup.cells.items() if status is Status.REFUNDED
    )
    lost = _sum(rollup.part("lost").values())
    counts[Step.KEPT] = n - gone - lost[0], net_volume(rollup) - lost[1]
    before = everything[0]
    steps = []
    for step, (n, volume) in counts.items():
        figures = StepFigures(
            step=step,
            count=n,
            volume=volume,
            share=ratio(100 * n, everything[0]),
            share_of_previous=ratio(100 * n, before),
        )
        steps.append(figures)
        before = n
    return steps


def _sum(counts: Iterable[Count]) -> Count:
    ns, amounts = 0, 0
    for n, amount in counts:
        ns, amounts = ns + n, amounts + amount
    return ns, amounts
