"""Divide the collections among the shards of a cluster, once: `python -m server.sharding`."""

from __future__ import annotations

import asyncio
import sys

from financeops.core.errors import FinanceOpsError
from financeops.store.database.connection import close, connect
from financeops.store.database.sharding import SHARD_KEYS, check_mongos, shard
from financeops.store.schema import prepare
from server.settings import Settings, read_settings


def main() -> int:
    """Set up the shards and print the result; return the exit code."""
    try:
        name = asyncio.run(_shard(read_settings()))
    except FinanceOpsError as error:
        sys.stderr.write(f"financeops: {error}\n")
        return 1
    sys.stdout.write(f"{name} is sharded: {', '.join(SHARD_KEYS)}\n")
    return 0


async def _shard(settings: Settings) -> str:
    db = await connect(settings.mongodb_uri.get_secret_value(), timeout=settings.database_timeout)
    try:
        await check_mongos(db)
        await prepare(db, settings.configured_tenants())
        await shard(db)
    finally:
        await close(db)
    return db.name


if __name__ == "__main__":
    sys.exit(main())
