"""Recording, refunding and reading payments over HTTP."""

import asyncio
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from financeops.core.wire import decode, timestamp
from tests.server.problem import problem

ORDINARY = {"amount": 18.5, "method": "card", "status": "success"}


def order(tenant_id, **fields):
    return {"tenantId": tenant_id, **ORDINARY, **fields}


async def total(http, tenant_id):
    return (await http.get("/api/analytics/metrics", params={"tenantId": tenant_id})).json()


async def test_a_payment_is_recorded_with_defaults(http, tenant_id):
    before = datetime.now(UTC) - timedelta(seconds=1)
    response = await http.post("/payments", json=order(tenant_id))
    assert response.status_code == 201
    payment = response.json()
    assert payment["_id"]
    assert payment["tenantId"] == tenant_id
    assert payment["currency"] == "USD"
    assert payment["source"] == "api"
    created_at = datetime.fromisoformat(payment["createdAt"])
    assert before <= created_at <= datetime.now(UTC) + timedelta(seconds=1)
    read = await http.get(f"/payments/{payment['_id']}", params={"tenantId": tenant_id})
    assert read.json() == payment


async def test_the_default_tenant_is_tenant_1(http):
    payment = (await http.post("/payments", json=ORDINARY)).json()
    assert payment["tenantId"] == "tenant_1"
    assert (await http.get(f"/payments/{payment['_id']}")).status_code == 200


async def test_every_field_comes_back(http, tenant_id):
    given = order(
        tenant_id,
        amount=1999,
        currency="JPY",
        method="paypal",
        status="failed",
        createdAt="2024-12-09T15:00:00.25+01:00",
        reference="order-1",
        customerId="cus_1",
        country="JP",
        declineCode="do_not_honor",
    )
    payment = (await http.post("/payments", json=given)).json()
    assert payment.items() >= {**given, "createdAt": "2024-12-09T14:00:00.250Z"}.items()


async def test_amounts_are_exact(http, tenant_id):
    for text in ("0.1", "0.2", "9999999999.99"):
        body = f'{{"tenantId":"{tenant_id}","amount":{text},"method":"card","status":"success"}}'
        response = await http.post("/payments", content=body)
        assert str(decode(response.content)["amount"]) == text
    volume = await http.get("/api/analytics/metrics", params={"tenantId": tenant_id})
    assert str(decode(volume.content)["totalVolume"]) == "10000000000.29"


async def test_zero_is_an_amount(http, tenant_id):
    assert (await http.post("/payments", json=order(tenant_id, amount=0))).status_code == 201


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"amount": -1}, "amount"),
        ({"amount": 1.005}, "amount"),
        ({"amount": 1.5, "currency": "JPY"}, "amount"),
        ({"amount": "18.50"}, "amount"),
        ({"amount": None}, "amount"),
        ({"amount": 10**15}, "amount"),
        ({"method": "cheque"}, "method"),
        ({"status": "refunded"}, "status"),
        ({"status": "pending"}, "status"),
        ({"currency": "XYZ"}, "currency"),
        ({"createdAt": "2024-12-09T15:00:00"}, "createdAt"),
        ({"createdAt": "yesterday"}, "createdAt"),
        ({"createdAt": timestamp(datetime.now(UTC) + timedelta(hours=1))}, "createdAt"),
        ({"reference": "x" * 201}, "reference"),
        ({"reference": ""}, "reference"),
        ({"declineCode": "nope"}, "declineCode"),
        ({"colour": "red"}, "colour"),
        ({"tenantId": "tenant 1"}, "tenantId"),
        ({"tenantId": {"$ne": "x"}}, "tenantId"),
        ({"tenantId": ""}, "tenantId"),
    ],
)
async def test_a_wrong_field_is_named(http, tenant_id, fields, field):
    problem(await http.post("/payments", json=order(tenant_id) | fields), 422, field=field)
    if "tenantId" not in fields:
        asked = await http.get("/payments", params={"tenantId": tenant_id})
        problem(asked, 404)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"nonsense",
        b"\xff\xfe",
        b'{"amount": NaN, "method": "card", "status": "success"}',
        b'{"amount": Infinity, "method": "card", "status": "success"}',
        b'{"amount": 1, "method": "card"',
    ],
)
async def test_a_body_that_is_not_a_payment_is_refused(http, body):
    problem(await http.post("/payments", content=body), 422, field="body")


async def test_a_missing_field_is_named(http):
    missing = await http.post("/payments", json={"amount": 1, "method": "card"})
    problem(missing, 422, field="status")


async def test_an_enormous_exponent_is_refused_quickly(http, tenant_id):
    body = b'{"amount": 1e999999999, "method": "card", "status": "success"}'
    async with asyncio.timeout(5):
        problem(await http.post("/payments", content=body), 422, field="amount")


@pytest.mark.parametrize("way", ["header", "reference"])
async def test_a_payment_sent_again_counts_once(http, tenant_id, way):
    headers = {"Idempotency-Key": "k 1"} if way == "header" else {}
    body = order(tenant_id, **({} if way == "header" else {"reference": "r 1"}))
    first = await http.post("/payments", json=body, headers=headers)
    second = await http.post("/payments", json=body, headers=headers)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    problem(await http.post("/payments", json={**body, "amount": 1}, headers=headers), 409)
    assert (await total(http, tenant_id))["totalPayments"] == 1


async def test_the_same_key_of_another_tenant_is_a_different_key(http, tenant_id):
    headers = {"Idempotency-Key": "shared"}
    mine = await http.post("/payments", json=order(tenant_id), headers=headers)
    theirs = await http.post("/payments", json=order(f"{tenant_id}_b"), headers=headers)
    assert (mine.status_code, theirs.status_code) == (201, 201)


async def test_a_key_and_a_reference_name_different_things(http, tenant_id):
    a = await http.post("/payments", json=order(tenant_id), headers={"Idempotency-Key": "x"})
    b = await http.post("/payments", json=order(tenant_id, reference="x"))
    assert (a.status_code, b.status_code) == (201, 201)
    both = await http.post(
        "/payments", json=order(tenant_id, reference="x"), headers={"Idempotency-Key": "x"}
    )
    problem(both, 422, field="Idempotency-Key")


@pytest.mark.parametrize("key", ["", "x" * 201])
async def test_an_invalid_key_is_refused(http, tenant_id, key):
    headers = {"Idempotency-Key": key}
    problem(
        await http.post("/payments", json=order(tenant_id), headers=headers),
        422,
        field="Idempotency-Key",
    )


async def test_one_key_sent_many_times_at_once_counts_once(http, tenant_id):
    body = order(tenant_id, reference="only once")
    answers = await asyncio.gather(*(http.post("/payments", json=body) for _ in range(30)))
    assert sorted(answer.status_code for answer in answers) == [200] * 29 + [201]
    assert len({answer.json()["_id"] for answer in answers}) == 1
    assert (await total(http, tenant_id))["totalPayments"] == 1


async def test_concurrent_payments_are_committed_in_groups(http, shared_server, tenant_id):
    async def transactions():
        text = (await http.get("/metrics")).text
        line = next(x for x in text.splitlines() if x.startswith("financeops_commit_seconds_count"))
        return float(line.split()[1])

    before = await transactions()
    answers = await asyncio.gather(
        *(http.post("/payments", json=order(tenant_id, amount=n)) for n in range(1, 201))
    )
    assert {answer.status_code for answer in answers} == {201}
    assert await transactions() - before < 100
    figures = await total(http, tenant_id)
    assert figures["totalPayments"] == figures["seq"] == 200
    assert figures["totalVolume"] == sum(range(1, 201))


async def test_a_refund_counts_once(http, tenant_id):
    payment = (await http.post("/payments", json=order(tenant_id))).json()
    path = f"/payments/{payment['_id']}/refund?tenantId={tenant_id}"
    answers = await asyncio.gather(*(http.post(path) for _ in range(10)))
    assert {answer.status_code for answer in answers} == {200}
    refunded = answers[0].json()
    assert all(answer.json() == refunded for answer in answers)
    assert refunded["status"] == "refunded"
    assert refunded["refundedAt"]
    figures = await total(http, tenant_id)
    assert figures["refundedPayments"] == 1
    assert figures["seq"] == 2
    assert figures["totalVolume"] == figures["refundedVolume"] == 18.5
    assert figures["netVolume"] == 0


async def test_other_payments_cannot_be_refunded(http, tenant_id):
    failed = (await http.post("/payments", json=order(tenant_id, status="failed"))).json()
    query = {"tenantId": tenant_id}
    problem(await http.post(f"/payments/{failed['_id']}/refund", params=query), 409)
    for unknown in ("6756fb49a1b2c3d4e5f60701", "nonsense", "$ne"):
        problem(await http.post(f"/payments/{unknown}/refund", params=query), 404)
        problem(await http.get(f"/payments/{unknown}", params=query), 404)
    problem(await http.post(f"/payments/{failed['_id']}/refund?tenantId=nobody"), 404)


async def test_a_payment_of_another_tenant_does_not_exist(http, tenant_id):
    mine = (await http.post("/payments", json=order(tenant_id))).json()
    other = {"tenantId": f"{tenant_id}_b"}
    await http.post("/payments", json=order(other["tenantId"]))
    problem(await http.get(f"/payments/{mine['_id']}", params=other), 404)
    problem(await http.post(f"/payments/{mine['_id']}/refund", params=other), 404)


async def test_pages_cover_every_payment_even_those_of_one_moment(http, tenant_id, record):
    same = [{"createdAt": "2024-12-09T14:00:00Z"} for _ in range(25)]
    others = [{"createdAt": f"2024-12-0{day}T14:00:00Z"} for day in range(1, 9)]
    recorded = await record(*same, *others)
    seen, pages = [], 0
    url = f"/payments?tenantId={tenant_id}&limit=7&method=card"
    while url:
        response = await http.get(url)
        page = response.json()
        seen += page
        pages += 1
        assert len(page) <= 7
        link = response.headers.get("link")
        url = link and link.partition(">")[0].removeprefix("<")
        if link:
            assert link.endswith('rel="next"')
            said = parse_qs(urlsplit(url).query)
            assert (said["tenantId"], said["limit"]) == ([tenant_id], ["7"])
    assert pages >= 5
    assert len(seen) == len(recorded) == len({payment["_id"] for payment in seen})
    times = [payment["createdAt"] for payment in seen]
    assert times == sorted(times, reverse=True)


async def test_a_method_that_no_payment_ever_had_is_refused_as_figures_refuse_it(
    http, tenant_id, record
):
    await record({"method": "card"})
    asked = {"tenantId": tenant_id, "method": "cheque"}
    paths = ("/payments", "/payments/export", "/api/analytics/metrics")
    said = [problem(await http.get(path, params=asked), 422, field="method") for path in paths]
    assert said[0] == said[1] == said[2]
    # A method of the settings may select nothing, and a tenant is looked for first.
    for path in paths[:2]:
        assert (await http.get(path, params={**asked, "method": "paypal"})).status_code == 200
        problem(await http.get(path, params={**asked, "tenantId": "nobody"}), 404)


async def test_a_method_that_was_taken_out_of_the_settings_still_selects(start, database_uri):
    sale = {"amount": 1, "method": "paypal", "status": "success"}
    async with httpx.AsyncClient(base_url=start(database_uri).url, timeout=60) as http:
        assert (await http.post("/payments", json=sale)).is_success
    server = start(database_uri, methods="card")
    async with httpx.AsyncClient(base_url=server.url, timeout=60) as http:
        for path, more in (("/payments", {}), ("/payments/export", {"format": "ndjson"})):
            past = {"method": "paypal", **more}
            assert "paypal" in (await http.get(path, params=past)).text
            nothing = await http.get(path, params={**past, "to": "2020-01-01T00:00:00Z"})
            assert (nothing.status_code, nothing.text.strip("[]\n")) == (200, "")
            never = {**past, "method": "crypto"}
            problem(await http.get(path, params=never), 422, field="method")


async def test_the_newest_hundred_come_first(http, tenant_id, record):
    await record(*({"amount": n} for n in range(120)))
    payments = (await http.get(f"/payments?tenantId={tenant_id}")).json()
    assert len(payments) == 100
    assert len((await http.get(f"/payments?tenantId={tenant_id}&limit=1000")).json()) == 120


async def test_a_list_is_filtered(http, tenant_id, record):
    await record(
        {"method": "card", "status": "failed", "createdAt": "2024-12-09T14:00:00Z"},
        {"method": "paypal", "status": "success", "createdAt": "2024-12-09T14:00:00.001Z"},
        {"method": "paypal", "status": "failed", "createdAt": "2024-12-09T15:00:00Z"},
    )

    async def methods(**query):
        response = await http.get("/payments", params={"tenantId": tenant_id, **query})
        return [payment["method"] for payment in response.json()]

    assert await methods(status="failed") == ["paypal", "card"]
    assert await methods(method="paypal", status="success") == ["paypal"]
    assert await methods(to="2024-12-09T14:00:00.001Z") == ["card"]
    assert await methods(**{"from": "2024-12-09T14:00:00.0005Z"}) == ["paypal", "paypal"]
    assert await methods(**{"from": "2024-12-09T16:30:00+02:00"}) == ["paypal"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=many", "limit"),
        ("limit=5&limit=6", "limit"),
        ("status=pending", "status"),
        ("method=No", "method"),
        ("before=nonsense", "before"),
        ("from=2024-12-09", "from"),
        ("from=1733752800", "from"),
        ("from=2024-12-09T14:00:00", "from"),
        ("to=0001-01-01T00:00:00%2B14:00", "to"),
        ("from=2024-12-09T14:00:00Z&to=2024-12-09T14:00:00Z", "from"),
        ("sort=asc", "sort"),
        ("tenantId[$ne]=x", "tenantId[$ne]"),
        ("tenantId=a%20b", "tenantId"),
    ],
)
async def test_a_wrong_parameter_is_named(http, query, field):
    problem(await http.get(f"/payments?{query}"), 422, field=field)


async def test_an_unknown_tenant_is_not_found(http):
    problem(await http.get("/payments?tenantId=nobody"), 404)
    problem(await http.get("/payments/6756fb49a1b2c3d4e5f60701?tenantId=nobody"), 404)
