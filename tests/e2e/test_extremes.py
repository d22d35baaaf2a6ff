"""What nobody expects: a dozen methods with long names, amounts from a thousandth to a milliard."""

import json

import httpx
import pytest

from tests.e2e.browser import (
    LAPTOP,
    PHONE,
    barriers,
    dashboard_of,
    exact,
    screenshot,
    screenshots,
)
from tests.processes import start_server

TENANT = "a-tenant-name-of-sixty-letters-that-goes-on-and-on-and-on-60"
METHODS = [f"method_{n}_with_quite_a_long_name"[: 8 + 3 * n] for n in range(12)]
AMOUNTS = [10**9, 0.001, 0, 123_456.789]


def payment(n):
    failed = {"status": "failed", "declineCode": f"reason_{n:_<57}"}
    return {
        "tenantId": TENANT,
        "amount": AMOUNTS[n % 4],
        "method": METHODS[n % 12],
        **(failed if n % 3 == 0 else {"status": "success"}),
    }


async def open_failed(page, dashboard, language):
    """Open the link that shows the failed payments in a language."""
    await page.goto(f"{dashboard}?tenant={TENANT}&status=failed&lang={language}")
    await page.locator("[data-state=live]").wait_for(timeout=60_000)
    await page.locator(f"html[lang|={language}]").wait_for(state="attached")
    await page.locator(".fo-chip").wait_for()


# The browser is that of the file.
pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_long_names_and_numbers_leave_the_page_whole(database_uri, browser, tmp_path):
    tenants = {TENANT: {"currency": "KWD", "timezone": "America/Argentina/Ushuaia"}}
    server = start_server(database_uri, methods=",".join(METHODS), tenants=json.dumps(tenants))
    async with (
        httpx.AsyncClient(base_url=server.url, timeout=60) as http,
        dashboard_of(server.url, tmp_path) as dashboard,
    ):
        answer = (await http.post("/payments/batch", json=[payment(n) for n in range(100)])).json()
        assert answer["created"] == 100
        page = await browser.new_page(viewport=LAPTOP)
        await open_failed(page, dashboard, "en")
        assert await exact(page, "total_volume") == "16001975308641"
        assert await page.locator(".fo-methods-table tbody tr").count() == 12
        await screenshots(page, "extreme")
        assert await barriers(page) == []
        await page.set_viewport_size(PHONE)
        await open_failed(page, dashboard, "ar")
        assert await page.evaluate("document.documentElement.scrollWidth") <= 390
        await screenshot(page, "extreme-ar-390")
        assert await barriers(page) == []
    assert server.stop() == 0, server.said
