"""Payments read directly from MongoDB."""

import asyncio

import pytest
from bson import ObjectId
from pymongo import MongoClient

from financeops.arrow.tables import SCHEMA
from financeops.cli.running.addresses import free_port
from financeops.core.errors import InvalidValue, Misconfigured, NotFound, Unavailable
from financeops.loading.mongo import from_mongo


@pytest.fixture
def load(server_uri, tenant_id):
    """``load(status="failed")``: payments of the test's tenant."""
    return lambda *uri, **params: from_mongo(*uri or [server_uri], tenant=tenant_id, **params)


def test_payments_equal_those_of_the_server(connection, record, refund, load):
    first, *_ = record(
        *(
            {"amount": n, "createdAt": f"2024-{n % 12 + 1:02}-01T00:00:00Z", "country": "DE"}
            for n in range(1, 400)
        ),
        {"amount": 1.005, "currency": "KWD", "customerId": "ü🙂", "reference": "order"},
        {"amount": 0, "status": "failed", "declineCode": "expired_card", "method": "paypal"},
    )
    refund(first)
    table = load(frame="pyarrow")
    assert table.schema == SCHEMA
    assert table.to_pylist() == connection.payments(frame="pyarrow", cache=False).to_pylist()
    for params in (
        {"status": "refunded"},
        {"method": "paypal", "columns": ["id", "status"]},
        {"currency": "KWD", "columns": ["amount"]},
        {"since": "2024-03-01", "until": "2024-06-01"},
        {"since": "2030-01-01"},
        {"columns": ["created_at", "method"]},
    ):
        expected = connection.payments(frame="pyarrow", cache=False, **params)
        found = load(frame="pyarrow", **params)
        assert found.schema == expected.schema, params
        assert found.to_pylist() == expected.to_pylist(), params


async def test_it_works_where_an_event_loop_runs(record, load):
    await asyncio.to_thread(record, {"amount": 1})
    assert len(load()) == 1


def test_wrong_parameters_are_named(record, load, server_uri):
    record(amount=1)
    for params, field in [
        ({"status": "paid"}, "status"),
        ({"since": "2024-01-01T00:00:00"}, "since"),
        ({"since": "2024-02-01", "until": "2024-01-01"}, "since"),
        ({"columns": ["_id"]}, "columns"),
        ({"frame": "spark"}, "frame"),
    ]:
        with pytest.raises(InvalidValue, match=f"^{field}: "):
            load(**params)
    with pytest.raises(NotFound, match="nobody"):
        from_mongo(server_uri, tenant="nobody")
    with pytest.raises(Misconfigured, match="MongoDB URI"):
        load("http://localhost")


def test_an_unreachable_database_is_an_error(load):
    with pytest.raises(Unavailable):
        load(f"mongodb://127.0.0.1:{free_port()}/?serverSelectionTimeoutMS=500")


def test_an_invalid_stored_value_is_named(record, load, server_uri):
    (payment_id,) = record(amount=1)
    with MongoClient(server_uri) as client:
        payments = client.get_default_database().payments
        # An earlier version, or another program with the right to, may have stored it.
        payments.update_one(
            {"_id": ObjectId(payment_id)},
            {"$set": {"country": 49}},
            bypass_document_validation=True,
        )
    with pytest.raises(InvalidValue, match=f"^country: of payment {payment_id} is 49"):
        load()
