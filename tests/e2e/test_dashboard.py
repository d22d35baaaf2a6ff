"""The dashboard in a real browser, on real payments: live, exact, without other hosts."""

import csv
import io
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio

from financeops.core.wire import decode
from tests.e2e.browser import LAPTOP, PHONE, exact, screenshot, until_exact

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def tenant(http):
    """A tenant with a day of payments: some failed, some refunded."""
    tenant = f"tenant_{uuid4().hex[:12]}"
    now = datetime.now(UTC)
    payments = [
        {
            "tenantId": tenant,
            "amount": float(Decimal(1999 + 37 * n) / 100),
            "method": ["card", "card", "paypal", "crypto", "bank_transfer"][n % 5],
            "status": "failed" if n % 7 == 0 else "success",
            "createdAt": (now - timedelta(minutes=11 * n)).isoformat(),
            **({"declineCode": ["do_not_honor", "expired_card"][n % 2]} if n % 7 == 0 else {}),
        }
        for n in range(120)
    ]
    answer = (await http.post("/payments/batch", json=payments)).json()
    assert answer["created"] == len(payments), answer
    for item in answer["items"][1:40:13]:
        await http.post(f"/payments/{item['_id']}/refund", params={"tenantId": tenant})
    return tenant


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def visit(visitor, dashboard, tenant):
    """That tenant's dashboard, live, which all tests here share; and what it asked for until now."""
    asked: list[str] = []
    page = await visitor.new_page()
    page.on("request", lambda request: asked.append(request.url))
    await page.goto(f"{dashboard}?tenant={tenant}")
    await page.locator("[data-state=live]").wait_for(timeout=60_000)
    yield page, asked
    await page.close()


async def get(http: httpx.AsyncClient, path: str, **parameters: str):
    answer = await http.get(path, params=parameters)
    assert answer.status_code == 200, answer.text
    return decode(answer.content)


def minor(amount: Decimal | int) -> int:
    return int(Decimal(amount) * 100)


async def test_screen_api_and_csv_agree_and_a_payment_changes_all_three(http, tenant, visit):
    page, asked = visit
    await _compare(page, http, tenant)
    await screenshot(page, "dashboard-1440")

    # A payment, a failure and a refund appear by themselves.
    before = await get(http, "/api/analytics/metrics", tenantId=tenant, period="day")
    sale = {"tenantId": tenant, "amount": 1234.56, "method": "card", "status": "success"}
    paid = (await http.post("/payments", json=sale)).json()
    await until_exact(page, "total_volume", minor(before["totalVolume"]) + 123456)
    failure = {"tenantId": tenant, "amount": 5, "method": "paypal", "status": "failed"}
    await http.post("/payments", json=failure)
    refund, of_tenant = f"/payments/{paid['_id']}/refund", {"tenantId": tenant}
    await http.post(refund, params=of_tenant, json={"amount": 234.56})
    await page.locator(".fo-part", has_text="$234.56 refunded").wait_for()
    await _compare(page, http, tenant)
    await http.post(refund, params=of_tenant)
    await page.locator("text=Refunded").first.wait_for()
    await _compare(page, http, tenant)

    await page.set_viewport_size(PHONE)
    # Charts follow the window a moment later.
    await page.wait_for_function("document.documentElement.scrollWidth <= innerWidth")
    await screenshot(page, "dashboard-390")
    await page.set_viewport_size(LAPTOP)

    hosts = {urlsplit(address).hostname for address in asked if address.startswith("http")}
    assert hosts == {"localhost"}


async def test_paused_it_misses_nothing_and_another_period_shows_that_period(http, tenant, visit):
    page, _asked = visit
    before = await get(http, "/api/analytics/metrics", tenantId=tenant, period="day")
    shown = str(minor(before["totalVolume"]))
    await until_exact(page, "total_volume", shown)

    await page.locator("[data-action=pause]").click()
    await page.locator("[data-state=paused]").wait_for()
    for amount in (10, 20, 30):
        sale = {"tenantId": tenant, "amount": amount, "method": "card", "status": "success"}
        await http.post("/payments", json=sale)
    await page.locator(".fo-badge-detail", has_text="3").wait_for()
    assert await exact(page, "total_volume") == shown
    await page.locator("[data-action=pause]").click()
    await until_exact(page, "total_volume", int(shown) + 6000)

    await page.locator("[data-action=period][data-value=month]").click()
    month = await get(http, "/api/analytics/metrics", tenantId=tenant, period="month")
    await until_exact(page, "total_volume", minor(month["totalVolume"]))
    await page.locator("[data-action=period][data-value=day]").click()

    async with page.expect_download() as download:
        await page.locator("[data-action=export]").click()
    file = await (await download.value).path()
    rows = list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8"))))
    assert len(rows) == before["totalPayments"] + 3 >= 123


async def _compare(page, http, tenant) -> None:
    """The figures on the screen, those of the API, and the sums of the CSV export are the same."""
    metrics = await get(http, "/api/analytics/metrics", tenantId=tenant, period="day")
    await until_exact(page, "total_volume", minor(metrics["totalVolume"]))
    await until_exact(page, "success_rate", metrics["successRate"])
    await until_exact(page, "average_amount", metrics["averageAmount"])
    await until_exact(page, "peak_hour", metrics["peakHour"])

    window = {"from": metrics["from"], "to": metrics["to"]}
    export = await http.get(
        "/payments/export", params={"tenantId": tenant, "format": "csv", **window}
    )
    rows = list(csv.DictReader(io.StringIO(export.text)))
    statuses = Counter(row["status"] for row in rows)
    succeeded = [Decimal(row["amount"]) for row in rows if row["status"] != "failed"]
    hours = Counter(datetime.fromisoformat(row["createdAt"]).hour for row in rows)
    assert metrics["totalPayments"] == len(rows)
    assert metrics["failedPayments"] == statuses["failed"]
    back = [Decimal(row["refundedAmount"]) for row in rows]
    assert metrics["refundedPayments"] == sum(amount > 0 for amount in back)
    assert metrics["partiallyRefundedPayments"] == sum(map(bool, back)) - statuses["refunded"]
    assert metrics["refundedVolume"] == sum(back)
    assert metrics["totalVolume"] == sum(succeeded)
    assert metrics["successRate"] == round(Decimal(100 * len(succeeded)) / len(rows), 6)
    assert metrics["averageAmount"] == round(sum(succeeded) / len(succeeded), 6)
    assert metrics["peakHour"] == min(hours, key=lambda hour: (-hours[hour], hour))
