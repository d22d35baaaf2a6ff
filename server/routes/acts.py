"""What is told of a payment after it was made: refunds, its dispute, fees, its settlement."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from msgspec import Struct

from financeops.core.act_terms import (
    dispute_terms,
    fees_terms,
    refund_terms,
    settlement_terms,
)
from financeops.core.contract import paths
from financeops.core.contract.agreements import IDEMPOTENCY_KEY, JSON
from financeops.core.contract.payments import PaymentAnswer
from financeops.core.contract.requests import (
    DisputeRequest,
    FeesRequest,
    RefundRequest,
    SettlementRequest,
)
from financeops.core.reading import (
    read_dispute_request,
    read_fees_request,
    read_refund_request,
    read_settlement_request,
)
from financeops.store.writing.operations import (
    Dispute,
    Fees,
    Refund,
    Settlement,
    keyed,
    refund_id_of,
)
from server.carrying_out import carry_out
from server.dependencies import Here, Services
from server.http import examples
from server.http.bodies import read_json, read_optional_json
from server.http.description import answers, body, key_header, schema_of
from server.http.parameters import PAYMENT_ID, OfTenant, PaymentId
from server.http.responses import Json
from server.recording import key_in

router = APIRouter(tags=["payments"], default_response_class=Json)

_ANSWERS = answers(PaymentAnswer, 404, 409, 415, 503)


def _described(kind: type[Struct], example: Struct, key: str) -> dict[str, Any]:
    """Description of a request that tells something, and of what its key means."""
    return {
        "requestBody": body({JSON: schema_of(kind)}, example=example),
        "parameters": [key_header(key)],
    }


@router.post(
    paths.refund(PAYMENT_ID),
    responses=_ANSWERS,
    openapi_extra={
        "requestBody": {
            **body({JSON: schema_of(RefundRequest)}, example=examples.REFUND),
            "required": False,
        },
        "parameters": [key_header("A refund sent again with the same key counts once")],
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
    return await carry_out(services, tenant, refund)


@router.post(
    paths.dispute(PAYMENT_ID),
    responses=_ANSWERS,
    openapi_extra=_described(
        DisputeRequest, examples.DISPUTE, "What is told again with the same key counts once"
    ),
)
async def dispute_payment(
    services: Here, payment_id: PaymentId, request: Request, params: Annotated[OfTenant, Query()]
) -> Json:
    """Tell that a payment is disputed, or with the same `id` whether the dispute was won or lost.

    A payment has one dispute, and what is told of it again counts once. Its end may be told first.
    """
    read = read_dispute_request(await read_json(request, services))
    terms = dispute_terms(read, now=services.now())
    return await _tell(services, request, params, Dispute(payment_id=payment_id, terms=terms))


@router.post(
    paths.fees(PAYMENT_ID),
    responses=_ANSWERS,
    openapi_extra=_described(
        FeesRequest, examples.FEES, "Fees told again with the same key count once"
    ),
)
async def charge_payment(
    services: Here, payment_id: PaymentId, request: Request, params: Annotated[OfTenant, Query()]
) -> Json:
    """Tell more of what a payment costs: fees come in pieces, and add up to `feeAmount`.

    Without an `Idempotency-Key` they count each time.
    """
    terms = fees_terms(read_fees_request(await read_json(request, services)), now=services.now())
    return await _tell(services, request, params, Fees(payment_id=payment_id, terms=terms))


@router.post(
    paths.settlement(PAYMENT_ID),
    responses=_ANSWERS,
    openapi_extra=_described(
        SettlementRequest, examples.SETTLEMENT, "What is told again with the same key counts once"
    ),
)
async def settle_payment(
    services: Here, payment_id: PaymentId, request: Request, params: Annotated[OfTenant, Query()]
) -> Json:
    """Tell when and as what the money of a payment arrived; the same again counts once."""
    read = read_settlement_request(await read_json(request, services))
    terms = settlement_terms(read, now=services.now())
    return await _tell(services, request, params, Settlement(payment_id=payment_id, terms=terms))


async def _tell(
    services: Services, request: Request, params: OfTenant, act: Dispute | Fees | Settlement
) -> Json:
    key = key_in(request.headers.getlist(IDEMPOTENCY_KEY))
    tenant = await services.tenants.existing(params.tenant_id)
    return await carry_out(services, tenant, keyed(act, tenant.id, key))
