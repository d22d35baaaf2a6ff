"""The kept rollups. Each is read by the name of its place; none is searched for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from pymongo import DeleteOne, ReplaceOne, UpdateOne

from financeops.core.payments import Tenant
from financeops.core.periods import Grain, Window, grain_end, grain_starts
from financeops.core.rollup import DIMENSIONS, Place, Rollup, from_document
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
    details: bool = False,
    session: Session | None = None,
) -> list[tuple[Place, Rollup]]:
    """Return the rollups of one grain that overlap a window; empty ones are left out.

    With `details` each also counts by dimension.
    """
    starts = grain_starts(grain, window, ZoneInfo(tenant.timezone))
    places = [(currency, grain, start) for start in starts]
    found = await rollups_at(db, tenant.id, places, session=session)
    if details:
        more = await rollups_at(db, tenant.id, list(found), details=True, session=session)
        found |= {place: found[place] + rollup for place, rollup in more.items()}
    return list(found.items())


async def rollups_starting_in(
    db: Database,
    record: TenantRecord,
    currency: str,
    grain: Grain,
    window: Window,
    *,
    details: bool = False,
    session: Session | None = None,
) -> list[tuple[Place, Rollup]]:
    """Return the rollups of one grain that start in a window; empty ones are left out.

    Of adjacent windows, each rollup is in exactly one, even if it crosses their border. With
    `details`, return those by dimension instead.
    """
    zone = ZoneInfo(record.tenant.timezone)
    # All payments of the last rollup may lie beyond the end of the window.
    reach = Window(window.start, grain_end(grain, window.end - timedelta.resolution, zone))
    starts = grain_starts(grain, record.counted(reach), zone)
    places = [(currency, grain, start) for start in starts if start in window]
    found = await rollups_at(db, record.tenant.id, places, details=details, session=session)
    return list(found.items())


async def rollups_at(
    db: Database,
    tenant_id: str,
    places: Iterable[Place],
    *,
    details: bool = False,
    session: Session | None = None,
) -> dict[Place, Rollup]:
    """Return the rollups at these places, or their details by dimension instead.

    Those that were never written are left out.
    """
    ids = [rollup_id(tenant_id, place, details=details) for place in places]
    documents = await _read(db, tenant_id, ids, session=session)
    return {place_of(document): from_document(document) for document in documents}


async def add_rollups(
    db: Database, tenant_id: str, more: Mapping[Place, Rollup], session: Session
) -> None:
    """Add to the rollups of a tenant whose lock the transaction holds.

    As nobody else adds to them, they can be read first, which makes history cheap: most of its
    places are new, and an insertion costs a fifth of an upsert.
    """
    added = _pieces(tenant_id, more)
    documents = await _read(db, tenant_id, added, session=session)
    kept = {document["_id"]: from_document(document) for document in documents}
    new = [_document(tenant_id, *added[each]) for each in added.keys() - kept.keys()]
    if new:
        await db.rollups.insert_many(new, ordered=False, session=session)
    writes: list[_Write] = []
    for each, rollup in kept.items():
        piece = added[each]
        named = _named(tenant_id, each)
        fields = increments(piece.rollup, piece.place)
        if _is_emptied(rollup, piece.rollup):
            writes.append(DeleteOne(named))
        elif not fields:
            continue  # an attempt got another number, and counts as before
        elif len(fields) <= MAX_INCREMENTS:
            writes.append(UpdateOne(named, {"$inc": fields}))
        else:
            whole = piece._replace(rollup=rollup + piece.rollup)
            writes.append(ReplaceOne(named, _document(tenant_id, *whole)))
    await _write(db, writes, session)


async def replace_rollups(
    db: Database, tenant_id: str, counted: Mapping[Place, Rollup], session: Session
) -> None:
    """Replace rollups by those counted, under the tenant's lock; remove empty ones."""
    documents = {
        each: _document(tenant_id, *piece) for each, piece in _pieces(tenant_id, counted).items()
    }
    ids = [
        rollup_id(tenant_id, place, details=details)
        for place in counted
        for details in (False, True)
    ]
    found = await _read(db, tenant_id, ids, {"_id": 1}, session=session)
    stored = {document["_id"] for document in found}
    if new := [document for each, document in documents.items() if each not in stored]:
        await db.rollups.insert_many(new, ordered=False, session=session)
    replaced = [documents[each] for each in stored if each in documents]
    await _write(
        db,
        [ReplaceOne(_named(tenant_id, each["_id"]), each) for each in replaced],
        session,
    )
    gone = [each for each in stored if each not in documents]
    for first in range(0, len(gone), IDS_PER_READ):
        some = {"_id": {"$in": gone[first : first + IDS_PER_READ]}, "tenantId": tenant_id}
        await db.rollups.delete_many(some, session=session)


class _Piece(NamedTuple):
    """What one document holds of a rollup: everything but the details, or these."""

    id: str
    place: Place
    rollup: Rollup


def _pieces(tenant_id: str, rollups: Mapping[Place, Rollup]) -> dict[str, _Piece]:
    """What each document holds of rollups; there is none for what is empty."""
    pieces: dict[str, _Piece] = {}
    for place, rollup in rollups.items():
        for details, part in ((False, rollup.without_details), (True, rollup.details)):
            if part:
                name = rollup_id(tenant_id, place, details=details)
                pieces[name] = _Piece(name, place, part)
    return pieces


async def _read(
    db: Database,
    tenant_id: str,
    ids: Iterable[str],
    fields: Document | None = None,
    *,
    session: Session | None,
) -> list[Document]:
    """Documents of these ids, some at a time."""
    ids = list(ids)
    found: list[Document] = []
    for first in range(0, len(ids), IDS_PER_READ):
        named = {"_id": {"$in": ids[first : first + IDS_PER_READ]}, "tenantId": tenant_id}
        with driver_errors(session=session):
            found += await db.rollups.find(named, fields, session=session).to_list()
    return found


def _is_emptied(rollup: Rollup, more: Rollup) -> bool:
    """Whether nothing is left, which happens only when an import is undone."""
    # A change of status leaves the number of attempts as it is.
    removes = any(n < 0 for n in more.hours.values()) or any(
        n < 0
        for part in (DIMENSIONS, "activity", "unconverted")
        for n, _ in more.part(part).values()
    )
    if not removes:
        return False
    left = rollup + more
    return not (left.cells or left.further)  # a quarter hour is kept without hours


async def _write(db: Database, writes: list[_Write], session: Session) -> None:
    if writes:
        await db.rollups.bulk_write(writes, ordered=False, session=session)


def _named(tenant_id: str, name: str) -> Document:
    return {"_id": name, "tenantId": tenant_id}


def _document(tenant_id: str, name: str, place: Place, rollup: Rollup) -> Document:
    return _named(tenant_id, name) | place_fields(place) | rollup_document(rollup, place)
