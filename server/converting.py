"""Convert payments into their tenants' own currencies: those that waited for a rate, or all again.

Through the intake, like every write: each payment that changes is a change with its number.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from msgspec import Struct

from financeops.core.errors import Conflict, FinanceOpsError, Unavailable
from financeops.core.periods import Window
from financeops.store.database.connection import Database
from financeops.store.reporting_rates import Choice, find_choice, read_reporting
from financeops.store.tenants import TenantRecord, find_record
from financeops.store.waiting import (
    Waiting,
    fence,
    note_reported,
    note_tried,
    read_foreign,
    read_waiting,
    tenants_to_convert,
)
from financeops.store.writing.operations import Convert, Result
from server.intake import Intake
from server.tenants import Tenants

PAUSE = 60.0
"""Seconds between two looks for what other processes recorded, or left undone."""

logger = logging.getLogger(__name__)


class Converted(Struct, frozen=True, kw_only=True):
    """How many payments in other currencies were looked at, and how many of them changed."""

    checked: int = 0
    changed: int = 0


class Converter:
    """Converts what waits, as soon as there are new rates."""

    def __init__(self, db: Database, *, tenants: Tenants, intake: Intake) -> None:
        self._db = db
        self._tenants = tenants
        self._intake = intake
        self._woken = asyncio.Event()
        self._warned: Choice | None = None

    def wake(self) -> None:
        """Look at once what new rates convert."""
        self._woken.set()

    async def run(self, *, pause: float = PAUSE) -> None:
        """Convert what waits, repeatedly until cancelled."""
        while True:
            try:
                await self.convert_all()
            except Unavailable:
                pass  # the next look converts it
            except Exception:  # payments go on without it
                logger.exception("cannot convert what waits for a rate")
            try:
                await asyncio.wait_for(self._woken.wait(), pause)
            except TimeoutError:
                continue
            finally:
                self._woken.clear()

    async def convert_all(self) -> None:
        """Convert what waits in all tenants that have not looked at the newest rates."""
        choice = await find_choice(self._db)
        self._warn(choice)
        for tenant_id in await tenants_to_convert(self._db, choice.version):
            try:
                await self._convert(tenant_id, choice)
            except Unavailable:
                raise
            except FinanceOpsError as error:  # the other tenants do not wait for this one
                logger.warning("cannot convert the payments of %s: %s", tenant_id, error)
            except Exception:
                logger.exception("cannot convert the payments of %s", tenant_id)

    async def recompute(self, tenant_id: str, window: Window) -> Converted:
        """Convert all payments of a window again, by the rates of today.

        Raises
        ------
        Conflict
            Several sources give rates, and nothing says which is meant.
        """
        choice = await find_choice(self._db)
        if len(choice.candidates) > 1:
            raise Conflict(_which(choice))
        record = await find_record(self._db, tenant_id)
        return await self._submit(record, read_foreign(self._db, record, window), again=True)

    async def _convert(self, tenant_id: str, choice: Choice) -> None:
        # What began with older rates begins again: else it could leave a payment behind that waits.
        await fence(self._db, tenant_id)
        record = await find_record(self._db, tenant_id)
        currency = record.tenant.currency
        if record.reports_in != currency:
            if record.reports_in is not None or set(record.currencies) - {currency}:
                await self._submit(record, read_foreign(self._db, record))
            await note_reported(self._db, tenant_id, currency)
        if choice.candidates:
            await self._submit(record, read_waiting(self._db, record), choice=choice)
        await note_tried(self._db, tenant_id, choice.version)

    async def _submit(
        self,
        record: TenantRecord,
        pieces: AsyncGenerator[list[Waiting], None],
        *,
        again: bool = False,
        choice: Choice | None = None,
    ) -> Converted:
        """Convert payments; with `choice` only those of which there is a rate by now."""
        checked = changed = 0
        async with aclosing(pieces):
            async for some in pieces:
                ids = some if choice is None else await self._convertible(record, some)
                checked += len(ids)
                operations = [Convert(payment_id=each.id, again=again) for each in ids]
                tenant = await self._tenants.existing(record.tenant.id)
                for outcome in await self._intake.submit(tenant, operations):
                    if isinstance(outcome.error, FinanceOpsError):
                        raise outcome.error
                    changed += outcome.result is Result.UPDATED
        return Converted(checked=checked, changed=changed)

    async def _convertible(
        self, record: TenantRecord, payments: Sequence[Waiting]
    ) -> list[Waiting]:
        made = [(each.currency, each.created_at) for each in payments]
        reporting = await read_reporting(self._db, record.tenant, made)
        return [each for each in payments if reporting.conversion(each.currency, each.created_at)]

    def _warn(self, choice: Choice) -> None:
        if len(choice.candidates) > 1 and choice != self._warned:
            logger.warning("financeops: no payment is converted: %s", _which(choice))
            self._warned = choice


def _which(choice: Choice) -> str:
    return (
        f"there are rates of {', '.join(choice.candidates)}: name the source that is meant by "
        "FINANCEOPS_RATES_SOURCE"
    )
