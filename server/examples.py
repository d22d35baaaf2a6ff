"""Examples for the OpenAPI page, made by the same functions as real answers."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from financeops.core import wire
from financeops.core.metrics import declines, methods, metrics, trends
from financeops.core.payments import Change, Payment, Status
from financeops.core.periods import Period, buckets
from financeops.core.rollup import rollup_of, total
from financeops.core.wire import encode

_ZONE_NAME = "UTC"
_NOON = datetime(2024, 12, 9, 14, 23, 5, tzinfo=UTC)


def _plain(document: Any) -> Any:
    """The document as JSON text says it: the OpenAPI page knows no Decimal."""
    return json.loads(encode(document))


def _payment(number: int, amount: int, status: Status, **more: Any) -> Payment:
    return Payment(
        id=f"6756fb49a1b2c3d4e5f6070{number}",
        tenant_id="tenant_1",
        amount=amount,
        currency="USD",
        method="card",
        status=status,
        created_at=_NOON,
        updated_at=_NOON,
        source="api",
        **more,
    )


_SUCCEEDED = _payment(1, 185050, Status.SUCCESS, reference="order-1042-1", customer_id="cus_1a2b3c")
_FAILED = _payment(2, 4200, Status.FAILED, decline_code="insufficient_funds")


def _figures() -> dict[str, Any]:
    from zoneinfo import ZoneInfo  # noqa: PLC0415

    zone = ZoneInfo(_ZONE_NAME)
    rollup = total(rollup_of(payment, zone) for payment in (_SUCCEEDED, _FAILED))
    cut = buckets(Period.DAY, _NOON, zone)
    points = trends(cut[-1:], [rollup])
    key_figures = {
        **wire.metrics_document(metrics(rollup, currency="USD")),
        "timezone": _ZONE_NAME,
        "from": wire.timestamp(cut[0].start),
        "to": wire.timestamp(cut[-1].end),
        "seq": 2,
        "currencies": ["USD"],
    }
    return {
        "metrics": key_figures,
        "trends": wire.trends_document(points, currency="USD"),
        "methods": wire.methods_document(methods(rollup), currency="USD"),
        "declines": wire.declines_document(declines(rollup), currency="USD"),
    }


_FIGURES = _figures()

PAYMENT = _plain(wire.payment_document(_SUCCEEDED))
REFUNDED = {**PAYMENT, "status": "refunded", "refundedAt": "2024-12-10T09:00:00Z"}
PAYMENTS = _plain([wire.payment_document(_FAILED), wire.payment_document(_SUCCEEDED)])
EVENT = _plain(wire.change_document(Change(seq=1, at=_NOON, payment=_SUCCEEDED)))
METRICS = _plain(_FIGURES["metrics"])
TRENDS = _plain(_FIGURES["trends"])
METHODS = _plain(_FIGURES["methods"])
DECLINES = _plain(_FIGURES["declines"])
SNAPSHOT = {
    "metrics": METRICS,
    "previous": METRICS,
    "trends": TRENDS,
    "methods": METHODS,
    "declines": DECLINES,
    "payments": PAYMENTS,
    "seq": 2,
    "asOf": wire.timestamp(_NOON),
}
REQUEST = {
    "amount": 1850.5,
    "method": "card",
    "status": "success",
    "reference": "order-1042-1",
    "customerId": "cus_1a2b3c",
}
BATCH_REQUEST = [REQUEST, {"amount": -1, "method": "card", "status": "success"}]
PROBLEM = {
    "type": "about:blank",
    "title": "Unprocessable Entity",
    "status": 422,
    "detail": "amount: must not be negative",
    "field": "amount",
}
BATCH = {
    "created": 1,
    "duplicate": 0,
    "rejected": 1,
    "items": [
        {"index": 0, "outcome": "created", "_id": PAYMENT["_id"]},
        {"index": 1, "outcome": "rejected", "problem": PROBLEM},
    ],
}
SEEDED = {"message": "Seeded successfully", "count": 1000}
VERIFIED = {"tenantId": "tenant_1", "seq": 2, "checked": 7, "differences": [], "repaired": False}
MONTHS = {
    "tenantId": "tenant_1",
    "currency": "USD",
    "timezone": "UTC",
    "seq": 2,
    "history": "9f86d081884c7d65",
    "months": [
        {
            "month": "2024-12",
            "from": "2024-12-01T00:00:00Z",
            "to": "2025-01-01T00:00:00Z",
            "payments": 2,
            "refunded": 0,
        }
    ],
}
CHANGES = {"seq": 1, "complete": True, "changes": [EVENT]}
REZONED = {**VERIFIED, "repaired": True, "timezone": "Europe/Berlin"}

_PROBLEM_SCHEMA = {
    "title": "Problem",
    "description": "RFC 9457",
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "field": {"type": "string"},
    },
    "example": PROBLEM,
}
_MEANINGS = {
    403: "The page that sends this is not of an allowed origin",
    404: "The tenant or payment does not exist",
    409: "It contradicts what is recorded",
    413: "The body is too large",
    422: "A parameter or field is wrong; `field` names it",
    503: "The database is away; `Retry-After` says when to try again",
}


def answers(example: Any, *errors: int, status: int = 200, meaning: str = "OK") -> dict[Any, Any]:
    """The `responses` of a route: its answer with an example, and the problems it may give."""
    content = {"application/json": {"example": example}}
    documented: dict[Any, Any] = {status: {"description": meaning, "content": content}}
    for error in errors:
        documented[error] = {
            "description": _MEANINGS[error],
            "content": {"application/problem+json": {"schema": _PROBLEM_SCHEMA}},
        }
    return documented


def body(content_type: str, schema: dict[str, Any], example: Any) -> dict[str, Any]:
    """The `openapi_extra` of a route that reads its body itself."""
    content = {content_type: {"schema": schema, "example": example}}
    return {"requestBody": {"required": True, "content": content}}
