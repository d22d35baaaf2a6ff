"""Selected payments, read from one window."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bson import ObjectId

from financeops.core.dimensions import OTHER_VALUE, Listed
from financeops.core.facets import NO_VALUE, Facets
from financeops.core.payments import Payment
from financeops.core.periods import Window
from financeops.core.selection import Selection
from financeops.store.database.connection import Database, Document, Session, driver_errors
from financeops.store.documents import payment_from
from financeops.store.tenants import TenantRecord


def conditions(
    record: TenantRecord, window: Window, chosen: Selection
) -> tuple[Document, Document]:
    """Conditions for selected payments of a window: those that an index serves, then the others."""
    between: Document = {
        "createdAt": {"$gte": window.start, "$lt": window.end},
        "tenantId": record.tenant.id,
    }
    if chosen.order_id is not None:
        # First: an order has few payments, and the embedded database takes the index of the first.
        between = {"orderId": chosen.order_id, **between}
    if chosen.status is not None:
        between["status"] = chosen.status.value
    other: Document = {}
    if chosen.method is not None:
        other["method"] = chosen.method
    if chosen.currency is not None:
        other["currency"] = chosen.currency
    return between, other | having(chosen.facets, record.listed)


def having(facets: Facets, listed: Listed) -> Document:
    """Conditions for payments that have these values, as `core.facets.holds` says."""
    found: Document = {}
    for name, value in facets:
        if value == NO_VALUE:
            found[name] = {"$exists": False}
        elif value == OTHER_VALUE:
            alone = [each for each in listed.get(name, ()) if each != OTHER_VALUE]
            found[name] = {"$exists": True, "$nin": sorted(alone)}
        else:
            found[name] = value
    return found


async def payments_between(
    db: Database,
    record: TenantRecord,
    window: Window,
    chosen: Selection,
    *,
    newest_first: bool = False,
    limit: int | None = None,
    before: ObjectId | None = None,
    session: Session | None = None,
) -> list[Payment]:
    """Return the payments of a window, by time and then by id.

    Parameters
    ----------
    chosen : Selection
        Its window is ignored.
    before : ObjectId, optional
        Only payments with a lesser id.
    """
    between, other = conditions(record, window, chosen)
    if before is not None:
        other["_id"] = {"$lt": before}
    direction = -1 if newest_first else 1
    pipeline: list[Mapping[str, Any]] = [
        {"$match": between},
        # Conditions that no index serves get a stage of their own: MongoDB merges the two stages,
        # the embedded database would otherwise scan everything.
        *([{"$match": other}] if other else []),
        {"$sort": {"createdAt": direction, "_id": direction}},
        *([{"$limit": limit}] if limit is not None else []),
    ]
    with driver_errors(session=session):
        cursor = await db.payments.aggregate(pipeline, session=session)
        return [payment_from(document) for document in await cursor.to_list()]
