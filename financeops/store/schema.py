"""Collections, validators and indexes: created at every start, idempotently, with a version."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import OperationFailure

from financeops.core.errors import Misconfigured
from financeops.core.payments import Status, Tenant
from financeops.store.connection import URI_SETTING, Database, Document, driver_errors
from financeops.store.imports import ImportState
from financeops.store.sessions import end_left_sessions
from financeops.store.tenants import find_tenant, new_history

VERSION = 2
"""Version of the data model. A later one migrates from here, in `prepare`.

Since 2 payments may be removed again: a program of version 1 would count that wrong.
"""

_COLLECTION_EXISTS = 48
_INDEX_NOT_FOUND = 27

_COUNT = {"bsonType": ["int", "long"], "minimum": 0}
_PAYMENT = {
    "bsonType": "object",
    "required": [
        *("_id", "tenantId", "amount", "currency", "method", "status"),
        *("createdAt", "updatedAt", "source"),
    ],
    "properties": {
        "_id": {"bsonType": "objectId"},
        "tenantId": {"bsonType": "string"},
        "amount": _COUNT,
        "currency": {"bsonType": "string", "pattern": "^[A-Z]{3}$"},
        "method": {"bsonType": "string", "pattern": "^[a-z0-9_]{1,64}$"},
        "status": {"enum": [status.value for status in Status]},
        "createdAt": {"bsonType": "date"},
        "updatedAt": {"bsonType": "date"},
        "source": {"bsonType": "string"},
    },
}
_ROLLUP = {
    "bsonType": "object",
    "required": ["_id", "tenantId", "currency", "grain", "start"],
    "properties": {"_id": {"bsonType": "string"}, "start": {"bsonType": "date"}},
}
_CHANGES = {
    "bsonType": "object",
    "required": ["_id", "tenantId", "firstSeq", "lastSeq", "at", "events"],
    "properties": {
        "firstSeq": {"bsonType": ["int", "long"], "minimum": 1},
        "lastSeq": {"bsonType": ["int", "long"], "minimum": 1},
        "at": {"bsonType": "date"},
        "events": {"bsonType": "array", "minItems": 1},
    },
}
_TENANT = {
    "bsonType": "object",
    "required": ["_id", "seq", "currency", "timezone"],
    "properties": {"seq": _COUNT},
}
_IMPORT = {
    "bsonType": "object",
    "required": ["_id", "tenantId", "file", "options", "state", "startedAt", "counts"],
    "properties": {"state": {"enum": [state.value for state in ImportState]}},
}
_IMPORT_ROW = {
    "bsonType": "object",
    "required": ["_id", "tenantId", "paymentId", "importId", "content"],
}
_IMPORT_ACTS = {
    "bsonType": "object",
    "required": ["_id", "tenantId", "importId", "created", "refunded", "updated", "rows"],
}
_SCHEMAS: dict[str, dict[str, Any]] = {
    "payments": _PAYMENT,
    "rollups": _ROLLUP,
    "changes": _CHANGES,
    "tenants": _TENANT,
    "imports": _IMPORT,
    "importRows": _IMPORT_ROW,
    "importActs": _IMPORT_ACTS,
}

BY_TIME = [("tenantId", 1), ("createdAt", -1)]
BY_STATUS = [("tenantId", 1), ("status", 1), ("createdAt", -1)]
# Their prefixes serve {tenantId} and {tenantId, status}: no single-field indexes beside them.
_PAYMENT_INDEXES = (BY_TIME, BY_STATUS)


async def prepare(db: Database, tenants: Sequence[Tenant], *, usual: Tenant | None = None) -> None:
    """Make the database ready: collections, validators, indexes, configured tenants.

    Running it again, or from several processes at once, changes nothing.

    Parameters
    ----------
    tenants : sequence of Tenant
        Those that exist because they are configured. Their currency follows the configuration.
    usual : Tenant, optional
        Exists in any case. In which zone nobody said: it keeps the one that it was given since.

    Raises
    ------
    Misconfigured
        When `payments` holds another program's documents, the data is of a newer version, or a
        tenant's configured time zone differs from the one its rollups were cut in.
    Unavailable
    """
    with driver_errors(seconds=120):
        await _claim(db)
        existing = set(await db.list_collection_names())
        for name, schema in _SCHEMAS.items():
            await _ensure_collection(db, name, schema, exists=name in existing)
        for keys in _PAYMENT_INDEXES:
            await db.payments.create_index(keys)
        await db.changes.create_index([("tenantId", 1), ("lastSeq", 1)])
        # Of both there are few: one document for each file, one for each thousand of its rows.
        await db.imports.create_index([("tenantId", 1)])
        await db.importActs.create_index([("importId", 1)])
        for collection in (db.changes, db.sessions):
            await _ensure_by_age(collection)
        # Of tenants from before there were histories.
        unnamed = {"history": {"$exists": False}}
        await db.tenants.update_many(unnamed, {"$set": {"history": new_history()}})
    await end_left_sessions(db)
    for tenant in tenants:
        await _ensure_tenant(db, tenant)
        await _refuse_another_zone(db, tenant)
    if usual is not None and usual.id not in {tenant.id for tenant in tenants}:
        await _ensure_tenant(db, usual)


async def _claim(db: Database) -> None:
    """Refuse a database that another program, or a later version of this one, works with."""
    ours = await db.schema.find_one({"_id": "financeops"})
    if ours is None:
        if await db.payments.find_one({}, {"_id": 1}) is not None:
            raise Misconfigured(
                f"{URI_SETTING} names the database {db.name!r}, whose payments collection belongs "
                "to another program: name another database in the URI's path"
            )
        await db.schema.update_one(
            {"_id": "financeops"}, {"$setOnInsert": {"version": VERSION}}, upsert=True
        )
    elif ours["version"] > VERSION:
        raise Misconfigured(
            f"{URI_SETTING} names a database of data version {ours['version']}, this program "
            f"knows up to {VERSION}: install a newer one"
        )
    else:
        older = {"_id": "financeops", "version": {"$lt": VERSION}}
        await db.schema.update_one(older, {"$set": {"version": VERSION}})


async def _ensure_collection(
    db: Database, name: str, schema: dict[str, Any], *, exists: bool
) -> None:
    validator = {"$jsonSchema": schema}
    if not exists:
        try:
            await db.create_collection(name, validator=validator, check_exists=False)
        except OperationFailure as error:
            if error.code != _COLLECTION_EXISTS:  # another process was quicker
                raise
        else:
            return
    await db.command("collMod", name, validator=validator)


async def _ensure_by_age(collection: AsyncCollection[Document]) -> None:
    """Index by which `expiry` finds what is old: no TTL index, which earlier versions made."""
    indexes = await collection.index_information()
    if "expireAfterSeconds" in indexes.get("at_1", {}):
        try:
            await collection.drop_index("at_1")
        except OperationFailure as error:
            if error.code != _INDEX_NOT_FOUND:  # another process was quicker
                raise
    await collection.create_index("at")


async def _ensure_tenant(db: Database, tenant: Tenant) -> None:
    with driver_errors():
        await db.tenants.update_one(
            {"_id": tenant.id},
            {
                "$set": {"currency": tenant.currency},
                "$setOnInsert": {
                    "seq": 0,
                    "timezone": tenant.timezone,
                    "history": new_history(),
                },
            },
            upsert=True,
        )


async def _refuse_another_zone(db: Database, tenant: Tenant) -> None:
    stored = await find_tenant(db, tenant.id)
    if stored.timezone != tenant.timezone:
        raise Misconfigured(
            f"FINANCEOPS_TENANTS gives {tenant.id} the time zone {tenant.timezone}, its rollups "
            f"are cut in {stored.timezone}: set that zone again, or start with it once more and "
            f"run `financeops tenant set-timezone {tenant.id} {tenant.timezone}`"
        )
