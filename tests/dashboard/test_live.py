"""The dashboard with a running server: its figures equal the API's."""

import asyncio
import random
import re
from datetime import date
from decimal import Decimal

import pytest
from msgspec.structs import asdict

from financeops.cli.running.addresses import free_port
from financeops.client import Client
from financeops.core.days import Days
from financeops.core.errors import Busy, NotFound, Unavailable
from financeops.core.payments import Status
from financeops.core.periods import Period
from financeops.core.wire import metrics_document
from financeops.dashboard import Dashboard
from financeops.dashboard.state.history import History
from financeops.dashboard.state.live import Live
from financeops.dashboard.state.model import Connection, DashboardModel
from financeops.tasks import end
from tests.processes import start_server
from tests.relay import relay, served

METHODS = ["card", "bank_transfer", "crypto", "paypal"]


@pytest.fixture
def server(database_uri):
    process = start_server(database_uri, heartbeat_seconds=0.3)
    yield process
    process.stop()


@pytest.fixture
async def client(server):
    async with Client(server.url) as client:
        yield client


@pytest.fixture
async def dashboard(server):
    dashboard = Dashboard(server.url)
    yield dashboard
    await dashboard.close()


async def until(dashboard, condition):
    """Wait until the model satisfies a condition, checked after every change."""
    changed = asyncio.Event()
    look = lambda _change: changed.set()  # noqa: E731 - the same object is observed and unobserved
    dashboard.model.observe(look)
    try:
        async with asyncio.timeout(20):
            while not condition(dashboard.model):
                await changed.wait()
                changed.clear()
    finally:
        dashboard.model.unobserve(look)


async def assert_equals_api(dashboard, client, currency=None):
    """Every figure on the screen is the API's for the same `seq`."""
    model = dashboard.model
    shown = model.figures
    question = {"period": model.period, "currency": currency or model.chosen_currency}
    asked = await client.snapshot(model.tenant, method=model.method, **question)
    assert (asked.seq, asked.metrics.currency) == (shown.seq, shown.metrics.currency)
    assert asked.metrics.currencies == list(model.currencies)
    for mine, theirs in ((shown.metrics, asked.metrics), (shown.previous, asked.previous)):
        for field, value in asdict(metrics_document(mine)).items():
            assert getattr(theirs, field) == value, field
    assert [(p.bucket.start, p.count, p.success_rate) for p in shown.trends] == [
        (p.timestamp, p.count, p.success_rate) for p in asked.trends
    ]
    methods = await client.methods(model.tenant, **question)
    assert [(row.method, row.count, row.share) for row in shown.methods] == [
        (row.method, row.count, row.share) for row in methods
    ]
    assert [(row.decline_code, row.count, row.share) for row in shown.declines] == [
        (row.decline_code, row.count, row.share) for row in asked.declines
    ]


async def act(client, rng, *, steps, currencies=("USD",)):
    """Record payments of all kinds, and refund some; return the number of changes."""
    changes, paid = 0, []
    for _ in range(steps):
        status = rng.choice(["success", "success", "failed"])
        items = [
            {
                "amount": rng.randrange(100_000),
                "currency": rng.choice(currencies),
                "method": rng.choice(METHODS),
                "status": status,
            }
            for _ in range(rng.randrange(1, 8))
        ]
        answer = await client.post_batch(items)
        changes += answer.created
        if status == "success":
            paid += [item.id for item in answer.items]
        if paid and rng.random() < 0.4:
            await client.refund(paid.pop(rng.randrange(len(paid))))
            changes += 1
    return changes


async def test_after_random_events_with_pauses_every_figure_equals_the_api_s(dashboard, client):
    rng = random.Random(20260310)
    await client.seed(count=300, days=40)
    await dashboard.ready()
    await until(dashboard, lambda model: model.connection is Connection.LIVE)

    for period in Period:
        dashboard.model.period = period
        await until(dashboard, lambda model, wanted=period: model.figures.period is wanted)
        expected = dashboard.model.seq + await act(client, rng, steps=5)
        await until(dashboard, lambda model, seq=expected: model.seq == seq)

        dashboard.model.paused = True
        missed = await act(client, rng, steps=5)
        await until(dashboard, lambda model, n=missed: model.missed == n)
        assert dashboard.model.seq == expected
        assert dashboard.model.resume() == missed

        await assert_equals_api(dashboard, client)


async def test_one_currency_and_one_method_follow_the_stream_exactly(dashboard, client):
    rng = random.Random(20260311)
    currencies = ("USD", "JPY", "KWD")
    await act(client, rng, steps=6, currencies=currencies)
    await dashboard.ready()
    model = dashboard.model
    await until(dashboard, lambda model: model.connection is Connection.LIVE)
    assert model.currency == "USD"

    for currency in currencies:
        model.chosen_currency = currency
        await until(dashboard, lambda model, wanted=currency: model.currency == wanted)
        for method in ("card", None, "paypal"):
            model.method = method
            expected = model.seq + await act(client, rng, steps=3, currencies=currencies)
            await until(dashboard, lambda model, seq=expected: model.seq == seq)
            model.paused = True
            missed = await act(client, rng, steps=2, currencies=currencies)
            await until(dashboard, lambda model, n=missed: model.missed == n)
            assert model.resume() == missed
            await assert_equals_api(dashboard, client)


async def test_a_tenant_without_payments_in_its_own_currency_is_shown_in_that_of_its_payments(
    server, client
):
    for currency, amount in (("EUR", 3), ("JPY", 700)):
        sale = {"tenantId": "berlin", "method": "card", "status": "success", "amount": amount}
        await client.post_payment({**sale, "currency": currency})
    dashboard = Dashboard(server.url, tenant="berlin")
    try:
        await dashboard.ready()
        model = dashboard.model
        assert (model.currency, model.chosen_currency) == ("EUR", None)
        assert model.figures.metrics.total_volume == 300
        dashboard.paint()
        assert re.search(r'<option value="EUR" selected', dashboard.screen.header.widget.html)

        # Its own is shown with the first payment in it, unless the viewer has paused or chosen.
        await until(dashboard, lambda model: model.connection is Connection.LIVE)
        model.paused = True
        await client.post_payment({**sale, "currency": "USD"})
        await until(dashboard, lambda model: model.missed == 1)
        assert (model.currency, model.needs_reload) == ("EUR", False)
        model.resume()
        await until(dashboard, lambda model: model.currency == "USD")
        assert model.figures.metrics.total_volume == 70_000
        dashboard.model.chosen_currency = "JPY"
        await until(dashboard, lambda model: model.currency == "JPY")
        assert model.figures.metrics.total_volume == 700
    finally:
        await dashboard.close()


async def test_the_first_payment_of_a_tenant_is_shown_in_whatever_currency_it_is(dashboard, client):
    await dashboard.ready()
    model = dashboard.model
    await until(dashboard, lambda model: model.connection is Connection.LIVE)
    assert (model.currency, model.empty) == ("USD", True)
    sale = {"method": "card", "status": "success", "amount": 3}
    await client.post_payment({**sale, "currency": "JPY"})
    await until(dashboard, lambda model: model.currency == "JPY")
    await assert_equals_api(dashboard, client, currency="JPY")

    # Which one that is does not depend on what comes later, as long as it is not the tenant's own.
    await client.post_payment({**sale, "currency": "EUR"})
    await until(dashboard, lambda model: model.currencies == ("EUR", "JPY"))
    dashboard._live.reload()
    as_of = model.as_of
    await until(dashboard, lambda model: model.as_of > as_of)
    assert model.currency == "JPY"


async def test_the_first_figures_are_waited_for_while_the_server_is_busy(server, client, caplog):
    await client.post_payment({"amount": 10, "method": "card", "status": "success"})
    with served(relay(server.url, "/api/analytics/snapshot", cuts=1)) as url:
        dashboard = Dashboard(url)
        try:
            await dashboard.ready()
            assert dashboard.model.figures.metrics.total_volume == 1000
        finally:
            await dashboard.close()
    assert "broke off; trying again for 60 s" in caplog.text


async def test_a_filtered_feed_reaches_back_to_the_first_payment(dashboard, client):
    at = {"createdAt": "2026-01-01T00:00:00Z", "amount": 1, "status": "success"}
    for method, count in (("paypal", 230), ("card", 300)):
        await client.post_batch([{**at, "method": method}] * count)
    await dashboard.ready()
    model = dashboard.model
    await until(dashboard, lambda model: model.connection is Connection.LIVE)

    def said():
        dashboard.paint()
        return re.search("so far, loading older ones|as they happen", feed.html)[0]

    feed = dashboard.screen.feed.widget
    assert said() == "as they happen"
    model.method = "paypal"
    assert said() == "so far, loading older ones"
    await until(dashboard, lambda model: model.history_came == 1 and not model.reading)
    assert said() == "as they happen"
    assert len(model.feed) == 100
    while model.timeline.extensible:
        came = model.history_came
        model.ask_history()
        await until(dashboard, lambda model, n=came: model.history_came > n)
    assert len(model.feed) == 230

    await client.post_payment({"amount": 1, "method": "paypal", "status": "failed"})
    await until(dashboard, lambda model: len(model.feed) == 231)
    model.status = Status.FAILED
    await until(dashboard, lambda model: not model.timeline.extensible)
    assert [entry.payment.status for entry in model.feed] == ["failed"]

    model.clear_filters()
    model.days = Days(date(2026, 1, 1), date(2026, 1, 1))
    await until(dashboard, lambda model: len(model.feed) >= 100 and not model.reading)
    await until(dashboard, lambda model: not model.outdated)
    feed._handle_custom_msg({"action": "older", "value": None}, [])
    assert {entry.at.year for entry in model.feed} == {2026}
    await client.post_payment({"amount": 1, "method": "paypal", "status": "failed"})
    await client.post_batch([{**at, "method": "paypal", "amount": 7}])
    await until(dashboard, lambda model: model.seq == 533)
    assert {str(entry.at.date()) for entry in model.feed} == {"2026-01-01"}
    assert model.figures.metrics.total_payments == 531


async def test_a_server_that_counts_for_long_is_not_silent(server, client):
    """What was chosen before is still shown, as such, until the figures of the filter are there."""
    for country in ("DE", "FR"):
        sale = {"amount": 10, "method": "card", "status": "success", "country": country}
        await client.post_payment(sale)
    # A broken answer is to be asked for again, as is one that says so with 503.
    with served(relay(server.url, "country=DE", cuts=1)) as url:
        async with Client(url) as relayed:
            model = DashboardModel()
            live = Live(model, relayed)
            live.reload()
            await live._load_when_wanted(once=True)
            model.connection = Connection.LIVE
            before = model.fresh_at
            model.facets = (("country", "DE"),)
            model.ticks += 2
            failed = asyncio.Event()
            model.observe(lambda _change: failed.set(), ["error"])
            live.reload()
            loading = asyncio.create_task(live._load_when_wanted(once=True))
            await failed.wait()
            assert isinstance(model.error, Busy)
            assert (model.connection, model.counting) == (Connection.LIVE, True)
            model.head = 3  # a change that the figures do not contain
            live._heard()
            assert (model.connection, model.fresh_at) == (Connection.LIVE, before)
            await loading
            assert (model.counting, model.error) == (False, None)
            assert model.figures.metrics.total_payments == 1


async def test_what_nobody_wants_any_more_is_not_waited_for():
    """Neither figures nor the feed of a filter for which the server counts for long."""
    asked: asyncio.Queue[str] = asyncio.Queue()

    async def take(reader, writer):
        await asked.put((await reader.readline()).decode())
        await reader.read()  # until nobody waits any more
        writer.close()

    async with await asyncio.start_server(take, "127.0.0.1", 0) as silent:
        port = silent.sockets[0].getsockname()[1]
        async with Client(f"http://127.0.0.1:{port}") as client, asyncio.timeout(10):
            model = DashboardModel()
            live = Live(model, client)
            model.observe(live.reload, ["facets"])
            model.facets = (("country", "DE"),)
            tasks = [
                asyncio.create_task(each)
                for each in (live._load_when_wanted(), History(model, client).run())
            ]
            for country in ("DE", "FR", "GB"):
                requests = sorted([await asked.get(), await asked.get()])
                assert "/api/analytics/snapshot" in requests[0], requests
                assert "/payments" in requests[1], requests
                assert all(f"country={country}" in each for each in requests), requests
                model.facets = (("country", {"DE": "FR"}.get(country, "GB")),)
            await end(tasks)


async def test_a_change_reaches_the_widgets_by_itself(dashboard, client):
    await client.post_payment({"amount": 10, "method": "card", "status": "success"})
    await dashboard.ready()

    await client.post_payment({"amount": Decimal("2.5"), "method": "card", "status": "failed"})

    cards = dashboard.screen.cards.widget
    repainted = asyncio.Event()
    cards.observe(lambda _change: repainted.set(), "html")
    async with asyncio.timeout(10):
        while "50.0%" not in cards.html:
            await repainted.wait()
            repainted.clear()


async def test_another_tenant_is_live_once_its_figures_are_loaded_and_shows_nothing_of_the_first(
    dashboard, client
):
    model, tenants = dashboard.model, ("tenant_1", "tenant_2")
    sale = {"amount": 1, "method": "card", "status": "success"}
    for tenant in tenants:
        await client.post_payment({"tenantId": tenant, **sale})
    await dashboard.ready()
    await until(dashboard, lambda model: model.connection is Connection.LIVE)
    too_early = []

    def look(_change):
        if model.connection is Connection.LIVE and not model.loaded:
            too_early.append(model.tenant)

    async def sell():
        while True:
            await client.post_payment(sale)

    model.observe(look)
    selling = asyncio.create_task(sell())
    for n in range(1, 31):
        tenant = tenants[n % 2]
        dashboard._choose_tenant(tenant)
        await until(dashboard, lambda model: model.loaded)
        assert {entry.payment.tenant_id for entry in model.feed} == {tenant}
        await until(dashboard, lambda model: model.connection is Connection.LIVE)
        assert {entry.payment.tenant_id for entry in model.feed} == {tenant}
    assert not selling.done()
    await end([selling])
    assert too_early == []


async def test_a_stream_that_has_not_ended_yet_adds_nothing_to_another_tenant(dashboard, client):
    model, sale = dashboard.model, {"amount": 1, "method": "card", "status": "success"}
    await client.post_payment({"tenantId": "tenant_2", **sale})
    await dashboard.ready()
    await until(dashboard, lambda model: model.connection is Connection.LIVE)
    model.forget()
    model.tenant = "tenant_2"
    await client.post_payment(sale)
    await until(dashboard, lambda model: model.head == 1)
    assert (model.seq, model.feed) == (0, [])


async def test_it_says_that_the_server_is_away_and_catches_up(database_uri):
    port = free_port()
    payment = {"amount": 1, "method": "card", "status": "success"}
    server = start_server(database_uri, port=port)
    dashboard = Dashboard(server.url)
    async with Client(server.url) as client:
        await client.post_payment(payment)
        await dashboard.ready()
        await until(dashboard, lambda model: model.connection is Connection.LIVE)

        server.kill()
        await until(dashboard, lambda model: model.connection is Connection.RECONNECTING)
        assert dashboard.model.disconnected_at is not None
        server = await asyncio.to_thread(start_server, database_uri, port=port)
        await client.post_payment(payment)

        await until(dashboard, lambda model: model.seq == 2)
        assert dashboard.model.connection is Connection.LIVE
        await assert_equals_api(dashboard, client)
    await dashboard.close()
    assert server.stop() == 0


async def test_it_exports_the_period_through_the_page(dashboard, client):
    paid = await client.post_payment({"amount": 10, "method": "card", "status": "success"})
    await dashboard.ready()
    await until(dashboard, lambda model: model.connection is Connection.LIVE)
    saved = []
    dashboard._page.save = lambda name, _kind, chunk: saved.append((name, chunk))

    dashboard.screen.header.widget._handle_custom_msg({"action": "export", "value": None}, [])
    await until(dashboard, lambda model: model.exported == 0)
    await until(dashboard, lambda model: model.exported is None)

    assert saved[-1] == ("payments-tenant_1-day.csv", None)
    assert paid.id.encode() in b"".join(chunk for _, chunk in saved[:-1])

    # What is shown is of one currency, so what is exported is too.
    saved.clear()
    yen = {"amount": 7, "currency": "JPY", "method": "card", "status": "success"}
    other = await client.post_payment(yen)
    await until(dashboard, lambda model: len(model.currencies) == 2)
    dashboard.screen.header.widget._handle_custom_msg({"action": "export", "value": None}, [])
    await until(dashboard, lambda model: model.exported == 0)
    await until(dashboard, lambda model: model.exported is None)
    file = b"".join(chunk for _, chunk in saved[:-1])
    assert saved[-1] == ("payments-tenant_1-day-USD.csv", None)
    assert (paid.id.encode() in file, other.id.encode() in file) == (True, False)


async def test_an_unknown_tenant_is_reported_and_shown_when_it_appears(server, client):
    dashboard = Dashboard(server.url, tenant="newcomer")
    with pytest.raises(NotFound):
        await dashboard.ready()

    await client.post_payment(
        {"tenantId": "newcomer", "amount": 1, "method": "card", "status": "success"}
    )
    await until(dashboard, lambda model: model.loaded)
    assert dashboard.model.error is None
    await dashboard.close()


async def test_a_server_that_was_never_reached_is_unavailable():
    dashboard = Dashboard(f"http://127.0.0.1:{free_port()}")
    with pytest.raises(Unavailable):
        await dashboard.ready()
    await dashboard.close()


@pytest.fixture
def business(database_uri):
    """A server that simulates one payment every half hour."""
    process = start_server(database_uri, simulate_interval=1800)
    yield process
    process.stop()


async def test_an_incomplete_history_is_reported(business):
    async with Client(business.url) as client:
        at = await client.record_history(newest=1000)  # the others wait for the next request
        assert (await client.history("another")).count == 0
        dashboard = Dashboard(business.url)
        await dashboard.ready()
        await until(dashboard, lambda model: model.recording == 1000 / at.count)
        screen, now = dashboard.screen, dashboard.model.as_of
        screen.paint(dashboard.model, now)
        assert f"still being recorded ({round(100_000 / at.count)}%)" in screen.notice.widget.html
        assert "fo-incomparable" in screen.still(dashboard.model)
        await client.record_history()
        await until(dashboard, lambda model: model.recording is None)
        screen.paint(dashboard.model, now)
        assert "fo-incomparable" not in screen.still(dashboard.model)
        await dashboard.close()
