"""Figures over HTTP equal a recomputation from the payments themselves."""

import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import httpx
import pytest

from financeops.core import metrics as figures
from financeops.core import wire
from financeops.core.payments import Status
from financeops.core.periods import (
    Period,
    Window,
    buckets,
    floor_millisecond,
    previous_window,
)
from financeops.core.rollup import from_document, rollup_of, total
from tests import plain
from tests.acts import acts_in
from tests.clocked import set_clock
from tests.database import fresh_name, with_database
from tests.processes import start_server
from tests.server.problem import problem

BERLIN = ZoneInfo("Europe/Berlin")
NOW = floor_millisecond(datetime.now(UTC))
"""By the server's clock: else a quarter hour could end between two answers that are compared."""
CONTRACT = {
    "totalVolume",
    "successRate",
    "averageAmount",
    "peakHour",
    "topPaymentMethod",
    "totalPayments",
}


def history(tenant_id, *, seed=7, count=400):
    """Payments over 400 days, many of them recent, in two currencies."""
    rng = random.Random(seed)
    payments = []
    for number in range(count):
        age = timedelta(seconds=rng.choice([3600, 86400, 30 * 86400, 400 * 86400]) * rng.random())
        created = NOW - age
        status = rng.choice(["success", "success", "success", "failed", "refunded"])
        payment = {
            "tenantId": tenant_id,
            "amount": rng.randrange(100_000) / 100,
            "currency": rng.choice(["EUR", "EUR", "EUR", "USD"]),
            "method": rng.choice(["card", "card", "paypal", "crypto"]),
            "status": status,
            "createdAt": wire.timestamp(created.replace(microsecond=number * 1000 % 10**6)),
        }
        if status == "failed":
            payment["declineCode"] = rng.choice(["do_not_honor", "expired_card"])
        payments.append(payment)
    return payments


@pytest.fixture(scope="module")
def berlin(mongodb_uri, tmp_path_factory):
    """A server whose default tenant is in Berlin and reports in EUR."""
    clock = tmp_path_factory.mktemp("clock") / "clock"
    set_clock(clock, NOW)
    tenants = '{"tenant_1": {"currency": "EUR", "timezone": "Europe/Berlin"}}'
    process = start_server(with_database(mongodb_uri, fresh_name()), clock=clock, tenants=tenants)
    yield process
    assert process.stop() == 0, process.said


@pytest.fixture(scope="module")
def payments(berlin):
    """Payments of that tenant."""

    with httpx.Client(base_url=berlin.url, timeout=60) as http:
        answer = http.post("/payments/batch?source=import", json=history("tenant_1"))
        assert answer.json()["created"] == 400, answer.text
        documents = wire.decode(http.get("/payments?limit=1000").content)
        return [wire.payment_from(document) for document in documents]


@pytest.fixture
async def ask(berlin, payments):
    """``await ask("metrics", period="day")``: the decoded answer."""

    async with httpx.AsyncClient(base_url=berlin.url, timeout=30) as http:

        async def get(what, **query):
            query = {name.rstrip("_"): value for name, value in query.items()}
            response = await http.get(f"/api/analytics/{what}", params=query)
            assert response.status_code == 200, response.text
            return wire.decode(response.content)

        yield get


def rollup(payments, window=None, *, currency="EUR", method=None, zone=BERLIN):
    chosen = [
        payment
        for payment in payments
        if payment.currency == currency and method in (None, payment.method)
    ]
    made = [
        rollup_of(payment, zone)
        for payment in chosen
        if window is None or payment.created_at in window
    ]
    return total([*made, acts_in(chosen, window)])


def expected(payments, window=None, *, currency="EUR", **chosen):
    part = rollup(payments, window, currency=currency, **chosen)
    return as_read(wire.metrics_document(figures.metrics(part, currency=currency)))


def as_read(document):
    return wire.decode(wire.encode(document))


def window_of(document):
    return Window(wire.instant_of(document["from"]), wire.instant_of(document["to"]))


async def test_metrics_of_all_time(ask, payments):
    answer = await ask("metrics")
    assert answer.items() >= expected(payments).items()
    assert answer.keys() >= CONTRACT
    assert (answer["from"], answer["to"], answer["seq"]) == (None, None, 400)
    assert (answer["currency"], answer["timezone"]) == ("EUR", "Europe/Berlin")
    assert answer["currencies"] == ["EUR", "USD"]


@pytest.mark.parametrize("period", list(Period))
async def test_metrics_of_a_period_and_of_the_previous_one(ask, payments, period):
    answer = await ask("metrics", period=period, compare="true")
    cut = buckets(period, NOW, BERLIN)
    assert window_of(answer) == Window(cut[0].start, cut[-1].end)
    assert answer.items() >= expected(payments, window_of(answer)).items()
    before = answer["previous"]
    assert window_of(before) == previous_window(period, NOW, BERLIN)
    assert before.items() >= expected(payments, window_of(before)).items()
    assert before.keys() == answer.keys() - {"previous"}


@pytest.mark.parametrize("days", [0.01, 1, 40, 399])
async def test_metrics_of_a_window_are_exact_to_the_millisecond(ask, payments, days):
    newest = max(payment.created_at for payment in payments)
    window = Window(newest - timedelta(days=days), newest)
    answer = await ask(
        "metrics",
        from_=wire.timestamp(window.start),
        to=wire.timestamp(window.end),
        compare="true",
    )
    assert window_of(answer) == window
    assert answer.items() >= expected(payments, window).items()
    before = Window(window.start - (window.end - window.start), window.start)
    assert window_of(answer["previous"]) == before
    assert answer["previous"].items() >= expected(payments, before).items()
    later = await ask(
        "metrics",
        from_=wire.timestamp(window.start),
        to=wire.timestamp(newest + timedelta(milliseconds=1)),
    )
    assert later["seq"] == answer["seq"]
    assert later.items() >= expected(payments, window_of(later)).items()


async def test_an_open_end(ask, payments):
    middle = sorted(payment.created_at for payment in payments)[200]
    after = await ask("metrics", from_=wire.timestamp(middle))
    before = await ask("metrics", to=wire.timestamp(middle))
    assert (after["to"], before["from"]) == (None, None)
    everything = await ask("metrics")
    for name in ("totalPayments", "totalVolume", "refundedVolume"):
        assert after[name] + before[name] == everything[name]


@pytest.mark.parametrize("period", list(Period))
async def test_trends_have_every_bucket(ask, payments, period):
    answer = await ask("trends", period=period)
    cut = buckets(period, NOW, BERLIN)
    parts = [rollup(payments, bucket) for bucket in cut]
    assert answer == as_read(wire.trends_document(figures.trends(cut, parts), currency="EUR"))
    assert len(answer) == {"day": 24, "week": 7, "month": 30, "year": 12}[period]


async def test_trends_cover_the_last_day_by_default(ask):
    assert await ask("trends") == await ask("trends", period="day")


async def test_methods_and_declines(ask, payments):
    everything = rollup(payments)
    methods = wire.methods_document(figures.methods(everything), currency="EUR")
    declines = wire.declines_document(figures.declines(everything), currency="EUR")
    assert await ask("methods") == as_read(methods)
    assert await ask("declines") == as_read(declines)
    assert sum(row["share"] for row in await ask("declines")) == pytest.approx(100)


async def test_figures_of_one_method(ask, payments):
    answer = await ask("metrics", method="paypal", period="year")
    assert answer.items() >= expected(payments, window_of(answer), method="paypal").items()
    failed = sum(
        payment.method == "paypal" and payment.currency == "EUR" and payment.status is Status.FAILED
        for payment in payments
    )
    assert sum(row["count"] for row in await ask("declines", method="paypal")) == failed


async def test_another_currency(ask, payments):
    answer = await ask("metrics", currency="USD")
    assert answer.items() >= expected(payments, currency="USD").items()
    nothing = await ask("metrics", currency="JPY")
    assert nothing["totalPayments"] == 0
    assert nothing["successRate"] is None


async def test_another_time_zone(ask, payments):
    zone = ZoneInfo("Asia/Kathmandu")
    answer = await ask("metrics", period="week", timezone=zone.key)
    cut = buckets(Period.WEEK, NOW, zone)
    assert window_of(answer) == Window(cut[0].start, cut[-1].end)
    assert answer.items() >= expected(payments, window_of(answer), zone=zone).items()
    assert answer["timezone"] == zone.key


@pytest.mark.parametrize("period", list(Period))
async def test_a_snapshot_is_of_one_moment(ask, period):
    snapshot = await ask("snapshot", period=period, rollups="true")
    assert snapshot["metrics"] == {
        name: value
        for name, value in (await ask("metrics", period=period)).items()
        if name != "previous"
    }
    assert snapshot["previous"] == (await ask("metrics", period=period, compare="true"))["previous"]
    for part in ("trends", "methods", "declines"):
        assert snapshot[part] == await ask(part, period=period)
    assert snapshot["seq"] == snapshot["metrics"]["seq"] == 400
    assert len(snapshot["payments"]) == 100
    assert wire.instant_of(snapshot["asOf"]) == NOW


async def test_the_rollups_of_a_snapshot_are_its_figures(ask):
    snapshot = await ask("snapshot", period="month", rollups="true")
    parts = snapshot["rollups"]["buckets"]
    cut = [Window(wire.instant_of(part["start"]), wire.instant_of(part["end"])) for part in parts]
    rollups = [from_document(part) for part in parts]
    key_figures = as_read(wire.metrics_document(figures.metrics(total(rollups), currency="EUR")))
    assert snapshot["metrics"].items() >= key_figures.items()
    points = wire.trends_document(figures.trends(cut, rollups), currency="EUR")
    assert snapshot["trends"] == as_read(points)
    previous = from_document(snapshot["rollups"]["previous"])
    before = as_read(wire.metrics_document(figures.metrics(previous, currency="EUR")))
    assert snapshot["previous"].items() >= before.items()
    assert snapshot["rollups"]["previousFrom"] == snapshot["previous"]["from"]
    assert snapshot["rollups"]["previousTo"] == snapshot["previous"]["to"]
    assert "rollups" not in await ask("snapshot", period="month")


async def test_a_snapshot_of_a_window(ask, payments):
    window = {"from_": "2024-01-01T00:00:00Z", "to": wire.timestamp(NOW)}
    snapshot = await ask("snapshot", **window)
    assert snapshot["metrics"]["from"] == "2024-01-01T00:00:00Z"
    assert sum(point["count"] for point in snapshot["trends"]) == sum(
        payment.currency == "EUR" for payment in payments
    )


async def test_without_payments_there_are_no_rates(http):
    for what in ("metrics", "metrics?period=year"):
        answer = (await http.get(f"/api/analytics/{what}")).json()
        if answer["totalPayments"] == 0:
            for name in ("successRate", "averageAmount", "peakHour", "topPaymentMethod"):
                assert answer[name] is None


@pytest.mark.parametrize("route", ["metrics", "trends", "methods", "declines", "snapshot"])
@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("period=decade", "period"),
        ("period=", "period"),
        ("period=day&period=week", "period"),
        ("perid=day", "perid"),
        ("period=day&from=2024-01-01T00:00:00Z", "period"),
        ("from=2024-01-01T00:00:00&to=2024-01-02T00:00:00Z", "from"),
        ("from=2024-01-02T00:00:00Z&to=2024-01-01T00:00:00Z", "from"),
        ("from=2024-01-01T00:00:00+01:00", "from"),
        ("currency=usd", "currency"),
        ("currency=XYZ", "currency"),
        ("method=cheque", "method"),
        ("country=de", "country"),
        ("country=", "country"),
        ("country=DE&country=FR", "country"),
        ("issuer_country=DE", "issuer_country"),
        ("funding=gold", "funding"),
        ("timezone=Mars/Olympus", "timezone"),
        ("timezone=../../etc/passwd", "timezone"),
        ("timezone=Europe", "timezone"),
        ("timezone=", "timezone"),
        ("timezone=Europe/Berlin&period=month", "timezone"),
        ("tenantId[$ne]=x", "tenantId[$ne]"),
        ("tenantId=%24ne", "tenantId"),
    ],
)
async def test_a_wrong_parameter_is_named(http, route, query, field):
    problem(await http.get(f"/api/analytics/{route}?{query}"), 422, field=field)


@pytest.mark.parametrize(
    "query", ["", "by=", "by=colour", "by=issuer_country", "by=country&by=network"]
)
async def test_a_breakdown_names_what_it_can_be_by(http, query):
    found = problem(await http.get(f"/api/analytics/breakdown?{query}"), 422, field="by")
    if query.count("by=") == 1:
        for by in plain.DIMENSIONS:
            assert f"'{by}'" in str(found)


@pytest.mark.parametrize("route", ["trends", "snapshot"])
async def test_figures_in_buckets_need_both_ends(http, route):
    one = await http.get(f"/api/analytics/{route}?from=2024-01-01T00:00:00Z")
    problem(one, 422, field="to")


@pytest.mark.parametrize("query", ["compare=true", "compare=true&from=2024-01-01T00:00:00Z"])
async def test_a_comparison_needs_a_closed_window(http, query):
    problem(await http.get(f"/api/analytics/metrics?{query}"), 422, field="compare")


@pytest.mark.parametrize("route", ["metrics", "trends", "methods", "declines", "snapshot"])
async def test_an_unknown_tenant_is_not_found(http, route):
    problem(await http.get(f"/api/analytics/{route}?tenantId=nobody"), 404)
