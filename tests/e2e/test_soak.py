"""The dashboard through a hard day: thousands of changes, five viewers, a server that is killed."""

import asyncio
import re
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from financeops.cli.addresses import free_port
from financeops.core.wire import decode
from tests.database import fresh_name, with_database
from tests.e2e.browser import LAPTOP, dashboard_of, screenshot, until_exact
from tests.processes import start_server

EVENTS = 2_000
VIEWERS = 5
METHODS = ("card", "paypal", "bank_transfer", "crypto")
DECLINES = ("do_not_honor", "insufficient_funds", "expired_card", "issuer_unavailable", None)
CURRENCIES = {"USD": 2, "EUR": 2, "JPY": 0}
PATIENCE = 240_000
"""Milliseconds; nothing is measured by it."""

# One server, one dashboard and one browser for all; each test has a tenant of its own.
pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(400)]


class Traffic:
    """Random payments, failures and refunds of the last 20 hours, the same in every run."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http
        self.tenant = f"tenant_{uuid4().hex[:12]}"
        self._random = Random(20260310)
        self._refundable: list[str] = []
        self.recorded = 0

    async def go_on(self, events: int) -> None:
        """Record some more, in batches of any size with refunds in between."""
        end = self.recorded + events
        while self.recorded < end:
            await self._pay(self._random.randint(1, min(90, end - self.recorded)))
            await self._refund(min(self._random.randint(0, 12), end - self.recorded))

    async def _pay(self, count: int) -> None:
        items = [self._payment() for _ in range(count)]
        answer = decode((await self._http.post("/payments/batch", json=items)).content)
        assert answer["created"] == count, answer
        self.recorded += count
        for item, sent in zip(answer["items"], items, strict=True):
            if sent["status"] == "success":
                self._refundable.append(item["_id"])

    async def _refund(self, count: int) -> None:
        chosen = self._random.sample(self._refundable, min(count, len(self._refundable)))
        for payment_id in chosen:
            answer = await self._http.post(
                f"/payments/{payment_id}/refund", params={"tenantId": self.tenant}
            )
            assert answer.status_code == 200, answer.text
            self._refundable.remove(payment_id)
        self.recorded += len(chosen)

    def _payment(self) -> dict:
        currency = self._random.choice(["USD", "USD", "USD", "EUR", "JPY"])
        amount = Decimal(self._random.randint(0, 5_000_000)).scaleb(-CURRENCIES[currency])
        ago = timedelta(seconds=self._random.choice([0, self._random.randint(0, 20 * 3600)]))
        payment = {
            "tenantId": self.tenant,
            "amount": float(amount),
            "currency": currency,
            "method": self._random.choice(METHODS),
            "status": self._random.choice(["success"] * 5 + ["failed"]),
            "createdAt": (datetime.now(UTC) - ago).isoformat(),
        }
        code = self._random.choice(DECLINES)
        return (
            payment | {"declineCode": code} if payment["status"] == "failed" and code else payment
        )


@asynccontextmanager
async def opened(browser, dashboard, *, viewers=1):
    """Pages of viewers who share nothing, once each shows live figures."""
    async with AsyncExitStack() as stack:
        pages = []
        for _ in range(viewers):
            context = await browser.new_context(viewport=LAPTOP)
            stack.push_async_callback(context.close)
            pages.append(await context.new_page())
        await asyncio.gather(*(page.goto(dashboard) for page in pages))
        for page in pages:
            await until_state(page, "live")
        yield pages


async def until_state(page: Page, state: str) -> None:
    await page.locator(f"[data-state={state}]").wait_for(timeout=PATIENCE)


async def until_equal(page: Page, http: httpx.AsyncClient, tenant: str) -> None:
    """Return when every card and every row of methods and declines says what the API says."""
    asked = {"tenantId": tenant, "period": "day"}
    answer = await http.get("/api/analytics/snapshot", params=asked)
    snapshot = decode(answer.content)
    metrics = snapshot["metrics"]
    await until_exact(page, "total_volume", int(metrics["totalVolume"] * 100))
    await until_exact(page, "success_rate", metrics["successRate"])
    await until_exact(page, "average_amount", metrics["averageAmount"])
    await until_exact(page, "peak_hour", metrics["peakHour"])
    for kind, name in (("method", "method"), ("decline", "declineCode")):
        rows = snapshot[f"{kind}s"]
        for row in rows:
            count = page.locator(f"[data-{kind}={row[name]}] td").first
            await expect(count).to_have_text(f"{row['count']:,}", timeout=PATIENCE)
        await expect(page.locator(f"tr[data-{kind}]")).to_have_count(len(rows))


class Server:
    """Its process may be killed; the next one has the same address and the same database."""

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._port = free_port()
        self.start()

    def start(self) -> None:
        self.process = start_server(self._uri, port=self._port)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def server(mongodb_uri):
    server = Server(with_database(mongodb_uri, fresh_name()))
    yield server
    assert server.process.stop() == 0, server.process.said


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def dashboard(server, tmp_path_factory):
    async with dashboard_of(server.process.url, tmp_path_factory.mktemp("logs")) as url:
        yield url


@pytest_asyncio.fixture(loop_scope="session")
async def http(server):
    async with httpx.AsyncClient(base_url=server.process.url, timeout=60) as http:
        yield http


@pytest_asyncio.fixture(loop_scope="session")
async def traffic(http):
    """A tenant of the test's own, with some payments."""
    traffic = Traffic(http)
    await traffic.go_on(50)
    return traffic


async def test_after_2000_random_changes_and_some_pauses_each_figure_is_the_apis(
    http, traffic, dashboard, browser
):
    async with opened(browser, f"{dashboard}?tenant={traffic.tenant}") as (page,):
        await until_equal(page, http, traffic.tenant)
        pause = page.locator("[data-action=pause]")
        for paused in (False, True, False, True, True):
            if paused:
                await pause.click()
                await until_state(page, "paused")
            await traffic.go_on((EVENTS - 50) // 5)
            if paused:
                await pause.click()
                await until_state(page, "live")
            await until_equal(page, http, traffic.tenant)
        assert traffic.recorded == EVENTS
        await screenshot(page, "after-2000-changes")


async def test_five_viewers_at_once_all_see_the_same_figures(http, traffic, dashboard, browser):
    link = f"{dashboard}?tenant={traffic.tenant}"
    async with opened(browser, link, viewers=VIEWERS) as pages:
        for _ in range(2):
            await traffic.go_on(200)
            for page in pages:
                await until_equal(page, http, traffic.tenant)


async def test_a_killed_server_is_waited_for_and_nothing_of_it_is_missing(
    server, http, traffic, dashboard, browser
):
    async with opened(browser, f"{dashboard}?tenant={traffic.tenant}") as (page,):
        await until_equal(page, http, traffic.tenant)

        server.process.kill()
        await until_state(page, "reconnecting")
        seconds = page.locator("[data-state=reconnecting] .fo-badge-detail")
        await expect(seconds).to_have_text(re.compile(r"[1-9]\d*"), timeout=PATIENCE)
        await screenshot(page, "reconnecting")

        server.start()
        await traffic.go_on(100)
        await until_state(page, "live")
        await until_equal(page, http, traffic.tenant)
        # And it goes on from there.
        await traffic.go_on(100)
        await until_equal(page, http, traffic.tenant)
