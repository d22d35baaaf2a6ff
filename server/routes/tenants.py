"""What can be changed about a tenant."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from financeops.store.verify import set_timezone
from server import examples
from server.lifespan import Here
from server.parameters import TenantId, TimezoneParameters
from server.responses import Json
from server.routes.verify import report_document

router = APIRouter(prefix="/api/tenants", tags=["tenants"], default_response_class=Json)


@router.post(
    "/{tenant_id}/timezone", responses=examples.answers(examples.REZONED, 403, 404, 422, 503)
)
async def rezone(
    here: Here, tenant_id: TenantId, asked: Annotated[TimezoneParameters, Query()]
) -> Json:
    """Give a tenant another time zone: its days, months and hours are cut anew."""
    report = await set_timezone(here.db, tenant_id, asked.timezone)
    return Json({**report_document(report), "timezone": asked.timezone})
