"""Payment methods that a request may ask for."""

from __future__ import annotations

from financeops.core.choices import none_of
from financeops.core.errors import InvalidValue
from financeops.core.selection import Selection
from financeops.store.reading.queries import list_payments
from server.dependencies import Services


def unknown_method(services: Services, method: str) -> InvalidValue:
    """Return the refusal of a method that is not one of the settings."""
    return none_of(sorted(services.settings.methods), method, field="method")


async def check_method(services: Services, tenant_id: str, method: str | None) -> None:
    """Refuse a method that is neither in the settings nor that of any payment of the tenant.

    One that was taken out of the settings still selects the payments that were made with it.

    Raises
    ------
    NotFound
        If the tenant does not exist.
    InvalidValue
    """
    if method is None or method in services.settings.methods:
        return
    page = await list_payments(services.db, tenant_id, Selection(method=method), limit=1)
    if not page.payments:
        raise unknown_method(services, method)
