"""How the server is: for probes and for Prometheus."""

from __future__ import annotations

from fastapi import APIRouter, Depends
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import Response

from financeops.store.connection import ping
from server import examples
from server.lifespan import Here
from server.parameters import refuse_all
from server.responses import Json

router = APIRouter(tags=["health"], dependencies=[Depends(refuse_all)], default_response_class=Json)


@router.get("/health", responses=examples.answers({"status": "ok"}))
async def health() -> Json:
    """Whether the process lives."""
    return Json({"status": "ok"})


@router.get("/ready", responses=examples.answers({"status": "ready"}, 503))
async def ready(here: Here) -> Json:
    """Whether the database can be reached."""
    await ping(here.db)
    return Json({"status": "ready"})


@router.get("/metrics", response_class=Response)
async def prometheus(here: Here) -> Response:
    """Counters and gauges in Prometheus' text format."""
    return Response(generate_latest(here.meters.registry), media_type=CONTENT_TYPE_LATEST)
