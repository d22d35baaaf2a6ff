"""Real input: the 69,659 CDNOW purchases of the package lifetimes, through the command line."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib.metadata import files
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pytest

from financeops.client import Client
from tests.processes import ROOT, environment, start_server

PURCHASES = 69_659
FREE = 80
EQUAL_TO_ANOTHER = 255
ZONE = "America/New_York"


@pytest.fixture(scope="module")
def purchases() -> Path:
    """The file as the package ships it; the package itself is not imported."""
    (file,) = (file for file in files("lifetimes") or [] if file.name == "CDNOW_master.txt")
    return Path(str(file.locate()))


@pytest.fixture
def server(database_uri):
    server = start_server(
        database_uri, tenants=f'{{"cdnow": {{"currency": "USD", "timezone": "{ZONE}"}}}}'
    )
    yield server
    server.stop()


def independently(purchases: Path) -> duckdb.DuckDBPyRelation:
    """The same file read by DuckDB: amounts as decimals, columns by their places."""
    return duckdb.sql(
        f"""
        SELECT trim(line[1:6]) AS customer,
               strptime(trim(line[7:15]), '%Y%m%d')::DATE AS day,
               trim(line[16:18])::INTEGER AS cds,
               trim(line[19:])::DECIMAL(12, 2) AS dollars
        FROM read_csv('{purchases}', columns = {{'line': 'VARCHAR'}}, header = true,
                      delim = '\x01', quote = '', escape = '')
        """
    )


def run_import(purchases: Path, url: str) -> str:
    command = [
        *(sys.executable, "-m", "financeops", "import", purchases, "--tenant", "cdnow"),
        *("--delimiter", "whitespace", "--default", "method=card,status=success"),
        *("--map", "customerId=customer_id,createdAt=date,amount=dollar_value"),
        *("--rejects", "/dev/null"),
    ]
    done = subprocess.run(
        command,
        env=environment({"url": url}),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_every_purchase_is_imported_and_every_sum_is_right_to_the_cent(purchases, server):
    said = run_import(purchases, server.url)
    assert "69,659 created, 0 duplicate, 0 rejected" in said

    rows = independently(purchases)
    count, volume, free = rows.aggregate(
        "count(*), sum(dollars), count(*) FILTER (dollars = 0)"
    ).fetchall()[0]
    assert (count, free) == (PURCHASES, FREE)
    assert count - rows.distinct().count("*").fetchall()[0][0] == EQUAL_TO_ANOTHER
    months: list[tuple[date, int, Decimal]] = (
        rows.aggregate("date_trunc('month', day)::DATE AS month, count(*), sum(dollars)")
        .order("month")
        .fetchall()
    )
    assert len(months) == 18

    async with Client(server.url) as client:
        metrics = await client.metrics("cdnow")
        assert (metrics.total_payments, metrics.total_volume) == (count, volume)
        assert (metrics.currency, metrics.timezone) == ("USD", ZONE)
        for month, payments, dollars in months:
            start, end = midnight(month), midnight(following(month))
            found = await client.metrics("cdnow", start=start, end=end)
            assert (found.total_payments, found.total_volume) == (payments, dollars), month


def midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(ZONE)).astimezone(UTC)


def following(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)
