"""From what a sender wrote to what the ledger is to carry out."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from msgspec import UNSET

from financeops.core.contract.requests import PaymentRequest
from financeops.core.drafts import check_key, check_tenant_id, draft_of, request_hash
from financeops.core.errors import InvalidValue
from financeops.core.payments import Source, Tenant
from financeops.store.ledger import Insert
from server.settings import DEFAULT_TENANT

IDEMPOTENCY_KEY = "Idempotency-Key"


def tenant_id_of(request: PaymentRequest) -> str:
    """Whose payment it is; raises `InvalidValue`."""
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


def _key_of(request: PaymentRequest, given: Sequence[str]) -> tuple[str, str] | None:
    if len(given) > 1:
        raise InvalidValue(IDEMPOTENCY_KEY, "is given more than once: give it once")
    if given and request.reference is not None:
        raise InvalidValue(IDEMPOTENCY_KEY, "give either this header or a reference, not both")
    if given:
        # Blanks and tabs around a header's value are no part of it (RFC 9110, 5.5).
        return ("key", check_key(given[0].strip(" \t"), IDEMPOTENCY_KEY))
    return None if request.reference is None else ("reference", request.reference)
