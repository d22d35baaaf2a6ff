"""The made-up shop: recorded once, the same for everybody, and its incidents are in its payments."""

from datetime import UTC, datetime

import polars as pl
import pytest

import financeops as fo
from financeops.core.errors import FinanceOpsError
from financeops.frames.schema import PAYMENTS as COLUMNS
from financeops.loading.demonstration import DAYS, PAYMENTS, SHOP, demo, demo_incidents, simulated
from tests.processes import start_server


@pytest.fixture
def server_url(database_uri):
    server = start_server(database_uri)
    yield server.url
    server.stop()


async def test_the_shop_is_recorded_once_as_it_is_simulated(server_url):
    tenant = demo(server_url, progress=False)
    with fo.connect(server_url, tenant=tenant) as shop:
        recorded = shop.payments(cache=False)
        seq = shop.metrics().seq
        assert demo(server_url, progress=False) == tenant
        assert shop.metrics().seq == seq, "the second time nothing was recorded"

    made_up = simulated(PAYMENTS, since=DAYS.start, until=DAYS.end)
    told = ["amount", "method", "status", "created_at", "country", "decline_code", "refunded_at"]
    order = ["created_at", "amount", "country"]
    assert recorded.sort(order).select(told).equals(made_up.sort(order).select(told))

    # A tenant of that name with a payment that is not the shop's is not taken for it.
    payment = {"tenantId": SHOP.tenant_id, "amount": 1, "method": "card", "status": "success"}
    async with fo.Client(server_url) as client:
        await client.post_payment(payment)
    with pytest.raises(FinanceOpsError, match="not the shop's"):
        demo(server_url, progress=False)


def test_simulated_payments_are_a_canonical_frame():
    payments = simulated(
        500, since=datetime(2026, 3, 1, tzinfo=UTC), until=datetime(2026, 3, 2, tzinfo=UTC)
    )
    assert set(payments.columns) == set(COLUMNS)
    assert payments["id"].n_unique() == 500
    assert payments["created_at"].is_sorted()
    assert (
        payments.filter(pl.col("status") == "refunded")
        .select((pl.col("refunded_at") == pl.col("updated_at")).all())
        .item()
    )


def test_nine_in_ten_card_payments_of_an_incident_fail_by_it():
    payments = simulated(PAYMENTS, since=DAYS.start, until=DAYS.end)
    for incident in demo_incidents():
        hit = payments.filter(
            pl.col("created_at").is_between(
                incident.window.start, incident.window.end, closed="left"
            ),
            pl.col("method") == "card",
            pl.col("country") == incident.country,
        )
        assert len(hit) >= 3
        failed = (hit["decline_code"] == "issuer_unavailable").fill_null(value=False)
        assert failed.mean() > 0.6
