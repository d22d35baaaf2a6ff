"""Whether the kept sums and the figures that are shown equal a recomputation from the payments."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query
from msgspec.structs import asdict

from financeops.core.contract.analytics import RollupAnswer
from financeops.core.contract.operations import (
    DifferenceAnswer,
    ProgressAnswer,
    ShownAnswer,
    SumsAnswer,
    VerificationAnswer,
    VerifyAnswer,
)
from financeops.core.rollup import as_document
from financeops.core.windows import ends_of
from financeops.core.wire import timestamp
from financeops.store.verifying.comparing import Difference
from financeops.store.verifying.counting import Progress
from financeops.store.verifying.shown import ShownDifference
from financeops.store.verifying.verify import Report
from server.dependencies import Here
from server.http.bodies import refuse_body
from server.http.description import answers, header
from server.http.parameters import OfTenant, VerificationId, VerifyParameters
from server.http.problems import problem_of
from server.http.responses import Json
from server.verifying import Verification

router = APIRouter(prefix="/api", tags=["verify"], default_response_class=Json)


@router.post(
    "/verify",
    status_code=202,
    dependencies=[Depends(refuse_body)],
    responses=answers(
        VerificationAnswer,
        404,
        503,
        status=202,
        meaning="It goes on in the background",
        headers={"Location": header("Where to ask how far it is", required=True)},
    ),
)
async def verify(services: Here, params: Annotated[VerifyParameters, Query()]) -> Json:
    """Begin to recompute a tenant's sums from its payments; with `repair=true` also put right what differs.

    One verification runs at a time, others wait for their turn.
    """
    started = await services.verifications.start(params.tenant_id, repair=params.repair)
    location = f"/api/verify/{started.id}?tenantId={quote(started.tenant_id)}"
    return Json(_verification(started), status_code=202, headers={"Location": location})


@router.get("/verify/{verification_id}", responses=answers(VerificationAnswer, 404))
async def state(
    services: Here, verification_id: VerificationId, params: Annotated[OfTenant, Query()]
) -> Json:
    """How far a verification is, or what it found."""
    return Json(_verification(services.verifications.find(params.tenant_id, verification_id)))


@router.post(
    "/verify/{verification_id}/stop",
    responses=answers(VerificationAnswer, 404),
    dependencies=[Depends(refuse_body)],
)
async def stop(
    services: Here, verification_id: VerificationId, params: Annotated[OfTenant, Query()]
) -> Json:
    """End a verification; what it has repaired stays so."""
    return Json(_verification(await services.verifications.stop(params.tenant_id, verification_id)))


def _verification(found: Verification) -> VerificationAnswer:
    progress, report, error = found.progress, found.report, found.error
    return VerificationAnswer(
        id=found.id,
        tenant_id=found.tenant_id,
        repair=found.repair,
        state=found.state.value,
        progress=_progress(progress) if progress else None,
        report=_verified(report) if report else None,
        problem=problem_of(error) if error else None,
    )


def _progress(progress: Progress) -> ProgressAnswer:
    return ProgressAnswer(step=progress.step.value, done=progress.done, of=progress.of)


def _verified(report: Report) -> VerifyAnswer:
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
        differing=report.differing,
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
    start, end = ends_of(difference.window)
    return ShownAnswer(
        currency=difference.currency,
        period=difference.period,
        previous=difference.previous,
        start=None if start is None else timestamp(start),
        end=None if end is None else timestamp(end),
        remembered=difference.remembered,
        shown=RollupAnswer(**as_document(difference.shown)),
        counted=RollupAnswer(**as_document(difference.counted)),
    )
