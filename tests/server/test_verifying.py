"""Verifications in the background: their progress, their tenants, their number."""

import asyncio
from datetime import timedelta
from math import inf

import httpx
import pytest
from pymongo import MongoClient

from server.verifying import KEPT, MOST_ADMITTED, MOST_ADMITTED_OF_TENANT, MOST_KEPT_OF_TENANT
from tests.builders import NOON
from tests.clocked import set_clock
from tests.server.problem import problem
from tests.verification import ended, seen, verified


@pytest.fixture
async def slow(proxy, start):
    """A client and its server, whose database does not answer verifications.

    Each of five tenants has a payment.
    """
    server = await asyncio.to_thread(start, proxy.uri)
    async with httpx.AsyncClient(base_url=server.url, timeout=30) as http:
        for number in range(1, 6):
            order = {"tenantId": f"tenant_{number}", "amount": 5, "method": "card"}
            assert (await http.post("/payments", json={**order, "status": "success"})).is_success
        # Reading at one moment ends with a commit; all other commits are done by now.
        proxy.fail("commitTransaction", times=inf, delay=inf)
        yield http, server
    await asyncio.to_thread(server.stop)  # while the proxy runs


async def begin(http, tenant_id, *, repair=False):
    asked = {"tenantId": tenant_id, "repair": str(repair).lower()}
    return await http.post("/api/verify", params=asked)


async def test_it_is_answered_at_once_and_later_has_its_result(http, record, tenant_id):
    await record({"amount": 1}, {"amount": 2, "status": "failed"})
    started = await begin(http, tenant_id)
    assert started.status_code == 202
    said = started.json()
    assert started.headers["location"] == f"/api/verify/{said['id']}?tenantId={tenant_id}"
    assert said | {"state": "", "id": "", "progress": None} == {
        "id": "",
        "tenantId": tenant_id,
        "repair": False,
        "state": "",
        "progress": None,
        "report": None,
        "problem": None,
    }
    found = await ended(http, started)
    assert (found["state"], found["problem"]) == ("done", None)
    assert found["progress"]["step"] == "figures"
    assert (found["report"]["seq"], found["report"]["differences"]) == (2, [])


async def test_it_repairs_only_on_request(http, shared_server, record, tenant_id):
    await record({"amount": 1})
    with MongoClient(shared_server.settings["mongodb_uri"]) as client:
        wrong = {"tenantId": tenant_id, "grain": "total"}
        client.get_default_database().rollups.delete_one(wrong)
    for repair in (False, True):
        found = await ended(http, await begin(http, tenant_id, repair=repair))
        assert (found["report"]["differing"], found["report"]["repaired"]) == (1, repair)
    compared = await verified(http, tenant_id)
    assert (compared["differing"], compared["repaired"]) == (0, False)


async def test_only_its_tenant_can_see_it(http, record, tenant_id):
    await record({"amount": 1})
    started = await begin(http, tenant_id)
    path = f"/api/verify/{started.json()['id']}"
    for method, of in (("GET", f"{path}"), ("POST", f"{path}/stop")):
        said = problem(await http.request(method, of, params={"tenantId": f"{tenant_id}x"}), 404)
        assert "has no verification" in said["detail"]
        problem(await http.request(method, of), 404)
    assert (await ended(http, started))["state"] == "done"
    problem(await begin(http, "nobody"), 404)


async def test_they_take_turns_and_can_be_stopped(slow):
    http, _ = slow
    first = await begin(http, "tenant_1")
    await seen(http, first, "running")
    second = await begin(http, "tenant_2", repair=True)

    async def states():
        found = [(await http.get(each.headers["location"])).json() for each in (first, second)]
        return [each["state"] for each in found]

    assert await states() == ["running", "waiting"]
    assert "\nfinanceops_verifications 2.0\n" in (await http.get("/metrics")).text
    for started, left in ((second, "running"), (first, "stopped")):
        path = f"/api/verify/{started.json()['id']}/stop"
        of_tenant = {"tenantId": started.json()["tenantId"]}
        assert (await http.post(path, params=of_tenant)).json()["state"] == "stopped"
        assert await states() == [left, "stopped"]
    assert "\nfinanceops_verifications 0.0\n" in (await http.get("/metrics")).text


async def test_the_number_that_waits_is_limited_in_all_and_per_tenant(slow):
    http, _ = slow
    zone = "/api/tenants/tenant_1/timezone?timezone=UTC"
    for _ in range(MOST_ADMITTED_OF_TENANT):
        assert (await begin(http, "tenant_1")).status_code == 202
    for refused in (await begin(http, "tenant_1"), await http.post(zone)):
        assert "2 verifications of tenant 'tenant_1' run or wait" in problem(refused, 503)["detail"]
        assert refused.headers["retry-after"]
    for number in range(MOST_ADMITTED_OF_TENANT, MOST_ADMITTED):
        tenant_id = f"tenant_{number // MOST_ADMITTED_OF_TENANT + 1}"
        assert (await begin(http, tenant_id)).status_code == 202
    assert MOST_ADMITTED == 4 * MOST_ADMITTED_OF_TENANT
    # However many ask at once, each is told why: those of a tenant that may have no more, and all others.
    tenants = ["tenant_1", "tenant_5"] * 12
    at_once = await asyncio.gather(*(begin(http, tenant_id) for tenant_id in tenants))
    for tenant_id, refused in zip(tenants, at_once, strict=True):
        why = (
            "2 verifications of tenant"
            if tenant_id == "tenant_1"
            else "8 verifications run or wait on"
        )
        assert why in problem(refused, 503)["detail"]


async def test_only_the_latest_results_are_kept_for_an_hour(start, database_uri, tmp_path):
    clock = tmp_path / "clock"
    set_clock(clock, NOON)
    server = start(database_uri, clock=clock)
    async with httpx.AsyncClient(base_url=server.url, timeout=30) as http:

        async def there():
            return [(await http.get(each.headers["location"])).is_success for each in started]

        started = []
        for _ in range(MOST_KEPT_OF_TENANT + 1):
            started.append(await begin(http, "tenant_1"))
            assert (await ended(http, started[-1]))["state"] == "done"
        assert await there() == [False] + [True] * MOST_KEPT_OF_TENANT
        set_clock(clock, NOON + KEPT)
        assert await there() == [False] + [True] * MOST_KEPT_OF_TENANT
        set_clock(clock, NOON + KEPT + timedelta(milliseconds=1))
        assert not any(await there())


async def test_a_stopping_server_stops_them(slow, start, database_uri):
    http, server = slow
    began = await begin(http, "tenant_1", repair=True)
    waits = await begin(http, "tenant_2")
    await asyncio.to_thread(server.stop)
    successor = await asyncio.to_thread(start, database_uri)
    async with httpx.AsyncClient(base_url=successor.url) as other:
        for each in (began, waits):
            said = problem(await other.get(each.headers["location"]), 404)
            assert "until it stops" in said["detail"]
