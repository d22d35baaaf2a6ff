"""One transaction: numbers, payments, rollups and change log, all of them or none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

from bson import ObjectId
from msgspec import structs
from pymongo import UpdateOne
from pymongo.errors import BulkWriteError, DocumentTooLarge, DuplicateKeyError

from financeops.core.payments import OTHER_DECLINE, Change, Tenant
from financeops.core.rollup import deltas
from financeops.store.connection import Database, Document, Session
from financeops.store.documents import change_document, payment_document
from financeops.store.rollups import add_rollups
from financeops.store.tenants import (
    MAX_DECLINE_CODES,
    TenantRecord,
    find_record,
    new_history,
)

_DUPLICATE_KEY = 11000
_VALIDATION_FAILED = 121
_DOCUMENT_TOO_LARGE = 10334


class OutdatedError(Exception):
    """The changes were planned from what is no longer true: read again, plan again."""


class RefusedError(Exception):
    """The database refuses a payment for good: its validator, its limits."""


async def post(
    db: Database,
    tenant: Tenant,
    planned: Sequence[Change],
    hashes: Mapping[str, str | None],
    session: Session,
) -> list[Change]:
    """Write changes within a transaction and return them with their numbers.

    Parameters
    ----------
    planned : sequence of Change
        In order, without numbers yet.
    hashes : mapping of payment id to str or None
        Digests of the requests that new payments came with.

    Raises
    ------
    OutdatedError
        A new payment is there already, or one to be refunded is not as it was.
    RefusedError
        One of the payments cannot be stored.
    """
    # First of all, for this document is the tenant's lock: who comes second conflicts here, before
    # any work, and the order of commits is the order of numbers.
    record = await _take_numbers(db, tenant, planned, session)
    first = record.tenant.seq - len(planned) + 1
    groups = await _group_declines(db, record, planned, session)
    changes = [
        structs.replace(
            change,
            seq=seq,
            payment=structs.replace(change.payment, decline_group=OTHER_DECLINE)
            if change.payment.decline_code in groups
            else change.payment,
        )
        for seq, change in enumerate(planned, first)
    ]
    await _insert_payments(db, changes, hashes, session)
    await _refund_payments(db, changes, session)
    touched = deltas(changes, ZoneInfo(record.tenant.timezone))
    await add_rollups(db, tenant.id, touched, session)
    await db.changes.insert_one(change_document(tenant.id, changes), session=session)
    return changes


async def _take_numbers(
    db: Database, tenant: Tenant, changes: Sequence[Change], session: Session
) -> TenantRecord:
    new = [change.payment for change in changes if change.previous_status is None]
    update: Document = {
        "$inc": {"seq": len(changes)},
        "$setOnInsert": {
            "currency": tenant.currency,
            "timezone": tenant.timezone,
            "history": new_history(),
        },
    }
    for source, count in Counter(str(payment.source) for payment in new).items():
        update["$inc"][f"sources.{source}"] = count
    if new:
        currencies = sorted({payment.currency for payment in new})
        update["$addToSet"] = {"currencies": {"$each": currencies}}
        update["$min"] = {"firstAt": min(payment.created_at for payment in new)}
        update["$max"] = {"lastAt": max(payment.created_at for payment in new)}
    try:
        await db.tenants.update_one({"_id": tenant.id}, update, upsert=True, session=session)
    except DuplicateKeyError:
        # Somebody else's first payment made the tenant a moment ago.
        raise OutdatedError from None
    return await find_record(db, tenant.id, session=session)


async def _group_declines(
    db: Database, record: TenantRecord, changes: Sequence[Change], session: Session
) -> set[str]:
    """Note decline codes seen for the first time; return those beyond the limit."""
    seen = dict.fromkeys(change.payment.decline_code for change in changes)
    unknown = [code for code in seen if code and code not in record.decline_codes]
    if not unknown:
        return set()
    room = MAX_DECLINE_CODES - len(record.decline_codes)
    if room > 0:
        noted = {"$push": {"declineCodes": {"$each": unknown[:room]}}}
        await db.tenants.update_one({"_id": record.tenant.id}, noted, session=session)
    return set(unknown[max(room, 0) :])


async def _insert_payments(
    db: Database, changes: Sequence[Change], hashes: Mapping[str, str | None], session: Session
) -> None:
    documents = []
    for change in changes:
        if change.previous_status is None:
            document = payment_document(change.payment)
            if request_hash := hashes[change.payment.id]:
                document["requestHash"] = request_hash
            documents.append(document)
    if not documents:
        return
    try:
        await db.payments.insert_many(documents, session=session)
    except DocumentTooLarge as error:
        raise RefusedError from error
    except BulkWriteError as error:
        codes = {each["code"] for each in error.details["writeErrors"]}
        if _DUPLICATE_KEY in codes:
            raise OutdatedError from None
        if codes & {_VALIDATION_FAILED, _DOCUMENT_TOO_LARGE}:
            raise RefusedError from error
        raise


async def _refund_payments(db: Database, changes: Sequence[Change], session: Session) -> None:
    refunds = [
        UpdateOne(
            {
                "_id": ObjectId(change.payment.id),
                "tenantId": change.payment.tenant_id,
                "status": change.previous_status.value,
            },
            {
                "$set": {
                    "status": change.payment.status.value,
                    "refundedAt": change.payment.refunded_at,
                    "updatedAt": change.payment.updated_at,
                }
            },
        )
        for change in changes
        if change.previous_status is not None
    ]
    if not refunds:
        return
    result = await db.payments.bulk_write(refunds, ordered=False, session=session)
    if result.matched_count != len(refunds):
        raise OutdatedError
