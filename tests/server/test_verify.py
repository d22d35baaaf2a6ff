"""Checking and repairing the kept sums over HTTP."""

from pymongo import MongoClient

from tests.server.problem import problem


async def test_sums_that_are_right(http, tenant_id, record):
    await record({"amount": 1}, {"amount": 2, "status": "failed"})
    report = (await http.get(f"/api/verify?tenantId={tenant_id}")).json()
    assert report == {
        "tenantId": tenant_id,
        "seq": 2,
        "checked": 4,
        "differences": [],
        "repaired": False,
        "asked": 2 * (1 + 26 + 9 + 32 + 14),
        "shown": [],
    }


async def test_sums_that_are_wrong_are_told_and_repaired(http, shared_server, tenant_id, record):
    await record({"amount": 1, "createdAt": "2024-12-09T14:00:00Z"})
    with MongoClient(shared_server.settings["mongodb_uri"]) as client:
        rollups = client.get_default_database().rollups
        of_day = {"tenantId": tenant_id, "grain": "day"}
        assert rollups.delete_many(of_day).deleted_count == 1

    query = f"/api/verify?tenantId={tenant_id}"
    report = (await http.get(query)).json()
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
    assert report["shown"] == []  # nothing that is shown now needs that day
    assert (await http.post(query)).json()["repaired"]
    assert (await http.get(query)).json()["differences"] == []


async def test_an_unknown_tenant_is_not_found(http):
    problem(await http.get("/api/verify?tenantId=nobody"), 404)
    problem(await http.post("/api/verify?tenantId=nobody"), 404)
