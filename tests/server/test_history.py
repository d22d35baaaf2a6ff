"""Counts by month and the change log, which keep copies of payments up to date."""

from financeops.core.wire import decode
from tests.server.problem import problem


async def answered(http, path, **query):
    response = await http.get(f"/payments/{path}", params=query)
    assert response.status_code == 200, response.text
    return decode(response.content)


async def test_months_count_payments_of_all_currencies(http, record, tenant_id):
    first, *_ = await record(
        {"amount": 1, "createdAt": "2024-10-31T23:59:59.999Z"},
        {"amount": 1, "createdAt": "2024-11-01T00:00:00Z", "currency": "EUR"},
        {"amount": 1, "createdAt": "2024-11-01T00:00:00Z", "status": "failed"},
        {"amount": 1, "createdAt": "2025-01-01T00:00:00Z", "status": "refunded"},
    )
    found = await answered(http, "months", tenantId=tenant_id)
    assert (found["seq"], found["timezone"], found["currency"]) == (4, "UTC", "USD")
    assert [(each["month"], each["payments"], each["refunded"]) for each in found["months"]] == [
        ("2024-10", 1, 0),
        ("2024-11", 2, 0),
        ("2025-01", 1, 1),
    ]
    assert found["months"][1]["from"] == "2024-11-01T00:00:00Z"
    assert found["months"][1]["to"] == "2024-12-01T00:00:00Z"
    await http.post(f"/payments/{first}/refund", params={"tenantId": tenant_id})
    later = await answered(http, "months", tenantId=tenant_id)
    assert (later["seq"], later["months"][0]["refunded"]) == (5, 1)
    assert later["history"] == found["history"]


async def test_months_begin_in_the_tenants_zone(http, record, tenant_id):
    await record(createdAt="2024-10-31T23:30:00Z")
    await http.post(f"/api/tenants/{tenant_id}/timezone?timezone=Europe/Berlin")
    (month,) = (await answered(http, "months", tenantId=tenant_id))["months"]
    assert (month["month"], month["from"]) == ("2024-11", "2024-10-31T23:00:00Z")


async def test_each_tenant_has_a_history_of_its_own(http, record, tenant_id):
    await record(amount=1)
    mine = await answered(http, "months", tenantId=tenant_id)
    other = await answered(http, "months")
    assert mine["history"]
    assert mine["history"] != other["history"]


async def test_changes_equal_those_of_the_stream(http, record, tenant_id):
    first, _ = await record({"amount": 1}, {"amount": 2, "status": "failed"})
    await http.post(f"/payments/{first}/refund", params={"tenantId": tenant_id})
    found = await answered(http, "changes", tenantId=tenant_id, after=1)
    assert (found["seq"], found["complete"]) == (3, True)
    assert [(each["seq"], each["type"]) for each in found["changes"]] == [
        (2, "payment_failed"),
        (3, "payment_refunded"),
    ]
    assert found["changes"][1]["previousStatus"] == "success"
    nothing = {"seq": 3, "complete": True, "changes": []}
    assert await answered(http, "changes", tenantId=tenant_id, after=3) == nothing


async def test_a_number_beyond_the_last_is_not_complete(http, record, tenant_id):
    await record(amount=1)
    nothing = {"seq": 1, "complete": False, "changes": []}
    assert await answered(http, "changes", tenantId=tenant_id, after=7) == nothing


async def test_a_wrong_parameter_is_named(http):
    problem(await http.get("/payments/months?tenantId=nobody"), 404)
    problem(await http.get("/payments/months?month=2024-10"), 422, field="month")
    problem(await http.get("/payments/changes"), 422, field="after")
    problem(await http.get("/payments/changes?after=-1"), 422, field="after")
    problem(await http.get("/payments/changes?after=0&limit=100000"), 422, field="limit")
    problem(await http.get("/payments/changes?after=0&tenantId=nobody"), 404)
