"""Past currencies: accepted for their time, refused after it, and always readable."""

from decimal import Decimal

import pytest
from pymongo import MongoClient

from financeops.client import Client
from tests.server.listener import Listener
from tests.server.problem import problem
from tests.server.test_export import MEDIA, rows_of
from tests.verification import verified

HISTORY = [
    ("HRK", "2022-05-01"),
    ("BGN", "2025-05-01"),
    ("ANG", "2024-05-01"),
    ("SLL", "2020-05-01"),
]


def payment(tenant_id, currency, day, **fields):
    return {
        "tenantId": tenant_id,
        "amount": 10,
        "currency": currency,
        "method": "card",
        "status": "success",
        "createdAt": f"{day}T10:00:00Z",
        **fields,
    }


@pytest.fixture
def plant(shared_server, tenant_id):
    """``plant("QQQ")``: turn the tenant's forints into payments in a currency that is in no table."""

    def become(currency):
        with MongoClient(shared_server.settings["mongodb_uri"]) as client:
            db = client.get_default_database()
            of_tenant = {"tenantId": tenant_id, "currency": "HUF"}
            awaits = f"{tenant_id}|{currency}"
            change = {"$set": {"currency": currency, "awaitsRate": awaits}}
            changed = db.payments.update_many(of_tenant, change)
            assert changed.modified_count
            db.tenants.update_one(
                {"_id": tenant_id, "currencies": "HUF"}, {"$set": {"currencies.$": currency}}
            )
            for rollup in db.rollups.find(of_tenant):
                db.rollups.delete_one({"_id": rollup["_id"]})
                name = rollup["_id"].replace("|HUF|", f"|{currency}|")
                db.rollups.insert_one({**rollup, "_id": name, "currency": currency})
            # They wait for a rate: counted as such in the tenant's own currency.
            waiting = {"tenantId": tenant_id, "currency": "reporting-USD"}
            renamed = {"unconverted.card.HUF": f"unconverted.card.{currency}"}
            assert db.rollups.update_many(waiting, {"$rename": renamed}).modified_count
            changes = db.changes.find({"tenantId": tenant_id})
            for change in changes:
                for event in change["events"]:
                    if event["payment"]["currency"] == "HUF":
                        event["payment"]["currency"] = currency
                db.changes.replace_one({"_id": change["_id"]}, change)

    return become


async def test_history_is_recorded_in_the_currency_of_its_time(http, tenant_id, record):
    await record(*(payment(tenant_id, *each) for each in HISTORY))
    for currency, _ in HISTORY:
        query = {"tenantId": tenant_id, "currency": currency}
        metrics = (await http.get("/api/analytics/metrics", params=query)).json()
        assert (metrics["currency"], metrics["totalVolume"]) == (currency, 10)
        (found,) = (await http.get("/payments", params=query)).json()
        assert (found["currency"], found["amount"]) == (currency, 10)


@pytest.mark.parametrize(
    ("currency", "day", "said"),
    [
        ("HRK", "2024-05-01", "until 2023-01-31, not on 2024-05-01"),
        ("HRK", "1990-05-01", "from 1994-05-30 until 2023-01-31, not on 1990-05-01"),
        ("ZZZ", "2022-05-01", "ISO 4217"),
        ("XAU", "2022-05-01", "ISO 4217"),
    ],
)
async def test_a_currency_is_refused_outside_its_time(http, tenant_id, currency, day, said):
    answer = await http.post("/payments", json=payment(tenant_id, currency, day))
    assert said in problem(answer, 422, field="currency")["detail"]


async def test_a_withdrawn_currency_is_refused_for_the_present(http, tenant_id):
    now = payment(tenant_id, "BGN", "2025-05-01")
    del now["createdAt"]
    problem(await http.post("/payments", json=now), 422, field="currency")


@pytest.mark.parametrize("currency", ["BGN", "QQQ"])
async def test_stored_payments_stay_readable(http, tenant_id, record, plant, currency):
    """QQQ stands for a code that is not in this server's table."""
    await record(
        payment(tenant_id, "USD", "2025-05-01"),
        payment(tenant_id, "HUF", "2025-05-01", amount=12.34, reference="r"),
    )
    plant(currency)
    of_tenant = {"tenantId": tenant_id}
    for query in (of_tenant, {**of_tenant, "currency": currency}):
        listed = (await http.get("/payments", params=query)).json()
        assert (currency, 12.34) in [(each["currency"], each["amount"]) for each in listed]
    (stored,) = listed
    path = f"/payments/{stored['_id']}"
    assert (await http.get(path, params=of_tenant)).json() == stored

    for form in MEDIA:
        answer = await http.get("/payments/export", params={**of_tenant, "format": form})
        amounts = {row["currency"]: Decimal(row["amount"]) for row in rows_of(form, answer.content)}
        assert amounts == {"USD": 10, currency: Decimal("12.34")}

    query = {**of_tenant, "currency": currency}
    metrics = (await http.get("/api/analytics/metrics", params=query)).json()
    assert (metrics["totalVolume"], metrics["averageAmount"]) == (12.34, 12.34)
    assert metrics["currencies"] == sorted(["USD", currency])
    for kind in ("snapshot", "trends", "methods", "declines"):
        answer = await http.get(f"/api/analytics/{kind}", params={**query, "period": "year"})
        assert answer.status_code == 200, answer.text
    report = await verified(http, tenant_id)
    assert report["differences"] == []

    url = str(http.base_url)
    async with Client(url) as client:
        snapshot = await client.snapshot(tenant_id, period="year", currency=currency)
        assert snapshot.payments[0].amount == 1234
    async with Listener(url, auth={"tenantId": tenant_id, "seq": 0}) as listener:
        event = await listener.event("payment_event", 2)
        assert event["payment"] == stored

    refunded = await http.post(f"{path}/refund", params=of_tenant)
    assert (refunded.status_code, refunded.json()["status"]) == (200, "refunded")
    unknown = await http.get("/payments", params={**of_tenant, "currency": "ZZZ"})
    problem(unknown, 422, field="currency")
