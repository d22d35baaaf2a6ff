"""Payments by any dimension: the screen says what the API says, follows the stream, and is in the link."""

from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from playwright.async_api import expect

from financeops.core.wire import decode
from financeops.dashboard.panels.methods import SHOWN
from tests.e2e.browser import LAPTOP, barriers, screenshots

pytestmark = pytest.mark.asyncio(loop_scope="session")

TENANT = "by_dimension"
COUNTRIES = ["DE", "DE", "FR", "US", None, "JP", "DE"]
ROWS = """(rows) => rows.map((row) => [row.dataset.part ?? row.dataset.method,
    ...[...row.querySelectorAll("td")].map((cell) => cell.textContent)])"""


def said(n):
    """A payment that says something of itself; there are more processors than are counted by themselves."""
    country = COUNTRIES[n % 7]
    return {
        "tenantId": TENANT,
        "amount": 10 + n % 90,
        "method": ["card", "paypal"][n % 2],
        "status": "failed" if n % 9 == 0 else "success",
        **({"declineCode": ["do_not_honor", "suspected_fraud"][n % 2]} if n % 9 == 0 else {}),
        **({"country": country} if country else {}),
        "processor": f"p{n % 205:03}",
        "createdAt": (datetime.now(UTC) - timedelta(minutes=3 * n + 1)).isoformat(),
    }


@pytest_asyncio.fixture(scope="module", loop_scope="session", autouse=True)
async def payments(http):
    answer = (await http.post("/payments/batch", json=[said(n) for n in range(410)])).json()
    assert answer["created"] == 410, answer


async def rows_of(http, by, **asked):
    """What the API says, as one reads it: value, payments, share and rates."""
    asked = {"tenantId": TENANT, "period": "day", "by": by, **asked}
    rows = decode((await http.get("/api/analytics/breakdown", params=asked)).content)

    def percent(rate, decimals=1):
        return "–" if rate is None else f"{rate:.{decimals}f}%"  # noqa: RUF001 - as tables show it

    return [
        [
            row["value"] or "",
            f"{row['count']:,}",
            percent(row["share"], 0),
            percent(row["successRate"]),
            percent(row["authorizationRate"]),
        ]
        for row in rows
    ]


async def until_rows(page, http, by, *, unfolded=False, place="#main", **asked):
    """Return when the table has the rows of the API, in their order."""
    wanted = await rows_of(http, by, **asked)
    shown = wanted if unfolded or by == "method" else wanted[:SHOWN]
    table = page.locator(f"{place} .fo-methods-table table[data-by={by}]:not([aria-busy])")
    for n, (value, count, *_) in enumerate(shown):
        name = "method" if by == "method" else "part"
        row = table.locator(f"tbody tr:nth-child({n + 1})[data-{name}='{value}'] td").first
        await expect(row).to_have_text(count)
    rows = await table.locator("tbody tr").evaluate_all(ROWS)
    assert [[value, count, *rates] for value, count, _volume, *rates in rows] == shown
    return wanted


async def test_any_dimension_is_that_of_the_api_live_and_in_the_link(http, dashboard, window):
    page = await window.new_page()
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda told: errors.append(told.text) if told.type == "error" else None)
    await page.goto(f"{dashboard}?tenant={TENANT}&by=country&lang=en")
    await page.locator("[data-state=live]").wait_for(timeout=60_000)
    await until_rows(page, http, "country")
    table = page.locator("#main .fo-methods-table")
    await expect(table).to_contain_text("Germany")
    await expect(table).to_contain_text("Unknown (not told)")
    await screenshots(page, "by-country")

    # A country that was new, one that was not, and what was taken back.
    for country in ("BR", "FR"):
        sale = said(1) | {"country": country, "createdAt": datetime.now(UTC).isoformat()}
        assert (await http.post("/payments", json=sale)).status_code == 201
    await until_rows(page, http, "country")
    await expect(table).to_contain_text("Brazil")

    # A row filters everything, also in the link, live, and by another dimension.
    france = page.locator("#main [data-action=facet][data-value='country:FR']")
    await france.focus()
    await page.keyboard.press("Enter")
    await until_rows(page, http, "country", country="FR")
    await expect(france).to_have_attribute("aria-pressed", "true")
    await expect(france).to_be_focused()
    await expect(page.locator("[data-filter=country]")).to_contain_text("France")
    assert "country=FR" in page.url
    for country in ("FR", "DE"):
        sale = said(1) | {"country": country, "createdAt": datetime.now(UTC).isoformat()}
        assert (await http.post("/payments", json=sale)).status_code == 201
    await until_rows(page, http, "country", country="FR")
    assert await barriers(page) == []
    await screenshots(page, "only-france")

    by = page.locator("#main .fo-methods-head select")
    await by.select_option("processor")
    await until_rows(page, http, "processor", country="FR")
    await page.reload()
    await page.locator("#main .fo-dashboard").wait_for()
    await page.locator("[data-state=live]").wait_for(timeout=60_000)
    await until_rows(page, http, "processor", country="FR")
    await page.locator("[data-filter=country]").press("Enter")
    await page.locator("[data-filter=country]").wait_for(state="detached")
    assert "country=" not in page.url
    assert await page.evaluate("document.activeElement.closest('.fo-dashboard') !== null")

    await by.focus()
    await by.select_option("processor")
    wanted = await until_rows(page, http, "processor")
    assert len(wanted) == 201
    assert "other" in {value for value, *_ in wanted}
    await screenshots(page, "by-processor", (LAPTOP,))
    await page.locator("#main [data-action=unfold]").press("Enter")
    await until_rows(page, http, "processor", unfolded=True)
    sale = said(204) | {"createdAt": datetime.now(UTC).isoformat(), "processor": "met_a_full_list"}
    assert (await http.post("/payments", json=sale)).status_code == 201
    await until_rows(page, http, "processor", unfolded=True)
    assert await barriers(page) == []
    assert "by=processor" in page.url
    await page.reload()
    await page.locator("#main .fo-dashboard").wait_for()
    await page.locator("[data-state=live]").wait_for(timeout=60_000)
    await until_rows(page, http, "processor")

    await by.select_option("method")
    await until_rows(page, http, "method")
    assert "by=" not in page.url
    # Anywhere on its row.
    await page.locator("#main tr[data-method=paypal] td").last.click(force=True)
    await by.select_option("country")
    await until_rows(page, http, "country", method="paypal")
    await by.select_option("network")
    assert [value for value, *_ in await until_rows(page, http, "network", method="paypal")] == [""]
    await page.locator("[data-action=clear]").click()
    await by.select_option("issuerCountry")
    await by.select_option("method")
    await until_rows(page, http, "method")
    await by.select_option("country")
    for language, germany in (("de", "Deutschland"), ("ar", "ألمانيا")):
        await page.locator("[data-action=language]").select_option(language)
        await page.locator(f"html[lang|={language}]").wait_for(state="attached")
        await expect(table).to_contain_text(germany)
        await screenshots(page, f"by-country-{language}")
    await page.set_viewport_size(LAPTOP)
    assert await barriers(page) == []
    assert errors == []


async def test_the_first_answer_has_the_dimension_of_the_link(http, dashboard, browser):
    person = await browser.new_context(java_script_enabled=False, viewport=LAPTOP, locale="en-GB")
    page = await person.new_page()
    await page.goto(f"{dashboard}?tenant={TENANT}&by=country")
    await until_rows(page, http, "country", place="#first")
    assert await page.locator("#first .fo-ring path").count() == 6
    await page.goto(f"{dashboard}?tenant={TENANT}&by=colour&lang=en")
    await expect(page.locator("#first")).to_contain_text("not understood and left out: by")
