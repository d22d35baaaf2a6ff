"""Payments: record one, refund one, read them."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request

from financeops.core.contract import paths
from financeops.core.contract.agreements import IDEMPOTENCY_KEY, JSON
from financeops.core.contract.payments import PaymentAnswer
from financeops.core.contract.requests import RefundRequest
from financeops.core.contract.texts import Text
from financeops.core.drafts import refund_terms
from financeops.core.payments import Source, Tenant
from financeops.core.reading import read_refund_request
from financeops.core.wire import payment_document
from financeops.store.reading.queries import find_payment, list_payments
from financeops.store.writing.operations import Operation, Outcome, Refund, Result, refund_id_of
from server.dependencies import Here, Services
from server.http import examples
from server.http.bodies import read_json, read_optional_json
from server.http.description import answers, body, component, header, schema_of
from server.http.parameters import PAYMENT_ID, ListParameters, OfTenant, PaymentId, refuse_all
from server.http.responses import Json
from server.methods import check_method
from server.recording import Recording, key_in

router = APIRouter(tags=["payments"], default_response_class=Json)

_LINK = header('The next page, if there is one: `</payments?…>; rel="next"`')


def _key(meaning: str) -> dict[str, Any]:
    """Return the description of the header `Idempotency-Key`."""
    return {
        "name": IDEMPOTENCY_KEY,
        "in": "header",
        "schema": schema_of(Text),
        "description": meaning,
    }


@router.get(
    paths.PAYMENTS, responses=answers(list[PaymentAnswer], 404, 503, headers={"Link": _LINK})
)
async def read_payments(services: Here, params: Annotated[ListParameters, Query()]) -> Json:
    """The newest payments, newest first; the `Link` header leads to the next page."""
    await check_method(services, params.tenant_id, params.method)
    page = await list_payments(
        services.db, params.tenant_id, params.selection(), limit=params.limit, before=params.before
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
            _key("A payment sent again with the same key counts once; instead of `reference`")
        ],
    },
)
async def record_payment(services: Here, request: Request) -> Json:
    """Record one payment; with `Idempotency-Key` or `reference` it counts once."""
    text = await read_json(request, services)
    keys = request.headers.getlist(IDEMPOTENCY_KEY)
    recording = Recording(services, source=Source.API, idempotency_keys=keys)
    tenant, operation = await recording.operation_of(text)
    return await _carry_out(services, tenant, operation)


@router.get(paths.payment(PAYMENT_ID), responses=answers(PaymentAnswer, 404, 503))
async def read_payment(
    services: Here, payment_id: PaymentId, params: Annotated[OfTenant, Query()]
) -> Json:
    """One payment."""
    return Json(payment_document(await find_payment(services.db, params.tenant_id, payment_id)))


@router.post(
    paths.refund(PAYMENT_ID),
    responses=answers(PaymentAnswer, 404, 409, 415, 503),
    openapi_extra={
        "requestBody": {
            **body({JSON: schema_of(RefundRequest)}, example=examples.REFUND),
            "required": False,
        },
        "parameters": [_key("A refund sent again with the same key counts once")],
    },
)
async def refund_payment(
    services: Here, payment_id: PaymentId, request: Request, params: Annotated[OfTenant, Query()]
) -> Json:
    """Refund a succeeded payment, or a part of it.

    Without `amount` what is left is refunded, and a repeated request counts once; with `amount` it
    counts once if it has an `Idempotency-Key`.
    """
    terms = refund_terms(
        read_refund_request(await read_optional_json(request, services)), now=services.now()
    )
    key = key_in(request.headers.getlist(IDEMPOTENCY_KEY))
    tenant = await services.tenants.existing(params.tenant_id)
    refund = Refund(
        payment_id=payment_id,
        amount=terms.amount,
        reason=terms.reason,
        at=terms.at,
        refund_id=refund_id_of(tenant.id, payment_id, key),
        keyed=key is not None,
    )
    return await _carry_out(services, tenant, refund)


async def _carry_out(services: Services, tenant: Tenant, operation: Operation) -> Json:
    (outcome,) = await services.intake.submit(tenant, [operation])
    return _answer(outcome)


def _answer(outcome: Outcome) -> Json:
    if outcome.error is not None:
        raise outcome.error
    assert outcome.payment is not None, "what is not refused has a payment"
    status = 201 if outcome.result is Result.CREATED else 200
    return Json(payment_document(outcome.payment), status_code=status)
