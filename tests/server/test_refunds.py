"""Refunds of parts of a payment: exact everywhere, each once."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from pymongo import MongoClient

from financeops.client import Client
from financeops.core import wire
from tests.server.problem import problem
from tests.verification import verified


def order(tenant_id, **fields):
    return {"tenantId": tenant_id, "amount": 10, "method": "card", "status": "success", **fields}


@pytest.fixture
def paid(http, tenant_id):
    """Record a payment: ``await paid(amount=10)`` is its id."""

    async def record(**fields):
        answer = await http.post("/payments", json=order(tenant_id, **fields))
        assert answer.status_code == 201, answer.text
        return answer.json()["_id"]

    return record


@pytest.fixture
def refund(http, tenant_id):
    async def send(payment_id, *, key=None, **body):
        return await http.post(
            f"/payments/{payment_id}/refund",
            params={"tenantId": tenant_id},
            json=body or None,
            headers={"Idempotency-Key": key} if key else {},
        )

    return send


@pytest.fixture
def figures(http, tenant_id):
    async def get(**params):
        asked = {"tenantId": tenant_id, **params}
        answer = await http.get("/api/analytics/metrics", params=asked)
        names = ("refundedVolume", "netVolume", "refundedPayments", "partiallyRefundedPayments")
        return [answer.json()[name] for name in names]

    return get


async def changes(http, tenant_id):
    asked = {"tenantId": tenant_id, "after": 0}
    return (await http.get("/payments/changes", params=asked)).json()["changes"]


async def test_parts_are_refunded_until_the_whole_is(http, tenant_id, paid, refund, figures):
    one = await paid()
    first = (await refund(one, amount=2.5, reason="damaged")).json()
    assert (first["status"], first["refundedAmount"]) == ("success", 2.5)
    assert "refundedAt" not in first
    assert await figures() == [2.5, 7.5, 1, 1]
    second = (await refund(one, amount=2.5)).json()
    assert second["refundedAmount"] == 5
    assert await figures() == await figures(method="card") == [5, 5, 1, 1]
    last = (await refund(one)).json()
    assert (last["status"], last["refundedAmount"]) == ("refunded", 10)
    assert [each["amount"] for each in last["refunds"]] == [2.5, 2.5, 5]
    assert last["refunds"][0]["reason"] == "damaged"
    assert last["refundedAt"] == last["refunds"][-1]["at"]
    assert await figures() == [10, 0, 1, 0]
    assert (await http.get(f"/payments/{one}?tenantId={tenant_id}")).json() == last
    assert (await refund(one)).json() == last  # again: the same answer, counted once

    told = [
        (each["type"], each["previousStatus"], each.get("previousRefundedAmount"))
        for each in await changes(http, tenant_id)
    ]
    assert told == [
        ("payment_received", None, None),
        ("payment_refunded", "success", None),
        ("payment_refunded", "success", 2.5),
        ("payment_refunded", "success", 5),
    ]
    report = await verified(http, tenant_id)
    assert (report["differing"], report["shown"]) == (0, [])


async def test_a_refund_with_a_key_counts_once(tenant_id, paid, refund, figures):
    one, other = await paid(), await paid()
    sent = [await refund(one, key="k", amount=1) for _ in range(2)]
    assert [each.status_code for each in sent] == [200, 200]
    assert sent[0].json() == sent[1].json()
    # What is left, or the same for another reason or at another time, is another refund.
    for changed in ({"amount": 2}, {}, {"reason": "late"}, {"amount": 1, "reason": "late"}):
        problem(await refund(one, key="k", **changed), 409)
    problem(await refund(one, key="k", amount=1, at="2026-01-01T00:00:00Z"), 409)
    assert (await refund(other, key="k", amount=2)).json()["refundedAmount"] == 2
    together = await asyncio.gather(*(refund(one, key="k2", amount=3) for _ in range(5)))
    assert {each.json()["refundedAmount"] for each in together} == {4}
    without = await asyncio.gather(*(refund(one, amount=2) for _ in range(5)))
    assert sorted(each.status_code for each in without) == [200, 200, 200, 409, 409]
    assert await figures() == [12, 8, 2, 1]
    rest = [await refund(other, key="rest", reason="late") for _ in range(2)]
    assert rest[0].json() == rest[1].json()
    assert rest[0].json()["status"] == "refunded"


async def test_a_payment_of_a_clock_that_is_ahead_is_not_refunded_before_it_was_made(
    http, paid, refund
):
    made = wire.timestamp(datetime.now(UTC) + timedelta(minutes=3))
    whole, part = await paid(createdAt=made), await paid(createdAt=made)
    assert (await refund(whole)).json()["refundedAt"] == made
    assert (await refund(part, amount=1)).json()["refunds"][0]["at"] == made


async def test_a_payment_is_recorded_and_refunded_by_the_same_group(http, tenant_id, paid, refund):
    """Whatever shares a transaction: each change says what was before it."""
    one = await paid()
    await asyncio.gather(*(refund(one, amount=0.5, key=str(n)) for n in range(8)))
    before = [each.get("previousRefundedAmount", 0) for each in await changes(http, tenant_id)]
    assert before == [0, *(n * 0.5 for n in range(8))]


@pytest.mark.parametrize(
    ("wrong", "problem_of"),
    [
        ({"amount": 10.01}, (409, "amount")),
        ({"amount": 0}, (422, "amount")),
        ({"amount": -1}, (422, "amount")),
        ({"amount": 0.001}, (422, "amount")),
        ({"amount": "1"}, (422, "amount")),
        ({"amount": None}, (422, "amount")),
        ({"amount": 1, "reason": ""}, (422, "reason")),
        ({"amount": 1, "reason": "card 4111 1111 1111 1111"}, (422, "reason")),
        ({"amount": 1, "at": "2024-01-01T00:00:00Z"}, (422, "at")),
        ({"amount": 1, "at": "2999-01-01T00:00:00Z"}, (422, "at")),
        ({"amount": 1, "why": "?"}, (422, "why")),
    ],
)
async def test_what_cannot_be_refunded_changes_nothing(http, tenant_id, refund, wrong, problem_of):
    one = (await http.post("/payments", json=order(tenant_id))).json()["_id"]
    status, field = problem_of
    problem(await refund(one, **wrong), status, field=field)
    assert len(await changes(http, tenant_id)) == 1


async def test_only_a_tenants_own_succeeded_payments_are_refunded(http, paid, refund):
    failed = await paid(status="failed")
    problem(await refund(failed, amount=1), 409)
    problem(await refund("0" * 24, amount=1), 404)
    one = await paid()
    other = {"tenantId": "another"}
    await http.post("/payments", json=order("another"))
    problem(await http.post(f"/payments/{one}/refund", params=other, json={"amount": 1}), 404)


async def test_the_client_gives_back_parts(shared_server, tenant_id, paid):
    one = await paid(currency="KWD")
    async with Client(shared_server.url) as client:
        back = await client.refund(one, tenant_id, amount=Decimal("1.005"), idempotency_key="k")
        assert (back.refunded_amount, back.refunds[0].amount, back.returned) == (1005, 1005, 1005)


async def test_refunds_recorded_before_their_sum_was_are_shown_alike(
    http, shared_server, tenant_id, refund, figures
):
    for amount in (3, 10):
        one = (await http.post("/payments", json=order(tenant_id, amount=amount))).json()["_id"]
    await refund(one)

    async def everything():
        asked = {"tenantId": tenant_id}
        files = [
            (await http.get("/payments/export", params={**asked, "format": form})).content
            for form in ("csv", "ndjson", "arrow")
        ]
        return [(await http.get("/payments", params=asked)).json(), await figures(), *files]

    now = await everything()
    with MongoClient(shared_server.settings["mongodb_uri"]) as client:
        payments = client.get_default_database().payments
        unset = payments.update_many({"tenantId": tenant_id}, {"$unset": {"refundedAmount": ""}})
        assert unset.modified_count == 1
    assert await everything() == now


async def test_an_import_is_not_undone_after_a_part_of_its_payments_was_refunded(
    http, tenant_id, refund, figures
):
    begun = {"tenantId": tenant_id, "file": "a.csv"}
    started = (await http.post("/api/imports", json=begun)).json()["_id"]
    asked = {"source": "import", "importId": started}
    row = {**order(tenant_id), "createdAt": "2026-05-01T10:00:00Z", "reference": "r"}
    rows = [{**row, "row": {"content": "one", "base": "one"}}]
    (item,) = (await http.post("/payments/batch", params=asked, json=rows)).json()["items"]
    await refund(item["_id"], amount=4)
    refused = problem(await http.post(f"/api/imports/{started}/undo"), 409)
    assert f"payment {item['_id']} was refunded since" in refused["detail"]
    assert await figures() == [4, 6, 1, 1]


@pytest.mark.parametrize("imported", [False, True])
async def test_an_undone_refund_leaves_the_parts_that_were_refunded_before(
    *, http, tenant_id, paid, refund, figures, imported
):
    first = {"reference": "r", "createdAt": "2026-05-01T10:00:00Z"}
    if imported:
        rows = [order(tenant_id, **first, refundedAmount=4)]
        answer = await http.post("/payments/batch?source=import", json=rows)
        assert answer.json()["created"] == 1, answer.text
    else:
        await refund(await paid(**first), amount=4)
    begun = {"tenantId": tenant_id, "file": "a.csv"}
    started = (await http.post("/api/imports", json=begun)).json()["_id"]
    asked = {"source": "import", "importId": started}
    row = {**order(tenant_id), "createdAt": "2026-05-01T10:00:00Z", "reference": "r"}
    rows = [{**row, "status": "refunded", "row": {"content": "one", "base": "one"}}]
    answer = (await http.post("/payments/batch", params=asked, json=rows)).json()
    assert answer["updated"] == 1
    assert await figures() == [10, 0, 1, 0]
    assert (await http.post(f"/api/imports/{started}/undo")).status_code == 200
    assert await figures() == [4, 6, 1, 1]
    last = (await changes(http, tenant_id))[-1]
    assert (last["type"], last["previousStatus"]) == ("payment_updated", "refunded")
    assert wire.change_from(wire.decode(wire.encode(last))).previous.returned == 1000
    report = await verified(http, tenant_id)
    assert (report["differing"], report["shown"]) == (0, [])
