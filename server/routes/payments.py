"""Payments: record one, refund one, read them."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request

from financeops.core.drafts import read_request
from financeops.core.payments import Source, Tenant
from financeops.core.wire import payment_document
from financeops.store.ledger import Operation, Outcome, Refund, Result
from financeops.store.queries import find_payment, list_payments
from server import examples
from server.bodies import read_body
from server.lifespan import Here, Services
from server.parameters import ListParameters, OfTenant, refuse_all
from server.recording import IDEMPOTENCY_KEY, insertion, tenant_id_of
from server.responses import Json
from server.settings import DEFAULT_TENANT

router = APIRouter(prefix="/payments", tags=["payments"], default_response_class=Json)

REQUEST_SCHEMA = {
    "type": "object",
    "required": ["amount", "method", "status"],
    "additionalProperties": False,
    "properties": {
        "tenantId": {"type": "string", "default": DEFAULT_TENANT},
        "amount": {"type": "number", "minimum": 0, "description": "major units"},
        "currency": {"type": "string", "description": "ISO 4217; by default the tenant's"},
        "method": {"type": "string"},
        "status": {"enum": ["success", "failed"]},
        "createdAt": {"type": "string", "format": "date-time", "description": "by default now"},
        "reference": {
            "type": "string",
            "maxLength": 200,
            "description": "Names the attempt: sent again, it counts once",
        },
        "customerId": {"type": "string", "maxLength": 200},
        "country": {"type": "string", "description": "ISO 3166, two letters"},
        "declineCode": {"type": "string", "description": "Why a failed payment failed"},
    },
}


@router.get("", responses=examples.answers(examples.PAYMENTS, 404, 422, 503))
async def read_payments(here: Here, asked: Annotated[ListParameters, Query()]) -> Json:
    """The newest payments, newest first; the `Link` header leads to the next page."""
    page = await list_payments(
        here.db, asked.tenant_id, asked.chosen(), limit=asked.limit, before=asked.before
    )
    headers = {}
    if page.following is not None:
        said = asked.model_dump(mode="json", by_alias=True, exclude_none=True)
        following = urlencode({**said, "before": page.following})
        headers["Link"] = f'</payments?{following}>; rel="next"'
    return Json([payment_document(payment) for payment in page.payments], headers=headers)


@router.post(
    "",
    status_code=201,
    dependencies=[Depends(refuse_all)],
    responses={
        **examples.answers(examples.PAYMENT, 403, 409, 413, 422, 503, status=201),
        **examples.answers(examples.PAYMENT, meaning="Sent before: counted once"),
    },
    openapi_extra={
        **examples.body("application/json", REQUEST_SCHEMA, examples.REQUEST),
        "parameters": [
            {
                "name": IDEMPOTENCY_KEY,
                "in": "header",
                "schema": {"type": "string", "maxLength": 200},
                "description": "Sent again with the same key, a payment counts once; instead of "
                "`reference`",
            }
        ],
    },
)
async def record_payment(here: Here, request: Request) -> Json:
    """Record one payment; with `Idempotency-Key` or `reference` it counts once."""
    body = await read_body(request, limit=here.settings.max_body_bytes)
    asked = read_request(body)
    tenant = await here.tenants.existing_or_new(tenant_id_of(asked))
    operation = insertion(
        asked,
        tenant=tenant,
        methods=here.settings.methods,
        now=here.now(),
        source=Source.API,
        idempotency_keys=request.headers.getlist(IDEMPOTENCY_KEY),
    )
    return await _carry_out(here, tenant, operation)


@router.get("/{payment_id}", responses=examples.answers(examples.PAYMENT, 404, 422, 503))
async def read_payment(here: Here, payment_id: str, asked: Annotated[OfTenant, Query()]) -> Json:
    """One payment."""
    return Json(payment_document(await find_payment(here.db, asked.tenant_id, payment_id)))


@router.post(
    "/{payment_id}/refund",
    responses=examples.answers(examples.REFUNDED, 403, 404, 409, 422, 503),
)
async def refund_payment(here: Here, payment_id: str, asked: Annotated[OfTenant, Query()]) -> Json:
    """Give the money of a succeeded payment back; sent again, it counts once."""
    tenant = await here.tenants.existing(asked.tenant_id)
    return await _carry_out(here, tenant, Refund(payment_id=payment_id))


async def _carry_out(here: Services, tenant: Tenant, operation: Operation) -> Json:
    (outcome,) = await here.intake.submit(tenant, [operation])
    return _answer(outcome)


def _answer(outcome: Outcome) -> Json:
    if outcome.error is not None:
        raise outcome.error
    assert outcome.payment is not None, "what is not refused has a payment"
    status = 201 if outcome.result is Result.CREATED else 200
    return Json(payment_document(outcome.payment), status_code=status)
