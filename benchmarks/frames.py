"""Compare the functions on frames with the same queries written by hand.

    python -m benchmarks.frames [--rows 10000000] [--repeats 7]

Payments of a year, 4 methods, 3 statuses, 8 countries, 10 decline codes, in Polars and in a DuckDB
table. Each function alternates with its query by hand, as an expert in the library would write it
for the same columns: one pass over the payments, then the figures of the few groups. "At once" is
the shorter query, with all figures as aggregates of each currency.
"""

import argparse
from datetime import UTC, datetime, timedelta
from functools import partial
from statistics import median
from time import perf_counter

import duckdb
import numpy as np
import polars as pl

from financeops.frames.key_figures import metrics, segments
from financeops.frames.trends import trends

BUDGET = 1.3
START = datetime(2025, 3, 1, tzinfo=UTC)
YEAR = timedelta(days=365)


def payments(count):
    """Return a year of payments in memory, oldest first."""
    rng = np.random.default_rng(1)
    status = rng.choice(3, count, p=[0.78, 0.19, 0.03])
    milliseconds = np.sort(rng.integers(0, YEAR // timedelta(milliseconds=1), count))
    codes = [f"decline_code_{number}" for number in range(10)]
    return pl.DataFrame(
        {
            "amount": rng.lognormal(8.5, 1.0, count).astype(np.int64),
            "currency": named(["USD"], np.zeros(count, dtype=np.int64)),
            "method": named(
                ["card", "bank_transfer", "crypto", "paypal"],
                rng.choice(4, count, p=[0.62, 0.14, 0.06, 0.18]),
            ),
            "status": named(["success", "failed", "refunded"], status),
            "created_at": START + pl.Series(milliseconds).cast(pl.Duration("ms")),
            "country": named(
                ["US", "GB", "DE", "FR", "CA", "ES", "IT", "NL"], rng.integers(0, 8, count)
            ),
            "decline_code": named(
                [*codes, None], np.where(status == 1, rng.integers(0, 10, count), 10)
            ),
        }
    ).with_columns(pl.col("created_at").cast(pl.Datetime("ms", "UTC")))


def named(names, numbers):
    return pl.Series(names, dtype=pl.String).gather(pl.Series(numbers).cast(pl.UInt32))


SUCCEEDED = pl.col("status") != "failed"
REFUNDED = pl.col("status") == "refunded"
COUNTS = [
    pl.len().alias("total_payments"),
    SUCCEEDED.sum().alias("succeeded_payments"),
    pl.col("amount").filter(SUCCEEDED).sum().alias("total_volume"),
    REFUNDED.sum().alias("refunded_payments"),
    pl.col("amount").filter(REFUNDED).sum().alias("refunded_volume"),
]
RATES = [
    (100 * pl.col("succeeded_payments") / pl.col("total_payments")).alias("success_rate"),
    (pl.col("total_volume") / pl.col("succeeded_payments") / 100).alias("average_amount"),
    (100 * pl.col("refunded_volume") / pl.col("total_volume")).alias("refund_rate"),
    (pl.col("total_volume") - pl.col("refunded_volume")).alias("net_volume"),
]


def polars_metrics(frame):
    cells = (
        frame.lazy()
        .group_by("currency", "method", "status", pl.col("created_at").dt.hour().alias("hour"))
        .agg(pl.len().alias("n"), pl.col("amount").sum())
        .collect()
    )
    few = cells.lazy()
    counts = few.group_by("currency").agg(
        pl.col("n").sum().alias("total_payments"),
        pl.col("n").filter(SUCCEEDED).sum().alias("succeeded_payments"),
        pl.col("amount").filter(SUCCEEDED).sum().alias("total_volume"),
        pl.col("n").filter(REFUNDED).sum().alias("refunded_payments"),
        pl.col("amount").filter(REFUNDED).sum().alias("refunded_volume"),
    )
    for name, figure in (("hour", "peak_hour"), ("method", "top_payment_method")):
        most = (
            few.group_by("currency", name)
            .agg(pl.col("n").sum())
            .sort(["n", name], descending=[True, False])
            .group_by("currency", maintain_order=True)
            .agg(pl.col(name).first().alias(figure))
        )
        counts = counts.join(most, on="currency")
    return counts.with_columns(RATES).collect()


def polars_metrics_at_once(frame):
    return (
        frame.lazy()
        .group_by("currency")
        .agg(
            *COUNTS,
            pl.col("created_at").dt.hour().mode().min().alias("peak_hour"),
            pl.col("method").mode().min().alias("top_payment_method"),
        )
        .with_columns(RATES)
        .collect()
    )


def polars_trends(frame):
    return (
        frame.lazy()
        .group_by("currency", pl.col("created_at").dt.truncate("1d").alias("start"))
        .agg(COUNTS[:3])
        .with_columns(RATES[0])
        .sort("currency", "start")
        .collect()
    )


def polars_segments(frame):
    return (
        frame.lazy()
        .group_by("currency", "country")
        .agg(COUNTS)
        .with_columns(RATES)
        .sort("currency", "country")
        .collect()
    )


SQL_TREND = """count(*) total_payments, count(*) FILTER (status <> 'failed') succeeded_payments,
    sum(amount) FILTER (status <> 'failed') total_volume"""
SQL_COUNTS = f"""{SQL_TREND},
    count(*) FILTER (status = 'refunded') refunded_payments,
    sum(amount) FILTER (status = 'refunded') refunded_volume"""
SQL_RATES = """100 * succeeded_payments / total_payments success_rate,
    total_volume / succeeded_payments / 100 average_amount, 100 * refunded_volume / total_volume refund_rate,
    total_volume - refunded_volume net_volume"""


def duckdb_metrics(relation):
    return relation.query(
        "payments",
        f"""
        WITH cells AS (
            SELECT currency, method, status, hour(created_at) AS hour,
                count(*) n, sum(amount) amount
            FROM payments GROUP BY ALL
        ), counts AS (
            SELECT currency, sum(n) total_payments,
                sum(n) FILTER (status <> 'failed') succeeded_payments,
                sum(amount) FILTER (status <> 'failed') total_volume,
                sum(n) FILTER (status = 'refunded') refunded_payments,
                sum(amount) FILTER (status = 'refunded') refunded_volume
            FROM cells GROUP BY ALL
        ), hours AS (
            SELECT currency, arg_max(hour, (n, -hour)) peak_hour
            FROM (SELECT currency, hour, sum(n) n FROM cells GROUP BY ALL) GROUP BY ALL
        ), methods AS (
            SELECT currency, arg_max(method, n) top_payment_method
            FROM (SELECT currency, method, sum(n) n FROM cells GROUP BY ALL) GROUP BY ALL
        )
        SELECT *, {SQL_RATES} FROM counts JOIN hours USING (currency) JOIN methods USING (currency)
        """,
    ).to_arrow_table()


def duckdb_metrics_at_once(relation):
    return relation.query(
        "payments",
        f"""SELECT *, {SQL_RATES} FROM (
            SELECT currency, {SQL_COUNTS},
                mode(hour(created_at)) peak_hour, mode(method) top_payment_method
            FROM payments GROUP BY ALL
        )""",
    ).to_arrow_table()


def duckdb_trends(relation):
    return relation.query(
        "payments",
        f"""SELECT *, 100 * succeeded_payments / total_payments success_rate FROM (
            SELECT currency, date_trunc('day', created_at) AS start, {SQL_TREND}
            FROM payments GROUP BY ALL
        ) ORDER BY ALL""",
    ).to_arrow_table()


def duckdb_segments(relation):
    return relation.query(
        "payments",
        f"""SELECT *, {SQL_RATES} FROM (
            SELECT currency, country, {SQL_COUNTS} FROM payments GROUP BY ALL
        ) ORDER BY ALL""",
    ).to_arrow_table()


OURS = {
    "metrics": metrics,
    "metrics, at once": metrics,
    "trends": partial(trends, every="day"),
    "segments": partial(segments, by="country"),
}
BY_HAND = {
    "Polars": {
        "metrics": polars_metrics,
        "metrics, at once": polars_metrics_at_once,
        "trends": polars_trends,
        "segments": polars_segments,
    },
    "DuckDB": {
        "metrics": duckdb_metrics,
        "metrics, at once": duckdb_metrics_at_once,
        "trends": duckdb_trends,
        "segments": duckdb_segments,
    },
}


def in_turns(ours, by_hand, repeats):
    """Return the milliseconds of each run, after a warm-up; check that both find the same volume."""
    functions = (ours, by_hand)
    taken = ([], [])
    found = [volume(function()) for function in functions]
    assert found[0] == found[1], found
    for turn in range(repeats):
        for which in (0, 1) if turn % 2 else (1, 0):
            start = perf_counter()
            functions[which]()
            taken[which].append((perf_counter() - start) * 1000)
    return taken


def volume(result):
    table = result if isinstance(result, pl.DataFrame) else pl.from_arrow(arrow(result))
    name = "amount" if "amount" in table.columns else "total_volume"
    return int(table[name].sum())


def arrow(result):
    return result.to_arrow_table() if isinstance(result, duckdb.DuckDBPyRelation) else result


def report(library, frame, repeats):
    print(f"\n{library:24}{'ours':>10}{'by hand':>12}{'ratio':>10}")
    worst = 0.0
    for name, by_hand in BY_HAND[library].items():
        ours, hand = in_turns(partial(OURS[name], frame), partial(by_hand, frame), repeats)
        ratio = median(ours) / median(hand)
        worst = max(worst, ratio)
        print(f"{name:24}{median(ours):7.0f} ms{median(hand):9.0f} ms{ratio:10.2f}", flush=True)
    print(f"largest ratio of medians: {worst:.2f} (budget {BUDGET})")


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args(arguments)
    frame = payments(options.rows)
    print(f"{options.rows:,} payments")
    report("Polars", frame, options.repeats)
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.register("arriving", frame.to_arrow())
    connection.execute("CREATE TABLE payments AS SELECT * FROM arriving")
    connection.unregister("arriving")
    del frame
    report("DuckDB", connection.table("payments"), options.repeats)


if __name__ == "__main__":
    main()
