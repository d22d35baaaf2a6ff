"""Simulated payments come in like real ones."""

import asyncio

import httpx

from tests.database import fresh_name, with_database
from tests.server.listener import Listener


async def test_payments_come_by_themselves_and_are_published(start, database_uri):
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
