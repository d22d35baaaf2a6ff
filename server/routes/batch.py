"""Many payments in one request; one that is wrong does not keep the others out."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Request

from financeops.core.contract import paths
from financeops.core.contract.agreements import IDEMPOTENCY_KEY, JSON, MAX_BATCH, NDJSON
from financeops.core.contract.payments import BatchAnswer, BatchItem, BatchOutcome
from financeops.core.contract.requests import ImportRequest, PaymentRequest
from financeops.core.drafts import read_import_request, read_request
from financeops.core.errors import FinanceOpsError, InvalidValue, Unavailable, Unsure
from financeops.core.payments import Source, Tenant
from financeops.store.writing.imports import Import, find_import
from financeops.store.writing.ledger import Operation, Outcome, Result, counts_once
from server.dependencies import Here, Services
from server.http import examples
from server.http.bodies import kind_of_body, read_body
from server.http.description import answers, body, component
from server.http.parameters import BatchParameters
from server.http.problems import problem_of
from server.http.responses import Json
from server.intake import PLACES
from server.recording import importation, insertion, tenant_id_of

TENANTS_AT_ONCE = PLACES // 2
"""Of how many tenants a batch is committed at once: others' payments find a place beside it."""

router = APIRouter(tags=["payments"], default_response_class=Json)

_ITEM = {
    "anyOf": [
        component("NewPayment"),
        component("ImportedPayment"),
        {"description": "Anything else is answered as rejected, and keeps no other payment out"},
    ]
}
_BODIES = {
    JSON: {"type": "array", "maxItems": MAX_BATCH, "items": _ITEM},
    NDJSON: {"type": "string", "description": "One payment per line, as JSON"},
}
_array = msgspec.json.Decoder(list[msgspec.Raw])
_any = msgspec.json.Decoder(msgspec.Raw)


@router.post(
    paths.BATCH,
    responses=answers(BatchAnswer, 404, 415, 503),
    openapi_extra={"requestBody": body(_BODIES, example=examples.BATCH_REQUEST)},
)
async def record_batch(
    services: Here, request: Request, params: Annotated[BatchParameters, Query()]
) -> Json:
    """Record up to 1,000 payments, a JSON array or NDJSON; `reference` makes each count once.

    With `importId` they are rows of a file, each with `row`, what it is known by. Then there are
    two outcomes more: `updated`, it was refunded since it was recorded, and `conflict`, it says
    other things than are recorded.
    """
    if IDEMPOTENCY_KEY in request.headers:
        raise InvalidValue(IDEMPOTENCY_KEY, "is for one payment: in a batch use reference")
    kind = kind_of_body(request, lines=True)
    sent = await read_body(request, limit=services.settings.max_body_bytes)
    try:
        texts = _split(sent, lines=kind == NDJSON)
    except RecursionError:
        raise InvalidValue("body", "is nested too deeply") from None
    if len(texts) > MAX_BATCH:
        raise InvalidValue("body", f"must hold at most {MAX_BATCH} payments: send it in parts")
    imported = (
        None if params.import_id is None else await find_import(services.db, params.import_id)
    )
    items = await _record(services, texts, params.source, imported)
    counts = Counter(item.outcome for item in items)
    answer = BatchAnswer(
        created=counts[BatchOutcome.CREATED],
        duplicate=counts[BatchOutcome.DUPLICATE],
        rejected=counts[BatchOutcome.REJECTED],
        items=items,
        updated=None if imported is None else counts[BatchOutcome.UPDATED],
        conflict=None if imported is None else counts[BatchOutcome.CONFLICT],
    )
    return Json(answer)


async def _record(
    services: Services, texts: Sequence[bytes], source: Source, imported: Import | None
) -> list[BatchItem]:
    """Record each payment; their answers in order."""
    items: dict[int, BatchItem] = {}
    tenants: dict[str, Tenant] = {}
    accepted: dict[str, list[tuple[int, Operation]]] = {}
    now = services.now()
    for index, text in enumerate(texts):
        try:
            request = read_request(text) if imported is None else read_import_request(text)
            tenant_id = _tenant_id(request, imported)
            if tenant_id not in tenants:
                tenants[tenant_id] = await services.tenants.existing_or_new(tenant_id)
            operation = _operation(
                request,
                tenant=tenants[tenant_id],
                methods=services.settings.methods,
                now=now,
                source=source,
                imported=imported,
            )
        except InvalidValue as error:
            items[index] = _refused(index, error, Result.REJECTED)
        else:
            accepted.setdefault(tenant_id, []).append((index, operation))

    failed: list[FinanceOpsError] = []
    to_commit = iter(accepted.items())

    async def commit() -> None:
        for tenant_id, placed in to_commit:  # which the others take from as well
            operations = [operation for _, operation in placed]
            try:
                outcomes = await services.intake.submit(tenants[tenant_id], operations)
            except FinanceOpsError as error:
                failed.append(error)
            else:
                for (index, _), outcome in zip(placed, outcomes, strict=True):
                    items[index] = _item(index, outcome)
            if failed:  # then the batch gets no answer but that: the rest is not tried
                return

    await asyncio.gather(*(commit() for _ in range(TENANTS_AT_ONCE)))
    if failed:
        raise _why_not(failed, items, accepted)
    return [items[index] for index in range(len(texts))]


def _why_not(
    failed: Sequence[BaseException],
    items: Mapping[int, BatchItem],
    accepted: Mapping[str, Sequence[tuple[int, Operation]]],
) -> BaseException:
    """Why there is no answer; of several tenants' payments some may be recorded."""
    recorded = [item.id for item in items.values() if isinstance(item.id, str)]
    recorded += [
        each for error in failed if isinstance(error, Unsure) for each in error.payment_ids
    ]
    if not recorded or not all(isinstance(error, Unavailable) for error in failed):
        return failed[0]
    operations = [operation for placed in accepted.values() for _, operation in placed]
    return Unsure(recorded, repeatable=all(map(counts_once, operations)))


def _tenant_id(request: PaymentRequest, imported: Import | None) -> str:
    tenant_id = tenant_id_of(request)
    if imported is not None and tenant_id != imported.tenant_id:
        raise InvalidValue("tenantId", f"the import is of {imported.tenant_id}")
    return tenant_id


def _operation(
    request: PaymentRequest | ImportRequest,
    *,
    tenant: Tenant,
    methods: Collection[str],
    now: datetime,
    source: Source,
    imported: Import | None,
) -> Operation:
    if isinstance(request, ImportRequest):
        assert imported is not None, "only then rows are read"
        return importation(request, tenant=tenant, methods=methods, now=now, import_id=imported.id)
    return insertion(request, tenant=tenant, methods=methods, now=now, source=source)


def _split(sent: bytes, *, lines: bool) -> list[bytes]:
    """Each payment's JSON text; raises `InvalidValue` when the body is neither form."""
    if not lines:
        if sent.lstrip()[:1] == b"[":
            return _elements(sent)
        if sent.lstrip()[:1] != b"{" or _is_one_value(sent):
            raise InvalidValue(
                "body",
                "must be a JSON array of payments, or NDJSON (one payment per line) with "
                f"Content-Type {NDJSON}",
            )
    return [line for line in sent.splitlines() if line.strip()]


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


def _item(index: int, outcome: Outcome) -> BatchItem:
    if outcome.error is not None:
        return _refused(index, outcome.error, outcome.result)
    assert outcome.payment is not None, "what is not refused has a payment"
    return BatchItem(index=index, outcome=BatchOutcome(outcome.result), id=outcome.payment.id)


def _refused(index: int, error: FinanceOpsError, result: Result) -> BatchItem:
    return BatchItem(index=index, outcome=BatchOutcome(result), problem=problem_of(error))
