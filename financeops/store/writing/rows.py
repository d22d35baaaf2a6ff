"""Rows of imported files, remembered so that they are recognised when imported again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from bson import ObjectId
from pymongo import ReplaceOne

from financeops.store.database.connection import MAX_IDS, Database, Document, Session, driver_errors
from financeops.store.writing.decisions import KnownRow


async def read_rows(db: Database, tenant_id: str, row_ids: Iterable[str]) -> dict[str, KnownRow]:
    """Return those of these rows that are remembered, by id."""
    found: dict[str, KnownRow] = {}
    wanted = [ObjectId(each) for each in dict.fromkeys(row_ids)]
    for start in range(0, len(wanted), MAX_IDS):
        named = {"_id": {"$in": wanted[start : start + MAX_IDS]}, "tenantId": tenant_id}
        with driver_errors():
            documents = await db.importRows.find(named).to_list()
        found |= {str(document["_id"]): _row_from(document) for document in documents}
    return found


async def write_rows(
    db: Database,
    tenant_id: str,
    rows: Sequence[KnownRow],
    replaced: Collection[str],
    session: Session,
) -> None:
    """Remember rows; those in `replaced` exist already, for a payment that was removed."""
    new = [_document(tenant_id, row) for row in rows if row.row_id not in replaced]
    if new:
        await db.importRows.insert_many(new, session=session)
    if replaced:
        documents = [_document(tenant_id, row) for row in rows if row.row_id in replaced]
        await db.importRows.bulk_write(
            [
                ReplaceOne({"_id": each["_id"], "tenantId": tenant_id}, each, upsert=True)
                for each in documents
            ],
            session=session,
        )


async def forget_rows(
    db: Database, tenant_id: str, import_id: str, row_ids: Sequence[ObjectId]
) -> None:
    """Forget the rows that an import remembered; those that another one remembered since stay."""
    for start in range(0, len(row_ids), MAX_IDS):
        named = {
            "_id": {"$in": list(row_ids[start : start + MAX_IDS])},
            "tenantId": tenant_id,
            "importId": ObjectId(import_id),
        }
        with driver_errors():
            await db.importRows.delete_many(named)


def _document(tenant_id: str, row: KnownRow) -> Document:
    return {
        "_id": ObjectId(row.row_id),
        "tenantId": tenant_id,
        "paymentId": ObjectId(row.payment_id),
        "importId": ObjectId(row.import_id),
        "content": row.content,
    }


def _row_from(document: Document) -> KnownRow:
    return KnownRow(
        row_id=str(document["_id"]),
        content=document["content"],
        payment_id=str(document["paymentId"]),
        import_id=str(document["importId"]),
    )
