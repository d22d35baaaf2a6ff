"""When and how the first history of a database was begun, which is needed to resume it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from bson import ObjectId
from msgspec import Struct

from financeops.core.periods import MILLISECOND
from financeops.store.database.connection import MAX_IDS, Database, driver_errors

_ID = "first_history"


class Beginning(Struct, frozen=True, kw_only=True):
    """A first history. The same values always produce the same payments.

    `begun` is when the history ends, `pace` the mean time between two payments on that day.
    """

    begun: datetime
    pace: timedelta
    seed: int
    finished: bool = False


async def find_beginning(db: Database) -> Beginning | None:
    """Return the first history of this database, None when none was begun."""
    with driver_errors():
        document = await db.schema.find_one({"_id": _ID})
    if document is None:
        return None
    return Beginning(
        begun=document["begun"],
        pace=document["pace"] * MILLISECOND,
        seed=document["seed"],
        finished=document.get("finished", False),
    )


async def begin(db: Database, beginning: Beginning) -> Beginning:
    """Note that a first history begins; return it, or the one that another process noted before."""
    noted = {
        "begun": beginning.begun,
        "pace": beginning.pace // MILLISECOND,
        "seed": beginning.seed,
    }
    with driver_errors():
        await db.schema.update_one({"_id": _ID}, {"$setOnInsert": noted}, upsert=True)
    return await find_beginning(db) or beginning


async def finish(db: Database) -> None:
    """Note that all of it is recorded."""
    with driver_errors():
        await db.schema.update_one({"_id": _ID}, {"$set": {"finished": True}})


async def recorded(db: Database, tenant_id: str, payment_ids: Sequence[str]) -> set[str]:
    """Return which of these payments of a tenant exist."""
    found: set[str] = set()
    for start in range(0, len(payment_ids), MAX_IDS):
        ids = [ObjectId(each) for each in payment_ids[start : start + MAX_IDS]]
        with driver_errors():
            named = {"_id": {"$in": ids}, "tenantId": tenant_id}
            documents = await db.payments.find(named, {"_id": 1}).to_list()
        found |= {str(document["_id"]) for document in documents}
    return found
