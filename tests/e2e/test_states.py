"""Every state of the dashboard in a real browser: what it shows without figures."""

import asyncio
import signal

import pytest
from playwright.async_api import expect

from financeops.cli.running.addresses import free_port
from tests.e2e.browser import (
    LAPTOP,
    PHONE,
    barriers,
    dashboard_of,
    exact,
    screenshot,
    screenshots,
    until_drawn,
    until_exact,
    warm,
)
from tests.e2e.traffic import Traffic, client_of, until_equal, until_state
from tests.processes import hang, start_server

SALE = {"amount": 12.5, "method": "card", "status": "success"}


pytestmark = pytest.mark.asyncio(loop_scope="session")


async def opened(window, address, sockets=None):
    """A page that has just come; its connections to its kernel are put into `sockets`."""
    page = await window.new_page()
    if sockets is not None:
        page.on("websocket", lambda socket: sockets.append(socket.url))
    await page.goto(address, wait_until="commit")
    await until_drawn(page)
    return page


def notice(page, state):
    return page.locator(f"[data-notice={state}]")


async def icon(page):
    return await page.locator("link[rel=icon]").get_attribute("href")


async def test_from_no_server_and_no_payments_to_figures_that_survive_failures(
    database_uri, window, tmp_path
):
    port = free_port()
    async with dashboard_of(f"http://127.0.0.1:{port}", tmp_path) as dashboard:
        sockets = []
        page = await opened(window, dashboard, sockets)
        await notice(page, "not-reached").wait_for(timeout=60_000)
        await expect(page).to_have_title("The server cannot be reached · Live payments")
        trouble = await icon(page)
        await screenshots(page, "state-not-reached", (PHONE, LAPTOP))
        assert await barriers(page) == []

        server = await asyncio.to_thread(start_server, database_uri, port=port)
        async with client_of(server) as http:
            # It is told what fills an empty tenant.
            await notice(page, "empty").wait_for(timeout=60_000)
            await expect(notice(page, "empty").locator("code")).to_have_text("financeops seed")
            await screenshots(page, "state-empty", (PHONE, LAPTOP))
            assert await barriers(page) == []

            await http.post("/payments/seed", params={"count": 500})
            await page.locator(".fo-feed tbody tr").first.wait_for(timeout=60_000)
            await expect(notice(page, "empty")).to_have_count(0)

            traffic = Traffic(http, tenant="tenant_1")
            await traffic.go_on(50)
            await until_state(page, "live")
            await until_equal(page, http, traffic.tenant)
            await expect(page).to_have_title("Live · Live payments")
            live = await icon(page)
            assert live != trouble
            await page.emulate_media(color_scheme="dark")
            await expect(page.locator("link[rel=icon]")).not_to_have_attribute("href", live)
            await page.emulate_media(color_scheme="light")
            await expect(page.locator("link[rel=icon]")).to_have_attribute("href", live)
            shown = await exact(page, "total_volume")

            server.kill()
            await until_state(page, "reconnecting")
            await notice(page, "reconnecting").wait_for()
            await page.locator(".fo-badge-detail", has_text="3 sec").wait_for()
            await expect(page).to_have_title("Reconnecting · Live payments")
            assert await icon(page) == trouble
            await screenshots(page, "state-reconnecting", (PHONE, LAPTOP))
            assert await barriers(page) == []
            assert await exact(page, "total_volume") == shown

            server = await asyncio.to_thread(start_server, database_uri, port=port)
            await traffic.go_on(100)
            await until_state(page, "live")
            await until_equal(page, http, traffic.tenant)
            await expect(notice(page, "reconnecting")).to_have_count(0)
            # And it goes on from there.
            await traffic.go_on(100)
            await until_equal(page, http, traffic.tenant)

            # It holds the connection and does not answer: what is shown may be old.
            hang(server.process.pid)
            await page.locator("[data-action=period][data-value=week]").click()
            # Today's figures are not taken for the week's meanwhile.
            await until_state(page, "loading")
            await page.locator(".fo-body.fo-outdated").wait_for()
            # It missed three heartbeats of five seconds.
            await notice(page, "stale").wait_for(timeout=25_000)
            await expect(page).to_have_title("Stale · Live payments")
            await screenshots(page, "state-stale", (PHONE, LAPTOP))
            assert await barriers(page) == []
            server.send_signal(signal.SIGCONT)
            await until_state(page, "live")
            await page.locator(".fo-trend", has_text="Last 7 days").wait_for()
            await expect(page.locator(".fo-outdated")).to_have_count(0)
            assert await icon(page) == live
        # What is chosen while a connection breaks is lost: without a reason none does.
        assert len(sockets) == 1
    assert server.stop() == 0, server.said


async def test_an_unknown_tenant_is_named_until_it_exists(http, dashboard, window, browser):
    await warm(dashboard)
    plain = await (await browser.new_context(java_script_enabled=False, viewport=PHONE)).new_page()
    await plain.goto(f"{dashboard}?tenant=to-come&lang=ar")
    await expect(notice(plain, "not-found").locator("code")).to_have_text("to-come")
    await expect(plain.locator("[data-state=none]", has_text="لا أرقام")).to_be_visible()
    await screenshot(plain, "state-not-found-plain-ar-390")

    page = await opened(window, f"{dashboard}?tenant=to-come&lang=de")
    await notice(page, "not-found").wait_for(timeout=60_000)
    await expect(notice(page, "not-found").locator("code")).to_have_text("to-come")
    assert "Mandanten" in await notice(page, "not-found").inner_text()
    await expect(page.locator("[data-state=none]")).to_have_text("Keine Zahlen")
    await screenshots(page, "state-not-found", (PHONE, LAPTOP))
    assert await barriers(page) == []
    await http.post("/payments", json={**SALE, "tenantId": "to-come"})
    await until_exact(page, "total_volume", 1250)
    await until_state(page, "live")
