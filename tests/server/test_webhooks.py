"""Webhooks of payment providers: signed by their own libraries, sent to a real server in any order."""

from __future__ import annotations

import asyncio
import json
import random
from datetime import UTC, datetime, timedelta
from itertools import count

import httpx
import pytest

from financeops.client import Client
from tests.cli.conftest import run
from tests.server.problem import problem
from tests.server.signed import (
    HOOKED,
    SECRETS_SETTING,
    STANDARD_OLD,
    STANDARD_WRONG,
    adyen_body,
    standard_headers,
    stripe_headers,
)
from tests.verification import verified

MADE = "2026-05-01T10:00:00Z"
LATER = "2026-05-09T10:00:00Z"
PAID = {"amount": 10, "method": "card", "status": "success", "createdAt": MADE}
_TENANTS = count(1)


@pytest.fixture
def tenant_id():
    """A tenant with webhooks that no other test uses."""
    return HOOKED[next(_TENANTS)]


@pytest.fixture
def send(http, tenant_id):
    """Send an event of one's own system: ``await send("payment", data)``."""

    async def post(kind, data, *, tenant=tenant_id, at=LATER, **signed):
        body = json.dumps({"type": kind, "timestamp": at, "data": data}).encode()
        headers = standard_headers(body, **signed)
        return await http.post(f"/webhooks/standard/{tenant}", content=body, headers=headers)

    return post


@pytest.fixture
def letters(http, tenant_id):
    async def read(tenant=tenant_id, **params):
        return await http.get("/webhooks/dead-letters", params={"tenantId": tenant, **params})

    return read


def life(reference):
    """All that becomes of a payment, in the order of events."""
    named = {"reference": reference}
    return [
        ("payment", PAID | named),
        ("payment.fees", {**named, "fees": [{"kind": "processing", "amount": 0.35}]}),
        ("payment.refunded", {**named, "amount": 2.5, "reason": "damaged"}),
        ("payment.disputed", {**named, "id": "dp", "status": "open", "amount": 5, "at": MADE}),
        ("payment.disputed", {**named, "id": "dp", "status": "won"}),
        ("payment.settled", {**named, "payoutId": "po", "settledAt": LATER, "settledAmount": 9}),
    ]


async def test_lives_told_in_any_order_twice_and_at_once(http, send, letters, tenant_id):
    """A hundred deliveries, shuffled, each twice: what is answered is committed, once."""
    shuffled = random.Random(7)
    told = [
        (f"{reference} {place}", kind, data)
        for reference in ("one", "two", "three")
        for place, (kind, data) in enumerate(life(reference))
    ]
    deliveries = told * 2
    shuffled.shuffle(deliveries)
    answers = await asyncio.gather(
        *(send(kind, data, event=event) for event, kind, data in deliveries)
    )
    assert {each.status_code for each in answers} == {200}, answers
    assert {each.json().get("reason") for each in answers} == {None}
    listed = (await http.get("/payments", params={"tenantId": tenant_id})).json()
    assert sorted(each["reference"] for each in listed) == ["one", "three", "two"]
    for payment in listed:
        assert (
            payment.items()
            >= {
                "source": "webhook",
                "refundedAmount": 2.5,
                "feeAmount": 0.35,
                "settledAmount": 9,
                "revision": 4,
                "createdAt": MADE,
            }.items()
        )
        assert payment["refunds"][0]["at"] == LATER
        dispute = {"id": "dp", "amount": 5, "status": "won", "openedAt": MADE, "closedAt": LATER}
        assert payment["dispute"] == dispute
    asked = {"tenantId": tenant_id, "after": 0}
    changes = (await http.get("/payments/changes", params=asked)).json()["changes"]
    assert len(changes) == len(told)
    assert (await letters()).json() == []
    report = await verified(http, tenant_id)
    assert (report["differing"], report["shown"], report["overdue"]) == (0, [], [])


async def test_what_does_not_verify_is_refused_counted_and_not_kept(http, send, letters):
    before = await counted(http, "refused")
    data = PAID | {"reference": "r"}
    # However long its id is, or if it passes for a card number.
    for event in ("e" * 201, "4111111111111111", "evt_1"):
        sent = await send("payment", data, event=event, secret=STANDARD_OLD)
        assert sent.status_code == 200
        assert (sent.json()["event"] == event) is (event == "evt_1")
    body = json.dumps({"type": "payment", "timestamp": MADE, "data": data}).encode()
    now = datetime.now(UTC)
    good = standard_headers(body)
    wrong = [
        standard_headers(body, secret=STANDARD_WRONG),
        *(standard_headers(body, at=now + timedelta(seconds=n)) for n in (-310, 310)),
        {**good, "webhook-signature": "v1,é".encode()},
        {**good, "webhook-signature": "v1"},
        {**good, "webhook-signature": "v1,a"},
        {**good, "webhook-timestamp": "soon"},
        {**good, "webhook-id": ""},
        {"content-type": "application/json"},
    ]
    path = f"/webhooks/standard/{HOOKED[0]}"
    sent = [(body, each) for each in wrong] + [(body + b" ", good), (b"\xff", good)]
    for content, headers in sent:
        problem(await http.post(path, content=content, headers=headers), 400)
    assert await counted(http, "refused") == before + len(sent)
    assert (await letters()).json() == []
    problem(await letters(HOOKED[0]), 404)


async def counted(http, outcome):
    text = (await http.get("/metrics")).text
    line = f'financeops_webhooks_total{{outcome="{outcome}",provider="standard"}} '
    found = [each for each in text.splitlines() if each.startswith(line)]
    return float(found[0].removeprefix(line)) if found else 0


@pytest.mark.parametrize("path", ["standard/nobody", "nobody/hooked_1", "stripes/x"])
async def test_what_has_no_secret_is_not_there(http, path):
    answer = await http.post(f"/webhooks/{path}", json={})
    assert problem(answer, 404)["detail"] == "there is no such webhook"


async def test_what_is_not_understood_is_kept_and_replayed(
    *, http, shared_server, send, letters, tenant_id
):
    card = "4111 1111 1111 1111"
    refund = {"reference": "r", "amount": 4}
    sent = [
        ("order.\x1b[2Jshipped", {"reference": card}, "not understood"),
        ("payment", PAID | {"amount": -1}, "amount"),
        ("payment", PAID | {"tenantId": "another"}, "tenantId"),
        ("payment", PAID | {"method": "cash"}, "method"),
        ("payment.refunded", {"amount": 4}, "reference"),
        ("payment.fees", {"reference": 7, "fees": []}, "reference"),
        ("payment.fees", [], "data"),
        ("payment.disputed", {"reference": "r", "id": "dp", "status": "over"}, "status"),
    ]
    for number, (kind, data, reason) in enumerate(sent):
        for _ in range(2):
            answer = await send(kind, data, event=f"msg {number}")
            assert answer.status_code == 200
            assert reason in answer.json()["reason"]
    assert (await send("payment", PAID, at="2999-01-01T00:00:00Z")).json()["reason"]
    kept = (await letters()).json()
    assert len(kept) == len(sent) + 1
    assert not any(card in json.dumps(each) for each in kept)
    assert not any("\x1b" in each["kind"] + each["reason"] for each in kept)
    problem(await send("payment", {"filler": "x" * 1_000_000}), 413)

    # What its payment refuses; recorded, and replayed once there is room for it.
    await send("payment.refunded", refund, event="early")
    await send("payment.refunded", refund | {"amount": 7}, event="late", at="2026-05-10T00:00:00Z")
    await send("payment", PAID | {"reference": "r", "createdAt": MADE})
    (newest, *_) = (await letters(limit=1)).json()
    assert (newest["event"], newest["kind"]) == ("late", "payment.refunded")
    assert "at most 6 USD" in newest["reason"]
    replay = f"/webhooks/dead-letters/{newest['_id']}/replay"
    problem(await http.post(replay, params={"tenantId": HOOKED[0]}), 404)
    again = (await http.post(replay, params={"tenantId": tenant_id})).json()
    assert again == {"_id": newest["_id"], "recorded": False, "reason": newest["reason"]}
    async with Client(shared_server.url) as client:
        found = await client.dead_letters(tenant_id)
        assert [each.id for each in found] == [each["_id"] for each in (await letters()).json()]
        assert not (await client.replay(found[0].id, tenant_id)).recorded
    first, second = found[-1].id, found[0].id
    ended = await asyncio.to_thread(
        run, "dead-letters", "replay", first, "--tenant", tenant_id, url=shared_server.url
    )
    assert (ended.returncode, ended.stdout) == (
        2,
        f"{first}: still not recorded: {found[-1].reason}\n",
    )
    listed = await asyncio.to_thread(
        run, "dead-letters", "--tenant", tenant_id, url=shared_server.url
    )
    assert listed.stdout.startswith("ID ")
    assert listed.stdout.splitlines()[1].startswith(f"{second}  ")
    pages, page = [], await letters(limit=4)
    while True:
        pages += page.json()
        if "link" not in page.headers:
            break
        page = await http.get(page.links["next"]["url"])
    assert [each["_id"] for each in pages] == [each.id for each in found]


async def test_while_nothing_can_be_committed_a_provider_is_told_to_send_again(
    start, proxy, tenant_id
):
    # In a thread: the proxy works in this one's loop.
    server = await asyncio.to_thread(start, proxy.uri, webhook_secrets=SECRETS_SETTING)
    path = f"/webhooks/standard/{tenant_id}"
    bodies = [
        json.dumps({"type": kind, "timestamp": LATER, "data": data}).encode()
        for kind, data in [*life("r"), ("order.shipped", {})]
    ]
    signed = [(body, standard_headers(body)) for body in bodies]
    async with httpx.AsyncClient(base_url=server.url, timeout=30) as http:
        proxy.fail("update", code=262, times=float("inf"))
        away = await asyncio.gather(
            *(http.post(path, content=body, headers=headers) for body, headers in signed)
        )
        for each in away:
            problem(each, 503)
            assert int(each.headers["retry-after"]) > 0
        proxy.heal()
        for body, headers in reversed(signed):
            answer = await http.post(path, content=body, headers=headers)
            assert answer.status_code == 200, answer.text
        asked = {"tenantId": tenant_id}
        (payment,) = (await http.get("/payments", params=asked)).json()
        assert (payment["refundedAmount"], payment["revision"]) == (2.5, 4)
        (letter,) = (await http.get("/webhooks/dead-letters", params=asked)).json()
        assert letter["kind"] == "order.shipped"


async def test_what_was_not_known_then_is_recorded_by_a_replay(start, database_uri, tenant_id):
    """Here a method that the setting names only after a new start; the letter is forgotten then."""
    body = json.dumps(
        {
            "type": "payment",
            "timestamp": LATER,
            "data": {**PAID, "method": "cash", "reference": "r"},
        }
    ).encode()
    for methods in ("card", "card,cash"):
        server = start(database_uri, methods=methods, webhook_secrets=SECRETS_SETTING)
        async with (
            httpx.AsyncClient(base_url=server.url, timeout=30) as http,
            Client(server.url) as client,
        ):
            if methods == "card":
                headers = standard_headers(body)
                path = f"/webhooks/standard/{tenant_id}"
                await http.post(path, content=body, headers=headers)
            (letter,) = await client.dead_letters(tenant_id)
            replayed = await client.replay(letter.id, tenant_id)
            assert replayed.recorded is (methods == "card,cash")
            if replayed.recorded:
                assert await client.dead_letters(tenant_id) == []
                asked = {"tenantId": tenant_id}
                (payment,) = (await http.get("/payments", params=asked)).json()
                assert (payment["method"], payment["reference"]) == ("cash", "r")
        await asyncio.to_thread(server.stop)
        server.killed = True


async def test_what_stripe_sends_in_any_order(http, letters, tenant_id):
    """A charge, what it cost, its refund and its dispute; each twice, the last first."""
    at = int(datetime(2026, 5, 1, 12, tzinfo=UTC).timestamp())
    paid = {
        "id": "ch_1",
        "amount": 1000,
        "currency": "usd",
        "created": at,
        "captured": True,
        "payment_intent": "pi_1",
        "metadata": {},
        "payment_method_details": {"type": "card"},
    }
    refund = {"id": "re_1", "amount": 250, "currency": "usd", "created": at + 60}
    refund |= {"charge": "ch_1", "status": "succeeded"}
    cost = {"id": "txn_1", "fee": 1500, "currency": "usd", "created": at + 90}
    dispute = {"id": "dp_1", "amount": 500, "currency": "usd", "created": at + 90}
    dispute |= {"charge": "ch_1", "status": "won", "balance_transactions": [cost]}
    events = [
        ("charge.dispute.closed", dispute, at + 120),
        ("charge.dispute.created", {**dispute, "status": "needs_response"}, at + 90),
        ("refund.updated", refund, at + 61),
        ("refund.created", refund, at + 60),
        ("charge.succeeded", paid, at),
        ("customer.created", {"id": "cus_1"}, at),
        ("payout.paid", {"id": "po_1"}, at),
        ("refund.created", {**refund, "id": "re_2", "currency": "eur"}, at),
    ]
    path = f"/webhooks/stripe/{tenant_id}"
    for number, (kind, thing, created) in enumerate(events * 2):
        head = {"id": f"evt_{number % len(events)}", "type": kind, "created": created}
        body = json.dumps({**head, "data": {"object": thing}}).encode()
        answer = await http.post(path, content=body, headers=stripe_headers(body))
        assert answer.status_code == 200, answer.text
    (payment,) = (await http.get("/payments", params={"tenantId": tenant_id})).json()
    told = {"reference": "ch_1", "orderId": "pi_1", "feeAmount": 15, "refundedAmount": 2.5}
    assert payment.items() >= told.items()
    assert payment["dispute"]["status"] == "won"
    assert payment["dispute"]["closedAt"] == "2026-05-01T12:02:00Z"
    assert {each["event"] for each in (await letters()).json()} == {"evt_6", "evt_7"}
    for wrong in (
        {**stripe_headers(body), "stripe-signature": "t=1,v1=é".encode()},
        stripe_headers(body, secret="whsec_other"),
        stripe_headers(body, at=int(datetime.now(UTC).timestamp()) - 310),
        {"content-type": "application/json"},
    ):
        problem(await http.post(path, content=body, headers=wrong), 400)
    report = await verified(http, tenant_id)
    assert (report["differing"], report["shown"], report["overdue"]) == (0, [], [])


async def test_what_adyen_sends_in_any_order(http, letters, tenant_id):
    """Its chargeback is reversed and comes a second time: the latest event says how the dispute stands."""
    head = {"merchantAccountCode": "Shop", "merchantReference": "order-7", "success": "true"}
    head |= {"amount": {"value": 1000, "currency": "EUR"}, "paymentMethod": "visa", "reason": ""}
    paid = {**head, "pspReference": "PAID000000000001", "eventCode": "AUTHORISATION"}
    paid["eventDate"] = "2026-05-01T12:00:00+02:00"
    later = [
        {
            **head,
            "originalReference": "PAID000000000001",
            "pspReference": psp,
            "eventCode": code,
            "eventDate": f"2026-05-{day:02}T12:00:00+02:00",
        }
        for day, code, psp in [
            (9, "SECOND_CHARGEBACK", "DISPUTE000000001"),
            (5, "CHARGEBACK", "DISPUTE000000001"),
            (7, "CHARGEBACK_REVERSED", "DISPUTE000000001"),
            (3, "NOTIFICATION_OF_CHARGEBACK", "DISPUTE000000001"),
            (2, "CAPTURE", "CAPTURE000000001"),
        ]
    ]
    path = f"/webhooks/adyen/{tenant_id}"
    headers = {"content-type": "application/json"}
    for items in [[later[0]], later[1:3], [paid], *([each] for each in later)]:
        answer = await http.post(path, content=adyen_body(*items), headers=headers)
        assert (answer.status_code, answer.text) == (200, "[accepted]")
    (payment,) = (await http.get("/payments", params={"tenantId": tenant_id})).json()
    assert payment["dispute"] == {
        "id": "DISPUTE000000001",
        "amount": 10,
        "status": "lost",
        "openedAt": "2026-05-03T10:00:00Z",
        "closedAt": "2026-05-09T10:00:00Z",
    }
    assert (await letters()).json() == []
    forged = json.loads(adyen_body(paid, later[4]))
    forged["notificationItems"][1]["NotificationRequestItem"]["amount"]["value"] = 1
    inside = json.loads(adyen_body(paid))
    outside = {**inside, **paid, "amount": {"value": 1, "currency": "EUR"}}
    hidden = {"notificationItems": [{"NotificationRequestItem": outside}]}
    for wrong in (
        adyen_body(paid, key="11" * 32),
        json.dumps(hidden).encode(),
        json.dumps(forged).encode(),
        *(
            b'{"notificationItems": []}',
            b'{"notificationItems": [{"NotificationRequestItem": {}}]}',
        ),
        *(b"[]", b"{"),
    ):
        problem(await http.post(path, content=wrong, headers=headers), 400)
    report = await verified(http, tenant_id)
    assert (report["differing"], report["shown"], report["overdue"]) == (0, [], [])
