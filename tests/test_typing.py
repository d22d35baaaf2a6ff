"""The types of frames that mypy infers in users' programs."""

import re
import subprocess
import sys

import pytest

from tests.processes import ROOT

POLARS, PANDAS = "polars.dataframe.frame.DataFrame", "pandas.core.frame.DataFrame"
LAZY, DUCKDB = "polars.lazyframe.frame.LazyFrame", "duckdb._relation.DuckDBPyRelation"

# pyarrow has no types: mypy treats its tables as Any, as it does a frame by default.
REVEALED = {
    'fo.read("a.csv", columns=["id"], frame="polars")': POLARS,
    'fo.read("a.csv", frame="pandas")': PANDAS,
    'fo.read("a.csv", frame="pyarrow")': "Any",
    'fo.read("a.csv")': "Any",
    'fo.read("a.csv", frame=name)': "Any",
    'connection.payments("2026-03-01", status="failed", cache=False, frame="polars")': POLARS,
    'connection.payments(until=day, columns=["id"], frame="pandas")': PANDAS,
    "connection.payments()": "Any",
    'connection.trends(period="day", frame="polars")': POLARS,
    'connection.trends(frame="pandas")': PANDAS,
    'connection.methods(since=day, frame="polars")': POLARS,
    'connection.methods(frame="pandas")': PANDAS,
    'connection.declines(currency="USD", frame="polars")': POLARS,
    'connection.declines(frame="pandas")': PANDAS,
    'fo.read_rates("a.csv", source="ours", frame="polars")': POLARS,
    'fo.read_rates("a.csv", frame="pandas")': PANDAS,
    'connection.rates(day, quote="USD", frame="polars")': POLARS,
    'connection.rates(until=day, frame="pandas")': PANDAS,
    'fo.from_mongo("mongodb://db1", tenant="t", since=day, frame="polars")': POLARS,
    'fo.from_mongo("mongodb://db1", columns=["id"], frame="pandas")': PANDAS,
    'fo.datasets.cdnow(frame="polars")': POLARS,
    'fo.datasets.cdnow(frame="pandas")': PANDAS,
    'fo.datasets.simulated(5, since=day, until=day, frame="polars")': POLARS,
    'fo.datasets.simulated(5, since=day, until=day, frame="pandas")': PANDAS,
    **{
        f"fo.{call}": kind
        for frame, kind in (
            ("pl.DataFrame()", POLARS),
            ("pl.LazyFrame()", LAZY),
            ("pd.DataFrame()", PANDAS),
            ('duckdb.table("payments")', DUCKDB),
        )
        for call in (
            *(
                f"{name}({frame})"
                for name in (
                    *("metrics", "trends", "methods", "declines", "cohorts", "rfm", "retries"),
                    *("refund_curve", "anomalies", "forecast", "funnel", "orders", "waterfall"),
                    *("fees", "disputes", "activity"),
                )
            ),
            f'segments({frame}, by="country")',
            f"convert({frame}, pl.DataFrame(), to='EUR')",
            f"compare({frame}, window=(day, day), against=(day, day))",
            f'explain_change({frame}, by="method", window=(day, day), against=(day, day))',
        )
    },
}
HEAD = """\
from datetime import UTC, datetime

import duckdb
import pandas as pd
import polars as pl

import financeops as fo

connection = fo.connect()
day = datetime(2026, 3, 1, tzinfo=UTC)
name: str = input()
"""


WRONG = 'connection.payments(frame="polars", fields=["id"])'


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """What mypy prints about each of two programs, in its strict mode."""
    folder = tmp_path_factory.mktemp("programs")
    programs = {
        "revealing": HEAD + "".join(f"reveal_type({call})\n" for call in REVEALED),
        "wrong": f"{HEAD}{WRONG}\n",
    }
    for name, text in programs.items():
        (folder / f"{name}.py").write_text(text)
    # In one run, which takes half a minute, or seconds after `make check`, whose cache it shares.
    command = [sys.executable, "-m", "mypy", "--no-pretty", *folder.glob("*.py")]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    lines = ran.stdout.splitlines()
    return {name: "\n".join(each for each in lines if f"{name}.py:" in each) for name in programs}


@pytest.mark.timeout(600)
def test_each_kind_of_frame_is_known_to_mypy(said):
    found = re.findall(r'Revealed type is "(.*)"', said["revealing"])
    assert dict(zip(REVEALED, found, strict=True)) == REVEALED
    assert "error" not in said["revealing"]


def test_a_parameter_that_does_not_exist_is_an_error_to_mypy(said):
    assert 'Unexpected keyword argument "fields"' in said["wrong"]
