"""Number the attempts of orders that are stored, where no payment of theirs comes or goes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial

from financeops.core.periods import floor_millisecond
from financeops.store.database.connection import MAX_IDS, Database, driver_errors
from financeops.store.database.transactions import in_transaction
from financeops.store.schema import BY_TIME
from financeops.store.writing.errors import RefusedError
from financeops.store.writing.posting import post_numbers

_CHUNK = 1000
_PATIENCE_SECONDS = 60.0


async def number_all(db: Database, tenant_id: str) -> None:
    """Number the attempts of orders of a tenant that a version recorded which did not number them."""
    unnumbered: set[str] = set()
    every = {"tenantId": tenant_id}
    fields = {"orderId": 1, "attempt": 1}
    with driver_errors(seconds=None):
        async with db.payments.find(every, fields, batch_size=_CHUNK).hint(BY_TIME) as cursor:
            while chunk := await cursor.to_list(_CHUNK):
                unnumbered.update(
                    each["orderId"] for each in chunk if "orderId" in each and "attempt" not in each
                )
        hello = await db.client.admin.command("hello")
    await number_orders(
        db, tenant_id, sorted(unnumbered), now=hello["localTime"].replace(tzinfo=UTC)
    )


async def number_orders(
    db: Database, tenant_id: str, orders: Sequence[str], *, now: datetime
) -> None:
    """Number the attempts of these orders, some in each transaction; each that changes is a change.

    Raises
    ------
    Unavailable
    """
    at = floor_millisecond(now)
    for first in range(0, len(orders), MAX_IDS):
        await _number(db, tenant_id, orders[first : first + MAX_IDS], at)


async def _number(db: Database, tenant_id: str, orders: Sequence[str], at: datetime) -> None:
    posting = partial(post_numbers, db, tenant_id, orders, at)
    try:
        await in_transaction(db, posting, locks=tenant_id, seconds=_PATIENCE_SECONDS)
    except RefusedError:
        # Together they have too many attempts; one alone has not.
        half = len(orders) // 2
        await _number(db, tenant_id, orders[:half], at)
        await _number(db, tenant_id, orders[half:], at)
