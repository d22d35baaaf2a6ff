"""The answers that callers get when the result of a commit stays unknown."""

import asyncio

import httpx
import pytest

from financeops.store.reading.queries import CHUNK
from tests.proxy import UNKNOWN_COMMIT

MAX_TIME_MS_EXPIRED = 50
"""A code after which the driver does not try again: what it meets in its last moment would be another reason."""


@pytest.fixture
async def server(start, proxy):
    """A server whose database is behind the proxy, which must run while it starts."""
    return await asyncio.to_thread(start, proxy.uri)


@pytest.fixture
async def http(server):
    async with httpx.AsyncClient(base_url=server.url, timeout=60) as http:
        yield http


def sale(tenant, **fields):
    return {"tenantId": tenant, "amount": 5, "method": "card", "status": "success", **fields}


@pytest.mark.parametrize("after", [False, True], ids=["lost", "committed"])
async def test_an_unknown_result_names_the_payments_that_may_be_recorded(after, proxy, http):
    paid = (await http.post("/payments", json=sale("given-back"))).json()["_id"]
    proxy.fail("commitTransaction", times=float("inf"), code=50, labels=UNKNOWN_COMMIT, after=after)
    batch = [sale("two"), sale("two", reference="a"), {"amount": -1}, sale("three")]
    keyed = [sale("four", reference="b"), sale("five", reference="c")]
    asked = {
        "bare": http.post("/payments", json=sale("bare")),
        "keyed": http.post("/payments", json=sale("keyed", reference="once")),
        "refund": http.post(f"/payments/{paid}/refund?tenantId=given-back"),
        "batch": http.post("/payments/batch", json=batch),
        "keyed batch": http.post("/payments/batch", json=keyed),
    }
    answers = dict(zip(asked, await asyncio.gather(*asked.values()), strict=True))
    proxy.heal()

    assert {answer.status_code for answer in answers.values()} == {503}
    ids = {name: answer.json()["payments"] for name, answer in answers.items()}
    assert {name: len(each) for name, each in ids.items()} == {
        "bare": 1,
        "keyed": 1,
        "refund": 1,
        "batch": 3,
        "keyed batch": 2,
    }
    assert ids["refund"] == [paid]
    for name in ("bare", "keyed", "refund"):
        assert f"GET /payments/{ids[name][0]}" in answers[name].json()["detail"]
    # A client that retries automatically must not record a payment twice.
    assert {name for name, answer in answers.items() if "Retry-After" in answer.headers} == {
        *("keyed", "refund", "keyed batch")
    }

    again = await http.post("/payments", json=sale("keyed", reference="once"))
    assert (again.status_code, again.json()["_id"]) == (200 if after else 201, ids["keyed"][0])
    found = [
        (await http.get(f"/payments/{payment}", params={"tenantId": tenant})).status_code
        for tenant, payment in (("bare", ids["bare"][0]), ("keyed", ids["keyed"][0]))
    ]
    assert found == ([200, 200] if after else [404, 200])
    figures = (await http.get("/api/analytics/metrics?tenantId=given-back")).json()
    assert (await http.post(f"/payments/{paid}/refund?tenantId=given-back")).is_success
    assert figures["refundedPayments"] == after


async def test_an_answer_that_breaks_off_is_cut_and_logged_in_one_line(proxy, http, server):
    days = [sale("shop", createdAt=f"2024-01-{1 + n % 28:02}T00:00:00Z") for n in range(1000)]
    for _ in range(CHUNK // 1000 + 1):
        assert (await http.post("/payments/batch", json=days)).is_success
    read = 0

    async def fail_at_the_second(command):
        nonlocal read
        read += command.get("find", command.get("aggregate")) == "payments"
        if read == 2:
            proxy.fail("find", "aggregate", "getMore", code=MAX_TIME_MS_EXPIRED, times=float("inf"))

    proxy.before = fail_at_the_second
    with pytest.raises(httpx.RemoteProtocolError):
        await http.get("/payments/export?tenantId=shop")
    lines = [line for line in server.said.splitlines() if "ERROR" in line]
    assert len(lines) == 1
    assert lines[0].endswith(
        " ERROR an answer broke off: the database does not answer in time: it is busy or has stalled"
    )
    assert "Traceback" not in server.said
