"""Collections, validators and indexes, with a version: a start creates or updates them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import OperationFailure

from financeops.core.errors import Misconfigured
from financeops.core.fields import Field, Kind
from financeops.core.payments import FIELDS, SIGNED, Tenant
from financeops.store.act_times import ACTS_IN
from financeops.store.database.connection import (
    NOT_ALLOWED,
    URI_SETTING,
    Database,
    Document,
    driver_errors,
)
from financeops.store.database.sessions import end_left_sessions
from financeops.store.database.sharding import check_shard_keys
from financeops.store.tenants import find_tenant, new_history
from financeops.store.waiting import AWAITS
from financeops.store.writing.imports import ImportState

VERSION = 7
"""Version of the data model.

Since version 2 payments may be removed, since version 3 parts of them may be given back: an earlier
program would count that wrong. Since version 4 rollups count failures by stage and payments by
dimension, since version 5 what happened to payments by when it happened, since version 6 payments in
other currencies than their tenant's: `migrating` counts what was stored before. Since version 7 acts may
wait for their payment: an earlier program would record it without them.
"""

_Keys = list[tuple[str, int]]

_COLLECTION_EXISTS = 48
_INDEX_NOT_FOUND = 27

_COUNT = {"bsonType": ["int", "long"], "minimum": 0}
_KINDS: dict[Kind, dict[str, Any]] = {
    Kind.TEXT: {"bsonType": "string"},
    Kind.INTEGER: _COUNT,
    Kind.INSTANT: {"bsonType": "date"},
    Kind.PAIRS: {"bsonType": "string"},
    Kind.ACTS: {"bsonType": "string"},
}


def _stored(field: Field) -> dict[str, Any]:
    """Schema of a field for the database's validator."""
    if field.name == "id":
        return {"bsonType": "objectId"}
    if field.choices is not None:
        return {"enum": [choice.value for choice in field.choices]}
    # Only for required fields: a payment may be older than today's rules for the others, and must
    # still be refundable.
    if field.text.pattern is not None and not field.nullable:
        return {"bsonType": "string", "pattern": field.text.pattern.pattern}
    if field.name in SIGNED:
        return {"bsonType": _COUNT["bsonType"]}
    return _KINDS[field.kind]


_PAYMENT = {
    "bsonType": "object",
    "required": [field.json for field in FIELDS.values() if not field.nullable],
    "properties": {field.json: _stored(field) for field in FIELDS.values()},
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
_RATES = {
    "bsonType": "object",
    "required": ["_id", "date", "base", "source", "rates"],
    "properties": {
        "_id": {"bsonType": "string"},
        # Texts, so that all digits are kept.
        "rates": {"bsonType": "object", "additionalProperties": {"bsonType": "string"}},
    },
}
_WAITING_ACT = {
    "bsonType": "object",
    "required": ["_id", "tenantId", "paymentId", "kind", "said", "at", "letter"],
    "properties": {"paymentId": {"bsonType": "objectId"}, "at": {"bsonType": "date"}},
}
_DEAD_LETTER = {
    "bsonType": "object",
    "required": ["_id", "tenantId", "provider", "event", "body", "reason", "at"],
    "properties": {"at": {"bsonType": "date"}},
}
_SCHEMAS: dict[str, dict[str, Any]] = {
    "payments": _PAYMENT,
    "rollups": _ROLLUP,
    "changes": _CHANGES,
    "tenants": _TENANT,
    "imports": _IMPORT,
    "importRows": _IMPORT_ROW,
    "importActs": _IMPORT_ACTS,
    "waitingActs": _WAITING_ACT,
    "deadLetters": _DEAD_LETTER,
    "rates": _RATES,
}

BY_TIME = [("tenantId", 1), ("createdAt", -1)]
BY_STATUS = [("tenantId", 1), ("status", 1), ("createdAt", -1)]
BY_ORDER = [("orderId", 1)]
BY_ACT = [(ACTS_IN, 1)]
BY_AWAITED = [(AWAITS, 1)]
_BY_AGE = [("at", 1)]
_INDEXES: dict[str, tuple[_Keys, ...]] = {
    # Their prefixes serve {tenantId} and {tenantId, status}: no single-field indexes beside them.
    "payments": (BY_TIME, BY_STATUS, BY_ORDER, BY_ACT, BY_AWAITED),
    "changes": ([("tenantId", 1), ("lastSeq", 1)], _BY_AGE),
    # Both are small: one document for each file, one for each thousand of its rows.
    "imports": ([("tenantId", 1)],),
    "importActs": ([("importId", 1)],),
    "waitingActs": ([("paymentId", 1)], [("tenantId", 1)]),
    "deadLetters": ([("tenantId", 1), ("at", -1)],),
    "sessions": (_BY_AGE,),
}

_SPARSE = [BY_ORDER, BY_ACT, BY_AWAITED]
"""Indexes without the payments that lack the field: these pay nothing for it.

One of several fields would hold those that have any of them, that is all, and the embedded database
does not use partial ones. Queries name the field first.
"""


async def prepare(db: Database, tenants: Sequence[Tenant], *, usual: Tenant | None = None) -> None:
    """Prepare the database: collections, validators, indexes, configured tenants.

    Running it again, or from several processes at once, changes nothing and takes no lock, for it
    first reads what exists.

    Parameters
    ----------
    tenants : sequence of Tenant
        The configured tenants. Their currency follows the configuration.
    usual : Tenant, optional
        A tenant that always exists. Its zone is not configured: it keeps the one that it was given
        since.

    Raises
    ------
    Misconfigured
        When `payments` holds another program's documents, the data is of a newer version, the
        database's user lacks rights, a collection is sharded so that ids are not unique, or a
        tenant's configured time zone differs from that of its rollups.
    Unavailable
    """
    with _rights(db):
        with driver_errors(seconds=120):
            await _claim(db)
        await check_shard_keys(db)
        # Do this before anything that would wait for them.
        await end_left_sessions(db)
        with driver_errors(seconds=120):
            await _ensure_collections(db)
            for name, wanted in _INDEXES.items():
                await _ensure_indexes(db[name], wanted)
            # For tenants older than this field.
            unnamed = {"history": {"$exists": False}}
            if await db.tenants.find_one(unnamed, {"_id": 1}) is not None:
                await db.tenants.update_many(unnamed, {"$set": {"history": new_history()}})
        for tenant in tenants:
            await _ensure_tenant(db, tenant)
            await _refuse_another_zone(db, tenant)
        if usual is not None and usual.id not in {tenant.id for tenant in tenants}:
            await _ensure_tenant(db, usual)


@contextmanager
def _rights(db: Database, role: str = "readWrite") -> Iterator[None]:
    """Name the role that the database's user lacks."""
    try:
        yield
    except OperationFailure as error:
        if error.code not in NOT_ALLOWED:
            raise
        raise Misconfigured(
            f"{URI_SETTING}: its user lacks rights that this start needs in the database "
            f"{db.name!r}: give it the role {role} there"
        ) from error


async def _claim(db: Database) -> None:
    """Refuse a database that another program, or a later version of this one, uses."""
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
            f"supports versions up to {VERSION}: install a newer one"
        )
    elif ours["version"] < VERSION:
        older = {"_id": "financeops", "version": {"$lt": VERSION}}
        await db.schema.update_one(older, {"$set": {"version": VERSION}})


async def _ensure_collections(db: Database) -> None:
    """Create missing collections, and replace validators that differ.

    A validator is replaced only if needed: that waits for every open transaction, others wait
    behind it, and the role `readWrite` does not permit it.
    """
    existing = await _validators(db)
    for name, schema in _SCHEMAS.items():
        validator = {"$jsonSchema": schema}
        if name not in existing:
            try:
                await db.create_collection(name, validator=validator, check_exists=False)
            except OperationFailure as error:
                if error.code != _COLLECTION_EXISTS:
                    raise
                existing = await _validators(db)  # another process was quicker
        if existing.get(name, validator) != validator:
            with _rights(db, "dbAdmin too, for it changes collections of an earlier version"):
                await db.command("collMod", name, validator=validator)


async def _validators(db: Database) -> dict[str, Document]:
    found = await db.list_collections()
    return {each["name"]: each["options"].get("validator", {}) async for each in found}


async def _ensure_indexes(collection: AsyncCollection[Document], wanted: Sequence[_Keys]) -> None:
    """Create missing indexes.

    Earlier versions created TTL indexes; `expiry` now finds what has expired.
    """
    indexes = await collection.index_information()
    names = {tuple(index["key"]): name for name, index in indexes.items()}
    for keys in wanted:
        name = names.get(tuple(keys))
        if name is not None and "expireAfterSeconds" in indexes[name]:
            try:
                await collection.drop_index(name)
            except OperationFailure as error:
                if error.code != _INDEX_NOT_FOUND:  # another process was quicker
                    raise
            name = None
        if name is None:
            await collection.create_index(keys, sparse=keys in _SPARSE)


async def _ensure_tenant(db: Database, tenant: Tenant) -> None:
    with driver_errors():
        stored = await db.tenants.find_one({"_id": tenant.id}, {"currency": 1})
        if stored is not None and stored["currency"] == tenant.currency:
            return
        await db.tenants.update_one(
            {"_id": tenant.id},
            {
                "$set": {"currency": tenant.currency},
                "$setOnInsert": {
                    "seq": 0,
                    "timezone": tenant.timezone,
                    "history": new_history(),
                    "reportsIn": tenant.currency,
                },
            },
            upsert=True,
        )


async def _refuse_another_zone(db: Database, tenant: Tenant) -> None:
    stored = await find_tenant(db, tenant.id)
    if stored.timezone != tenant.timezone:
        raise Misconfigured(
            f"FINANCEOPS_TENANTS gives {tenant.id} the time zone {tenant.timezone}, but its "
            f"rollups are kept in {stored.timezone}: set that zone again, or start with it once "
            f"more and run `financeops tenant set-timezone {tenant.id} {tenant.timezone}`"
        )
