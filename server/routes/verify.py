"""Whether the kept sums equal a recomputation from the payments."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from financeops.core.rollup import as_document
from financeops.core.wire import timestamp
from financeops.store.verify import Difference, Report, verify
from server import examples
from server.lifespan import Here
from server.parameters import OfTenant
from server.responses import Json

router = APIRouter(prefix="/api", tags=["verify"], default_response_class=Json)


@router.get("/verify", responses=examples.answers(examples.VERIFIED, 404, 422, 503))
async def check(here: Here, asked: Annotated[OfTenant, Query()]) -> Json:
    """Recompute a tenant's sums from its payments, and tell where they differ."""
    return Json(report_document(await verify(here.db, asked.tenant_id)))


@router.post("/verify", responses=examples.answers(examples.VERIFIED, 403, 404, 422, 503))
async def repair(here: Here, asked: Annotated[OfTenant, Query()]) -> Json:
    """The same, and put right what differs."""
    return Json(report_document(await verify(here.db, asked.tenant_id, repair=True)))


def report_document(report: Report) -> dict[str, Any]:
    """JSON form of what a verification found."""
    return {
        "tenantId": report.tenant_id,
        "seq": report.seq,
        "checked": report.checked,
        "differences": [_difference(each) for each in report.differences],
        "repaired": report.repaired,
    }


def _difference(difference: Difference) -> dict[str, Any]:
    return {
        "currency": difference.currency,
        "grain": difference.grain.value,
        "start": timestamp(difference.start),
        "kept": as_document(difference.kept),
        "counted": as_document(difference.counted),
    }
