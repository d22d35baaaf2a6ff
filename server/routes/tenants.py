"""Changes to a tenant."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from msgspec.structs import asdict

from financeops.core.contract import paths
from financeops.core.contract.operations import RezoneAnswer
from financeops.store.verifying.verify import set_timezone
from server.dependencies import Here
from server.http.bodies import refuse_body
from server.http.description import answers
from server.http.parameters import TenantId, TimezoneParameters
from server.http.responses import Json
from server.routes.verify import report_document

router = APIRouter(tags=["tenants"], default_response_class=Json)


@router.post(
    paths.timezone("{tenant_id}"),
    summary="Change the Time Zone",
    responses=answers(RezoneAnswer, 404, 409, 503),
    dependencies=[Depends(refuse_body)],
)
async def rezone(
    services: Here, tenant_id: TenantId, params: Annotated[TimezoneParameters, Query()]
) -> Json:
    """Change the time zone of a tenant and recompute its days, months and hours."""
    async with services.verifications.turn(tenant_id):
        report = await set_timezone(services.db, tenant_id, params.timezone)
    services.tenants.forget(tenant_id)
    services.converter.wake()
    return Json(RezoneAnswer(**asdict(report_document(report)), timezone=params.timezone))
