"""Many payments in one request; a wrong one does not affect the others."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Request

from financeops.core.contract import paths
from financeops.core.contract.agreements import IDEMPOTENCY_KEY, JSON, MAX_BATCH, NDJSON
from financeops.core.contract.payments import BatchAnswer, BatchItem, BatchOutcome
from financeops.core.errors import FinanceOpsError, InvalidValue, Unavailable, Unsure
from financeops.core.payments import Tenant
from financeops.store.writing.imports import find_import
from financeops.store.writing.operations import Operation, Outcome, Result, counts_once
from server.dependencies import Here, Services
from server.http import examples
from server.http.bodies import read_elements
from server.http.description import answers, body, component
from server.http.parameters import BatchParameters
from server.http.problems import problem_of
from server.http.responses import Json
from server.intake import PLACES
from server.recording import Recording

TENANTS_AT_ONCE = PLACES // 2
"""Tenants for which a batch is committed at once, so that other requests get a place too."""

router = APIRouter(tags=["payments"], default_response_class=Json)

_ITEM = {
    "anyOf": [
        component("NewPayment"),
        component("ImportedPayment"),
        {"description": "Anything else is answered as rejected, and does not affect the others"},
    ]
}
_BODIES = {
    JSON: {"type": "array", "maxItems": MAX_BATCH, "items": _ITEM},
    NDJSON: {
        "type": "string",
        "description": "One payment per line, as JSON; lines end with LF or CRLF",
    },
}


@router.post(
    paths.BATCH,
    responses=answers(BatchAnswer, 404, 415, 503),
    openapi_extra={"requestBody": body(_BODIES, example=examples.BATCH_REQUEST)},
)
async def record_batch(
    services: Here, request: Request, params: Annotated[BatchParameters, Query()]
) -> Json:
    """Record up to 1,000 payments, a JSON array or NDJSON; `reference` makes each count once.

    With `importId` they are rows of a file, each with a `row` that identifies it. Then there are
    two more outcomes: `updated`, if the whole of it has been refunded since it was recorded, and
    `conflict`, if it differs from what is recorded.
    """
    if IDEMPOTENCY_KEY in request.headers:
        raise InvalidValue(IDEMPOTENCY_KEY, "is for one payment: in a batch use reference")
    texts = await read_elements(request, services)
    if len(texts) > MAX_BATCH:
        raise InvalidValue("body", f"must hold at most {MAX_BATCH} payments: send it in parts")
    imported = (
        None if params.import_id is None else await find_import(services.db, params.import_id)
    )
    recording = Recording(services, source=params.source, imported=imported)
    items = await _record(services, recording, texts)
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
    services: Services, recording: Recording, texts: Sequence[bytes]
) -> list[BatchItem]:
    """Record each payment; return their answers in order."""
    items: dict[int, BatchItem] = {}
    tenants: dict[str, Tenant] = {}
    accepted: dict[str, list[tuple[int, Operation]]] = {}
    for index, text in enumerate(texts):
        try:
            tenant, operation = await recording.operation_of(text)
        except InvalidValue as error:
            items[index] = _refused(index, error, Result.REJECTED)
        else:
            tenants[tenant.id] = tenant
            accepted.setdefault(tenant.id, []).append((index, operation))

    failed: list[FinanceOpsError] = []
    to_commit = iter(accepted.items())

    async def commit() -> None:
        for tenant_id, placed in to_commit:  # shared: each task takes the next tenant
            operations = [operation for _, operation in placed]
            try:
                outcomes = await services.intake.submit(tenants[tenant_id], operations)
            except FinanceOpsError as error:
                failed.append(error)
            else:
                for (index, _), outcome in zip(placed, outcomes, strict=True):
                    items[index] = _item(index, outcome)
            if failed:  # this error is the answer to the batch, so the rest is not tried
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
    """Return the error to answer with; payments of some tenants may have been recorded."""
    recorded = [item.id for item in items.values() if isinstance(item.id, str)]
    recorded += [
        each for error in failed if isinstance(error, Unsure) for each in error.payment_ids
    ]
    if not recorded or not all(isinstance(error, Unavailable) for error in failed):
        return failed[0]
    operations = [operation for placed in accepted.values() for _, operation in placed]
    return Unsure(recorded, repeatable=all(map(counts_once, operations)))


def _item(index: int, outcome: Outcome) -> BatchItem:
    if outcome.error is not None:
        return _refused(index, outcome.error, outcome.result)
    assert outcome.payment is not None, "what is not refused has a payment"
    return BatchItem(index=index, outcome=BatchOutcome(outcome.result), id=outcome.payment.id)


def _refused(index: int, error: FinanceOpsError, result: Result) -> BatchItem:
    return BatchItem(index=index, outcome=BatchOutcome(result), problem=problem_of(error))
