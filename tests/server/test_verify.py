"""Verifying and repairing the stored totals over HTTP."""

from pymongo import MongoClient

from tests.server.problem import problem
from tests.verification import verified


async def test_right_totals_are_confirmed(http, tenant_id, record):
    await record({"amount": 1}, {"amount": 2, "status": "failed"})
    report = await verified(http, tenant_id)
    assert report == {
        "tenantId": tenant_id,
        "seq": 2,
        "checked": 4,
        "differing": 0,
        "differences": [],
        "repaired": False,
        "asked": 2 * (1 + 26 + 9 + 32 + 14),
        "shown": [],
        "misnumbered": [],
        "mistimed": [],
        "unreported": [],
        "overdue": [],
    }


async def test_wrong_totals_are_reported_and_repaired(http, shared_server, tenant_id, record):
    await record({"amount": 1, "createdAt": "2024-12-09T14:00:00Z"})
    with MongoClient(shared_server.settings["mongodb_uri"]) as client:
        rollups = client.get_default_database().rollups
        of_day = {"tenantId": tenant_id, "grain": "day"}
        assert rollups.delete_many(of_day).deleted_count == 1

    report = await verified(http, tenant_id)
    (difference,) = report["differences"]
    assert difference == {
        "currency": "USD",
        "grain": "day",
        "start": "2024-12-09T00:00:00Z",
        "kept": {"methods": {}, "declines": {}, "hours": {}},
        "counted": {
            "methods": {"card": {"success": {"n": 1, "amount": 100}}},
            "declines": {},
            "hours": {"card": {"14": 1}},
        },
    }
    assert not report["repaired"]
    assert report["shown"] == []  # no figure displayed now needs that day
    assert (await verified(http, tenant_id, repair=True))["repaired"]
    assert (await verified(http, tenant_id))["differences"] == []


async def test_totals_beyond_32_bits_are_reported_like_others(http, tenant_id, record):
    """The database returns them as an integer type of its own."""
    await record({"amount": 10_000_000_000, "createdAt": "2024-12-09T23:30:00Z"})
    path = f"/api/tenants/{tenant_id}/timezone?timezone=Asia/Kathmandu"
    answer = await http.post(path)
    assert answer.status_code == 200, answer.text
    (day, *_) = [each for each in answer.json()["differences"] if each["grain"] == "day"]
    assert day["kept"]["methods"]["card"]["success"]["amount"] == 10**12
    asked = {"tenantId": tenant_id, "from": "2024-12-08T18:15:00Z", "to": "2024-12-10T18:15:00Z"}
    snapshot = await http.get("/api/analytics/snapshot", params={**asked, "rollups": "true"})
    assert snapshot.status_code == 200, snapshot.text


async def test_an_unknown_tenant_is_not_found(http):
    problem(await http.post("/api/verify?tenantId=nobody"), 404)
