"""The first history of `financeops up` is recorded once and completely, whatever happens."""

import asyncio
import csv
from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import httpx
import numpy as np
import pytest
from msgspec.structs import replace

from financeops.core.payments import recorded
from financeops.core.wire import instant_of
from financeops.simulation.business import first_history
from financeops.simulation.drafts import aftermath_of, drafts_of
from financeops.store.beginning import find_beginning
from server.settings import Settings
from server.simulation import simulation_config
from tests.server.listener import Listener
from tests.server.problem import problem
from tests.store.recorded import stored_payments
from tests.verification import verified

# Few payments, which are recorded quickly: three transactions at one payment every half hour, five at one every
# quarter hour.
SLOW = {"simulate_interval": 1800, "simulate_seed": 5}
LESS_SLOW = {**SLOW, "simulate_interval": 900}


@pytest.fixture
def begin(start, database_uri):
    """Start a server on the test's database: ``begin(simulate_seed=5)``."""

    def begin_one(**settings):
        return start(database_uri, **{**SLOW, **settings})

    return begin_one


def asking(server):
    return httpx.AsyncClient(base_url=server.url, timeout=60)


async def complete(http):
    """Wait until all is recorded, and return the number of payments."""
    async with asyncio.timeout(300):
        while True:
            at = (await http.get("/payments/history")).json()
            if at["count"] and at["recorded"] == at["count"]:
                return at["count"]
            await asyncio.sleep(0.1)


async def exported(http):
    text = (await http.get("/payments/export", timeout=120)).text
    return list(csv.DictReader(text.splitlines()))


async def test_it_is_recorded_in_the_background_and_every_figure_equals_the_export(begin):
    async with asking(begin()) as http:
        assert (await http.get("/payments/history")).json() == {"recorded": 0, "count": 0}
        at = (await http.post("/payments/history")).json()
        assert at["recorded"] < at["count"]
        count = await complete(http)
        rows = await exported(http)
        assert len(rows) == len({row["_id"] for row in rows}) == count == at["count"]
        assert {row["source"] for row in rows} == {"seed"}
        for period in ("day", "week", "month", "year"):
            asked = {"period": period, "compare": "true"}
            metrics = (await http.get("/api/analytics/metrics", params=asked)).json()
            window = instant_of(metrics["from"]), instant_of(metrics["to"])
            inside = [row for row in rows if window[0] <= instant_of(row["createdAt"]) < window[1]]
            assert metrics["totalPayments"] == len(inside) > 0
            assert metrics["previous"]["totalPayments"] > 0
        assert (await verified(http))["differences"] == []
        # A repeated request finds it recorded.
        assert (await http.post("/payments/history")).json() == {"recorded": count, "count": count}
        assert (await http.post("/payments/seed")).json()["message"] == "Already seeded"


async def test_the_newest_come_first_and_can_be_waited_for(begin):
    async with asking(begin(simulate_interval=300)) as http:
        at = (await http.post("/payments/history", params={"newest": 1000})).json()
        assert at["recorded"] == 1000 < at["count"]
        rows = await exported(http)
        ages = [datetime.now(UTC) - instant_of(row["createdAt"]) for row in rows]
        assert len(rows) == 1000
        # A thousand payments, one every five minutes.
        assert max(ages) < timedelta(days=6)


def lives(payments):
    """Payments and what became of them, in one order."""
    return sorted(
        (
            *(payment.order_id, payment.created_at, payment.amount, payment.returned),
            *(payment.fees or (), payment.settled_amount),
            payment.dispute,
        )
        for payment in payments
    )


async def drawn(db):
    """The payments of the history that a server began, with what became of them."""
    beginning = await find_beginning(db)
    config = simulation_config(Settings(mongodb_uri="mongodb://127.0.0.1", **SLOW))
    rng = np.random.default_rng(beginning.seed)
    columns = first_history(config, rng, beginning.begun, pace=beginning.pace)
    payments = [
        recorded(draft, payment_id="", at=draft.created_at, declines={})
        for draft in drafts_of(columns)
    ]
    for place, (part, dispute) in aftermath_of(columns).items():
        back = part.amount if part else None
        payments[place] = replace(payments[place], refunded_amount=back, dispute=dispute)
    return payments


async def test_a_killed_server_resumes_and_records_everything_once(begin, db):
    server = begin()
    async with asking(server) as http:
        first = (await http.post("/payments/history", params={"newest": 1000})).json()
        await http.post("/payments/history")
        server.kill()
    async with asking(begin()) as http:
        assert await complete(http) == first["count"]
        rows = await exported(http)
        assert len(rows) == len({row["_id"] for row in rows}) == first["count"]
        # As soon as it says that it is complete, so is what became of its payments.
        expected = lives(await drawn(db))
        assert lives(await stored_payments(db)) == expected
        assert sum(life[-1] is not None for life in expected) > 5
    # The next server does not begin it again either.
    async with asking(begin()) as http:
        await http.post("/payments/history")
        assert len(await exported(http)) == first["count"]


async def test_two_servers_record_it_once(begin):
    async with asking(begin()) as one, asking(begin()) as other:
        answers = await asyncio.gather(*(http.post("/payments/history") for http in (one, other)))
        counts = {answer.json()["count"] for answer in answers}
        assert {await complete(one), await complete(other)} == counts
        assert len(await exported(one)) == counts.pop()


async def test_a_payment_of_any_tenant_prevents_it(begin):
    order = {"tenantId": "other", "amount": 1, "method": "card", "status": "success"}
    async with asking(begin()) as http:
        await http.post("/payments", json=order)
        assert (await http.post("/payments/history")).json() == {"recorded": 0, "count": 0}
        assert (await http.get("/payments")).json() == []


async def test_other_payments_are_recorded_and_published_meanwhile(begin):
    server = begin(**LESS_SLOW)
    async with asking(server) as http, Listener(server.url) as listener:
        planned = (await http.post("/payments/history")).json()["count"]
        order = {"amount": 1, "method": "card", "status": "success", "reference": "mine"}
        answer = await http.post("/payments", json=order)
        assert answer.status_code == 201
        assert (await http.get("/payments/history")).json()["recorded"] < planned
        await listener.until(
            lambda: any(
                event["payment"].get("reference") == "mine"
                for event in listener.all("payment_event")
            ),
            seconds=60,
        )
        count = await complete(http)
        assert len(await exported(http)) == count + 1


async def test_it_has_the_currency_and_the_zone_of_the_tenant(begin):
    tenants = '{"tenant_1": {"currency": "JPY", "timezone": "Asia/Kolkata"}}'
    async with asking(begin(tenants=tenants)) as http:
        await http.post("/payments/history")
        await complete(http)
        metrics = (await http.get("/api/analytics/metrics", params={"period": "year"})).json()
        assert (metrics["currency"], metrics["timezone"]) == ("JPY", "Asia/Kolkata")
        zone = ZoneInfo("Asia/Kolkata")
        window = instant_of(metrics["from"]), instant_of(metrics["to"])
        times = [instant_of(row["createdAt"]) for row in await exported(http)]
        inside = [time for time in times if window[0] <= time < window[1]]
        hours = Counter(time.astimezone(zone).hour for time in inside)
        assert metrics["peakHour"] == min(hours, key=lambda hour: (-hours[hour], hour))
        morning = sum(hours[hour] for hour in range(8, 14))
        night = sum(hours[hour % 24] for hour in range(22, 28))
        # In UTC it would be the other way round.
        assert morning > night
        assert (await verified(http))["differences"] == []


async def test_a_wrong_parameter_is_named(http):
    problem(await http.post("/payments/history?newest=0"), 422, field="newest")
    problem(await http.get("/payments/history?newest=5"), 422, field="newest")
