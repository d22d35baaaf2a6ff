"""Payments and figures of a running server, loaded synchronously."""

import asyncio
import gc
import io
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout
from datetime import UTC, date, datetime
from decimal import Decimal

import httpx
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from IPython.core.interactiveshell import InteractiveShell

from financeops.arrow.tables import SCHEMA
from financeops.cli.running.addresses import free_port
from financeops.core.errors import InvalidValue, NotFound, Unavailable
from financeops.loading import connect
from tests.database import NAMED_URI, EmbeddedDatabase, fresh_name, with_database
from tests.processes import hang, start_server

ONE = {
    "amount": 1850.5,
    "currency": "USD",
    "status": "failed",
    "declineCode": "expired_card",
    "createdAt": "2024-12-09T14:00:00.123Z",
    "customerId": "cus_ü",
    "country": "DE",
    "reference": "order-1",
}


@pytest.mark.parametrize("cache", [True, False])
def test_a_payment_arrives_in_the_canonical_columns(connection, record, tenant_id, cache):
    (payment_id,) = record(ONE)
    table = connection.payments(frame="pyarrow", cache=cache)
    assert table.schema == SCHEMA
    (row,) = table.to_pylist()
    updated_at = row.pop("updated_at")
    assert updated_at.tzinfo is not None
    assert row == {
        "id": payment_id,
        "tenant_id": tenant_id,
        "amount": 185050,
        "currency": "USD",
        "method": "card",
        "status": "failed",
        "created_at": datetime(2024, 12, 9, 14, 0, 0, 123000, tzinfo=UTC),
        "source": "import",
        "reference": "order-1",
        "customer_id": "cus_ü",
        "country": "DE",
        "decline_code": "expired_card",
        "decline_group": None,
        "refunded_at": None,
        "refunded_amount": 0,
        "refunds": None,
        **dict.fromkeys(("dispute", "fees", "payout_id", "settled_at", "settled_currency")),
        **dict.fromkeys(("fee_amount", "settled_amount", "revision"), 0),
        **dict.fromkeys(("reporting_amount", "reporting_currency")),
        **dict.fromkeys(("rate", "rate_date", "rate_source")),
        **dict.fromkeys(("order_id", "attempt", "recovered_by")),
        **dict.fromkeys(("processor", "network", "funding", "issuer_country")),
        **dict.fromkeys(("bin", "last4", "channel", "authentication", "metadata")),
        "failure_stage": "declined",
        "decline_kind": "soft",
    }


def test_each_library_gets_its_own_types(connection, record):
    record(ONE)
    frame = connection.payments()
    assert isinstance(frame, pl.DataFrame)
    assert frame.schema["amount"] == pl.Int64
    assert frame.schema["created_at"] == pl.Datetime("ms", "UTC")
    assert frame.schema["refunded_at"] == pl.Datetime("ms", "UTC")
    assert frame.schema["decline_group"] == pl.String
    frame = connection.payments(frame="pandas")
    assert isinstance(frame, pd.DataFrame)
    assert frame.dtypes["amount"] == "int64"
    assert str(frame.dtypes["created_at"]) == "datetime64[ms, UTC]"
    assert isinstance(connection.payments(frame="pyarrow"), pa.Table)


def test_every_payment_arrives_once_oldest_first(connection, record):
    payments = [
        {"amount": n, "createdAt": f"2024-{n % 12 + 1:02}-{n % 28 + 1:02}T00:00:00Z"}
        for n in range(1, 900)
    ]
    record(*payments)
    for cache in (False, True, True):
        frame = connection.payments(columns=["amount", "created_at", "id"], cache=cache)
        assert sorted(frame["amount"]) == [100 * n for n in range(1, 900)]
        assert frame.rows() == sorted(frame.rows(), key=lambda row: (row[1], row[2]))


@pytest.mark.parametrize("cache", [True, False])
def test_only_the_selection_is_loaded(connection, record, cache):
    record(
        {"amount": 1, "status": "failed", "createdAt": "2024-11-30T23:59:59.999Z"},
        {"amount": 2, "method": "paypal", "createdAt": "2024-12-01T00:00:00Z"},
        {"amount": 3, "currency": "EUR", "createdAt": "2024-12-11T14:00:00Z"},
    )

    def amounts(*window, **params):
        found = connection.payments(*window, columns=["amount"], cache=cache, **params)
        assert found.columns == ["amount"]
        return [amount // 100 for amount in found["amount"]]

    assert amounts() == [1, 2, 3]
    assert amounts(status="failed") == [1]
    assert amounts(method="paypal") == [2]
    assert amounts(currency="EUR") == [3]
    assert amounts(date(2024, 12, 1)) == [2, 3]
    assert amounts(until="2024-12-01") == [1]
    assert amounts("2024-12-01T00:00:00.001Z", "2024-12-12") == [3]
    assert amounts(datetime(2024, 12, 1, tzinfo=UTC), date(2024, 12, 2)) == [2]
    assert amounts("2023-01-01", "2024-01-01") == []


def test_a_date_is_a_day_of_the_tenant(connection, record, http, tenant_id):
    record(
        {"amount": 1, "createdAt": "2024-11-30T22:59:00Z"},
        {"amount": 2, "createdAt": "2024-11-30T23:00:00Z"},
    )
    answer = http.post(f"/api/tenants/{tenant_id}/timezone?timezone=Europe/Berlin")
    assert answer.status_code == 200
    for cache in (True, False):
        found = connection.payments("2024-12-01", columns=["amount"], cache=cache)
        assert found["amount"].to_list() == [200]


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"since": datetime(2024, 12, 1)}, "since"),  # noqa: DTZ001
        ({"since": "2024-12-01T00:00:00"}, "since"),
        ({"until": "yesterday"}, "until"),
        ({"until": 20241201}, "until"),
        ({"since": "2024-12-01", "until": "2024-12-01"}, "since"),
        ({"since": date(1969, 12, 31)}, "since"),
        ({"status": "paid"}, "status"),
        ({"columns": ["createdAt"]}, "columns"),
        ({"columns": "amount"}, "columns"),
        ({"columns": []}, "columns"),
        ({"frame": "spark"}, "frame"),
    ],
)
def test_wrong_parameters_are_named(connection, record, params, field):
    record(ONE)
    with pytest.raises(InvalidValue, match=f"^{field}: ") as refused:
        connection.payments(**params)
    assert "\n" not in str(refused.value)


def test_no_payments_still_have_columns(connection, record):
    record(ONE)
    for cache in (True, False):
        table = connection.payments(since="2025-01-01", frame="pyarrow", cache=cache)
        assert (table.num_rows, table.schema) == (0, SCHEMA)


def test_a_tenant_without_payments_has_an_empty_frame(server, cache_folder):
    with connect(server.url) as connection:
        for cache in (True, False):
            table = connection.payments(frame="pyarrow", cache=cache)
            assert (table.num_rows, table.schema) == (0, SCHEMA)
        assert connection.metrics().success_rate is None


@pytest.mark.parametrize("figures", ["metrics", "trends", "methods", "declines", "snapshot"])
def test_a_misspelt_parameter_is_an_error(connection, record, figures):
    record(amount=1)
    with pytest.raises(TypeError, match="unexpected keyword argument 'perod'"):
        getattr(connection, figures)(perod="week")


def test_figures_are_those_of_the_server(connection, record, http, tenant_id):
    record(
        {"amount": 1850.5, "createdAt": "2024-12-09T14:00:00Z"},
        {"amount": 9.5, "status": "failed", "declineCode": "expired_card", "method": "paypal"},
        {"amount": 1000, "currency": "JPY"},
    )
    metrics = connection.metrics()
    assert (metrics.total_volume, metrics.success_rate) == (Decimal("1850.5"), 50)
    assert connection.metrics(since="2024-12-10").total_payments == 1
    assert connection.metrics(period="day", compare=True).previous.total_payments == 0
    trends = connection.trends(since="2024-12-09", until="2024-12-10")
    assert trends.columns == ["currency", "start", "amount", "count", "success_rate"]
    assert len(trends) == 24
    assert trends.filter(pl.col("count") > 0).rows() == [
        ("USD", datetime(2024, 12, 9, 14, tzinfo=UTC), 185050, 1, 100.0)
    ]
    assert connection.trends(currency="JPY")["amount"].sum() == 1000
    assert connection.methods(frame="pyarrow").to_pylist() == [
        {
            "currency": "USD",
            "method": "card",
            "count": 1,
            "volume": 185050,
            "success_rate": 100.0,
            "share": 50.0,
        },
        {
            "currency": "USD",
            "method": "paypal",
            "count": 1,
            "volume": 0,
            "success_rate": 0.0,
            "share": 50.0,
        },
    ]
    declines = connection.declines(frame="pandas")
    assert declines.to_dict("records") == [
        {
            "currency": "USD",
            "decline_code": "expired_card",
            "count": 1,
            "volume": 950,
            "share": 100.0,
        }
    ]
    snapshot = connection.snapshot(period="year")
    assert snapshot.seq == metrics.seq == 3
    assert len(snapshot.payments) == 3


async def test_it_works_where_an_event_loop_runs(connection, record):
    record(ONE)
    assert asyncio.get_running_loop().is_running()
    assert len(connection.payments()) == 1
    assert connection.metrics().total_payments == 1


def test_an_unreachable_server_is_named():
    url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(Unavailable, match=f"{url}.*financeops up"):
        connect(url)


def test_a_notebook_shows_why_and_no_traceback():
    shell = InteractiveShell()
    with redirect_stdout(io.StringIO()) as shown:
        shell.run_cell(
            f"import financeops as fo; fo.connect('http://127.0.0.1:{free_port()}')",
            store_history=False,
        )
    assert shown.getvalue().startswith("Unavailable: no connection to http://127.0.0.1:")
    assert len(shown.getvalue().splitlines()) == 1


def test_an_unknown_tenant_is_named(server, cache_folder):
    with connect(server.url, "nobody") as connection, pytest.raises(NotFound, match="nobody"):
        connection.payments()


def test_a_closed_connection_says_so(server):
    connection = connect(server.url)
    connection.close()
    connection.close()
    with pytest.raises(Exception, match=r"closed: open another with fo\.connect"):
        connection.metrics()


def test_a_forgotten_connection_leaves_nothing_open(server):
    """Unclosed sockets and loops warn when they are garbage-collected, and warnings are errors here."""
    connection = connect(server.url)
    connection.metrics()
    del connection
    gc.collect()


@pytest.mark.skipif(NAMED_URI is not None, reason="suspends the database")
def test_a_busy_server_is_asked_again_until_it_answers(tmp_path, caplog):
    database = EmbeddedDatabase(tmp_path)
    database.start()
    server = start_server(with_database(database.uri, fresh_name()))
    try:
        with connect(server.url) as connection, ThreadPoolExecutor() as threads:
            sale = {"amount": 5, "method": "card", "status": "success"}
            httpx.post(f"{server.url}/payments", json=sale).raise_for_status()
            hang(database.process.pid)
            loading = threads.submit(connection.payments, cache=False)
            while "trying again" not in caplog.text:
                assert not loading.done()
                time.sleep(0.05)
            database.process.send_signal(signal.SIGCONT)
            assert loading.result(60)["amount"].to_list() == [500]
    finally:
        database.process.send_signal(signal.SIGCONT)
        server.stop()
        database.kill()
