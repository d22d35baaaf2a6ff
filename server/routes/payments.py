"""Payments: record one, read them."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request

from financeops.core.contract import paths
from financeops.core.contract.agreements import IDEMPOTENCY_KEY, JSON
from financeops.core.contract.payments import PaymentAnswer
from financeops.core.payments import Source
from financeops.core.wire import payment_document
from financeops.store.reading.queries import find_payment, list_payments
from server.carrying_out import carry_out
from server.dependencies import Here
from server.http import examples
from server.http.bodies import read_json
from server.http.description import answers, body, component, header, key_header
from server.http.parameters import PAYMENT_ID, ListParameters, OfTenant, PaymentId, refuse_all
from server.http.responses import Json
from server.methods import check_method
from server.recording import Recording

router = APIRouter(tags=["payments"], default_response_class=Json)

_LINK = header('The next page, if there is one: `</payments?…>; rel="next"`')


@router.get(
    paths.PAYMENTS, responses=answers(list[PaymentAnswer], 404, 503, headers={"Link": _LINK})
)
async def read_payments(services: Here, params: Annotated[ListParameters, Query()]) -> Json:
    """The newest payments, newest first; the `Link` header leads to the next page."""
    await check_method(services, params.tenant_id, params.method)
    page = await list_payments(
        services.db,
        params.tenant_id,
        params.selection(),
        limit=params.limit,
        before=params.before,
        reader=services.reader,
    )
    headers = {}
    if page.following is not None:
        query = params.model_dump(mode="json", by_alias=True, exclude_none=True)
        following = urlencode({**query, "before": page.following})
        headers["Link"] = f'<{paths.PAYMENTS}?{following}>; rel="next"'
    return Json([payment_document(payment) for payment in page.payments], headers=headers)


@router.post(
    paths.PAYMENTS,
    status_code=201,
    dependencies=[Depends(refuse_all)],
    responses={
        **answers(PaymentAnswer, 409, 415, 503, status=201, meaning="Recorded"),
        **answers(PaymentAnswer, meaning="Sent before: it counts once"),
    },
    openapi_extra={
        "requestBody": body({JSON: component("NewPayment")}, example=examples.REQUEST),
        "parameters": [
            key_header("A payment sent again with the same key counts once; instead of `reference`")
        ],
    },
)
async def record_payment(services: Here, request: Request) -> Json:
    """Record one payment; with `Idempotency-Key` or `reference` it counts once."""
    text = await read_json(request, services)
    keys = request.headers.getlist(IDEMPOTENCY_KEY)
    recording = Recording(services, source=Source.API, idempotency_keys=keys)
    tenant, operation = await recording.operation_of(text)
    return await carry_out(services, tenant, operation)


@router.get(paths.payment(PAYMENT_ID), responses=answers(PaymentAnswer, 404, 503))
async def read_payment(
    services: Here, payment_id: PaymentId, params: Annotated[OfTenant, Query()]
) -> Json:
    """One payment."""
    return Json(payment_document(await find_payment(services.db, params.tenant_id, payment_id)))
