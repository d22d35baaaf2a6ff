"""Sharded clusters: the keys by which the collections are sharded.

Each shard has its own index on `_id`, so an id is unique only if no two shards can hold it: the
shard key must be the id, or the tenant, which goes into all derived ids, or both. Sharded by
`createdAt`, for instance, a key sent again with another time would count twice.
"""

from __future__ import annotations

from pymongo.errors import OperationFailure

from financeops.core.errors import Misconfigured
from financeops.store.database.connection import NOT_ALLOWED, URI_SETTING, Database, driver_errors

_BY_TENANT = {"tenantId": 1, "_id": 1}

SHARD_KEYS: dict[str, dict[str, int]] = {
    "tenants": {"_id": 1},
    "payments": _BY_TENANT,
    "rollups": _BY_TENANT,
    "changes": _BY_TENANT,
    "importRows": _BY_TENANT,
    "importActs": _BY_TENANT,
    "waitingActs": _BY_TENANT,
    "deadLetters": _BY_TENANT,
}
"""Every query except housekeeping's names the tenant, and so goes to the shards that hold it.

`imports`, `sessions` and `schema` are small and looked up by `_id`: they stay on one shard.
"""

_COMMAND_NOT_FOUND = 59
_ALREADY_INITIALIZED = 23


async def shard(db: Database) -> None:
    """Shard the collections of a prepared database; those that are sharded already stay unchanged.

    Raises
    ------
    Misconfigured
        The URI does not name a mongos, its user lacks the rights, or a collection is sharded by
        another key.
    Unavailable
    """
    await check_mongos(db)
    for name, key in SHARD_KEYS.items():
        named = f"{db.name}.{name}"
        try:
            with driver_errors(seconds=None):  # a large collection takes long
                if "tenantId" in key:  # a collection with documents needs the index first
                    await db[name].create_index(list(key.items()))
                await db.client.admin.command({"shardCollection": named, "key": key})
        except OperationFailure as error:
            if error.code in NOT_ALLOWED:
                raise Misconfigured(
                    f"{URI_SETTING}: its user may not shard {named}: for this give it the role "
                    "clusterManager in admin, beside readWrite"
                ) from error
            if error.code == _ALREADY_INITIALIZED:
                raise _other_key(named, key, "by another key") from error
            raise


async def check_mongos(db: Database) -> None:
    """Raise `Misconfigured` unless it is a mongos that answers."""
    try:
        with driver_errors():
            await db.client.admin.command("isdbgrid")
    except OperationFailure as error:
        if error.code != _COMMAND_NOT_FOUND:
            raise
        raise Misconfigured(
            f"{URI_SETTING} does not name a mongos: only a sharded cluster has shards, so there is "
            "nothing to do"
        ) from None


async def check_shard_keys(db: Database) -> None:
    """Refuse shard keys that allow an `_id` twice, as far as the user may read them."""
    named = {f"{db.name}.{name}": key for name, key in SHARD_KEYS.items()}
    # MongoDB 8.0 also lists unsharded collections that were moved.
    divided = {"_id": {"$in": list(named)}, "unsplittable": {"$ne": True}}
    try:
        with driver_errors():
            found = await db.client.config.collections.find(divided, {"key": 1}).to_list()
    except OperationFailure as error:
        if error.code not in NOT_ALLOWED:
            raise
        return
    for each in found:
        if each["key"].keys() - {"tenantId", "_id"}:
            raise _other_key(each["_id"], named[each["_id"]], f"by {', '.join(each['key'])}")


def _other_key(named: str, key: dict[str, int], how: str) -> Misconfigured:
    right = ", ".join(f"{field}: {order}" for field, order in key.items())
    return Misconfigured(
        f"{URI_SETTING}: {named} is sharded {how}, and one payment might count twice: reshard it "
        f"by {{{right}}} (the command reshardCollection)"
    )
