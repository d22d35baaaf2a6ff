"""Take imports back: through the intake, like every write."""

from __future__ import annotations

import logging

from financeops.core.errors import FinanceOpsError
from financeops.store.writing.imports import (
    Acts,
    Import,
    ImportState,
    acts_left,
    find_import,
    forget_acts,
    read_acts,
)
from financeops.store.writing.rows import forget_rows
from financeops.store.writing.undo import begin_undo, finish_undo, operations_of
from server.dependencies import Services

_TOGETHER = 250
"""Payments taken back in one transaction: removing one costs as much as inserting several."""

logger = logging.getLogger(__name__)


async def undo(services: Services, import_id: str, tenant_id: str | None) -> Import:
    """Take an import back, or resume this if it was interrupted; afterwards do nothing.

    The acts of each of its transactions are taken back, newest first, and then deleted. So the
    acts that exist are those still to be taken back, and repeating one changes nothing.

    Raises
    ------
    NotFound
    Conflict
        When later changes depend on the import.
    """
    found = await find_import(services.db, import_id, tenant_id)
    if found.state is ImportState.UNDONE:
        return found
    await begin_undo(services.db, found)
    for acts_id in await acts_left(services.db, found):
        await _take_back(services, found, await read_acts(services.db, found, acts_id))
    await finish_undo(services.db, found, now=services.now())
    logger.info("import %s of %s was taken back", found.id, found.tenant_id)
    return await find_import(services.db, import_id)


async def _take_back(services: Services, found: Import, acts: Acts) -> None:
    operations = operations_of(acts)
    for start in range(0, len(operations), _TOGETHER):
        tenant = await services.tenants.existing(found.tenant_id)
        for outcome in await services.intake.submit(tenant, operations[start : start + _TOGETHER]):
            if isinstance(outcome.error, FinanceOpsError):
                raise outcome.error
    await forget_rows(services.db, found.tenant_id, found.id, acts.rows)
    await forget_acts(services.db, found, acts)
