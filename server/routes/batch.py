"""Many payments in one request; one that is wrong does not keep the others out."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Request

from financeops.core.drafts import read_request
from financeops.core.errors import FinanceOpsError, InvalidValue
from financeops.core.payments import Source, Tenant
from financeops.store.ledger import Insert, Outcome, Result
from server import examples
from server.bodies import read_body
from server.intake import MAX_OPERATIONS
from server.lifespan import Here, Services
from server.parameters import BatchParameters
from server.problems import problem_of
from server.recording import IDEMPOTENCY_KEY, insertion, tenant_id_of
from server.responses import Json
from server.routes.payments import REQUEST_SCHEMA

router = APIRouter(prefix="/payments", tags=["payments"], default_response_class=Json)

_SCHEMA = {"type": "array", "maxItems": MAX_OPERATIONS, "items": REQUEST_SCHEMA}
_array = msgspec.json.Decoder(list[msgspec.Raw])
_any = msgspec.json.Decoder(msgspec.Raw)


@router.post(
    "/batch",
    responses=examples.answers(examples.BATCH, 403, 413, 422, 503),
    openapi_extra=examples.body("application/json", _SCHEMA, examples.BATCH_REQUEST),
)
async def record_batch(
    here: Here, request: Request, asked: Annotated[BatchParameters, Query()]
) -> Json:
    """Record up to 1,000 payments, a JSON array or NDJSON; `reference` makes each count once."""
    if IDEMPOTENCY_KEY in request.headers:
        raise InvalidValue(IDEMPOTENCY_KEY, "is for one payment: in a batch use reference")
    body = await read_body(request, limit=here.settings.max_body_bytes)
    texts = _split(body, request.headers.get("content-type", ""))
    if len(texts) > MAX_OPERATIONS:
        raise InvalidValue("body", f"must hold at most {MAX_OPERATIONS} payments: send it in parts")
    items = await _record(here, texts, asked.source)
    counts = Counter(item["outcome"] for item in items)
    return Json(
        {result: counts[result] for result in ("created", "duplicate", "rejected")}
        | {"items": items}
    )


async def _record(here: Services, texts: Sequence[bytes], source: Source) -> list[dict[str, Any]]:
    """Record each payment; their answers in order."""
    items: dict[int, dict[str, Any]] = {}
    tenants: dict[str, Tenant] = {}
    accepted: dict[str, list[tuple[int, Insert]]] = {}
    now = here.now()
    for index, text in enumerate(texts):
        try:
            request = read_request(text)
            tenant_id = tenant_id_of(request)
            if tenant_id not in tenants:
                tenants[tenant_id] = await here.tenants.existing_or_new(tenant_id)
            operation = insertion(
                request,
                tenant=tenants[tenant_id],
                methods=here.settings.methods,
                now=now,
                source=source,
            )
        except InvalidValue as error:
            items[index] = _rejected(index, error)
        else:
            accepted.setdefault(tenant_id, []).append((index, operation))

    async def commit(tenant_id: str, placed: list[tuple[int, Insert]]) -> None:
        operations = [operation for _, operation in placed]
        outcomes = await here.intake.submit(tenants[tenant_id], operations)
        for (index, _), outcome in zip(placed, outcomes, strict=True):
            items[index] = _item(index, outcome)

    await asyncio.gather(*(commit(*each) for each in accepted.items()))
    return [items[index] for index in range(len(texts))]


def _split(body: bytes, content_type: str) -> list[bytes]:
    """Each payment's JSON text; raises `InvalidValue` when the body is neither form."""
    declared = "ndjson" in content_type or "jsonl" in content_type
    if not declared:
        if body.lstrip()[:1] == b"[":
            return _elements(body)
        if body.lstrip()[:1] != b"{" or _is_one_value(body):
            raise InvalidValue(
                "body",
                "must be a JSON array of payments, or NDJSON (one payment per line) with "
                "Content-Type application/x-ndjson",
            )
    return [line for line in body.splitlines() if line.strip()]


def _elements(body: bytes) -> list[bytes]:
    try:
        return [bytes(element) for element in _array.decode(body)]
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidValue("body", f"is not a JSON array: {error}") from None


def _is_one_value(body: bytes) -> bool:
    try:
        _any.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return True


def _item(index: int, outcome: Outcome) -> dict[str, Any]:
    if outcome.error is not None:
        return _rejected(index, outcome.error)
    assert outcome.payment is not None, "what is not refused has a payment"
    return {"index": index, "outcome": outcome.result.value, "_id": outcome.payment.id}


def _rejected(index: int, error: FinanceOpsError) -> dict[str, Any]:
    return {"index": index, "outcome": Result.REJECTED.value, "problem": problem_of(error)}
