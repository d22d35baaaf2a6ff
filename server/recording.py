"""From what a sender wrote to what the ledger is to carry out."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from msgspec import UNSET

from financeops.core.contract.agreements import DEFAULT_TENANT, IDEMPOTENCY_KEY
from financeops.core.contract.imports import StartRequest
from financeops.core.contract.requests import ImportRequest, PaymentRequest
from financeops.core.drafts import check_key, check_tenant_id, draft_of, request_hash
from financeops.core.errors import InvalidValue
from financeops.core.payments import Source, Tenant
from financeops.store.documents import object_id
from financeops.store.writing.ledger import ImportRow, Insert


def tenant_id_of(request: PaymentRequest | StartRequest) -> str:
    """Whose payment or import it is; raises `InvalidValue`."""
    return check_tenant_id(DEFAULT_TENANT if request.tenant_id is UNSET else request.tenant_id)


def insertion(
    request: PaymentRequest,
    *,
    tenant: Tenant,
    methods: Collection[str],
    now: datetime,
    source: Source,
    idempotency_keys: Sequence[str] = (),
) -> Insert:
    """The payment to record, with what makes it count once; raises `InvalidValue`."""
    draft = draft_of(request, tenant=tenant, methods=methods, now=now, source=source)
    key = _key_of(request, idempotency_keys)
    if key is None:
        return Insert(draft=draft)
    return Insert(draft=draft, key=key, request_hash=request_hash(request))


def importation(
    request: ImportRequest,
    *,
    tenant: Tenant,
    methods: Collection[str],
    now: datetime,
    import_id: str,
) -> ImportRow:
    """The row of a file to record, with all that it is known by; raises `InvalidValue`."""
    draft = draft_of(request, tenant=tenant, methods=methods, now=now, source=Source.IMPORT)
    if request.created_at is None:
        raise InvalidValue("createdAt", "is missing")
    export_id = None if request.id is None else request.id.lower()
    if export_id is not None and object_id(export_id) is None:
        raise InvalidValue("_id", "must be the id of a payment: 24 hexadecimal digits")
    if request.reference is not None:
        key = ("reference", request.reference)
    elif export_id is not None:
        key = ("payment", export_id)
    elif request.row.meaning is None:
        raise InvalidValue("row", "needs a meaning where there is neither reference nor _id")
    else:
        # As a reference, for so it was recorded when nothing else of a row was remembered.
        key = ("reference", request.row.meaning)
    return ImportRow(
        draft=draft,
        key=key,
        import_id=import_id,
        base=request.row.base,
        content=request.row.content,
        export_id=export_id,
        request_hash=None if request.reference is None else request_hash(request),
    )


def _key_of(request: PaymentRequest, given: Sequence[str]) -> tuple[str, str] | None:
    if len(given) > 1:
        raise InvalidValue(IDEMPOTENCY_KEY, "is given more than once: give it once")
    if given and request.reference is not None:
        raise InvalidValue(IDEMPOTENCY_KEY, "give either this header or a reference, not both")
    if given:
        # Blanks and tabs around a header's value are no part of it (RFC 9110, 5.5).
        return ("key", check_key(given[0].strip(" \t"), IDEMPOTENCY_KEY))
    return None if request.reference is None else ("reference", request.reference)
