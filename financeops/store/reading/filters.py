"""Which payments are meant, and reading them from a stretch of time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bson import ObjectId
from msgspec import Struct

from financeops.core.payments import Payment, Status
from financeops.core.periods import EPOCH, FAR, Window
from financeops.core.rollup import Rollup
from financeops.store.database.connection import Database, Document, Session, driver_errors
from financeops.store.documents import payment_from


class PaymentFilter(Struct, frozen=True, kw_only=True):
    """Which payments of a tenant are meant; None stands for any."""

    status: Status | None = None
    method: str | None = None
    currency: str | None = None
    start: datetime | None = None
    end: datetime | None = None

    @property
    def window(self) -> Window:
        """The stretch of time that is meant; an end left out is open."""
        return Window(self.start or EPOCH, self.end or FAR)

    def count(self, rollup: Rollup) -> int:
        """How many such payments a rollup counts."""
        return sum(
            n
            for (method, status), (n, _) in rollup.cells.items()
            if self.method in (None, method) and self.status in (None, status)
        )


def conditions(tenant_id: str, window: Window, chosen: PaymentFilter) -> tuple[Document, Document]:
    """What payments of a window must be: first what an index holds, then what none does."""
    between: Document = {
        "createdAt": {"$gte": window.start, "$lt": window.end},
        "tenantId": tenant_id,
    }
    if chosen.status is not None:
        between["status"] = chosen.status.value
    other: Document = {}
    if chosen.method is not None:
        other["method"] = chosen.method
    if chosen.currency is not None:
        other["currency"] = chosen.currency
    return between, other


async def payments_between(
    db: Database,
    tenant_id: str,
    window: Window,
    chosen: PaymentFilter,
    *,
    newest_first: bool = False,
    limit: int | None = None,
    before: ObjectId | None = None,
    session: Session | None = None,
) -> list[Payment]:
    """Return the payments of a window, by time and then by id.

    Parameters
    ----------
    chosen : PaymentFilter
        Of which only the part that is not time is looked at.
    before : ObjectId, optional
        Only payments with a lesser id.
    """
    between, other = conditions(tenant_id, window, chosen)
    if before is not None:
        other["_id"] = {"$lt": before}
    direction = -1 if newest_first else 1
    pipeline: list[Mapping[str, Any]] = [
        {"$match": between},
        # What no index holds comes in a stage of its own: MongoDB joins the two again, the
        # embedded database would scan everything.
        *([{"$match": other}] if other else []),
        {"$sort": {"createdAt": direction, "_id": direction}},
        *([{"$limit": limit}] if limit is not None else []),
    ]
    with driver_errors(session=session):
        cursor = await db.payments.aggregate(pipeline, session=session)
        return [payment_from(document) for document in await cursor.to_list()]
