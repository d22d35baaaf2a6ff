"""Taking an import back: through the intake, like every write."""

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
"""Payments taken back in one transaction: to remove one costs as much as to insert several."""

logger = logging.getLogger(__name__)


async def undo(here: Services, import_id: str, tenant_id: str | None) -> Import:
    """Take an import back, or go on where that was broken off; once it is, nothing happens.

    What each of its transactions did is taken back, the newest first, and forgotten afterwards:
    what is left to do is what is not forgotten, and to do it again changes nothing.

    Raises
    ------
    NotFound
    Conflict
        Later acts depend on it.
    """
    found = await find_import(here.db, import_id, tenant_id)
    if found.state is ImportState.UNDONE:
        return found
    await begin_undo(here.db, found)
    for acts_id in await acts_left(here.db, found):
        await _take_back(here, found, await read_acts(here.db, found, acts_id))
    await finish_undo(here.db, found, now=here.now())
    logger.info("import %s of %s was taken back", found.id, found.tenant_id)
    return await find_import(here.db, import_id)


async def _take_back(here: Services, found: Import, acts: Acts) -> None:
    operations = operations_of(acts)
    for start in range(0, len(operations), _TOGETHER):
        tenant = await here.tenants.existing(found.tenant_id)
        for outcome in await here.intake.submit(tenant, operations[start : start + _TOGETHER]):
            if isinstance(outcome.error, FinanceOpsError):
                raise outcome.error
    await forget_rows(here.db, found.tenant_id, found.id, acts.rows)
    await forget_acts(here.db, found, acts)
