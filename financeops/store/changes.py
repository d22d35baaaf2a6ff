"""The change log: a tenant's changes in order, for as long as they are kept."""

from __future__ import annotations

from financeops.core.payments import Change
from financeops.store.database.connection import Database, Document, Session, driver_errors
from financeops.store.documents import changes_from
from financeops.store.tenants import find_tenant

MAX_BATCH = 1000
"""Most changes that one transaction writes."""


async def last_seq(db: Database, tenant_id: str, *, session: Session | None = None) -> int:
    """Return the number of a tenant's last committed change; raises `NotFound`."""
    return (await find_tenant(db, tenant_id, session=session)).seq


async def changes_after(
    db: Database, tenant_id: str, seq: int, *, limit: int = MAX_BATCH
) -> list[Change] | None:
    """Read a tenant's changes that follow `seq`.

    Parameters
    ----------
    limit : int
        About how many to read, at least `MAX_BATCH`: whole transactions are read.

    Returns
    -------
    list of Change or None
        In `seq` order without a gap, beginning with ``seq + 1``; empty if nothing followed yet.
        None if the log no longer reaches back that far.
    """
    # One session, which is causally consistent: on a sharded cluster the change log may be read
    # from a shard that lags behind. A later read then includes all that earlier reads have seen.
    async with db.client.start_session() as session:
        found = await read_changes(db, tenant_id, seq, limit=limit, session=session)
        if found and _is_whole(found, seq):
            return found
        if not found and await last_seq(db, tenant_id, session=session) <= seq:
            return []
        found = await read_changes(db, tenant_id, seq, limit=limit, session=session)
    # Documents expire one by one, by the clock of the process that wrote them.
    return found if found and _is_whole(found, seq) else None


def _is_whole(found: list[Change], seq: int) -> bool:
    return found[-1].seq - seq == len(found)


async def read_changes(
    db: Database, tenant_id: str, seq: int, *, limit: int, session: Session | None = None
) -> list[Change]:
    """Read what the log holds after `seq`, whether or not that begins with the next number."""
    after = {
        "tenantId": tenant_id,
        # By the last number, not the first, so that the document that holds seq + 1 is included.
        "lastSeq": {"$gt": seq, "$lte": seq + max(limit, MAX_BATCH)},
    }
    with driver_errors(session=session):
        documents: list[Document] = (
            await db.changes.find(after, session=session).sort("lastSeq", 1).to_list()
        )
    return [
        change for document in documents for change in changes_from(document) if change.seq > seq
    ]
