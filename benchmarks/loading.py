"""Compare four ways to load all payments of a tenant into a data frame, in alternation.

    python -m benchmarks.loading [--payments 200000] [--rounds 3]

A plain pymongo cursor, `fo.from_mongo`, and a connection to the server: without the cache, with an empty one, and
with one that holds everything. One embedded database, payments spread over a year. All return a Polars frame with the
same rows, which is checked.
"""

import argparse
import asyncio
import os
import tempfile
import time
from datetime import UTC, datetime, timedelta
from statistics import median
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from msgspec.structs import asdict
from pymongo import MongoClient

from benchmarks.processes import embedded_database, running_server
from financeops.arrow.tables import JSON_NAMES, SCHEMA
from financeops.core.payments import Change, Payment, Tenant
from financeops.core.rollup import deltas
from financeops.loading import connect as connect_to_server
from financeops.loading.mongo import from_mongo
from financeops.simulation.scenario import SimulationConfig
from financeops.simulation.simulate import simulate
from financeops.store import rollups
from financeops.store.database.connection import close, connect
from financeops.store.documents import new_payment_id, payment_document
from financeops.store.schema import prepare

TENANT = Tenant(id="tenant_1", currency="USD", timezone="UTC")
CHUNK = 5000
CURSOR = "pymongo cursor"
FIRST, SECOND = "connect().payments(), empty cache", "connect().payments(), full cache"


async def fill(uri, count):
    """Write payments and their rollups without the ledger's transactions, which have a benchmark of their own."""
    now = datetime.now(UTC).replace(microsecond=0)
    config = SimulationConfig(tenant_id=TENANT.id, timezone=TENANT.timezone)
    drafts = simulate(
        config, np.random.default_rng(1), now, count=count, since=now - timedelta(days=365)
    )
    db = await connect(uri)
    await prepare(db, [TENANT])
    zone = ZoneInfo(TENANT.timezone)
    totals = {}
    for start in range(0, count, CHUNK):
        payments = [
            Payment(
                id=new_payment_id(),
                updated_at=draft.refunded_at or draft.created_at,
                **asdict(draft),
            )
            for draft in drafts[start : start + CHUNK]
        ]
        await db.payments.insert_many([payment_document(each) for each in payments], ordered=False)
        changes = [Change(seq=0, at=each.updated_at, payment=each) for each in payments]
        for place, rollup in deltas(changes, zone).items():
            totals[place] = totals[place] + rollup if place in totals else rollup
    documents = [rollups._document(TENANT.id, place, rollup) for place, rollup in totals.items()]
    for start in range(0, len(documents), CHUNK):
        await db.rollups.insert_many(documents[start : start + CHUNK], ordered=False)
    facts = {
        "seq": count,
        "currencies": sorted({draft.currency for draft in drafts}),
        "firstAt": min(draft.created_at for draft in drafts),
        "lastAt": max(draft.created_at for draft in drafts),
    }
    await db.tenants.update_one({"_id": TENANT.id}, {"$set": facts})
    await close(db)


def by_cursor(uri):
    """Load payments with pymongo and Polars alone."""
    with MongoClient(uri, tz_aware=True) as client:
        documents = client.get_default_database().payments.find({"tenantId": TENANT.id})
        rows = [{**document, "_id": str(document["_id"])} for document in documents]
    frame = pl.DataFrame(rows, infer_schema_length=None)
    names = {json: name for name, json in JSON_NAMES.items() if json in frame.columns}
    return frame.rename(names).select(names.values()).sort("created_at", "id")


def ways(uri, url):
    """Return each way of loading, by name."""

    def uncached():
        with connect_to_server(url, progress=False) as connection:
            return connection.payments(cache=False)

    def cached():
        with connect_to_server(url, progress=False) as connection:
            return connection.payments()

    return {
        CURSOR: lambda: by_cursor(uri),
        "from_mongo": lambda: from_mongo(uri),
        "connect().payments(cache=False)": uncached,
        FIRST: cached,
        SECOND: cached,
    }


def measure(uri, url, rounds, count):
    taken = {}
    for _ in range(rounds):
        totals = set()
        with tempfile.TemporaryDirectory() as folder:
            os.environ["FINANCEOPS_CACHE_DIR"] = folder
            for name, load in ways(uri, url).items():
                start = time.perf_counter()
                frame = load()
                taken.setdefault(name, []).append(time.perf_counter() - start)
                totals.add((len(frame), frame["amount"].sum(), frame["id"].hash().sum()))
                assert name == CURSOR or frame.columns == SCHEMA.names
                del frame
        assert totals == {next(iter(totals))}, totals
        assert next(iter(totals))[0] == count
    return taken


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--payments", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args(arguments)
    with embedded_database() as uri:
        start = time.perf_counter()
        asyncio.run(fill(uri, options.payments))
        print(
            f"{options.payments:,} payments over a year, written in {time.perf_counter() - start:.0f} s",
            flush=True,
        )
        with running_server(uri) as url:
            taken = measure(uri, url, options.rounds, options.payments)
    print(f"\n{'seconds':40}{'median':>8}{'least':>8}{'cursor / this':>16}")
    for name, times in taken.items():
        ratio = median(taken[CURSOR]) / median(times)
        print(f"{name:40}{median(times):8.2f}{min(times):8.2f}{ratio:16.2f}")


if __name__ == "__main__":
    main()
