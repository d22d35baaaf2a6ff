"""Attempts of an order over the API: their numbers, the figures, and the list of one order."""

from datetime import UTC, datetime, timedelta

from financeops.client import Client
from tests.server.problem import problem
from tests.verification import verified

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
NAMES = ("orders", "succeededOrders", "orderSuccessRate", "firstAttemptRate", "recoveredShare")


async def test_attempts_in_any_order_are_an_order_that_began_with_the_earliest(
    http, tenant_id, shared_server
):
    async def record(days, status, **fields):
        created = (NOON + timedelta(days=days)).isoformat()
        body = {"tenantId": tenant_id, "amount": 10, "method": "card", "status": status}
        answer = await http.post("/payments", json=body | {"createdAt": created} | fields)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def figures(**params):
        asked = {"tenantId": tenant_id, **params}
        answer = (await http.get("/api/analytics/metrics", params=asked)).json()
        return [answer[name] for name in NAMES]

    first = await record(0, "failed", orderId="o-1", method="paypal")
    assert (first["attempt"], "recoveredBy" in first) == (1, False)
    last = await record(2, "success", orderId="o-1")
    assert last["attempt"] == 2
    assert await figures() == [1, 1, 100, 0, 100]
    between = await record(1, "failed", orderId="o-1")
    assert between["attempt"] == 2
    await record(1, "failed", orderId="o-2")
    alone = await record(1, "success")
    assert "attempt" not in alone
    assert await figures() == [3, 2, 66.666667, 33.333333, 50]
    # It counts where it began, in time and by method.
    day = {"from": NOON.isoformat(), "to": (NOON + timedelta(hours=1)).isoformat()}
    assert await figures(**day) == await figures(method="paypal") == [1, 1, 100, 0, 100]

    asked = {"tenantId": tenant_id, "orderId": "o-1"}
    listed = (await http.get("/payments", params=asked)).json()
    assert [(each["_id"], each["attempt"], each.get("recoveredBy")) for each in listed] == [
        (last["_id"], 3, None),
        (between["_id"], 2, None),
        (first["_id"], 1, 3),
    ]
    page = await http.get("/payments", params=asked | {"limit": 2})
    rest = await http.get(page.links["next"]["url"])
    assert page.json() + rest.json() == listed
    exported = await http.get("/payments/export", params=asked | {"status": "failed"})
    assert [line.split(",")[0] for line in exported.text.splitlines()[1:]] == [
        first["_id"],
        between["_id"],
    ]
    async with Client(shared_server.url) as client:
        found = [each.attempt async for each in client.payments(tenant_id, order_id="o-1")]
    assert found == [3, 2, 1]

    changes = (
        await http.get("/payments/changes", params={"tenantId": tenant_id, "after": 0})
    ).json()["changes"]
    told = [
        (each["type"], each["payment"]["attempt"], each.get("earlier"))
        for each in changes
        if each["payment"].get("orderId") == "o-1"
    ]
    assert told == [
        ("payment_failed", 1, None),
        ("payment_received", 2, None),
        ("payment_updated", 1, {"attempt": 1}),
        ("payment_failed", 2, None),
        ("payment_updated", 1, {"attempt": 1, "recoveredBy": 2}),
        ("payment_updated", 3, {"attempt": 2}),
    ]
    report = await verified(http, tenant_id)
    assert (report["differing"], report["shown"], report["misnumbered"]) == (0, [], [])


async def test_a_list_of_no_order_is_refused_or_empty(http, tenant_id):
    asked = {"tenantId": tenant_id}
    body = {"amount": 1, "method": "card", "status": "success", **asked}
    await http.post("/payments", json=body)
    assert (await http.get("/payments", params=asked | {"orderId": "none"})).json() == []
    for wrong in ("", " o", "o\n", "4242 4242 4242 4242", "x" * 201):
        answer = await http.get("/payments", params=asked | {"orderId": wrong})
        problem(answer, 422, field="orderId")
        assert "4242 4242" not in answer.text
