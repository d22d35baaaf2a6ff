"""Whether the kept sums and the figures that are shown equal a recomputation from the payments."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from msgspec.structs import asdict

from financeops.core.contract.analytics import RollupAnswer
from financeops.core.contract.operations import (
    DifferenceAnswer,
    ShownAnswer,
    SumsAnswer,
    VerifyAnswer,
)
from financeops.core.rollup import as_document
from financeops.core.wire import timestamp
from financeops.store.shown import ShownDifference
from financeops.store.verify import Difference, Report, verify
from server.bodies import refuse_body
from server.description import answers
from server.lifespan import Here, Services
from server.parameters import OfTenant
from server.responses import Json

router = APIRouter(prefix="/api", tags=["verify"], default_response_class=Json)


@router.get("/verify", responses=answers(VerifyAnswer, 404, 503))
async def check(here: Here, asked: Annotated[OfTenant, Query()]) -> Json:
    """Recompute a tenant's sums from its payments, and tell where they or shown figures differ."""
    return Json(await _verified(here, asked.tenant_id))


@router.post(
    "/verify", responses=answers(VerifyAnswer, 404, 503), dependencies=[Depends(refuse_body)]
)
async def repair(here: Here, asked: Annotated[OfTenant, Query()]) -> Json:
    """The same, and put right what differs."""
    return Json(await _verified(here, asked.tenant_id, repair=True))


async def _verified(here: Services, tenant_id: str, *, repair: bool = False) -> VerifyAnswer:
    report = await verify(here.db, tenant_id, as_of=here.now(), reader=here.reader, repair=repair)
    return VerifyAnswer(
        **asdict(report_document(report)),
        asked=report.asked,
        shown=[_shown(each) for each in report.shown],
    )


def report_document(report: Report) -> SumsAnswer:
    """JSON form of what a comparison of the kept sums found."""
    return SumsAnswer(
        tenant_id=report.tenant_id,
        seq=report.seq,
        checked=report.checked,
        differences=[_difference(each) for each in report.differences],
        repaired=report.repaired,
    )


def _difference(difference: Difference) -> DifferenceAnswer:
    return DifferenceAnswer(
        currency=difference.currency,
        grain=difference.grain,
        start=timestamp(difference.start),
        kept=RollupAnswer(**as_document(difference.kept)),
        counted=RollupAnswer(**as_document(difference.counted)),
    )


def _shown(difference: ShownDifference) -> ShownAnswer:
    window = difference.window
    return ShownAnswer(
        currency=difference.currency,
        period=difference.period,
        previous=difference.previous,
        start=timestamp(window.start) if window else None,
        end=timestamp(window.end) if window else None,
        remembered=difference.remembered,
        shown=RollupAnswer(**as_document(difference.shown)),
        counted=RollupAnswer(**as_document(difference.counted)),
    )
