"""The state of the server, for probes and for Prometheus."""

from __future__ import annotations

from fastapi import APIRouter, Depends
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import Response

from financeops.core.contract import paths
from financeops.core.contract.operations import HealthAnswer, ReadyAnswer
from financeops.store.database.connection import ping
from server.dependencies import Here
from server.http.description import answers, page
from server.http.parameters import refuse_all
from server.http.responses import Json

router = APIRouter(tags=["health"], dependencies=[Depends(refuse_all)], default_response_class=Json)


@router.get(paths.HEALTH, summary="Check That It Runs", responses=answers(HealthAnswer))
async def health() -> Json:
    """Whether the process is alive."""
    return Json(HealthAnswer(status="ok"))


@router.get(paths.READY, summary="Check That It Is Ready", responses=answers(ReadyAnswer, 503))
async def ready(services: Here) -> Json:
    """Whether the database can be reached."""
    await ping(services.db)
    return Json(ReadyAnswer(status="ready"))


@router.get(
    "/metrics",
    summary="Read Metrics of the Server",
    response_class=Response,
    responses=page("text/plain"),
)
async def prometheus(services: Here) -> Response:
    """Counters and gauges in Prometheus' text format."""
    return Response(generate_latest(services.meters.registry), media_type=CONTENT_TYPE_LATEST)
