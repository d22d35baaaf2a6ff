"""Disputes, fees and settlements by the API: what is told, what is refused, what figures say."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from financeops.client import Client
from financeops.core import wire
from financeops.core.disputes import DisputeStatus
from tests.server.listener import Listener
from tests.server.problem import problem
from tests.verification import verified

MADE = "2026-05-01T10:00:00Z"
LATER = "2026-05-09T10:00:00.250Z"


@pytest.fixture
def paid(http, tenant_id):
    """Record a payment of 10 dollars: ``await paid()`` is its id."""

    async def record(**fields):
        body = {"tenantId": tenant_id, "amount": 10, "method": "card", "status": "success"}
        answer = await http.post("/payments", json={**body, "createdAt": MADE, **fields})
        assert answer.status_code == 201, answer.text
        return answer.json()["_id"]

    return record


@pytest.fixture
def tell(http, tenant_id):
    async def send(payment_id, act, *, key=None, tenant=tenant_id, **body):
        return await http.post(
            f"/payments/{payment_id}/{act}",
            params={"tenantId": tenant},
            json=body,
            headers={"Idempotency-Key": key} if key else {},
        )

    return send


@pytest.fixture
def figures(http, tenant_id):
    async def get(*names, **params):
        asked = {"tenantId": tenant_id, **params}
        answer = await http.get("/api/analytics/metrics", params=asked)
        return [answer.json()[name] for name in names]

    return get


async def changes(http, tenant_id):
    asked = {"tenantId": tenant_id, "after": 0}
    return (await http.get("/payments/changes", params=asked)).json()["changes"]


async def test_the_life_of_a_payment_is_told(
    *, http, shared_server, tenant_id, paid, tell, figures
):
    one = await paid()
    async with Listener(shared_server.url, auth={"tenantId": tenant_id}) as listener:
        await listener.event("connected")
        fees = [{"kind": "processing", "amount": 0.35}, {"kind": "interchange", "amount": 0.02}]
        charged = (await tell(one, "fees", key="k", fees=fees, at=MADE)).json()
        assert charged["feeAmount"] == 0.37
        assert charged["fees"] == [
            {"kind": "interchange", "amount": 0.02, "at": MADE},
            {"kind": "processing", "amount": 0.35, "at": MADE},
        ]
        assert (await tell(one, "fees", key="k", fees=fees, at=MADE)).json() == charged
        opened = await tell(one, "dispute", id="dp", status="open", amount=8, at=LATER)
        said = {"id": "dp", "amount": 8, "status": "open", "openedAt": LATER}
        assert opened.json()["dispute"] == said
        assert await figures("openDisputes", "disputedVolume", "lostVolume") == [1, 8, 0]
        lost = await tell(one, "dispute", id="dp", status="lost", reason="fraudulent", at=LATER)
        said |= {"status": "lost", "closedAt": LATER, "reason": "fraudulent"}
        assert lost.json()["dispute"] == said
        await tell(one, "fees", fees=[{"kind": "dispute", "amount": 15}])
        payout = {"payoutId": "po", "settledAt": LATER, "settledAmount": 8.5}
        last = (await tell(one, "settlement", **payout)).json()
        assert last.items() >= {**payout, "settledCurrency": "USD", "revision": 5}.items()
        await listener.event("payment_event", 5)
        heard = [said for event, said in listener.heard if event == "payment_event"]
    assert (await http.get(f"/payments/{one}?tenantId={tenant_id}")).json() == last
    names = ("disputedPayments", "disputedVolume", "openDisputes", "wonDisputes", "lostDisputes")
    assert await figures(*names) == await figures(*names, method="card") == [1, 8, 0, 0, 1]
    names = ("lostVolume", "disputeRate", "winRate", "feeVolume", "feeRate", "netRevenue")
    assert await figures(*names, period="year") == [8, 100, 0, 15.37, 153.7, -13.37]

    day = {"from": LATER, "to": LATER.replace(".250", ".251")}
    (happened,) = await figures("activity", **day)
    of_eight = {"count": 1, "volume": 8}
    assert (happened["disputesOpened"], happened["disputesLost"]) == (of_eight, of_eight)
    assert happened["fees"] == {"count": 0, "volume": 0}
    (happened,) = await figures("activity", period="year")
    assert happened["fees"] == {"count": 3, "volume": 15.37}

    told = await changes(http, tenant_id)
    assert told[1:] == heard
    first, all_of_them = (
        {name: each[name] for name in ("fees", "feeAmount")} for each in (charged, last)
    )
    assert [(each["type"], each.get("earlier")) for each in told] == [
        ("payment_received", None),
        ("payment_updated", {}),
        ("payment_disputed", {"revision": 1, **first}),
        ("payment_disputed", {"dispute": opened.json()["dispute"], "revision": 2, **first}),
        ("payment_updated", {"dispute": said, "revision": 3, **first}),
        ("payment_updated", {"dispute": said, "revision": 4, **all_of_them}),
    ]
    report = await verified(http, tenant_id)
    assert (report["differing"], report["shown"]) == (0, [])


@pytest.mark.parametrize(
    ("act", "body", "status", "field"),
    [
        ("dispute", {"id": "dp"}, 422, "status"),
        ("dispute", {"status": "open"}, 422, "id"),
        ("dispute", {"id": "", "status": "open"}, 422, "id"),
        ("dispute", {"id": "4111 1111 1111 1111", "status": "open"}, 422, "id"),
        ("dispute", {"id": "dp", "status": "closed"}, 422, "status"),
        ("dispute", {"id": "dp", "status": "open", "amount": 10.01}, 409, "amount"),
        ("dispute", {"id": "dp", "status": "open", "amount": 0}, 422, "amount"),
        ("dispute", {"id": "dp", "status": "open", "amount": "8"}, 422, "amount"),
        ("dispute", {"id": "dp", "status": "open", "amount": None}, 422, "amount"),
        ("dispute", {"id": "dp", "status": "open", "at": "2026-04-30T00:00:00Z"}, 422, "at"),
        ("dispute", {"id": "dp", "status": "open", "at": "2999-01-01T00:00:00Z"}, 422, "at"),
        ("dispute", {"id": "dp", "status": "open", "why": "?"}, 422, "why"),
        ("fees", {}, 422, "fees"),
        ("fees", {"fees": []}, 422, "fees"),
        ("fees", {"fees": [{"kind": "tax", "amount": 1}] * 21}, 422, "fees"),
        ("fees", {"fees": [{"kind": "rent", "amount": 1}]}, 422, "fees[0].kind"),
        (
            "fees",
            {"fees": [{"kind": "tax", "amount": 1, "currency": "EUR"}]},
            422,
            "fees[0].currency",
        ),
        ("fees", {"fees": [{"kind": "tax", "amount": "1"}]}, 422, "fees[0].amount"),
        ("fees", {"fees": [{"kind": "tax", "amount": 0.001}]}, 422, "fees[0].amount"),
        ("fees", {"fees": [{"kind": "tax", "amount": 10**15}]}, 422, "fees[0].amount"),
        ("settlement", {"payoutId": "po"}, 422, "settledAt"),
        ("settlement", {"settledAt": LATER}, 422, "payoutId"),
        ("settlement", {"payoutId": "po", "settledAt": "2026-04-01T00:00:00Z"}, 422, "settledAt"),
        ("settlement", {"payoutId": "po", "settledAt": "2999-04-01T00:00:00Z"}, 422, "settledAt"),
        ("settlement", {"payoutId": "4111111111111111", "settledAt": LATER}, 422, "payoutId"),
        (
            "settlement",
            {"payoutId": "po", "settledAt": LATER, "settledCurrency": "EUR"},
            422,
            "settledCurrency",
        ),
        (
            "settlement",
            {"payoutId": "po", "settledAt": LATER, "settledAmount": 1, "settledCurrency": "ABC"},
            422,
            "settledCurrency",
        ),
        (
            "settlement",
            {"payoutId": "po", "settledAt": LATER, "settledAmount": 0.1, "settledCurrency": "JPY"},
            422,
            "settledAmount",
        ),
    ],
)
async def test_what_is_wrong_changes_nothing(
    *, http, tenant_id, paid, tell, act, body, status, field
):
    one = await paid()
    problem(await tell(one, act, **body), status, field=field)
    assert len(await changes(http, tenant_id)) == 1


async def test_only_a_tenants_own_payments_are_told_of(http, paid, tell):
    one = await paid()
    other = {"tenantId": "another", "amount": 1, "method": "card", "status": "success"}
    await http.post("/payments", json=other)
    dispute = {"id": "dp", "status": "open"}
    problem(await tell(one, "dispute", tenant="another", **dispute), 404)
    problem(await tell("0" * 24, "dispute", **dispute), 404)
    problem(await tell("x", "fees", fees=[{"kind": "tax", "amount": 1}]), 404)
    failed = await paid(status="failed")
    problem(await tell(failed, "dispute", **dispute), 409)
    problem(await tell(failed, "settlement", payoutId="po", settledAt=LATER), 409)
    assert (await tell(failed, "fees", fees=[{"kind": "tax", "amount": 1}])).json()[
        "feeAmount"
    ] == 1


async def test_a_name_that_comes_twice_is_refused_wherever_it_is(http, tenant_id, paid):
    one = await paid()
    text = b'{"fees":[{"kind":"tax","amount":1,"amount":2}]}'
    headers = {"Content-Type": "application/json"}
    asked = {"tenantId": tenant_id}
    answer = await http.post(f"/payments/{one}/fees", params=asked, content=text, headers=headers)
    problem(answer, 422, field="amount")


async def test_the_client_tells_it_too(shared_server, tenant_id, paid):
    one = await paid(currency="KWD")
    moment = datetime.now(UTC) - timedelta(hours=1)
    async with Client(shared_server.url) as client:
        said = {"dispute_id": "dp", "status": "open", "amount": Decimal("1.005")}
        told = await client.dispute(one, tenant_id, **said)
        assert (told.dispute.amount, told.dispute.status) == (1005, DisputeStatus.OPEN)
        fees = [("tax", Decimal("-0.001")), ("other", 1)]
        told = await client.charge(one, tenant_id, fees=fees, idempotency_key="k")
        assert (told.fee_amount, len(told.fees)) == (999, 2)
        told = await client.settle(
            one,
            tenant_id,
            payout_id="po",
            settled_at=moment,
            settled_amount=7,
            settled_currency="JPY",
        )
        assert (told.settled_amount, told.settled_currency, told.revision) == (7, "JPY", 3)
        page = await client.changes(tenant_id, after=0)
    assert page.changes[-1].previous.revision == 2
    assert page.changes[-1].payment == told


async def test_what_a_sender_knows_at_once_comes_with_the_payment(http, tenant_id, paid, figures):
    fees = [{"kind": "tax", "amount": 0.07, "at": LATER}, {"kind": "scheme", "amount": 0.1}]
    settled = {"payoutId": "po", "settledAt": LATER, "settledAmount": 9, "settledCurrency": "EUR"}
    one = await paid(fees=fees, feeAmount=0.17, **settled)
    sent = (await http.get(f"/payments/{one}?tenantId={tenant_id}")).json()
    assert sent.items() >= {**settled, "feeAmount": 0.17}.items()
    assert sent["fees"] == [
        {"kind": "scheme", "amount": 0.1, "at": MADE},
        {"kind": "tax", "amount": 0.07, "at": LATER},
    ]
    assert "revision" not in sent
    # Their sum alone is one fee, of which nobody said what it is for.
    two = await paid(feeAmount=-0.5, status="failed")
    lone = (await http.get(f"/payments/{two}?tenantId={tenant_id}")).json()
    assert lone["fees"] == [{"kind": "other", "amount": -0.5, "at": MADE}]
    assert await figures("feeVolume", "netRevenue") == [-0.33, 10.33]
    # The same again counts once, however it is written.
    same = {"tenantId": tenant_id, "amount": 10, "method": "card", "status": "success"}
    same |= {"createdAt": MADE, "reference": "r", "feeAmount": 0.5, "settledAt": LATER}
    for told, status in ((same, 201), ({**same, "feeAmount": Decimal("0.50")}, 200)):
        content = wire.encode(told)
        headers = {"Content-Type": "application/json"}
        answer = await http.post("/payments", content=content, headers=headers)
        assert answer.status_code == status
    problem(await http.post("/payments", json={**same, "feeAmount": 0.51}), 409)
    report = await verified(http, tenant_id)
    assert (report["differing"], report["shown"]) == (0, [])


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"feeAmount": 0.001}, "feeAmount"),
        ({"feeAmount": "1"}, "feeAmount"),
        ({"feeAmount": 1, "fees": [{"kind": "tax", "amount": 2}]}, "feeAmount"),
        ({"fees": [{"kind": "tax", "amount": 0.001}]}, "fees[0].amount"),
        ({"fees": [{"kind": "tax", "amount": 1, "at": "2026-04-30T10:00:00Z"}]}, "fees[0].at"),
        ({"fees": [{"kind": "rent", "amount": 1}]}, "fees[0].kind"),
        ({"fees": [{"kind": "tax", "amount": 10**10}] * 2}, "fees"),
        ({"settledAt": "2026-04-30T10:00:00Z"}, "settledAt"),
        ({"settledAmount": 1}, "settledAmount"),
        ({"settledAmount": 0.1, "settledAt": LATER, "settledCurrency": "JPY"}, "settledAmount"),
        ({"settledAmount": 1, "settledAt": LATER, "settledCurrency": "?"}, "settledCurrency"),
        ({"settledCurrency": "EUR"}, "settledCurrency"),
        ({"payoutId": "4111 1111 1111 1111"}, "payoutId"),
        ({"payoutId": "po", "status": "failed"}, "payoutId"),
        ({"settledAt": LATER, "status": "failed"}, "settledAt"),
    ],
)
async def test_what_is_wrong_with_costs_is_refused_alone_and_in_batches(
    http, tenant_id, body, field
):
    one = {"tenantId": tenant_id, "amount": 10, "method": "card", "status": "success"}
    one |= {"createdAt": MADE, **body}
    problem(await http.post("/payments", json=one), 422, field=field)
    (item,) = (await http.post("/payments/batch", json=[one])).json()["items"]
    assert item["problem"]["field"] == field


async def test_a_settlement_may_be_told_piece_by_piece(paid, tell):
    one = await paid(payoutId="po")
    told = await tell(one, "settlement", payoutId="po", settledAt=LATER, settledAmount=9)
    assert told.json()["settledAmount"] == 9
    again = {"payoutId": "po", "settledAt": LATER, "settledAmount": 9, "settledCurrency": "USD"}
    assert (await tell(one, "settlement", **again)).json() == told.json()
    problem(await tell(one, "settlement", payoutId="p", settledAt=LATER), 409, field="payoutId")


async def test_a_row_from_before_more_was_told_is_known(http, tenant_id, tell):
    async def bring(content, **fields):
        begun = {"tenantId": tenant_id, "file": f"{content}.csv"}
        started = (await http.post("/api/imports", json=begun)).json()["_id"]
        row = {"tenantId": tenant_id, "amount": 10, "method": "card", "status": "success"}
        row |= {"createdAt": MADE, "reference": "r", **fields}
        rows = [{**row, "row": {"content": content, "base": content}}]
        asked = {"source": "import", "importId": started}
        return (await http.post("/payments/batch", params=asked, json=rows)).json()["items"][0]

    first = await bring("1", feeAmount=1)
    wrong = await bring("2", feeAmount=2)
    assert wrong["outcome"] == "conflict"
    assert wrong["problem"]["field"] == "feeAmount"
    assert "is recorded as 1 USD, the row says 2 USD" in wrong["problem"]["detail"]
    await tell(first["_id"], "fees", fees=[{"kind": "dispute", "amount": 15}])
    for content in ("1", "3"):
        assert (await bring(content, feeAmount=1))["outcome"] == "duplicate"


async def test_an_import_is_not_undone_after_something_was_told(http, tenant_id, tell, figures):
    begun = {"tenantId": tenant_id, "file": "a.csv"}
    started = (await http.post("/api/imports", json=begun)).json()["_id"]
    asked = {"source": "import", "importId": started}
    row = {"tenantId": tenant_id, "amount": 10, "method": "card", "createdAt": MADE}
    rows = [{**row, "status": "success", "reference": "r", "row": {"content": "1", "base": "1"}}]
    (item,) = (await http.post("/payments/batch", params=asked, json=rows)).json()["items"]
    moved = [{**rows[0], "status": "refunded", "row": {"content": "2", "base": "1"}}]
    assert (await http.post("/payments/batch", params=asked, json=moved)).json()["updated"] == 1
    # A later change is not the import's.
    done = f"/api/imports/{started}/finish"
    assert (await http.post(done, json={})).is_success
    assert (await tell(item["_id"], "fees", fees=[{"kind": "tax", "amount": 1}])).is_success
    assert (await http.get(f"/api/imports/{started}")).json()["counts"]["updated"] == 1
    refused = problem(await http.post(f"/api/imports/{started}/undo"), 409)
    assert f"payment {item['_id']} was changed since" in refused["detail"]
    assert await figures("feeVolume", "netRevenue") == [1, -1]


async def test_a_refund_of_an_import_is_undone_and_leaves_the_rest(
    http, tenant_id, paid, tell, figures
):
    one = await paid(reference="r")
    begun = {"tenantId": tenant_id, "file": "a.csv"}
    started = (await http.post("/api/imports", json=begun)).json()["_id"]
    asked = {"source": "import", "importId": started}
    row = {"tenantId": tenant_id, "amount": 10, "method": "card", "createdAt": MADE}
    rows = [{**row, "status": "refunded", "reference": "r", "row": {"content": "2", "base": "1"}}]
    assert (await http.post("/payments/batch", params=asked, json=rows)).json()["updated"] == 1
    await tell(one, "dispute", id="dp", status="lost", at=LATER)
    assert await figures("lostVolume", "netRevenue") == [0, 0]
    assert (await http.post(f"/api/imports/{started}/undo")).status_code == 200
    assert await figures("lostVolume", "netRevenue", "refundedVolume") == [10, 0, 0]
    last = (await changes(http, tenant_id))[-1]
    assert last["type"] == "payment_updated"
    assert wire.change_from(wire.decode(wire.encode(last))).taken_back
    report = await verified(http, tenant_id)
    assert (report["differing"], report["shown"]) == (0, [])
