"""Traffic that goes on while somebody looks, and what the dashboard must say of it."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from uuid import uuid4

import httpx
from playwright.async_api import Page, expect

from financeops.core.wire import decode
from tests.e2e.browser import until_exact
from tests.processes import ServerProcess

METHODS = ("card", "paypal", "bank_transfer", "crypto")
DECLINES = ("do_not_honor", "insufficient_funds", "expired_card", "issuer_unavailable", None)
CURRENCIES = {"USD": 2, "EUR": 2, "JPY": 0}
PATIENCE = 240_000
"""Milliseconds; nothing is measured by it."""


def client_of(server: ServerProcess) -> httpx.AsyncClient:
    """A client that sends several requests at once, and takes no connection that the server is about to close."""
    brief = httpx.Limits(keepalive_expiry=2)  # the server's is five seconds
    return httpx.AsyncClient(base_url=server.url, timeout=60, limits=brief)


class Traffic:
    """Random payments, failures and refunds of the last 20 hours, the same in every run."""

    def __init__(self, http: httpx.AsyncClient, *, tenant: str = "") -> None:
        self._http = http
        self.tenant = tenant or f"tenant_{uuid4().hex[:12]}"
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
        # At once, as of a queue: each alone would be a transaction, and a repaint of every viewer.
        await asyncio.gather(*map(self._refund_one, chosen))
        self.recorded += len(chosen)

    async def _refund_one(self, payment_id: str) -> None:
        asked = {"tenantId": self.tenant}
        answer = await self._http.post(f"/payments/{payment_id}/refund", params=asked)
        assert answer.status_code == 200, answer.text
        self._refundable.remove(payment_id)

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


async def until_state(page: Page, state: str) -> None:
    await page.locator(f"[data-state={state}]").wait_for(timeout=PATIENCE)


async def until_equal(page: Page, http: httpx.AsyncClient, tenant: str) -> None:
    """Return when every card and every row of methods, declines and stages says what the API says."""
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
    stages = {stage: n for stage, n in metrics["failures"].items() if n}
    for stage, n in stages.items():
        count = page.locator(f".fo-stages li:has([data-stage={stage}]) bdi")
        await expect(count).to_have_text(f"{n:,}", timeout=PATIENCE)
    await expect(page.locator(".fo-stages li")).to_have_count(len(stages))
