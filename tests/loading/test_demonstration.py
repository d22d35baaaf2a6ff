"""The simulated shop is recorded once, is the same for everybody, and has incidents."""

from datetime import UTC, datetime

import polars as pl
import pytest

import financeops as fo
from financeops.core.columns import PAYMENTS as COLUMNS
from financeops.core.errors import FinanceOpsError
from financeops.loading.demonstration import DAYS, PAYMENTS, SHOP, demo, demo_incidents, simulated
from tests.processes import start_server


async def test_a_tenant_of_that_name_with_other_payments_is_not_taken_for_the_shop(database_uri):
    server = start_server(database_uri)
    payment = {"tenantId": SHOP.tenant_id, "amount": 1, "method": "card", "status": "success"}
    async with fo.Client(server.url) as client:
        await client.post_payment(payment)
    with pytest.raises(FinanceOpsError, match="not the shop's"):
        demo(server.url, progress=False)
    async with fo.Client(server.url) as client:
        assert (await client.metrics(SHOP.tenant_id)).total_payments == 1
    assert server.stop() == 0


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
