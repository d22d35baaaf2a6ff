"""A link opens its view, even in a kernel that waits with another one; the address follows."""

from datetime import UTC, datetime, timedelta
from itertools import product
from urllib.parse import parse_qs, urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.e2e.browser import LAPTOP, PHONE, exact, screenshot, until_exact, warm
from tests.e2e.conftest import SHOP

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session", autouse=True)
async def two_shops(http):
    """The default tenant's payments, and others of a shop that counts in euros."""
    for tenant, cents in (("tenant_1", 0), (SHOP, 99)):
        batch = payments(tenant, cents=cents)
        answer = (await http.post("/payments/batch", json=batch)).json()
        assert answer["created"] == len(batch), answer


def payments(tenant, *, cents):
    """Two days of payments with all methods and some failures."""
    now = datetime.now(UTC)
    methods = ["card", "card", "paypal", "crypto", "bank_transfer"]
    codes = ["do_not_honor", "expired_card", "insufficient_funds"]
    return [
        {
            "tenantId": tenant,
            "amount": 25 + 7 * (n % 40) + cents / 100,
            "method": methods[n % 5],
            "status": "failed" if n % 6 == 0 else "success",
            "createdAt": (now - timedelta(minutes=19 * n)).isoformat(),
            **({"declineCode": codes[n % 5 % 3]} if n % 6 == 0 else {}),
        }
        for n in range(150)
    ]


def asked(page):
    """Parameters of the page's address."""
    return {name: values[-1] for name, values in parse_qs(urlsplit(page.url).query).items()}


async def opened(window, address):
    """A new page at this address, with its figures."""
    page = await window.new_page()
    await page.goto(address)
    await page.locator("[data-state=live]").wait_for(timeout=60_000)
    await page.locator("[data-notice=loading]").wait_for(state="detached")
    return page


async def until_background(page, colour):
    """Wait until the dashboard has a colour: it comes with a message of its own, beside that of the address."""
    await expect(page.locator(".fo-dashboard")).to_have_css("background-color", colour)


LIGHT, DARK = "rgb(245, 246, 249)", "rgb(10, 13, 19)"
# No box holds more than it has room for, no figure is left out, and the charts have followed the window.
NOTHING_CUT = """
    [...document.querySelectorAll('.fo-box, .fo-card')].every(
        (box) => box.scrollWidth <= box.clientWidth + 1) &&
    [...document.querySelectorAll('.fo-chart .axis text')].every(
        (label) => label.getBoundingClientRect().right <=
            label.closest('.fo-chart').getBoundingClientRect().right + 1) &&
    [...document.querySelectorAll('.fo-named :is(th, td), td.fo-reason:not(:empty)')].every(
        (cell) => cell.checkVisibility() && !cell.closest('.fo-hidden'))
"""


async def test_a_link_opens_its_view_and_the_address_follows_choices(http, dashboard, window):
    await warm(dashboard)
    page = await opened(
        window, f"{dashboard}/?tenant={SHOP}&period=week&lang=de&theme=dark&utm=mail"
    )
    answer = await http.get("/api/analytics/metrics", params={"tenantId": SHOP, "period": "week"})
    await until_exact(page, "total_volume", round(answer.json()["totalVolume"] * 100))
    assert await page.locator("h1").inner_text() == "Zahlungen live"
    assert await page.title() == "Live · Zahlungen live"
    assert "€" in await page.locator("[data-figure=total_volume]").inner_text()
    assert await page.locator("html").get_attribute("lang") == "de"
    await until_background(page, DARK)
    await screenshot(page, "link-de-dark-1440")

    await page.locator("[data-action=period][data-value=month]").click()
    await page.wait_for_url("**period=month**")
    await page.get_by_label("Farben").select_option("light")
    await page.wait_for_url("**theme=light**")
    await until_background(page, LIGHT)
    await page.get_by_label("Sprache").select_option("ar")
    await page.locator("html[dir=rtl]").wait_for(state="attached")
    await page.wait_for_url("**lang=ar**")
    # Its letters come with the dashboard too, and only now.
    await page.wait_for_function(
        "[...document.fonts].some((font) => font.unicodeRange.includes('600'))"
    )
    assert asked(page) == {
        "tenant": SHOP,
        "period": "month",
        "lang": "ar",
        "theme": "light",
        "utm": "mail",
    }

    await warm(dashboard)
    shared = await opened(window, page.url)
    await until_exact(shared, "total_volume", await exact(page, "total_volume"))
    assert await shared.locator("h1").inner_text() == await page.locator("h1").inner_text()
    await until_background(shared, LIGHT)
    await screenshot(shared, "link-ar-light-1440")


async def test_missing_and_wrong_parameters_have_a_default(dashboard, browser, window):
    austrian = await browser.new_context(locale="de-AT", color_scheme="dark")
    page = await opened(austrian, dashboard)
    assert await page.locator("html").get_attribute("lang") == "de-AT"
    await until_background(page, DARK)
    assert asked(page) == {}

    page = await opened(window, f"{dashboard}/?period=fortnight&theme=pink&lang=xx")
    said = page.locator("[data-notice=said]")
    assert "period, lang, theme" in await said.inner_text()
    assert await page.locator("h1").inner_text() == "Live payments"


async def test_it_is_complete_in_every_language_on_phone_and_laptop(dashboard, window):
    page = await opened(window, f"{dashboard}/?tenant={SHOP}")
    # To payments of the day before, whatever the time is now: with the day a time takes more room.
    for first in range(13, 74, 12):
        await page.locator("[data-action=older]").click()
        await page.locator(".fo-pager span").filter(has_text=str(first)).wait_for()
    for size in (LAPTOP, PHONE):
        await page.set_viewport_size(size)
        for language, theme in product(("ar", "de", "en"), ("light", "dark")):
            await page.locator("[data-action=language]").select_option(language)
            await page.locator("[data-action=theme]").select_option(theme)
            await page.locator(f"html[lang|={language}][data-fo-theme={theme}]").wait_for(
                state="attached"
            )
            # Charts follow the window a moment later, those that one sees.
            await page.locator(".fo-plot").scroll_into_view_if_needed()
            await page.wait_for_function("document.documentElement.scrollWidth <= innerWidth")
            await page.wait_for_function(NOTHING_CUT)
            await screenshot(page, f"link-{language}-{theme}-{size['width']}")
