"""Compare the cost of reading with few and with many payments.

    python -m benchmarks.reads [--few 2000] [--many 60000] [--reads 100]

Two embedded databases and two servers, queried alternately over HTTP; payments spread over a year, then within one day;
without writes, and with a new payment before each read. The first read of a server with empty memory is `first`.
"""

import argparse
import asyncio
import time
from datetime import UTC, datetime, timedelta
from statistics import quantiles

import httpx
import numpy as np

from benchmarks.processes import embedded_database, running_server
from financeops.core.payments import Tenant
from financeops.simulation.scenario import SimulationConfig
from financeops.simulation.simulate import simulate
from financeops.store.database.connection import close, connect
from financeops.store.schema import prepare
from financeops.store.writing.ledger import commit
from financeops.store.writing.operations import Insert

BUDGET = 1.5
TENANT = Tenant(id="tenant_1", currency="USD", timezone="UTC")
SPREADS = {"over a year": timedelta(days=365), "in one day": timedelta(days=1)}
ROUTES = {
    "metrics": "/api/analytics/metrics",
    "metrics, month": "/api/analytics/metrics?period=month&compare=true",
    "one country, month": "/api/analytics/metrics?period=month&country=DE",
    "one country, all": "/api/analytics/metrics?country=DE",
    "trends, day": "/api/analytics/trends?period=day",
    "trends, year": "/api/analytics/trends?period=year",
    "snapshot, day": "/api/analytics/snapshot?period=day",
    "snapshot, year": "/api/analytics/snapshot?period=year",
}
PAYMENT = {"amount": 18.5, "method": "card", "status": "success"}


async def load(uri, count, spread):
    config = SimulationConfig(tenant_id=TENANT.id, timezone=TENANT.timezone)
    now = datetime.now(UTC)
    drafts = simulate(config, np.random.default_rng(1), now, count=count, since=now - spread)
    db = await connect(uri)
    await prepare(db, [TENANT])
    for start in range(0, count, 1000):
        operations = [Insert(draft=draft) for draft in drafts[start : start + 1000]]
        await commit(db, TENANT, operations, now=now)
    await close(db)


def timed(client, route):
    start = time.perf_counter()
    client.get(route).raise_for_status()
    return (time.perf_counter() - start) * 1000


def measure(clients, reads):
    """Return the milliseconds of every read, by route, case and client; the clients take turns."""
    taken = {}
    for name, route in ROUTES.items():
        taken[name, "first"] = [[timed(client, route)] for client in clients]
    for writing in (False, True):
        for name, route in ROUTES.items():
            times = taken[name, "after a write" if writing else "no writes"] = [[] for _ in clients]
            for _ in range(reads):
                for client, into in zip(clients, times, strict=True):
                    if writing:
                        client.post("/payments", json=PAYMENT).raise_for_status()
                    into.append(timed(client, route))
    return taken


def report(spread, taken, few, many):
    print(f"\npayments {spread}{'':12}{few:>8,} payments   {many:>8,} payments       ratio")
    print(f"{'milliseconds':36}{'p50':>8}{'p95':>8}{'p50':>13}{'p95':>8}{'p50':>8}{'p95':>8}")
    worst = 0.0
    for (name, way), (small, large) in taken.items():
        a, b = percentiles(small), percentiles(large)
        ratios = b[0] / a[0], b[1] / a[1]
        if way != "first":
            worst = max(worst, ratios[0])
        print(
            f"{name + ', ' + way:36}{a[0]:8.1f}{a[1]:8.1f}{b[0]:13.1f}{b[1]:8.1f}"
            f"{ratios[0]:8.2f}{ratios[1]:8.2f}"
        )
    print(f"largest ratio of medians but the first reads: {worst:.2f} (budget {BUDGET})")


def percentiles(values):
    if len(values) == 1:
        return values[0], values[0]
    cuts = quantiles(values, n=20, method="inclusive")
    return cuts[9], cuts[18]


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--few", type=int, default=2000)
    parser.add_argument("--many", type=int, default=60_000)
    parser.add_argument("--reads", type=int, default=100, help="of each route, in each case")
    options = parser.parse_args(arguments)
    for spread, length in SPREADS.items():
        with embedded_database() as small, embedded_database() as large:
            asyncio.run(load(small, options.few, length))
            asyncio.run(load(large, options.many, length))
            with (
                running_server(small) as small_url,
                running_server(large) as large_url,
                httpx.Client(base_url=small_url, timeout=30) as asks_few,
                httpx.Client(base_url=large_url, timeout=30) as asks_many,
            ):
                taken = measure([asks_few, asks_many], options.reads)
        report(spread, taken, options.few, options.many)


if __name__ == "__main__":
    main()
