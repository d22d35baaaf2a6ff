"""Measure the time to simulate a year of payments: ``python -m benchmarks.simulate``."""

from datetime import UTC, datetime, timedelta
from time import perf_counter

import numpy as np

from financeops.simulation.scenario import SimulationConfig
from financeops.simulation.simulate import simulate

COUNT = 1_000_000
BUDGET = 5.0


def main():
    config = SimulationConfig(tenant_id="tenant_1", timezone="Europe/Berlin")
    now = datetime(2026, 3, 10, 12, tzinfo=UTC)
    start = perf_counter()
    payments = simulate(
        config, np.random.default_rng(1), now, count=COUNT, since=now - timedelta(days=365)
    )
    seconds = perf_counter() - start
    print(f"simulate: {len(payments):,} payments in {seconds:.2f} s (budget {BUDGET:.0f} s)")


if __name__ == "__main__":
    main()
