"""Acts that wait although their payment is recorded: none should."""

from __future__ import annotations

from bson import ObjectId

from financeops.store.database.connection import MAX_IDS, Database, driver_errors


async def find_overdue(db: Database, tenant_id: str) -> list[str]:
    """Payments of a tenant beside which acts still wait; none of these acts can be about to be applied."""
    overdue: list[str] = []
    with driver_errors(seconds=None):
        acts = db.waitingActs.find({"tenantId": tenant_id}, {"paymentId": 1}, batch_size=MAX_IDS)
        async with acts as cursor:
            while some := await cursor.to_list(MAX_IDS):
                overdue += await _beside_payments(
                    db, tenant_id, {each["_id"]: each["paymentId"] for each in some}
                )
    return sorted(set(overdue))


async def _beside_payments(
    db: Database, tenant_id: str, waiting: dict[ObjectId, ObjectId]
) -> list[str]:
    named = {"_id": {"$in": sorted(set(waiting.values()))}, "tenantId": tenant_id}
    there = {each["_id"] for each in await db.payments.find(named, {"_id": 1}).to_list()}
    if not there:
        return []
    # A payment may have come since the acts were read, and took them along: those still wait that are
    # there after it was seen.
    acts = [each for each, payment_id in waiting.items() if payment_id in there]
    again = {"_id": {"$in": acts}, "tenantId": tenant_id}
    still = await db.waitingActs.find(again, {"paymentId": 1}).to_list()
    return [str(each["paymentId"]) for each in still]
