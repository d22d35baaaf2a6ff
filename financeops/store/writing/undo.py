"""Undo an import: what forbids it, which operations it takes, and what to note afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing
from datetime import datetime

from bson import ObjectId

from financeops.core.acts import acts_from
from financeops.core.errors import Conflict, NotFound
from financeops.core.payments import Status
from financeops.core.periods import Grain
from financeops.core.rollup import Rollup
from financeops.core.selection import Selection
from financeops.core.windows import ALL_TIME
from financeops.store.database.connection import MAX_IDS, Database, Document, Session, driver_errors
from financeops.store.database.transactions import in_transaction
from financeops.store.reading.newest import newest_payments, payments_by_time
from financeops.store.rollups import read_rollups
from financeops.store.tenants import TenantRecord, find_record
from financeops.store.writing.imports import Acts, Import, ImportState, acts_left, read_acts
from financeops.store.writing.operations import Remove, Restore

_PATIENCE_SECONDS = 60.0
_NAMED = 3


async def begin_undo(db: Database, found: Import) -> None:
    """Make an import accept no more rows, and its payments no more changes.

    Raises
    ------
    Conflict
        Later changes depend on it: they are named, and nothing is changed.
    """

    async def transaction(session: Session) -> str:
        await _lock(db, found.tenant_id, session)
        document = await db.imports.find_one({"_id": ObjectId(found.id)}, session=session)
        if document is None:
            raise NotFound(f"there is no import {found.id!r}")
        before = str(document.get("undoing") or document["state"])
        await db.imports.update_one(
            {"_id": ObjectId(found.id)},
            {"$set": {"state": ImportState.UNDOING.value, "undoing": before}},
            session=session,
        )
        return before

    before = await in_transaction(db, transaction, locks=found.tenant_id, seconds=_PATIENCE_SECONDS)
    problems = await _dependents(db, found)
    if problems:
        with driver_errors():
            await db.imports.update_one(
                {"_id": ObjectId(found.id)}, {"$set": {"state": before}, "$unset": {"undoing": ""}}
            )
        more = f", and {len(problems) - _NAMED} more" if len(problems) > _NAMED else ""
        raise Conflict(
            f"the import {found.id} cannot be taken back, later changes depend on it: "
            f"{'; '.join(problems[:_NAMED])}{more}"
        )


def operations_of(acts: Acts) -> list[Remove | Restore]:
    """Operations that undo what one transaction did."""
    import_id = str(acts.import_id)
    refunded = set(acts.refunded)
    restored = [Restore(payment_id=str(each), import_id=import_id) for each in acts.updated]
    return restored + [
        Remove(payment_id=str(each), import_id=import_id, refunded=each in refunded)
        for each in acts.created
    ]


async def finish_undo(db: Database, found: Import, *, now: datetime) -> None:
    """Note that an import is undone, and the range of the payments that its tenant still has."""

    async def transaction(session: Session) -> None:
        await _lock(db, found.tenant_id, session)
        await db.imports.update_one(
            {"_id": ObjectId(found.id), "state": ImportState.UNDOING.value},
            {
                "$set": {"state": ImportState.UNDONE.value, "undoneAt": now},
                "$unset": {"undoing": ""},
            },
            session=session,
        )
        try:
            record = await find_record(db, found.tenant_id, session=session)
        except NotFound:  # an import without payments
            return
        update = await _reach(db, record, session)
        await db.tenants.update_one({"_id": found.tenant_id}, update, session=session)

    await in_transaction(db, transaction, locks=found.tenant_id, seconds=_PATIENCE_SECONDS)


async def _lock(db: Database, tenant_id: str, session: Session) -> None:
    """Take the tenant's lock, so that other writers come before or after."""
    await db.tenants.update_one({"_id": tenant_id}, {"$inc": {"undos": 1}}, session=session)


async def _reach(db: Database, record: TenantRecord, session: Session) -> Document:
    """Update of what a tenant notes about its payments, from the payments that it has."""
    totals: dict[str, Rollup] = {}
    for currency in record.currencies:
        held = record.held(ALL_TIME)
        for _, rollup in await read_rollups(
            db, record.tenant, currency, Grain.TOTAL, held, session=session
        ):
            totals[currency] = rollup
    codes = {code for rollup in totals.values() for _, code in rollup.declines}
    values: Document = {
        "currencies": [each for each in record.currencies if totals.get(each)],
        "declineCodes": [each for each in record.decline_codes if each in codes],
    }
    anything = Selection()
    newest = await newest_payments(db, record, anything, limit=1, session=session)
    if not newest:
        return {"$set": values, "$unset": {"firstAt": "", "lastAt": ""}}
    values["lastAt"] = newest[0].created_at
    chunks = payments_by_time(db, record, anything, size=_SIZE, session=session)
    async with aclosing(chunks):
        async for chunk in chunks:
            values["firstAt"] = chunk[0].created_at
            break
    return {"$set": values}


_SIZE = 200


async def _dependents(db: Database, found: Import) -> list[str]:
    """Describe what happened since to the payments that an import created."""
    problems = []
    for acts_id in await acts_left(db, found):
        acts = await read_acts(db, found, acts_id)
        came_refunded = set(acts.refunded)
        for document in await _changed_among(db, found.tenant_id, acts.created):
            if document.get("revision"):
                problems.append(f"payment {document['_id']} was changed since")
                continue
            by = document.get("movedBy")
            if not _refunded_since(document) and (
                document["_id"] in came_refunded or by == ObjectId(found.id)
            ):
                continue  # by the import itself
            how = "was refunded since" if by is None else f"was refunded by the import {by}"
            problems.append(f"payment {document['_id']} {how}")
    return problems


async def _changed_among(
    db: Database, tenant_id: str, payment_ids: Sequence[ObjectId]
) -> list[Document]:
    documents = []
    for start in range(0, len(payment_ids), MAX_IDS):
        named: Document = {
            "_id": {"$in": list(payment_ids[start : start + MAX_IDS])},
            "tenantId": tenant_id,
        }
        with driver_errors():
            fields = {"status": 1, "movedBy": 1, "refunds": 1, "cameWith": 1, "revision": 1}
            documents += await db.payments.find(named, fields).to_list()
    return [
        each
        for each in documents
        if each["status"] == Status.REFUNDED.value or _refunded_since(each) or each.get("revision")
    ]


def _refunded_since(document: Document) -> bool:
    """Whether a payment has more refunds one by one than its import brought."""
    refunds = document.get("refunds")
    return refunds is not None and len(acts_from(refunds)) > document.get("cameWith", 0)
