"""Simulated payments are recorded like real ones."""

import asyncio
import statistics
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from financeops.simulation.business import time_to_next
from server.settings import Settings
from server.simulation import Simulation, simulation_config
from tests.database import fresh_name, with_database
from tests.server.listener import Listener


async def test_payments_are_simulated_and_published(start, database_uri):
    server = start(
        database_uri,
        simulate=True,
        simulate_interval=0.02,
        simulate_success_rate=0.5,
        simulate_refund_rate=0.9,
        simulate_seed=7,
        methods="card,cash",
    )
    async with Listener(server.url, auth={"seq": 0}) as listener:
        types = {"payment_received", "payment_failed", "payment_refunded"}
        await listener.until(
            lambda: {event["type"] for event in listener.all("payment_event")} == types,
            seconds=40,
        )
        payments = [event["payment"] for event in listener.all("payment_event")]
        assert all(payment["orderId"].startswith("ord_") for payment in payments)
        assert all(
            payment["feeAmount"] > 0
            if payment["status"] != "failed"
            else "feeAmount" not in payment
            for payment in payments
        )
        assert {payment["source"] for payment in payments} == {"simulation"}
        assert {payment["method"] for payment in payments} <= {"card", "cash"}
        assert {payment["tenantId"] for payment in payments} == {"tenant_1"}


async def test_the_same_seed_gives_the_same_payments(start, mongodb_uri):
    async def first(count):
        uri = with_database(mongodb_uri, fresh_name())
        server = start(uri, simulate=True, simulate_interval=0.02, simulate_seed=11)
        async with Listener(server.url, auth={"seq": 0}) as listener:
            await listener.event("payment_event", count)
            events = listener.all("payment_event")[:count]
            return [(each["payment"]["amount"], each["payment"]["customerId"]) for each in events]

    one, other = await asyncio.gather(first(10), first(10))
    assert one == other


async def test_it_can_be_switched_off(server):
    async with httpx.AsyncClient(base_url=server.url) as http, Listener(server.url) as listener:
        await listener.event("heartbeat", 2)
        assert (await http.get("/payments")).json() == []


def test_after_a_first_history_payments_come_at_random_at_its_pace():
    now, pace = datetime(2026, 3, 10, 12, 20, tzinfo=UTC), timedelta(seconds=15)
    settings = Settings(mongodb_uri="mongodb://127.0.0.1", simulate_seed=3)
    simulation = Simulation(settings, intake=None, now=lambda: now, pace=lambda: pace)
    pauses = [simulation._pause() for _ in range(20_000)]
    mean = time_to_next(simulation_config(settings), now, pace=pace).total_seconds()
    # An exponential distribution: its deviation equals its mean, its median is ln 2 times that.
    assert statistics.mean(pauses) == pytest.approx(mean, rel=0.05)
    assert statistics.stdev(pauses) == pytest.approx(mean, rel=0.05)
    assert statistics.median(pauses) == pytest.approx(mean * 0.6931, rel=0.05)
    unhurried = Simulation(settings, intake=None, now=lambda: now)
    assert {unhurried._pause() for _ in range(10)} == {settings.simulate_interval}
