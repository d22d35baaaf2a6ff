"""Measure the time to simulate a year of payments, whole lives: ``python -m benchmarks.simulate``."""

from datetime import UTC, datetime, timedelta
from time import perf_counter, process_time

import numpy as np

from financeops.loading.simulated import table_of
from financeops.simulation.drafts import drafts_of
from financeops.simulation.scenario import SimulationConfig
from financeops.simulation.simulate import simulate_columns

COUNT = 1_000_000
ONE_BY_ONE = 44_000
BUDGET = 5.0


def main():
    config = SimulationConfig(tenant_id="tenant_1", timezone="Europe/Berlin")
    now = datetime(2026, 3, 10, 12, tzinfo=UTC)
    since = now - timedelta(days=365)
    start = perf_counter(), process_time()
    columns = simulate_columns(config, np.random.default_rng(1), now, count=COUNT, since=since)
    drawn = process_time() - start[1]
    table = table_of(columns)
    seconds, cpu = perf_counter() - start[0], process_time() - start[1]
    print(
        f"simulate: {table.num_rows:,} payments in {seconds:.2f} s (budget {BUDGET:.0f} s), "
        f"of processors {cpu:.2f} s: {drawn:.2f} s to draw them, the rest for the Arrow table"
    )
    few = simulate_columns(config, np.random.default_rng(1), now, count=ONE_BY_ONE, since=since)
    start = process_time()
    drafts = drafts_of(few)
    print(f"one by one: {len(drafts):,} in {process_time() - start:.2f} s of processors")


if __name__ == "__main__":
    main()
