"""Whether the kept sums equal a recomputation from the payments."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from financeops.core.contract.analytics import RollupAnswer
from financeops.core.contract.operations import DifferenceAnswer, VerifyAnswer
from financeops.core.rollup import as_document
from financeops.core.wire import timestamp
from financeops.store.verify import Difference, Report, verify
from server.bodies import refuse_body
from server.description import answers
from server.lifespan import Here
from server.parameters import OfTenant
from server.responses import Json

router = APIRouter(prefix="/api", tags=["verify"], default_response_class=Json)


@router.get("/verify", responses=answers(VerifyAnswer, 404, 503))
async def check(here: Here, asked: Annotated[OfTenant, Query()]) -> Json:
    """Recompute a tenant's sums from its payments, and tell where they differ."""
    return Json(report_document(await verify(here.db, asked.tenant_id)))


@router.post(
    "/verify", responses=answers(VerifyAnswer, 404, 503), dependencies=[Depends(refuse_body)]
)
async def repair(here: Here, asked: Annotated[OfTenant, Query()]) -> Json:
    """The same, and put right what differs."""
    return Json(report_document(await verify(here.db, asked.tenant_id, repair=True)))


def report_document(report: Report) -> VerifyAnswer:
    """JSON form of what a verification found."""
    return VerifyAnswer(
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
