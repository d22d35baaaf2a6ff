"""The same payments in a frame of every kind."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from functools import cache

import duckdb
import narwhals as nw
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from financeops.loading.months import table_of as canonical_table

# When Spark is requested nothing is skipped: without Spark or Java the tests fail.
HAS_SPARK = os.environ.get("FINANCEOPS_TEST_SPARK") == "1"
NO_SPARK = "Spark takes long to start: make test-spark"

KINDS = ["pandas", "pandas-pyarrow", "polars", "polars-lazy", "pyarrow", "duckdb"]
SPARK = pytest.param(
    "spark", marks=[pytest.mark.spark, pytest.mark.skipif(not HAS_SPARK, reason=NO_SPARK)]
)

INSTANT = pa.timestamp("ms", tz="UTC")
SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("tenant_id", pa.string()),
        ("amount", pa.int64()),
        ("currency", pa.string()),
        ("method", pa.string()),
        ("status", pa.string()),
        ("created_at", INSTANT),
        ("updated_at", INSTANT),
        ("source", pa.string()),
        ("reference", pa.string()),
        ("customer_id", pa.string()),
        ("country", pa.string()),
        ("decline_code", pa.string()),
        ("decline_group", pa.string()),
        ("refunded_at", INSTANT),
        ("refunded_amount", pa.int64()),
        ("refunds", pa.string()),
        ("dispute", pa.string()),
        ("fee_amount", pa.int64()),
        ("fees", pa.string()),
        ("payout_id", pa.string()),
        ("settled_at", INSTANT),
        ("settled_amount", pa.int64()),
        ("settled_currency", pa.string()),
        ("revision", pa.int64()),
        ("reporting_amount", pa.int64()),
        ("reporting_currency", pa.string()),
        ("rate", pa.string()),
        ("rate_date", pa.string()),
        ("rate_source", pa.string()),
        ("order_id", pa.string()),
        ("attempt", pa.int64()),
        ("recovered_by", pa.int64()),
        ("processor", pa.string()),
        ("network", pa.string()),
        ("funding", pa.string()),
        ("issuer_country", pa.string()),
        ("bin", pa.string()),
        ("last4", pa.string()),
        ("channel", pa.string()),
        ("authentication", pa.string()),
        ("failure_stage", pa.string()),
        ("decline_kind", pa.string()),
        ("metadata", pa.string()),
    ]
)


@pytest.fixture(params=[*KINDS, SPARK])
def kind(request):
    """Each kind of frame in turn."""
    return request.param


@pytest.fixture(scope="session")
def spark():
    """One Spark session on this machine, in a zone that is not UTC."""
    from pyspark.sql import SparkSession

    session = (
        SparkSession.builder.master("local[1]")
        # Compiling takes most of the time: the second compiler pays off only after minutes.
        .config("spark.driver.extraJavaOptions", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.sql.shuffle.partitions", "1")
        .config("spark.sql.session.timeZone", "America/New_York")
        .config("spark.sql.execution.arrow.pyspark.enabled", "true")
        .getOrCreate()
    )
    yield session
    session.stop()


@pytest.fixture
def frame_of(request):
    """``frame_of(kind, payments)``: a native frame of a list of payments."""

    def make(kind, payments):
        return native(kind, table_of(payments), request)

    return make


@pytest.fixture
def native_of(request):
    """``native_of(kind, table)``: any PyArrow table as a native frame."""
    return lambda kind, table: native(kind, table, request)


def table_of(payments):
    """A PyArrow table of payments in the canonical schema."""
    return canonical_table(payments).cast(SCHEMA)


def native(kind, table, request=None):
    match kind:
        case "pandas":
            return table.to_pandas()
        case "pandas-pyarrow":
            return table.to_pandas(types_mapper=pd.ArrowDtype)
        case "polars":
            return pl.from_arrow(table)
        case "polars-lazy":
            return pl.from_arrow(table).lazy()
        case "pyarrow":
            return table
        case "duckdb":
            return duckdb_in_new_york().from_arrow(table)
        case "spark":
            return request.getfixturevalue("spark").createDataFrame(table)
    raise AssertionError(kind)


@cache
def duckdb_in_new_york():
    """A connection in a zone that is not UTC; to open one takes half as long as to use it."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'America/New_York'")
    return connection


def rows(frame):
    """Rows of a native frame as dicts of Python values, null as None, times in UTC."""
    answer = nw.from_native(frame).lazy().collect()
    return [
        {name: plain(value) for name, value in row.items()} for row in answer.iter_rows(named=True)
    ]


def plain(value):
    if isinstance(value, datetime):
        return None if value is pd.NaT else _utc(value)
    if value is None or value is pd.NA or value != value:  # noqa: PLR0124 - NaN
        return None
    return value.item() if hasattr(value, "item") else value


def _utc(value):
    moment = value.to_pydatetime() if isinstance(value, pd.Timestamp) else value
    return moment.astimezone(UTC)
