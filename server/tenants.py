"""Tenants as the intake needs them: known ones from memory, new ones as configured."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from financeops.core.checks import check_tenant_id
from financeops.core.contract.agreements import DEFAULT_TENANT
from financeops.core.errors import NotFound
from financeops.core.payments import Tenant
from financeops.store.database.connection import Database
from financeops.store.tenants import find_tenant
from server.settings import Settings


def tenant_id_of(named: str | UnsetType) -> str:
    """The tenant that a request names, or the default one; raises `InvalidValue`."""
    return check_tenant_id(DEFAULT_TENANT if named is UNSET else named)


class Tenants:
    """Remembers each tenant's currency and zone, which only `financeops tenant set-timezone` changes meanwhile."""

    def __init__(self, db: Database, settings: Settings) -> None:
        self._db = db
        self._settings = settings
        self._known: dict[str, Tenant] = {}

    async def existing(self, tenant_id: str) -> Tenant:
        """The tenant; raises `NotFound`."""
        tenant = self._known.get(tenant_id)
        if tenant is None:
            tenant = self._known[tenant_id] = await find_tenant(self._db, tenant_id)
        return tenant

    def forget(self, tenant_id: str) -> None:
        """Look again: it has another zone."""
        self._known.pop(tenant_id, None)

    async def existing_or_new(self, tenant_id: str) -> Tenant:
        """The tenant, or what its first payment will make it."""
        try:
            return await self.existing(tenant_id)
        except NotFound:
            return self._settings.tenant(tenant_id)
