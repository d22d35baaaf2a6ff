"""Verify that stored totals and displayed figures equal a recomputation from the payments."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query
from msgspec.structs import asdict

from financeops.core.contract import paths
from financeops.core.contract.forms import Instant
from financeops.core.contract.operations import (
    DifferenceAnswer,
    ProgressAnswer,
    ShownAnswer,
    SumsAnswer,
    VerificationAnswer,
    VerifyAnswer,
)
from financeops.core.windows import ends_of
from financeops.core.wire import rollup_document
from financeops.store.verifying.comparing import MAX_TOLD, Difference
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

router = APIRouter(tags=["verify"], default_response_class=Json)


@router.post(
    paths.VERIFY,
    summary="Verify Totals",
    status_code=202,
    dependencies=[Depends(refuse_body)],
    responses=answers(
        VerificationAnswer,
        404,
        503,
        status=202,
        meaning="It runs in the background",
        headers={"Location": header("Where to ask for its progress", required=True)},
    ),
)
async def verify(services: Here, params: Annotated[VerifyParameters, Query()]) -> Json:
    """Start recomputing a tenant's totals from its payments; with `repair=true`, repair differences.

    One verification runs at a time; others wait for their turn.
    """
    started = await services.verifications.start(params.tenant_id, repair=params.repair)
    location = f"{paths.verification(started.id)}?tenantId={quote(started.tenant_id)}"
    return Json(_verification(started), status_code=202, headers={"Location": location})


@router.get(
    paths.verification("{verification_id}"),
    summary="Read a Verification",
    responses=answers(VerificationAnswer, 404),
)
async def state(
    services: Here, verification_id: VerificationId, params: Annotated[OfTenant, Query()]
) -> Json:
    """The progress of a verification, or its result."""
    return Json(_verification(services.verifications.find(params.tenant_id, verification_id)))


@router.post(
    paths.stop("{verification_id}"),
    summary="Stop a Verification",
    responses=answers(VerificationAnswer, 404),
    dependencies=[Depends(refuse_body)],
)
async def stop(
    services: Here, verification_id: VerificationId, params: Annotated[OfTenant, Query()]
) -> Json:
    """Stop a verification; what it has repaired stays repaired."""
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
        misnumbered=report.misnumbered[:MAX_TOLD],
        mistimed=report.mistimed[:MAX_TOLD],
        unreported=report.unreported[:MAX_TOLD],
        overdue=report.overdue[:MAX_TOLD],
    )


def report_document(report: Report) -> SumsAnswer:
    """Return the result of comparing the stored totals in its JSON form."""
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
        start=Instant.of(difference.start),
        kept=rollup_document(difference.kept),
        counted=rollup_document(difference.counted),
    )


def _shown(difference: ShownDifference) -> ShownAnswer:
    start, end = ends_of(difference.window)
    return ShownAnswer(
        currency=difference.currency,
        period=difference.period,
        previous=difference.previous,
        start=None if start is None else Instant.of(start),
        end=None if end is None else Instant.of(end),
        remembered=difference.remembered,
        shown=rollup_document(difference.shown),
        counted=rollup_document(difference.counted),
    )
