"""Tenants as the intake needs them: existing ones cached, new ones as configured."""

from __future__ import annotations

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from financeops.core.checks import check_tenant_id
from financeops.core.contract.agreements import DEFAULT_TENANT
from financeops.core.errors import NotFound
from financeops.core.payments import Tenant
from financeops.store.database.connection import Database
from financeops.store.tenants import find_tenant
from server.settings import Settings


def tenant_id_of(named: str | UnsetType) -> str:
    """Return the tenant that a request names, or the default one; raise `InvalidValue`."""
    return check_tenant_id(DEFAULT_TENANT if named is UNSET else named)


class Tenants:
    """Caches the currency and zone of each tenant; only `financeops tenant set-timezone` changes them."""

    def __init__(self, db: Database, settings: Settings) -> None:
        self._db = db
        self._settings = settings
        self._known: dict[str, Tenant] = {}

    async def existing(self, tenant_id: str) -> Tenant:
        """Return an existing tenant; raise `NotFound`."""
        tenant = self._known.get(tenant_id)
        if tenant is None:
            stored = await find_tenant(self._db, tenant_id)
            declines = self._settings.tenant(tenant_id).declines
            tenant = self._known[tenant_id] = replace(stored, declines=declines)
        return tenant

    def forget(self, tenant_id: str) -> None:
        """Drop a tenant from the cache, because its zone has changed."""
        self._known.pop(tenant_id, None)

    async def existing_or_new(self, tenant_id: str) -> Tenant:
        """Return a tenant, or the one that its first payment will create."""
        try:
            return await self.existing(tenant_id)
        except NotFound:
            return self._settings.tenant(tenant_id)
