"""From a payment's JSON to an operation of the ledger: read it, find its tenant, check and key it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from financeops.core.became import dispute_in, refunds_in
from financeops.core.checks import check_key, refuse_card_number
from financeops.core.contract.agreements import IDEMPOTENCY_KEY
from financeops.core.contract.requests import ImportRequest, PaymentRequest
from financeops.core.drafts import draft_of, request_hash
from financeops.core.errors import InvalidValue
from financeops.core.payments import Draft, Source, Tenant
from financeops.core.reading import read_import_request, read_request
from financeops.store.documents import Key, object_id
from financeops.store.writing.imports import Import
from financeops.store.writing.operations import ImportRow, Insert, Operation
from server.dependencies import Services
from server.tenants import tenant_id_of


class Recording:
    """A call that sends payments: at one moment, from one source, possibly for an import."""

    def __init__(
        self,
        services: Services,
        *,
        source: Source,
        imported: Import | None = None,
        idempotency_keys: Sequence[str] = (),
    ) -> None:
        self._tenants = services.tenants
        self._methods = services.settings.methods
        self._now = services.now()
        self._source = source
        self._imported = imported
        self._idempotency_keys = idempotency_keys
        # New tenants too: otherwise each payment of theirs would ask the database again.
        self._found: dict[str, Tenant] = {}

    async def operation_of(self, text: bytes) -> tuple[Tenant, Operation]:
        """Return the tenant and the ledger operation that one payment's JSON asks for.

        Raises `InvalidValue`, `Unavailable`.
        """
        imported = self._imported
        if imported is None:
            request = read_request(text)
            tenant = await self._tenant_of(request)
            draft = self._draft_of(request, tenant)
            return tenant, _insertion(request, draft, self._idempotency_keys)
        row = read_import_request(text)
        tenant = await self._tenant_of(row)
        return tenant, _importation(row, self._draft_of(row, tenant), imported, self._now)

    async def _tenant_of(self, request: PaymentRequest) -> Tenant:
        tenant_id = tenant_id_of(request.tenant_id)
        if self._imported is not None and tenant_id != self._imported.tenant_id:
            raise InvalidValue("tenantId", f"the import belongs to {self._imported.tenant_id}")
        tenant = self._found.get(tenant_id)
        if tenant is None:
            tenant = self._found[tenant_id] = await self._tenants.existing_or_new(tenant_id)
        return tenant

    def _draft_of(self, request: PaymentRequest, tenant: Tenant) -> Draft:
        return draft_of(
            request, tenant=tenant, methods=self._methods, now=self._now, source=self._source
        )


def _insertion(request: PaymentRequest, draft: Draft, idempotency_keys: Sequence[str]) -> Insert:
    """Return the payment to record, with the key that makes it count once."""
    key = _key_of(request, idempotency_keys)
    if key is None:
        return Insert(draft=draft)
    return Insert(draft=draft, key=key, request_hash=request_hash(request))


def key_in(given: Sequence[str]) -> str | None:
    """Return the value of the header `Idempotency-Key`; None without one."""
    if len(given) > 1:
        raise InvalidValue(IDEMPOTENCY_KEY, "is given more than once: give it once")
    # Spaces and tabs around a header's value are not part of it (RFC 9110, 5.5).
    return check_key(given[0].strip(" \t"), IDEMPOTENCY_KEY) if given else None


def _key_of(request: PaymentRequest, given: Sequence[str]) -> Key | None:
    key = key_in(given)
    if key is not None and request.reference is not None:
        raise InvalidValue(IDEMPOTENCY_KEY, "give either this header or a reference, not both")
    if key is not None:
        return ("key", key)
    return None if request.reference is None else ("reference", request.reference)


def _importation(row: ImportRequest, draft: Draft, imported: Import, now: datetime) -> ImportRow:
    """Return the row of a file to record, with everything that identifies it."""
    if row.created_at is None:
        raise InvalidValue("createdAt", "is missing")
    export_id = None if row.id is None else row.id.lower()
    if export_id is not None and object_id(export_id) is None:
        raise InvalidValue("_id", "must be the id of a payment: 24 hexadecimal digits")
    for name, digest in (("content", row.row.content), ("base", row.row.base)):
        # A digest in hexadecimal digits may hold such a number by chance.
        if not any(map(str.isalpha, digest)):
            refuse_card_number(digest, f"row.{name}")
    if row.reference is not None:
        key = ("reference", row.reference)
    elif export_id is not None:
        key = ("payment", export_id)
    elif row.row.meaning is None:
        raise InvalidValue("row", "needs a meaning if there is neither reference nor _id")
    else:
        # As a reference: this is how rows were recorded before anything else about them was stored.
        key = ("reference", row.row.meaning)
    return ImportRow(
        draft=draft,
        key=key,
        import_id=imported.id,
        base=row.row.base,
        content=row.row.content,
        export_id=export_id,
        request_hash=None if row.reference is None else request_hash(row),
        refunds=refunds_in(row.refunds, draft, now),
        dispute=dispute_in(row.dispute, draft, now),
    )
