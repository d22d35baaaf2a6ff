"""Check by what payments are found: when they have acts, and that they wait for a rate."""

from __future__ import annotations

from collections.abc import Collection

from bson import ObjectId
from pymongo import UpdateOne

from financeops.core.payments import Payment, Status
from financeops.store.act_times import ACTS_IN, act_times
from financeops.store.database.connection import MAX_IDS, Database, Document, Session, driver_errors
from financeops.store.database.transactions import in_transaction
from financeops.store.documents import payment_from
from financeops.store.waiting import AWAITS, awaited

_ACTED = ("refundedAmount", "feeAmount", "fees", "dispute")


def is_mistimed(document: Document, payment: Payment) -> bool:
    """Whether a stored payment would not be found by its acts or its rate, or looked for in vain."""
    right = _found_by(payment)
    return any(document.get(name) != right.get(name) for name in (ACTS_IN, AWAITS))


def _found_by(payment: Payment) -> Document:
    return act_times(payment) | awaited(payment)


async def give_times(
    db: Database, tenant_id: str, payment_ids: Collection[str] | None = None
) -> None:
    """Say of payments when something happened to them, so that it is found; by default of all.

    Only those that are wrong are written, under the lock: more may have happened since they were read.
    """
    if payment_ids is not None:
        ids = [ObjectId(each) for each in payment_ids]
        for first in range(0, len(ids), MAX_IDS):
            await _give(db, tenant_id, ids[first : first + MAX_IDS])
        return
    known = [{name: {"$ne": None}} for name in _ACTED]
    acted = {"tenantId": tenant_id, "$or": [{"status": Status.REFUNDED.value}, *known]}
    with driver_errors(seconds=None):
        async with db.payments.find(acted) as cursor:
            while chunk := await cursor.to_list(MAX_IDS):
                wrong = [each["_id"] for each in chunk if is_mistimed(each, payment_from(each))]
                if wrong:
                    await _give(db, tenant_id, wrong)


async def _give(db: Database, tenant_id: str, ids: list[ObjectId]) -> None:
    named = {"_id": {"$in": ids}, "tenantId": tenant_id}

    async def write(session: Session) -> None:
        # Do this first: the document is the tenant's lock.
        lock: Document = {"$inc": {"repairs": 1}}
        await db.tenants.update_one({"_id": tenant_id}, lock, session=session)
        found = await db.payments.find(named, session=session).to_list()
        if writes := [_timed(each) for each in found]:
            await db.payments.bulk_write(writes, ordered=False, session=session)

    await in_transaction(db, write, locks=tenant_id)


def _timed(document: Document) -> UpdateOne:
    right = _found_by(payment_from(document))
    named = {"_id": document["_id"], "tenantId": document["tenantId"]}
    gone = {name: "" for name in (ACTS_IN, AWAITS) if name not in right}
    update: Document = {"$set": right} if right else {}
    return UpdateOne(named, update | ({"$unset": gone} if gone else {}))
