"""Compare the functions on frames with the same queries written by hand.

    python -m benchmarks.frames [--rows 10000000] [--repeats 7]

Payments of a year, 4 methods, 3 statuses, 8 countries, 10 decline codes, orders of up to two attempts,
refunds of parts, disputes and fees, in Polars and in a DuckDB table. Each function alternates with its query by hand, as an expert in the library would write it
for the same columns: one pass over the payments, then the figures of the few groups. "At once" is
the shorter query, with all figures as aggregates of each currency.
"""

import argparse
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import cycle
from statistics import median
from time import perf_counter

import duckdb
import numpy as np
import polars as pl

from financeops.core.declines import FailureStage
from financeops.core.disputes import AMOUNT, STATUS, Disputed, DisputeStatus, dispute_text
from financeops.frames.funnel import funnel
from financeops.frames.key_figures import metrics, segments
from financeops.frames.orders import orders
from financeops.frames.trends import trends
from financeops.frames.waterfall import waterfall

BUDGET = 1.2
START = datetime(2025, 3, 1, tzinfo=UTC)
YEAR = timedelta(days=365)


def payments(count):
    """Return a year of payments in memory, oldest first."""
    rng = np.random.default_rng(1)
    status = rng.choice(3, count, p=[0.78, 0.19, 0.03])
    milliseconds = np.sort(rng.integers(0, YEAR // timedelta(milliseconds=1), count))
    codes = [f"decline_code_{number}" for number in range(10)]
    amount = 1 + rng.lognormal(8.5, 1.0, count).astype(np.int64)
    # One failure in two is followed by another attempt, which is the payment after it.
    first = np.zeros(count, bool)
    first[:-1] = (status[:-1] == 1) & (rng.random(count - 1) < 0.5)
    first[1:] &= ~first[:-1]
    second = np.roll(first, 1)
    order = np.where(second, np.arange(count) - 1, np.arange(count))
    disputed = (status == 0) & (rng.random(count) < 0.01)
    disputes = [
        dispute_text(
            Disputed(id="dp", amount=amount[place], status=each, opened_at=START, closed_at=START)
        )
        for place, each in zip(
            np.flatnonzero(disputed),
            cycle((DisputeStatus.LOST, DisputeStatus.WON)),
            strict=False,
        )
    ]
    part = np.where(rng.random(count) < 0.02, amount // 2, 0)
    return pl.DataFrame(
        {
            "id": pl.Series(np.arange(count)).cast(pl.String).str.zfill(24),
            "order_id": "order_" + pl.Series(order).cast(pl.String),
            "attempt": np.where(second, 2, 1),
            "recovered_by": pl.Series(np.where(first & np.roll(status != 1, -1), 2, 0)).replace(
                0, None
            ),
            "amount": amount,
            "refunded_amount": np.where(status == 2, amount, np.where(status == 0, part, 0)),
            "fee_amount": amount * 3 // 100 + 30,
            "dispute": named([*disputes, None], texts_at(disputed)),
            "failure_stage": named(
                [*FailureStage, None],
                np.where(status == 1, rng.integers(0, len(FailureStage), count), -1),
            ),
            "decline_kind": named(["soft", "hard", None], np.where(status == 1, order % 2, -1)),
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


def texts_at(flags):
    """Numbers of texts one after the other where they are; elsewhere -1."""
    return np.where(flags, np.cumsum(flags) - 1, -1)


def named(names, numbers):
    numbers = np.where(numbers < 0, len(names) - 1, numbers)
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


def cut(column, place):
    """A value of texts that all have it in the same place."""
    return column.str.slice(*place).str.strip_chars(' "')


RETURNED = pl.col("refunded_amount")
LOST = pl.min_horizontal(
    cut(pl.col("dispute"), AMOUNT).cast(pl.Int64), pl.col("amount") - RETURNED
).filter(cut(pl.col("dispute"), STATUS) == "lost")


def lost(frame):
    """What lost disputes took, of the few payments that have one."""
    few = frame.lazy().filter(pl.col("dispute").is_not_null())
    return few.group_by("currency").agg(LOST.count().alias("lost"), LOST.sum().alias("lost_volume"))


def polars_waterfall(frame):
    sums = (
        frame.lazy()
        .group_by("currency")
        .agg(
            pl.col("amount").filter(SUCCEEDED).sum().alias("total"),
            RETURNED.sum().alias("refunds"),
            pl.col("fee_amount").sum().alias("fees"),
        )
    )
    row = sums.join(lost(frame), on="currency").collect().row(0, named=True)
    taken = [row["total"], -row["refunds"], -row["lost_volume"], -row["fees"]]
    return pl.DataFrame({"volume": [*taken, sum(taken)]})


def polars_funnel(frame):
    stages = (
        frame.lazy()
        .group_by("currency", "status", "failure_stage")
        .agg(pl.len().alias("n"), pl.col("amount").sum(), RETURNED.sum())
    )
    cells, few = pl.collect_all([stages, lost(frame)])
    return volumes_of_steps(cells, few["lost_volume"][0])


def volumes_of_steps(cells, lost_volume):
    """The volume of each step, from a few sums."""
    volume = {
        (status, stage): amount
        for status, stage, amount in cells.select("status", "failure_stage", "amount").iter_rows()
    }
    created = sum(volume.values())
    authenticated = created - sum(
        volume.get(("failed", stage), 0) for stage in ("authentication", "abandoned")
    )
    authorised = authenticated - sum(
        volume.get(("failed", stage), 0) for stage in ("blocked", "declined")
    )
    succeeded = authorised - volume.get(("failed", "technical"), 0)
    kept = succeeded - int(cells["refunded_amount"].sum()) - lost_volume
    return pl.DataFrame({"volume": [created, authenticated, authorised, succeeded, kept]})


def polars_orders(frame):
    payments = frame.lazy()
    later = payments.filter(pl.col("attempt") > 1).group_by("order_id")
    counts = later.agg(pl.len().alias("more"), pl.col("created_at").max().alias("latest"))
    return (
        payments.filter(pl.col("attempt").is_null() | (pl.col("attempt") == 1))
        .join(counts, on="order_id", how="left")
        .select(
            *("order_id", "id", "currency", "amount", "method", "decline_code"),
            pl.when(SUCCEEDED)
            .then(pl.lit("first_attempt"))
            .when(pl.col("recovered_by").is_null())
            .then(pl.lit("lost"))
            .otherwise(pl.lit("recovered"))
            .alias("outcome"),
            (pl.col("more").fill_null(0) + 1).alias("attempts"),
            pl.col("created_at").alias("first_at"),
            pl.coalesce("latest", "created_at").alias("last_at"),
        )
        .sort("first_at", "id")
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


def sql_cut(place):
    start, length = place
    return f"trim(substr(dispute, {start + 1}, {length}), ' \"')"


SQL_LOST = f"""least({sql_cut(AMOUNT)}::BIGINT, amount - refunded_amount)"""
SQL_IS_LOST = f"""dispute IS NOT NULL AND {sql_cut(STATUS)} = 'lost'"""


def duckdb_waterfall(relation):
    total, refunds, disputes, fees = relation.query(
        "payments",
        f"""SELECT sum(amount) FILTER (status <> 'failed'), sum(refunded_amount),
            (SELECT sum({SQL_LOST}) FROM payments WHERE {SQL_IS_LOST}), sum(fee_amount)
            FROM payments GROUP BY currency""",
    ).fetchall()[0]
    taken = [total, -refunds, -disputes, -fees]
    return pl.DataFrame({"volume": [*taken, sum(taken)]})


def duckdb_funnel(relation):
    cells = relation.query(
        "payments",
        """SELECT status, failure_stage, count(*) n, sum(amount)::BIGINT amount,
            sum(refunded_amount)::BIGINT refunded_amount
            FROM payments GROUP BY ALL""",
    ).pl()
    (lost_volume,) = relation.query(
        "payments", f"SELECT sum({SQL_LOST})::BIGINT FROM payments WHERE {SQL_IS_LOST}"
    ).fetchall()[0]
    return volumes_of_steps(cells, lost_volume)


def duckdb_orders(relation):
    return relation.query(
        "payments",
        """
        WITH later AS (
            SELECT order_id, count(*) more, max(created_at) latest FROM payments WHERE attempt > 1 GROUP BY ALL
        )
        SELECT order_id, id, currency, amount, method, decline_code,
            CASE WHEN status <> 'failed' THEN 'first_attempt' WHEN recovered_by IS NULL THEN 'lost'
                ELSE 'recovered' END outcome,
            coalesce(more, 0) + 1 attempts, created_at first_at, coalesce(latest, created_at) last_at
        FROM payments LEFT JOIN later USING (order_id)
        WHERE attempt IS NULL OR attempt = 1 ORDER BY first_at, id
        """,
    ).to_arrow_table()


OURS = {
    "waterfall": waterfall,
    "funnel": funnel,
    "orders": lambda frame: collected(orders(frame)),
    "metrics": metrics,
    "metrics, at once": metrics,
    "trends": partial(trends, every="day"),
    "segments": partial(segments, by="country"),
}
BY_HAND = {
    "Polars": {
        "waterfall": polars_waterfall,
        "funnel": polars_funnel,
        "orders": polars_orders,
        "metrics": polars_metrics,
        "metrics, at once": polars_metrics_at_once,
        "trends": polars_trends,
        "segments": polars_segments,
    },
    "DuckDB": {
        "waterfall": duckdb_waterfall,
        "funnel": duckdb_funnel,
        "orders": duckdb_orders,
        "metrics": duckdb_metrics,
        "metrics, at once": duckdb_metrics_at_once,
        "trends": duckdb_trends,
        "segments": duckdb_segments,
    },
}


LIVES = {"waterfall", "funnel", "orders"}
PLAIN = ["amount", "currency", "method", "status", "created_at", "country", "decline_code"]
"""What the others are given: from further columns they compute further figures."""


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
    name = next(name for name in ("amount", "volume", "total_volume") if name in table.columns)
    return int(table[name].sum()), len(table) if "id" in table.columns else 0


def collected(frame):
    """The rows of a frame; DuckDB computes them only when somebody asks for them."""
    return arrow(frame)


def arrow(result):
    return result.to_arrow_table() if isinstance(result, duckdb.DuckDBPyRelation) else result


def report(library, frame, plain, repeats):
    print(f"\n{library:24}{'ours':>10}{'by hand':>12}{'ratio':>10}")
    worst = 0.0
    for name, by_hand in BY_HAND[library].items():
        given = frame if name in LIVES else plain
        ours, hand = in_turns(partial(OURS[name], given), partial(by_hand, given), repeats)
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
    plain = frame.select(PLAIN)
    report("Polars", frame, plain, options.repeats)
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.register("arriving", frame.to_arrow())
    connection.execute("CREATE TABLE payments AS SELECT * FROM arriving")
    connection.unregister("arriving")
    del frame, plain
    whole = connection.table("payments")
    report("DuckDB", whole, whole.select(*PLAIN), options.repeats)


if __name__ == "__main__":
    main()
