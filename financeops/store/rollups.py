"""Reading the kept rollups: each is named, none is searched for."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from financeops.core.payments import Tenant
from financeops.core.periods import Grain, Window, grain_starts
from financeops.core.rollup import Place, Rollup, from_document
from financeops.store.connection import Database, Session, driver_errors
from financeops.store.documents import place_of, rollup_id

IDS_PER_READ = 100
"""Longer `$in` lists are slow on the embedded database."""


async def read_rollups(
    db: Database,
    tenant: Tenant,
    currency: str,
    grain: Grain,
    window: Window,
    *,
    session: Session | None = None,
) -> list[tuple[Place, Rollup]]:
    """Return the rollups of one grain that reach into a window; empty ones are left out."""
    starts = grain_starts(grain, window, ZoneInfo(tenant.timezone))
    ids = [rollup_id(tenant.id, (currency, grain, start)) for start in starts]
    found: list[tuple[Place, Rollup]] = []
    for first in range(0, len(ids), IDS_PER_READ):
        named = {"_id": {"$in": ids[first : first + IDS_PER_READ]}, "tenantId": tenant.id}
        with driver_errors():
            documents = await db.rollups.find(named, session=session).to_list()
        found += [(place_of(document), from_document(document)) for document in documents]
    return found
