"""Compare the ledger's `commit()` with everything on and plain `insert_many`.

    python -m benchmarks.intake [--batches 20]

One embedded database. Each batch is inserted plainly into a collection with the same indexes, then through the ledger:
number, idempotency, rollups in four grains, change log, in one transaction. Then the ledger alone: the same payments bare
and with what they may know besides, in turn. Ratios are of medians.
"""

import argparse
import asyncio
import random
import time
from datetime import UTC, datetime, timedelta
from statistics import median

import numpy as np
from bson import ObjectId
from msgspec import structs

from benchmarks.processes import embedded_database
from financeops.core.payments import Draft, Payment, Tenant
from financeops.simulation.scenario import SimulationConfig
from financeops.simulation.simulate import simulate
from financeops.store.database.connection import close, connect
from financeops.store.documents import new_payment_id, payment_document
from financeops.store.schema import BY_STATUS, BY_TIME, prepare
from financeops.store.writing.ledger import commit
from financeops.store.writing.operations import Insert, Result

YEAR = timedelta(days=365)
YEARLY = 60_000
"""Payments in the year from which the history is taken."""
ZONE = "Europe/Berlin"


def present(count, now):
    return drafts(count, now, timedelta(minutes=30))


def sorted_history(count, now):
    return drafts(YEARLY, now, YEAR)[:count]


def sorted_in_chunks(count, now):
    """Return unsorted history, sorted by its sender in groups of 20,000."""
    history = unsorted_history(count, now)
    chunks = (history[start : start + 20_000] for start in range(0, count, 20_000))
    return [each for chunk in chunks for each in sorted(chunk, key=lambda draft: draft.created_at)]


def unsorted_history(count, now):
    history = drafts(YEARLY, now, YEAR)
    random.Random(1).shuffle(history)
    return history[:count]


CASES = [
    ("present", present, 1000, 0.6),
    ("present", present, 100, 0.6),
    ("a year, sorted", sorted_history, 1000, 0.4),
    ("a year, unsorted", unsorted_history, 1000, 0.4),
    ("a year, unsorted, then sorted", sorted_in_chunks, 1000, 0.4),
]


BARE = {
    *("amount", "currency", "method", "status", "created_at", "tenant_id", "source"),
    *("customer_id", "country", "decline_code", "refunded_at", "refunded_amount"),
}
FIVE = {"processor", "network", "funding", "issuer_country", "channel"}
KINDS = [
    ("bare", BARE, ""),
    ("with five dimensions", BARE | FIVE, ""),
    ("with an order and five dimensions", BARE | FIVE | {"order_id"}, "0.7"),
    ("with all that is simulated", set(Draft.__struct_fields__), ""),
]


def knowing(draft, names):
    """The payment as it is without other fields."""
    others = {name: None for name in Draft.__struct_fields__ if name not in names}
    return structs.replace(draft, **others)


def drafts(count, now, reach):
    config = SimulationConfig(tenant_id="t", timezone=ZONE)
    return simulate(config, np.random.default_rng(1), now, count=count, since=now - reach)


async def measure(db, drawn, size, now):
    """Return the seconds of each batch, plain and through the ledger."""
    bare = db.client["bare"].payments
    for keys in (BY_TIME, BY_STATUS):
        await bare.create_index(keys)
    tenant = Tenant(id="t", currency="USD", timezone=ZONE)
    times = [], []
    for start in range(0, len(drawn), size):
        batch = drawn[start : start + size]
        documents = [document(draft, now) for draft in batch]
        operations = [
            Insert(draft=draft, key=("reference", f"{start}-{n}"), request_hash="0" * 64)
            for n, draft in enumerate(batch)
        ]
        times[0].append(await seconds(bare.insert_many(documents)))
        began = time.perf_counter()
        outcomes = await commit(db, tenant, operations, now=now)
        times[1].append(time.perf_counter() - began)
        assert {outcome.result for outcome in outcomes} == {Result.CREATED}
    return times


async def measure_kinds(db, drawn, size, now):
    """Return the seconds of each batch by kind; each kind is a tenant of its own."""
    times = {kind: [] for kind, _, _ in KINDS}
    for start in range(0, len(drawn), size):
        for kind, names, _ in KINDS:
            tenant = Tenant(id=kind.replace(" ", "_"), currency="USD", timezone=ZONE)
            operations = [
                Insert(draft=structs.replace(knowing(draft, names), tenant_id=tenant.id))
                for draft in drawn[start : start + size]
            ]
            times[kind].append(await seconds(commit(db, tenant, operations, now=now)))
    return times


def document(draft, now):
    fields = {name: getattr(draft, name) for name in draft.__struct_fields__}
    payment = Payment(**fields, id=new_payment_id(), updated_at=now)
    return payment_document(payment) | {"_id": ObjectId(), "requestHash": "0" * 64}


async def seconds(work):
    began = time.perf_counter()
    await work
    return time.perf_counter() - began


async def run(options):
    now = datetime.now(UTC)
    print(f"{'payments/s':32}{'batch':>6}{'bare':>9}{'ledger':>9}{'ratio':>8}{'budget':>8}")
    for name, draw, size, budget in CASES:
        count = size * options.batches
        with embedded_database() as uri:
            db = await connect(uri)
            await prepare(db, [])
            bare, ledger = await measure(
                db, [knowing(draft, BARE) for draft in draw(count, now)], size, now
            )
            await close(db)
        rates = size / median(bare), size / median(ledger)
        print(
            f"{name:32}{size:6,}{rates[0]:9,.0f}{rates[1]:9,.0f}{rates[1] / rates[0]:8.2f}{budget:8.1f}",
            flush=True,
        )
    size = 1000
    print(f"\n{'payments/s of the ledger':40}{'batch':>6}{'ledger':>9}{'ratio':>8}{'budget':>8}")
    with embedded_database() as uri:
        db = await connect(uri)
        await prepare(db, [])
        times = await measure_kinds(db, present(size * options.batches, now), size, now)
        await close(db)
    for kind, _, budget in KINDS:
        rate, of_bare = size / median(times[kind]), median(times["bare"]) / median(times[kind])
        print(f"{kind:40}{size:6,}{rate:9,.0f}{of_bare:8.2f}{budget:>8}", flush=True)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batches", type=int, default=20)
    asyncio.run(run(parser.parse_args(arguments)))


if __name__ == "__main__":
    main()
