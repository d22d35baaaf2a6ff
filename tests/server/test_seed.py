"""Seeding an empty database."""

import asyncio
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from financeops.core.wire import instant_of
from tests.server.listener import Listener
from tests.server.problem import problem


@pytest.fixture
async def fresh(server):
    """A client of a server on an empty database."""
    async with httpx.AsyncClient(base_url=server.url, timeout=60) as http:
        yield http


async def test_an_empty_database_is_seeded_once(fresh):
    answers = await asyncio.gather(*(fresh.post("/payments/seed") for _ in range(3)))
    messages = [(answer.json()["message"], answer.json()["count"]) for answer in answers]
    assert sorted(messages) == [("Already seeded", 1000)] * 2 + [("Seeded successfully", 1000)]
    assert all(answer.json().keys() == {"message", "count"} for answer in answers)
    payments = (await fresh.get("/payments?limit=1000")).json()
    assert len(payments) == 1000
    assert {payment["source"] for payment in payments} == {"seed"}
    assert {payment["status"] for payment in payments} == {"success", "failed", "refunded"}
    oldest = min(instant_of(payment["createdAt"]) for payment in payments)
    age = datetime.now(UTC) - oldest
    assert timedelta(days=28) < age < timedelta(days=30, minutes=1)
    assert (await fresh.get("/api/analytics/metrics")).json()["totalPayments"] == 1000


async def test_the_number_of_payments_can_be_chosen(fresh):
    answer = await fresh.post("/payments/seed?count=2500&days=3")
    assert answer.json() == {"message": "Seeded successfully", "count": 2500}
    metrics = (await fresh.get("/api/analytics/metrics")).json()
    assert metrics["totalPayments"] == 2500
    recent = datetime.now(UTC) - timedelta(days=3, minutes=1)
    only = await fresh.get("/api/analytics/metrics", params={"from": recent.isoformat()})
    assert only.json()["totalPayments"] == 2500


async def test_a_payment_of_any_tenant_prevents_it(fresh):
    order = {"tenantId": "other", "amount": 1, "method": "card", "status": "success"}
    await fresh.post("/payments", json=order)
    answer = await fresh.post("/payments/seed")
    # Their number is not revealed: they belong to another tenant.
    assert answer.json() == {"message": "Already seeded", "count": 0}
    await fresh.post("/payments", json=order | {"tenantId": "tenant_1"})
    answer = await fresh.post("/payments/seed")
    assert answer.json() == {"message": "Already seeded", "count": 1}


async def test_simulated_payments_do_not_prevent_it(start, database_uri):
    server = start(database_uri, simulate=True, simulate_interval=0.02, simulate_seed=3)
    async with httpx.AsyncClient(base_url=server.url, timeout=60) as http:
        async with Listener(server.url) as listener:
            await listener.event("payment_event")
        answer = await http.post("/payments/seed?days=365")
        assert answer.json() == {"message": "Seeded successfully", "count": 1000}
        assert (await http.post("/payments/seed")).json()["count"] == 1000
        # With what became of them, of which live payments have next to nothing yet.
        of_all = (await http.get("/api/analytics/metrics")).json()
        # About ten; which ones depends on the day.
        assert of_all["partiallyRefundedPayments"] + of_all["disputedPayments"] > 0
        assert 0 < of_all["feeRate"] < 5
        assert of_all["orders"] < of_all["totalPayments"]


async def test_two_servers_seed_once(start, database_uri):
    servers = [start(database_uri) for _ in range(2)]
    async with httpx.AsyncClient(timeout=60) as http:
        answers = await asyncio.gather(
            *(http.post(f"{server.url}/payments/seed") for server in servers)
        )
        assert [answer.text for answer in answers if answer.status_code != 200] == []
        metrics = (await http.get(f"{servers[0].url}/api/analytics/metrics")).json()
        assert metrics["totalPayments"] == 1000


async def test_a_page_for_people_without_curl(http):
    page = await http.get("/payments/seed")
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "<button" in page.text
    assert "://" not in page.text


@pytest.mark.parametrize(
    ("query", "field"), [("count=0", "count"), ("days=x", "days"), ("coun=5", "coun")]
)
async def test_a_wrong_parameter_is_named(http, query, field):
    problem(await http.post(f"/payments/seed?{query}"), 422, field=field)
