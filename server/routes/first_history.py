"""The first history of `financeops up`: start or resume it, and ask for its progress."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from financeops.core.contract import paths
from financeops.core.contract.agreements import DEFAULT_TENANT
from financeops.core.contract.payments import FirstHistoryAnswer
from server.dependencies import Here
from server.first_history import Progress
from server.http.bodies import refuse_body
from server.http.description import answers
from server.http.parameters import FirstHistoryParameters, OfTenant
from server.http.responses import Json

router = APIRouter(tags=["payments"], default_response_class=Json)


@router.post(
    paths.HISTORY,
    summary="Record a Simulated History",
    responses=answers(FirstHistoryAnswer, 503),
    dependencies=[Depends(refuse_body)],
)
async def record(services: Here, params: Annotated[FirstHistoryParameters, Query()]) -> Json:
    """Record two years of a simulated business in the background, unless there are other payments.

    It is recorded once, newest payments first; a repeated request resumes it.
    """
    return _answer(await services.first_history.record(newest=params.newest))


@router.get(
    paths.HISTORY, summary="Read Progress of the History", responses=answers(FirstHistoryAnswer)
)
async def progress(services: Here, params: Annotated[OfTenant, Query()]) -> Json:
    """How many payments of the first history are recorded, and how many it has; both 0 without one.

    Only the default tenant can have one.
    """
    has_one = params.tenant_id == DEFAULT_TENANT
    return _answer(services.first_history.progress if has_one else Progress(0, 0))


def _answer(progress: Progress) -> Json:
    return Json(FirstHistoryAnswer(recorded=progress.recorded, count=progress.count))
