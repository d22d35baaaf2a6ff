"""The kept rollups. Each is read by the name of its place; none is searched for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from zoneinfo import ZoneInfo

from pymongo import DeleteOne, ReplaceOne, UpdateOne

from financeops.core.payments import Tenant
from financeops.core.periods import Grain, Window, grain_end, grain_starts
from financeops.core.rollup import Place, Rollup, from_document
from financeops.store.database.connection import Database, Document, Session, driver_errors
from financeops.store.documents import (
    increments,
    place_fields,
    place_of,
    rollup_document,
    rollup_id,
)
from financeops.store.tenants import TenantRecord

IDS_PER_READ = 100
"""Longer `$in` lists are slow on the embedded database."""

MAX_INCREMENTS = 12
"""Updating more fields than this costs more than writing the whole rollup."""

_Write = UpdateOne | ReplaceOne[Document] | DeleteOne


async def read_rollups(
    db: Database,
    tenant: Tenant,
    currency: str,
    grain: Grain,
    window: Window,
    *,
    session: Session | None = None,
) -> list[tuple[Place, Rollup]]:
    """Return the rollups of one grain that overlap a window; empty ones are left out."""
    starts = grain_starts(grain, window, ZoneInfo(tenant.timezone))
    places = [(currency, grain, start) for start in starts]
    return list((await rollups_at(db, tenant.id, places, session=session)).items())


async def rollups_starting_in(
    db: Database,
    record: TenantRecord,
    currency: str,
    grain: Grain,
    window: Window,
    *,
    session: Session | None = None,
) -> list[tuple[Place, Rollup]]:
    """Return the rollups of one grain that start in a window; empty ones are left out.

    Of adjacent windows, each rollup is in exactly one, even if it crosses their border.
    """
    zone = ZoneInfo(record.tenant.timezone)
    # All payments of the last rollup may lie beyond the end of the window.
    reach = Window(window.start, grain_end(grain, window.end - timedelta.resolution, zone))
    starts = grain_starts(grain, record.held(reach), zone)
    places = [(currency, grain, start) for start in starts if start in window]
    return list((await rollups_at(db, record.tenant.id, places, session=session)).items())


async def rollups_at(
    db: Database, tenant_id: str, places: Iterable[Place], *, session: Session | None = None
) -> dict[Place, Rollup]:
    """Return the rollups at these places; those that were never written are left out."""
    ids = [rollup_id(tenant_id, place) for place in places]
    found: dict[Place, Rollup] = {}
    for first in range(0, len(ids), IDS_PER_READ):
        named = {"_id": {"$in": ids[first : first + IDS_PER_READ]}, "tenantId": tenant_id}
        with driver_errors(session=session):
            documents = await db.rollups.find(named, session=session).to_list()
        found |= {place_of(document): from_document(document) for document in documents}
    return found


async def add_rollups(
    db: Database, tenant_id: str, more: Mapping[Place, Rollup], session: Session
) -> None:
    """Add to the rollups of a tenant whose lock the transaction holds.

    As nobody else adds to them, they can be read first, which makes history cheap: most of its
    places are new, and an insertion costs a fifth of an upsert.
    """
    kept = await rollups_at(db, tenant_id, more, session=session)
    new = [_document(tenant_id, place, more[place]) for place in more.keys() - kept.keys()]
    if new:
        await db.rollups.insert_many(new, ordered=False, session=session)
    writes: list[_Write] = []
    for place, rollup in kept.items():
        named = _named(tenant_id, place)
        added = increments(more[place], place)
        if _is_emptied(rollup, more[place]):
            writes.append(DeleteOne(named))
        elif len(added) <= MAX_INCREMENTS:
            writes.append(UpdateOne(named, {"$inc": added}))
        else:
            document = _document(tenant_id, place, rollup + more[place])
            writes.append(ReplaceOne(named, document))
    await _write(db, writes, session)


async def replace_rollups(
    db: Database, tenant_id: str, counted: Mapping[Place, Rollup], session: Session
) -> None:
    """Replace rollups by those counted, under the tenant's lock; remove empty ones."""
    documents = {
        rollup_id(tenant_id, place): _document(tenant_id, place, rollup)
        for place, rollup in counted.items()
        if rollup
    }
    ids = [rollup_id(tenant_id, place) for place in counted]
    stored: set[str] = set()
    for first in range(0, len(ids), IDS_PER_READ):
        some = {"_id": {"$in": ids[first : first + IDS_PER_READ]}, "tenantId": tenant_id}
        found = await db.rollups.find(some, {"_id": 1}, session=session).to_list()
        stored.update(document["_id"] for document in found)
    if new := [document for each, document in documents.items() if each not in stored]:
        await db.rollups.insert_many(new, ordered=False, session=session)
    replaced = [documents[each] for each in stored if each in documents]
    await _write(
        db,
        [ReplaceOne({"_id": each["_id"], "tenantId": tenant_id}, each) for each in replaced],
        session,
    )
    gone = [each for each in stored if each not in documents]
    for first in range(0, len(gone), IDS_PER_READ):
        some = {"_id": {"$in": gone[first : first + IDS_PER_READ]}, "tenantId": tenant_id}
        await db.rollups.delete_many(some, session=session)


def _is_emptied(rollup: Rollup, more: Rollup) -> bool:
    """Whether nothing is left, which happens only when an import is undone."""
    # A quarter hour is kept without hours.
    removes = any(n < 0 for n in more.hours.values())
    return removes and not (rollup + more).cells


async def _write(db: Database, writes: list[_Write], session: Session) -> None:
    if writes:
        await db.rollups.bulk_write(writes, ordered=False, session=session)


def _named(tenant_id: str, place: Place) -> Document:
    return {"_id": rollup_id(tenant_id, place), "tenantId": tenant_id}


def _document(tenant_id: str, place: Place, rollup: Rollup) -> Document:
    return _named(tenant_id, place) | place_fields(place) | rollup_document(rollup, place)
