"""Imports: their list, what each of them did, and how far one is undone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum

from bson import ObjectId
from msgspec import Struct, structs

from financeops.core.contract.imports import Option
from financeops.core.errors import Conflict, NotFound
from financeops.core.payments import Change, Status
from financeops.store.database.connection import Database, Document, Session, driver_errors
from financeops.store.documents import object_id
from financeops.store.writing.decisions import KnownRow, Marks


class ImportState(StrEnum):
    """State of an import. One that was killed stays `running` until it is run again."""

    RUNNING = "running"
    DONE = "done"
    UNDOING = "undoing"
    UNDONE = "undone"


class Counts(Struct, frozen=True, kw_only=True):
    """Rows by outcome: `created` and `updated` are always exact, the others once it is done."""

    created: int = 0
    updated: int = 0
    duplicate: int = 0
    conflict: int = 0
    rejected: int = 0


class Import(Struct, frozen=True, kw_only=True):
    """One import of a file; `options` are those of the command line, `size` is in bytes."""

    id: str
    tenant_id: str
    file: str
    size: int | None
    options: dict[str, Option]
    state: ImportState
    started_at: datetime
    finished_at: datetime | None
    undone_at: datetime | None
    counts: Counts


class Acts(Struct, frozen=True, kw_only=True):
    """What one transaction did for an import: ids of payments and rows.

    `refunded` are those of the `created` payments that came as refunded; `updated` ones were
    refunded since they were recorded.
    """

    id: ObjectId
    import_id: ObjectId
    created: list[ObjectId]
    refunded: list[ObjectId]
    updated: list[ObjectId]
    rows: list[ObjectId]


async def start_import(
    db: Database,
    tenant_id: str,
    *,
    file: str,
    size: int | None,
    options: Mapping[str, Option],
    now: datetime,
) -> tuple[Import, bool]:
    """Begin an import, or resume the same one if it was interrupted.

    Returns
    -------
    tuple of Import and bool
        The import, and whether it is new.
    """
    same = {"tenantId": tenant_id, "state": ImportState.RUNNING.value, "file": file, "size": size}
    with driver_errors():
        for document in await db.imports.find(same).to_list():
            if document["options"] == options:
                return _import_from(document), False
        document = {
            "_id": ObjectId(),
            **same,
            "options": dict(options),
            "startedAt": now,
            "counts": structs.asdict(Counts()),
        }
        await db.imports.insert_one(document)
    return _import_from(document), True


async def find_import(db: Database, import_id: str, tenant_id: str | None = None) -> Import:
    """Return an import; raises `NotFound`, also when it belongs to another tenant."""
    key = object_id(import_id)
    with driver_errors():
        document = None if key is None else await db.imports.find_one({"_id": key})
    if document is None or tenant_id not in (None, document["tenantId"]):
        raise NotFound(f"there is no import {import_id!r}")
    return _import_from(document)


async def list_imports(db: Database, tenant_id: str) -> list[Import]:
    """Return a tenant's imports, newest first."""
    with driver_errors():
        documents = await db.imports.find({"tenantId": tenant_id}).to_list()
    found = [_import_from(document) for document in documents]
    return sorted(found, key=lambda each: (each.started_at, each.id), reverse=True)


async def finish_import(
    db: Database, import_id: str, *, duplicate: int, conflict: int, rejected: int, now: datetime
) -> Import:
    """Note that all rows of an import were sent, and how many of them changed nothing, and why.

    Raises
    ------
    NotFound
    Conflict
        It is being undone.
    """
    counted = {"duplicate": duplicate, "conflict": conflict, "rejected": rejected}
    done = {f"counts.{name}": count for name, count in counted.items()}
    with driver_errors():
        result = await db.imports.update_one(
            {"_id": object_id(import_id), "state": {"$in": ["running", "done"]}},
            {"$set": {**done, "state": ImportState.DONE.value, "finishedAt": now}},
        )
    found = await find_import(db, import_id)
    if not result.matched_count:
        raise Conflict(f"the import {import_id} is taken back: it cannot be finished")
    return found


async def import_states(db: Database, import_ids: Iterable[str]) -> dict[str, str]:
    """State of those of these imports that exist."""
    ids = [ObjectId(each) for each in import_ids]
    with driver_errors():
        found = await db.imports.find({"_id": {"$in": ids}}, {"state": 1}).to_list()
    return {str(document["_id"]): document["state"] for document in found}


def acts_of(
    changes: Sequence[Change], marks: Mapping[str, Marks], rows: Sequence[KnownRow]
) -> list[Acts]:
    """What a transaction did for each import."""
    found: dict[str, Acts] = {}

    def of(import_id: str) -> Acts:
        return found.setdefault(
            import_id,
            Acts(
                id=ObjectId(),
                import_id=ObjectId(import_id),
                created=[],
                refunded=[],
                updated=[],
                rows=[],
            ),
        )

    for change in changes:
        payment, mark = change.payment, marks[change.payment.id]
        if change.previous_status is None and mark.import_id is not None:
            acts = of(mark.import_id)
            acts.created.append(ObjectId(payment.id))
            if payment.status is Status.REFUNDED:
                acts.refunded.append(ObjectId(payment.id))
        elif mark.moved_by is not None and change.refunds_whole:
            of(mark.moved_by).updated.append(ObjectId(payment.id))
    for row in rows:
        of(row.import_id).rows.append(ObjectId(row.row_id))
    return list(found.values())


async def note_acts(db: Database, tenant_id: str, acts: Sequence[Acts], session: Session) -> bool:
    """Note what a transaction did; return False if one of the imports accepts no more rows."""
    for each in acts:
        counted = {"created": len(each.created), "updated": len(each.updated)}
        running = await db.imports.update_one(
            {"_id": each.import_id, "tenantId": tenant_id, "state": ImportState.RUNNING.value},
            {"$inc": {f"counts.{name}": count for name, count in counted.items()}},
            session=session,
        )
        if not running.matched_count:
            return False
        document = {
            "_id": each.id,
            "tenantId": tenant_id,
            "importId": each.import_id,
            "created": each.created,
            "refunded": each.refunded,
            "updated": each.updated,
            "rows": each.rows,
        }
        await db.importActs.insert_one(document, session=session)
    return True


async def acts_left(db: Database, found: Import) -> list[ObjectId]:
    """Ids of the acts of an import that are not undone yet."""
    with driver_errors():
        documents = await db.importActs.find(
            {"importId": ObjectId(found.id), "tenantId": found.tenant_id}, {"_id": 1}
        ).to_list()
    return sorted((document["_id"] for document in documents), reverse=True)


async def read_acts(db: Database, found: Import, acts_id: ObjectId) -> Acts:
    """One of `acts_left`."""
    with driver_errors():
        document = await db.importActs.find_one({"_id": acts_id, "tenantId": found.tenant_id})
    if document is None:  # another process undid it
        return Acts(id=acts_id, import_id=acts_id, created=[], refunded=[], updated=[], rows=[])
    return _acts_from(document)


async def forget_acts(db: Database, found: Import, acts: Acts) -> None:
    """Note that these acts are undone."""
    with driver_errors():
        await db.importActs.delete_one({"_id": acts.id, "tenantId": found.tenant_id})


def _acts_from(document: Document) -> Acts:
    return Acts(
        id=document["_id"],
        import_id=document["importId"],
        created=document["created"],
        refunded=document["refunded"],
        updated=document["updated"],
        rows=document["rows"],
    )


def _import_from(document: Document) -> Import:
    return Import(
        id=str(document["_id"]),
        tenant_id=document["tenantId"],
        file=document["file"],
        size=None if document["size"] is None else int(document["size"]),
        options=document["options"],
        state=ImportState(document["state"]),
        started_at=document["startedAt"],
        finished_at=document.get("finishedAt"),
        undone_at=document.get("undoneAt"),
        # BSON has a type of its own for long integers.
        counts=Counts(**{name: int(count) for name, count in document["counts"].items()}),
    )
