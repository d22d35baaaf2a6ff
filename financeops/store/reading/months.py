"""The number of payments in each month, which tells whether a copy of them is still complete."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from msgspec import Struct

from financeops.core.metrics import attempts, refunded, refunded_volume, revisions
from financeops.core.periods import Grain, Window, grain_end
from financeops.core.windows import ALL_TIME
from financeops.store.database.connection import Database, Session
from financeops.store.database.transactions import in_transaction
from financeops.store.rollups import read_rollups
from financeops.store.tenants import TenantRecord, find_record


class Month(Struct, frozen=True, kw_only=True):
    """One month in the tenant's time zone, with payments of all currencies.

    As long as nothing is taken back (`TenantRecord.taken_back`) its numbers only grow: if they
    are unchanged, so are the payments. `renumbered` counts how often attempts of orders, of this
    month or around it, got another number.
    """

    start: datetime
    end: datetime
    payments: int
    refunded: int
    returned: int
    revised: int
    renumbered: int


async def read_months(db: Database, tenant_id: str) -> tuple[TenantRecord, list[Month]]:
    """Return the months that hold payments, oldest first, and the tenant at the same moment.

    Only the months' rollups are read, however many payments they count.

    Raises
    ------
    NotFound
        The tenant does not exist.
    Unavailable
    """

    async def transaction(session: Session) -> tuple[TenantRecord, list[Month]]:
        record = await find_record(db, tenant_id, session=session)
        counts: dict[datetime, tuple[int, int, int, int]] = {}
        for currency in record.currencies:
            held = record.held(ALL_TIME)
            rollups = await read_rollups(
                db, record.tenant, currency, Grain.MONTH, held, session=session
            )
            for (_, _, start), rollup in rollups:
                n, back, sum_back, revised = counts.get(start, (0, 0, 0, 0))
                counts[start] = (
                    n + attempts(rollup),
                    back + refunded(rollup),
                    sum_back + refunded_volume(rollup),
                    revised + revisions(rollup),
                )
        zone = ZoneInfo(record.tenant.timezone)
        ends = {start: grain_end(Grain.MONTH, start, zone) for start in counts}
        return record, [
            Month(
                start=start,
                end=ends[start],
                payments=n,
                refunded=back,
                returned=sum_back,
                revised=revised,
                renumbered=record.renumbered_in(Window(start, ends[start])),
            )
            for start, (n, back, sum_back, revised) in sorted(counts.items())
            if n
        ]

    return await in_transaction(db, transaction)
