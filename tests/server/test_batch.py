"""Many payments in one request."""

import json

import pytest

from tests.server.problem import problem

BATCH = "/payments/batch"


def order(tenant_id, **fields):
    return {"tenantId": tenant_id, "amount": 1, "method": "card", "status": "success", **fields}


async def total(http, tenant_id):
    return (await http.get("/api/analytics/metrics", params={"tenantId": tenant_id})).json()


async def test_a_thousand_payments_are_recorded_at_once(http, tenant_id):
    answer = await http.post(BATCH, json=[order(tenant_id, amount=n) for n in range(1000)])
    assert answer.status_code == 200
    document = answer.json()
    assert (document["created"], document["duplicate"], document["rejected"]) == (1000, 0, 0)
    assert [item["index"] for item in document["items"]] == list(range(1000))
    assert len({item["_id"] for item in document["items"]}) == 1000
    figures = await total(http, tenant_id)
    assert (figures["totalPayments"], figures["totalVolume"]) == (1000, sum(range(1000)))


async def test_a_batch_over_the_limit_is_refused_whole(http, tenant_id):
    answer = await http.post(BATCH, json=[order(tenant_id) for _ in range(1001)])
    problem(answer, 422, field="body")
    problem(await http.get(f"/payments?tenantId={tenant_id}"), 404)


@pytest.mark.parametrize("body", ["[" * 100_000, '{"a":' * 50_000, '[{"a":' * 50_000])
async def test_deep_nesting_is_refused(http, body):
    answer = await http.post(BATCH, content=body, headers={"Content-Type": "application/json"})
    assert "nested too deeply" in problem(answer, 422, field="body")["detail"]


@pytest.mark.parametrize("path", ["/payments", BATCH])
@pytest.mark.parametrize("encoding", ["gzip", "br", "gzip, identity"])
async def test_a_compressed_body_is_refused(http, tenant_id, path, encoding):
    headers = {"Content-Type": "application/json", "Content-Encoding": encoding}
    answer = await http.post(path, json=order(tenant_id), headers=headers)
    assert "not encoded" in problem(answer, 415)["detail"]


@pytest.mark.parametrize("form", ["array", "ndjson", "ndjson undeclared"])
async def test_valid_items_are_kept_when_others_are_invalid(http, tenant_id, form):
    items = [
        json.dumps(order(tenant_id, amount=5)),
        json.dumps(order(tenant_id, amount=-5)),
        json.dumps(order(tenant_id, colour="red")),
        '{"amount": "1"}',
        json.dumps(order(tenant_id, amount=7)),
        "7",
    ]
    if form == "array":
        body, headers = f"[{','.join(items)}]", {}
    else:
        items[3] = '{"amount": NaN'
        body = "\n".join(items) + "\n\n"
        headers = {"Content-Type": "application/x-ndjson"} if form == "ndjson" else {}
    document = (await http.post(BATCH, content=body, headers=headers)).json()
    outcomes = [item["outcome"] for item in document["items"]]
    assert outcomes == ["created", "rejected", "rejected", "rejected", "created", "rejected"]
    assert (document["created"], document["rejected"]) == (2, 4)
    wrong = [item["problem"] for item in document["items"] if "problem" in item]
    assert [each["status"] for each in wrong] == [422] * 4
    assert [each["field"] for each in wrong][:2] == ["amount", "colour"]
    assert (await total(http, tenant_id))["totalVolume"] == 12


async def test_lines_end_with_lf_or_crlf_and_with_nothing_else(http, tenant_id):
    line = json.dumps(order(tenant_id))
    kind = {"Content-Type": "application/x-ndjson"}
    for end, outcomes in (
        ("\n", ["created", "created"]),
        ("\r\n", ["created", "created"]),
        ("\r", ["rejected"]),
        ("\u2028", ["rejected"]),
    ):
        body = f"{line}{end}{line}{end}"
        answer = (await http.post(BATCH, content=body.encode(), headers=kind)).json()
        assert [item["outcome"] for item in answer["items"]] == outcomes, repr(end)


async def test_a_reference_counts_once(http, tenant_id):
    items = [order(tenant_id, reference=f"r{n}") for n in range(3)]
    first = (await http.post(BATCH, json=items)).json()
    again = (await http.post(BATCH, json=items)).json()
    assert (first["created"], again["duplicate"]) == (3, 3)
    assert [x["_id"] for x in first["items"]] == [x["_id"] for x in again["items"]]
    single = await http.post("/payments", json=items[0])
    assert single.status_code == 200


async def test_a_reference_with_another_body_is_rejected(http, tenant_id):
    await http.post("/payments", json=order(tenant_id, reference="r"))
    items = [order(tenant_id, reference="r", amount=2), order(tenant_id, reference="s")]
    document = (await http.post(BATCH, json=items)).json()
    assert [item["outcome"] for item in document["items"]] == ["rejected", "created"]
    assert document["items"][0]["problem"]["status"] == 409


async def test_the_same_reference_twice_in_one_batch_counts_once(http, tenant_id):
    same = order(tenant_id, reference="r")
    document = (await http.post(BATCH, json=[same, same, {**same, "amount": 2}])).json()
    outcomes = [item["outcome"] for item in document["items"]]
    assert outcomes == ["created", "duplicate", "rejected"]
    assert (await total(http, tenant_id))["totalPayments"] == 1


async def test_each_tenant_gets_its_own_payments(http, tenant_id):
    other = f"{tenant_id}_b"
    document = (
        await http.post(BATCH, json=[order(tenant_id), order(other), order(tenant_id)])
    ).json()
    assert document["created"] == 3
    assert (await total(http, tenant_id))["totalPayments"] == 2
    assert (await total(http, other))["totalPayments"] == 1


async def test_only_an_import_may_contain_refunds(http, tenant_id):
    refunded = order(
        tenant_id,
        status="refunded",
        createdAt="2024-12-09T14:00:00Z",
        refundedAt="2024-12-11T09:00:00Z",
    )
    assert (await http.post(BATCH, json=[refunded])).json()["rejected"] == 1
    document = (await http.post(f"{BATCH}?source=import", json=[refunded])).json()
    assert document["created"] == 1
    (payment,) = (await http.get(f"/payments?tenantId={tenant_id}")).json()
    assert (payment["source"], payment["status"]) == ("import", "refunded")
    figures = await total(http, tenant_id)
    assert (figures["refundedVolume"], figures["seq"]) == (1, 1)
    problem(await http.post(f"{BATCH}?source=seed", json=[refunded]), 422, field="source")


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", "application/json"),
        (b"{}", "application/json"),
        (b'{"payments": []}', "application/json"),
        (b'"text"', "application/json"),
        (b"[{]", "application/json"),
        (b"[1, 2", "application/json"),
        (b"nonsense", "application/json"),
    ],
)
async def test_a_body_that_is_not_an_array_is_refused(http, body, content_type):
    answer = await http.post(BATCH, content=body, headers={"Content-Type": content_type})
    problem(answer, 422, field="body")


async def test_an_empty_array_is_a_valid_batch(http):
    answer = await http.post(BATCH, json=[])
    assert answer.json() == {"created": 0, "duplicate": 0, "rejected": 0, "items": []}


async def test_an_idempotency_key_is_refused_for_batches(http, tenant_id):
    headers = {"Idempotency-Key": "k"}
    answer = await http.post(BATCH, json=[order(tenant_id)], headers=headers)
    problem(answer, 422, field="Idempotency-Key")
