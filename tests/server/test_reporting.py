"""`currency=reporting`: figures over all currencies, converted once, waiting, and converted again."""

import asyncio
import json
from datetime import date
from decimal import Decimal

import httpx
import polars as pl
import pytest

import financeops as fo
from financeops.cli.exchange import rates_recomputed
from tests.server.listener import Listener
from tests.server.problem import problem
from tests.verification import verified

SHOP = {"tenantId": "shop"}
TENANTS = json.dumps({"shop": {"currency": "EUR", "timezone": "Asia/Tokyo"}})
RATES = [
    ("2026-05-04", {"USD": 1.1789, "JPY": 133.73}),
    ("2026-05-05", {"USD": 1.179, "JPY": 130.96}),
]
PAYMENTS = [
    # Late on the 4th in UTC is the 5th in Tokyo.
    {
        "amount": 1000,
        "currency": "JPY",
        "createdAt": "2026-05-04T20:00:00Z",
        "processor": "adyen",
    },
    {"amount": 18.5, "currency": "USD", "createdAt": "2026-05-04T10:00:00Z", "status": "failed"},
    {"amount": 10, "currency": "USD", "createdAt": "2026-05-08T10:00:00Z"},
    {
        "amount": 20,
        "currency": "EUR",
        "createdAt": "2026-05-08T10:05:00Z",
        "processor": "adyen",
    },
    {"amount": 5, "currency": "USD", "createdAt": "2026-06-08T10:00:00Z"},
]
MAY = {"from": "2026-05-01T00:00:00Z", "to": "2026-06-01T00:00:00Z"}


def rates(*days, source="ours", base="EUR"):
    return [{"date": day, "base": base, "source": source, "rates": of_day} for day, of_day in days]


@pytest.fixture
async def shop(start, database_uri):
    server = start(database_uri, tenants=TENANTS, heartbeat_seconds=0.3)
    async with httpx.AsyncClient(base_url=server.url, timeout=30) as http:
        yield http


@pytest.fixture
def ask(shop):
    """Ask an analytics route about the shop in all currencies."""

    async def get(name, **asked):
        params = {**SHOP, "currency": "reporting", **asked}
        answer = await shop.get(f"/api/analytics/{name}", params=params)
        assert answer.is_success, answer.text
        return json.loads(answer.text, parse_float=Decimal)

    return get


async def assert_filters_add_up(ask):
    """Check that all figures of the values of a dimension add up to those of all payments."""
    summed = ("totalPayments", "totalVolume", "refundedVolume", "feeVolume", "failedPayments")
    for window in (MAY, {}):
        whole = await ask("metrics", **window)
        adyen, others = [await ask("metrics", processor=p, **window) for p in ("adyen", "-")]
        assert adyen["totalPayments"] == 2
        for name in summed:
            assert adyen[name] + others[name] == whole[name], name
        waiting = others["unconverted"]["count"] + adyen["unconverted"]["count"]
        assert waiting == whole["unconverted"]["count"]
        assert adyen["unconverted"]["count"] == 0


async def test_all_currencies_together(shop, ask, start, database_uri):
    items = [{**SHOP, "method": "card", "status": "success", **each} for each in PAYMENTS]
    created = (await shop.post("/payments/batch", json=items)).json()
    assert created["created"] == len(items), created
    yen, _, dollars, _, _ = (item["_id"] for item in created["items"])

    before = await ask("metrics")
    assert (before["totalPayments"], before["totalVolume"]) == (1, 20)
    assert before["unconverted"] == {"count": 4, "currencies": ["JPY", "USD"]}
    assert (before["currency"], before["currencies"]) == ("EUR", ["EUR", "JPY", "USD"])
    own = (await shop.get("/api/analytics/metrics", params=SHOP)).json()
    assert "unconverted" not in own
    waiting = (await shop.get(f"/payments/{yen}", params=SHOP)).json()
    assert waiting["reportingCurrency"] == "EUR"
    assert "reportingAmount" not in waiting

    # New rates convert what waits, each payment by a change of its own.
    async with Listener(str(shop.base_url), auth={**SHOP, "seq": before["seq"]}) as heard:
        assert (await shop.post("/api/rates", json=rates(*RATES))).is_success
        await heard.event("payment_event", 3)
        assert {each["type"] for each in heard.all("payment_event")} == {"payment_updated"}
    converted = (await shop.get(f"/payments/{yen}", params=SHOP)).json()
    assert (
        converted.items()
        >= {
            "reportingAmount": 7.64,  # 1000 / 130.96
            "rate": "0.007635919365",
            "rateDate": "2026-05-05",
            "rateSource": "ours",
        }.items()
    )
    await assert_filters_add_up(ask)
    refund = await shop.post(f"/payments/{yen}/refund", params=SHOP, json={"amount": 333})
    assert refund.is_success, refund.text
    fees = {"fees": [{"kind": "other", "amount": 0.5}]}
    assert (await shop.post(f"/payments/{dollars}/fees", params=SHOP, json=fees)).is_success

    figures = await ask("metrics", compare="true", **MAY)
    assert figures["unconverted"] == {"count": 0, "currencies": []}
    assert figures["totalPayments"] == 4
    assert figures["totalVolume"] == Decimal("36.12")  # 20 + 7.64 + 10 / 1.179
    assert figures["refundedVolume"] == Decimal("2.54")  # 333 of 1000 of 7.64
    assert figures["feeVolume"] == Decimal("0.42")  # 0.5 / 1.179
    assert figures["netRevenue"] == Decimal("33.16")
    assert figures["successRate"] == 75
    await assert_filters_add_up(ask)  # by changes, of what was counted before
    everything = await ask("metrics")
    assert everything["unconverted"] == {"count": 1, "currencies": ["USD"]}
    assert everything["totalVolume"] == figures["totalVolume"]
    # A window that cuts quarter hours, and one in another zone.
    cut = {"from": "2026-05-04T19:59:00Z", "to": "2026-05-08T10:01:00Z", "timezone": "UTC"}
    assert (await ask("metrics", **cut))["totalVolume"] == Decimal("16.12")
    for name, asked in (("methods", {}), ("breakdown", {"by": "network"})):
        (row,) = await ask(name, **MAY, **asked)
        assert (row["count"], row["volume"]) == (4, Decimal("36.12"))
    assert sum(each["amount"] for each in await ask("trends", **MAY)) == Decimal("36.12")
    (decline,) = await ask("declines", **MAY)
    assert decline["volume"] == Decimal("15.69")  # 18.5 / 1.1789, of the 4th in Tokyo
    snapshot = await ask("snapshot", **MAY, rollups="true")
    assert snapshot["metrics"]["totalVolume"] == Decimal("36.12")
    assert {each["currency"] for each in snapshot["payments"]} == {"EUR", "JPY", "USD"}
    await _frames_agree(str(shop.base_url))

    # Wrong rates are corrected for payments that are converted already, as far as is asked for.
    wrong = rates(("2026-05-05", {"USD": 2}))
    assert (await shop.post("/api/rates", params={"replace": "true"}, json=wrong)).is_success
    assert (await ask("metrics"))["totalVolume"] == Decimal("36.12")
    days = {**SHOP, "from": "2026-05-05", "to": "2026-05-09"}
    again = await shop.post("/api/rates/recompute", params=days)
    assert again.json() == {"checked": 2, "changed": 1}
    said = await rates_recomputed(
        str(shop.base_url), tenant_id="shop", start=date(2026, 4, 1), end=date(2026, 5, 9)
    )
    assert said == "shop: 3 payments in other currencies, 0 changed"
    assert (await ask("metrics"))["totalVolume"] == Decimal("32.64")
    wrong_days = {**days, "to": "2026-05-05"}
    problem(await shop.post("/api/rates/recompute", params=wrong_days), 422, field="to")
    problem(
        await shop.get("/payments", params={**SHOP, "currency": "reporting"}), 422, field="currency"
    )
    report = await verified(shop, "shop")
    assert (report["differences"], report["shown"]) == ([], [])

    # With rates of two sources, it is not guessed which is right.
    other = rates(("2026-06-08", {"USD": 1.25}), source="another")
    assert (await shop.post("/api/rates", json=other)).is_success
    problem(await shop.post("/api/rates/recompute", params=days), 409)
    assert (await ask("metrics"))["unconverted"]["count"] == 1
    second = start(database_uri, tenants=TENANTS, rates_source="another")
    async with httpx.AsyncClient(base_url=second.url, timeout=30) as http:
        while (found := await _all(http))["unconverted"]["count"]:
            pass
    assert found["totalVolume"] == 36.64  # and 5 / 1.25


async def test_a_tenant_that_gets_another_currency_is_converted_anew(shop, start, database_uri):
    assert (await shop.post("/api/rates", json=rates(*RATES))).is_success
    items = [{**SHOP, "method": "card", "status": "success", **each} for each in PAYMENTS]
    assert (await shop.post("/payments/batch", json=items)).json()["created"] == len(items)
    dollars = json.dumps({"shop": {"currency": "USD", "timezone": "Asia/Tokyo"}})
    other = start(database_uri, tenants=dollars)
    async with httpx.AsyncClient(base_url=other.url, timeout=30) as http:
        while "currency" not in (found := await _all(http)):
            assert found["status"] == 503, found
        assert (found["currency"], found["totalPayments"]) == ("USD", 5)
        # 15 dollars, 1000 * 1.179 / 130.96 and 20 * 1.179
        assert found["totalVolume"] == 47.58
        report = await verified(http, "shop")
        assert (report["differences"], report["shown"]) == ([], [])
        # The first server hears of it with the next payment.
        more = {**items[0], "currency": "EUR", "createdAt": "2026-05-05T10:00:00Z", "amount": 1}
        assert (await shop.post("/payments", json=more)).json()["reportingAmount"] == 1.18


async def _all(http):
    asked = {**SHOP, "currency": "reporting"}
    return (await http.get("/api/analytics/metrics", params=asked)).json()


async def _frames_agree(url):
    """`fo.convert` gives each payment the amount that the ledger gave it."""

    def look():
        with fo.connect(url, "shop", progress=False) as live:
            frame = live.payments(frame="polars", cache=False)
            converted = fo.convert(frame, live.rates(), to="EUR", timezone="Asia/Tokyo")
            figures = live.metrics(currency="reporting")
            return frame, converted, figures

    frame, converted, figures = await asyncio.to_thread(look)
    amounts = pl.coalesce("reporting_amount", pl.when(currency="EUR").then("amount"))
    own, theirs = (
        each.sort("id").select(amounts.alias("a"))["a"].to_list() for each in (frame, converted)
    )
    assert own == theirs
    good = converted.filter(pl.col("status") != "failed")["reporting_amount"].sum()
    assert figures.total_volume == Decimal(good) / 100
