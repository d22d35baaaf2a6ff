"""A JavaScript client with the documented snippet gets what is recorded."""

import httpx
import pytest

from tests.e2e.listener import Listener
from tests.processes import start_server


@pytest.fixture
def server(database_uri):
    process = start_server(database_uri)
    yield process
    assert process.stop() == 0, process.said


@pytest.mark.parametrize("transports", ["default", "websocket", "polling"])
async def test_the_documented_snippet_gets_payments_failures_and_refunds(server, transports):
    listener = await Listener.start(server.url, "tenant_1", transports=transports)
    try:
        async with httpx.AsyncClient(base_url=server.url) as http:
            paid = (
                await http.post(
                    "/payments", json={"amount": 1850.5, "method": "card", "status": "success"}
                )
            ).json()
            failure = {
                "amount": 20,
                "method": "paypal",
                "status": "failed",
                "declineCode": "do_not_honor",
            }
            await http.post("/payments", json=failure)
            await http.post(f"/payments/{paid['_id']}/refund", params={"tenantId": "tenant_1"})
            of_others = {"amount": 1, "method": "card", "status": "success", "tenantId": "other"}
            await http.post("/payments", json=of_others)
            await http.post("/payments", json={"amount": 3, "method": "card", "status": "success"})

        received, failed, refunded, last = await listener.events(4)
    finally:
        await listener.stop()
    assert received["type"] == "payment_received"
    assert received["payment"] == paid
    assert received["previousStatus"] is None
    assert failed["type"] == "payment_failed"
    assert failed["payment"]["declineCode"] == "do_not_honor"
    assert (refunded["type"], refunded["previousStatus"]) == ("payment_refunded", "success")
    assert refunded["payment"]["_id"] == paid["_id"]
    assert last["payment"]["amount"] == 3
    assert [event["seq"] for event in (received, failed, refunded, last)] == [1, 2, 3, 4]


async def test_a_client_that_reconnects_gets_what_it_missed(server):
    async with httpx.AsyncClient(base_url=server.url) as http:
        for amount in range(1, 6):
            await http.post(
                "/payments", json={"amount": amount, "method": "card", "status": "success"}
            )
    listener = await Listener.start(server.url, "tenant_1", transports="websocket", seq=2)
    try:
        missed = await listener.events(3)
    finally:
        await listener.stop()
    assert [event["seq"] for event in missed] == [3, 4, 5]
