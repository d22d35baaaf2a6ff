"""Every control of the dashboard, used in a real browser as a person does."""

import csv
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import pytest_asyncio
from playwright.async_api import expect

from financeops.core.wire import decode
from tests.e2e.browser import (
    LAPTOP,
    PHONE,
    barriers,
    exact,
    screenshot,
    screenshots,
    until_drawn,
    until_exact,
)

DAY = timedelta(days=1)
METHODS = ["card", "card", "paypal", "crypto", "bank_transfer"]


pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def tenant(http):
    """A tenant with two days of payments in two currencies."""
    tenant = f"tenant_{uuid4().hex[:12]}"
    now = datetime.now(UTC)
    payments = [
        {
            "tenantId": tenant,
            "amount": 20 + n,
            "currency": "JPY" if n % 9 == 0 else "USD",
            "method": METHODS[n % 5],
            "status": "failed" if n % 7 == 0 else "success",
            "createdAt": (now - timedelta(minutes=11 * n)).isoformat(),
            **({"declineCode": ["do_not_honor", "expired_card"][n % 2]} if n % 7 == 0 else {}),
        }
        for n in range(340)
    ]
    answer = (await http.post("/payments/batch", json=payments)).json()
    assert answer["created"] == len(payments), answer
    return tenant


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shared(visitor, dashboard, tenant):
    page = await visitor.new_page()
    await page.goto(f"{dashboard}?tenant={tenant}")
    await until_drawn(page)
    yield page
    await page.close()


@pytest_asyncio.fixture(loop_scope="session")
async def page(shared):
    """That tenant's dashboard, live, as it is when it is opened: all tests here share it."""
    await shared.set_viewport_size(LAPTOP)
    await shared.emulate_media(color_scheme="null")
    await shared.locator("[data-state=live]").wait_for(timeout=60_000)
    await shared.locator("select[data-action=currency]").select_option("USD")
    # Another filter reloads the feed.
    await shared.locator(".fo-statuses [data-value=failed]").click()
    await shared.locator("[data-filter=status]").wait_for()
    await shared.keyboard.press("Escape")
    await shared.locator("[data-filter]").first.wait_for(state="detached")
    await shared.locator(".fo-pager span").filter(has_text="1 to 12 of").wait_for()
    # Neither the pointer nor the focus is anywhere.
    await shared.mouse.move(0, 0)
    await shared.evaluate("document.activeElement.blur()")
    return shared


@pytest.fixture
def metrics(http, tenant):
    """Figures of the tenant's day: ``await metrics(method="card")``."""

    async def ask(**parameters):
        given = {"tenantId": tenant, "period": "day", **parameters}
        asked = {name: value for name, value in given.items() if value is not None}
        answer = await http.get("/api/analytics/metrics", params=asked)
        assert answer.status_code == 200, answer.text
        return decode(answer.content)

    return ask


@pytest.fixture
def sell(http, tenant):
    """Record a payment of the tenant: ``await sell(7, "card")``."""

    async def post(amount, method="card"):
        sale = {"tenantId": tenant, "amount": amount, "method": method, "status": "success"}
        assert (await http.post("/payments", json=sale)).is_success

    return post


async def assert_shows(page, figures, *, minor=100):
    await until_exact(page, "total_volume", int(figures["totalVolume"] * minor))
    await until_exact(page, "success_rate", figures["successRate"])


async def test_a_payment_opens_and_shows_what_happens_to_it(page, http, tenant, sell):
    errors = []
    page.on(
        "console", lambda message: errors.append(message.text) if message.type == "error" else None
    )
    await sell(31, "paypal")
    await page.locator("[data-action=method][data-value=paypal]").click()
    await page.locator("[data-filter=method]").wait_for()
    await page.locator(".fo-pager span").filter(has_text="1 to 12 of").wait_for()
    row = page.locator("tr[data-payment]", has_text="$31.00").first
    payment = await row.get_attribute("data-payment")
    opener = page.locator(f"[data-payment='{payment}'] .fo-open")
    await opener.focus()
    await page.keyboard.press("Enter")
    dialog = page.locator(".fo-payment dialog[open]")
    await expect(dialog.locator("li")).to_have_count(1)
    await expect(dialog).to_contain_text(payment)

    asked = {"amount": 10.5, "reason": "one of three was broken"}
    path = f"/payments/{payment}/refund"
    assert (await http.post(path, params={"tenantId": tenant}, json=asked)).is_success
    await expect(dialog.locator("li")).to_have_count(2)
    await expect(dialog.locator("li").last).to_contain_text("$10.50 refunded: one of three")
    assert (await http.post(path, params={"tenantId": tenant}, json={"amount": 4})).is_success
    await expect(dialog.locator("li").last).to_contain_text("$4.00 refunded")
    for name, size in (("1440", LAPTOP), ("390", PHONE)):
        await page.set_viewport_size(size)
        assert await barriers(page) == []
        fits = "(each) => each.scrollWidth <= each.clientWidth && each.clientWidth <= innerWidth"
        assert await dialog.evaluate(fits)
        await screenshot(page, f"payment-{name}")

    # Escape closes it and nothing else; the keyboard goes on where it was.
    await page.keyboard.press("Escape")
    await dialog.wait_for(state="detached")
    await page.locator("[data-filter=method]").wait_for()
    assert await opener.first.evaluate(
        "(each) => each.closest('tbody').contains(document.activeElement)"
    )
    await opener.first.click()
    await dialog.wait_for()
    # Closed and opened again before the kernel has answered.
    await page.evaluate("""() => {
        const dialog = document.querySelector(".fo-payment dialog");
        const opener = `[data-payment="${dialog.dataset.key.split("-")[0]}"] .fo-open`;
        dialog.addEventListener("close", () => document.querySelector(opener).click(), { once: true });
        dialog.close();
    }""")
    await dialog.get_by_role("button", name="Close").click()
    await dialog.wait_for(state="detached")
    assert errors == []


async def test_a_method_filters_figures_and_feed_until_it_is_cleared(page, metrics, sell):
    everything = await metrics()
    method = page.locator("[data-action=method][data-value=card]")

    await method.click()
    await assert_shows(page, await metrics(method="card"))
    await page.locator("[data-filter=method]", has_text="Card").wait_for()
    await expect(page.locator(".fo-feed tbody td:nth-child(2) bdi")).to_have_text(["Card"] * 12)

    await sell(7)
    await sell(9, "paypal")
    await assert_shows(page, await metrics(method="card"))
    await screenshots(page, "filtered")
    assert await barriers(page) == []

    await page.keyboard.press("Escape")
    await assert_shows(page, await metrics())
    await page.locator("[data-filter]").wait_for(state="detached")

    # The middle of a slice's box is the hole of the ring.
    await page.locator(".fo-ring path.slice").first.dispatch_event("click")
    await page.locator("[data-filter=method]").click()
    await page.locator("[data-filter]").wait_for(state="detached")
    assert int(await exact(page, "total_volume")) > int(everything["totalVolume"] * 100)


async def test_days_are_chosen_by_dates_and_are_in_the_link(page, http, tenant, metrics):
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date()
    start = datetime(yesterday.year, yesterday.month, yesterday.day, tzinfo=UTC)
    window = {"period": None, "from": start.isoformat()}

    await page.locator("[data-action=dates]").click()
    since, through = (page.locator(f"input[data-action={name}]") for name in ("since", "through"))
    await since.fill(str(yesterday))
    await page.wait_for_url(f"**since={yesterday}**")
    await assert_shows(page, await metrics(**window, to=(start + 3 * DAY).isoformat()))
    await through.fill(str(yesterday))
    await page.wait_for_url(f"**through={yesterday}**")
    day = await metrics(**window, to=(start + DAY).isoformat())
    assert day["totalPayments"]
    await assert_shows(page, day)
    await expect(page.locator(".fo-trend-head")).not_to_contain_text("so far")
    # The feed is of that day, too: none of today's payments is in it.
    asked = {"tenantId": tenant, "currency": "USD", "limit": 12}
    asked |= {"from": start.isoformat(), "to": (start + DAY).isoformat()}
    listed = [each["_id"] for each in (await http.get("/payments", params=asked)).json()]
    rows = page.locator(".fo-feed tbody tr")
    await expect(page.locator(".fo-feed h2")).to_contain_text("Payments of")
    await expect(rows.first).to_have_attribute("data-payment", listed[0])
    shown = await rows.evaluate_all("rows => rows.map(row => row.dataset.payment)")
    assert shown == listed
    await screenshots(page, "dates", (PHONE, LAPTOP))
    assert await barriers(page) == []

    # Who opens the link sees the same at once; the other end gives way to one beyond it.
    first = (await http.get(page.url)).text
    assert f'data-exact="{int(day["totalVolume"] * 100)}"' in first
    await through.fill(str(yesterday - DAY))
    await page.wait_for_url(f"**since={yesterday - DAY}**")
    await expect(since).to_have_value(str(yesterday - DAY))

    await page.locator("[data-action=dates]").click()
    await since.wait_for(state="detached")
    await assert_shows(page, await metrics())


async def test_attempts_of_one_order_stand_together(page, http, tenant):
    sale = {"tenantId": tenant, "amount": 64, "method": "card", "orderId": "basket-1"}
    other = {"tenantId": tenant, "amount": 7, "method": "card", "status": "success"}
    failed = {**sale, "status": "failed", "declineCode": "insufficient_funds"}
    for document in (failed, other, {**sale, "status": "success"}, other):
        assert (await http.post("/payments", json=document)).is_success
    amounts = page.locator(".fo-feed tbody .fo-open")
    await expect(amounts.nth(3)).to_have_text("$64.00")

    await page.locator("[data-action=group]").click()
    await page.wait_for_url("**group=order**")
    rows = page.locator(".fo-feed tbody tr")
    await expect(rows.nth(0)).not_to_contain_text("Attempt")
    await expect(rows.nth(1)).to_contain_text("Attempt 2")
    await expect(rows.nth(2)).to_contain_text("Attempt 1")
    shown = [await amounts.nth(n).inner_text() for n in range(4)]
    assert shown == ["$7.00", "$64.00", "$64.00", "$7.00"]
    await expect(rows.and_(page.locator("[data-joined]"))).to_have_count(1)
    # A third attempt takes the others with it.
    assert (await http.post("/payments", json={**sale, "status": "success"})).is_success
    await expect(rows.first).to_contain_text("Attempt 3")
    await expect(rows.and_(page.locator("[data-joined]"))).to_have_count(2)
    await screenshots(page, "orders", (PHONE, LAPTOP))
    assert await barriers(page) == []

    await page.locator("[data-action=group]").click()
    await expect(page.locator("[data-joined]")).to_have_count(0)


async def test_a_status_filters_the_feed_only(page):
    shown = await exact(page, "total_volume")

    await page.locator(".fo-statuses [data-value=failed]").click()
    await page.locator("[data-filter=status]").wait_for()
    await expect(page.locator(".fo-feed tbody td:nth-child(3)")).to_have_text(["Failed"] * 12)
    assert await exact(page, "total_volume") == shown

    await page.locator("[data-action=clear]").click()
    await page.locator(".fo-feed tr[data-status=success]").first.wait_for()
    await page.locator(".fo-feed button.fo-status", has_text="Succeeded").first.click()
    await page.locator("[data-filter=status]", has_text="Succeeded").wait_for()


async def test_the_feed_turns_its_pages_back_to_the_first_payment(page, sell, http, tenant):
    older, pages = page.locator("[data-action=older]"), page.locator(".fo-pager span")
    asked = {"tenantId": tenant, "limit": 1000, "currency": "USD"}  # as the page has chosen
    count = len((await http.get("/payments", params=asked)).json())
    assert count >= 300
    await pages.filter(has_text="1 to 12 of").wait_for()
    for first in range(13, count + 1, 12):
        await older.click()
        await pages.filter(has_text=f"{first} to {min(first + 11, count)} of").wait_for()
    await pages.filter(has_text=f"{first} to {count} of {count}").wait_for()
    assert await older.get_attribute("aria-disabled") == "true"

    # What is being read stays where it is while others come.
    last = await page.locator(".fo-feed tbody tr").last.get_attribute("data-key")
    await sell(7)
    await pages.filter(has_text=f"{first + 1} to {count + 1} of {count + 1}").wait_for()
    assert await page.locator(".fo-feed tbody tr").last.get_attribute("data-key") == last
    await page.locator("[data-action=newer]").click()
    await pages.filter(has_text=f"{first - 11} to {first} of {count + 1}").wait_for()


async def test_another_currency_shows_its_figures_and_the_export_is_of_what_is_filtered(
    page, metrics, tenant
):
    select = page.locator("select[data-action=currency]")
    assert await select.input_value() == "USD"

    await select.select_option("JPY")
    yen = await metrics(currency="JPY", method="card")
    await until_exact(page, "total_volume", (await metrics(currency="JPY"))["totalVolume"])
    # The feed is of the same payments.
    amounts = page.locator(".fo-feed tbody tr:not([aria-hidden]) td:last-child")
    await expect(amounts.filter(has_not_text="¥")).to_have_count(0)
    assert await amounts.count()
    await page.locator("[data-action=method][data-value=card]").click()
    await assert_shows(page, yen, minor=1)

    async with page.expect_download() as download:
        await page.locator("[data-action=export]").click()
    saved = await download.value
    assert saved.suggested_filename == f"payments-{tenant}-day-JPY-card.csv"
    with (await saved.path()).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == yen["totalPayments"]
    assert {(row["currency"], row["method"]) for row in rows} == {("JPY", "card")}

    # Yen have no exchange rate, and are never counted as if they were nothing.
    await select.select_option("reporting")
    together = await metrics(currency="reporting", method="card")
    await assert_shows(page, together)
    said = f"{together['unconverted']['count']} payments (JPY)"
    await page.locator("[data-notice=unconverted]", has_text=said).wait_for()


async def test_resume_shows_how_many_changes_came(page, metrics, sell):
    await page.keyboard.press("Tab")
    pause = page.locator("[data-action=pause]")
    await pause.focus()
    await page.keyboard.press("Enter")
    await page.locator("[data-state=paused]").wait_for()
    for amount in (10, 20, 30):
        await sell(amount)
    await page.locator(".fo-badge-detail", has_text="3 missed").wait_for()

    assert await pause.evaluate("element => element === document.activeElement")
    await page.keyboard.press("Space")
    await page.locator("[data-notice=said]", has_text="3 changes came while paused").wait_for()
    await assert_shows(page, await metrics())


async def test_the_trend_is_read_with_the_keyboard_and_with_the_pointer(page):
    pointer = page.locator(".fo-pointer")
    await pointer.focus()
    await page.keyboard.press("Home")
    await page.locator(".fo-pointer[aria-valuenow='0']").wait_for()
    await page.keyboard.press("ArrowRight")
    await page.locator(".fo-pointer[aria-valuenow='1']").wait_for()
    said = await pointer.get_attribute("aria-valuetext")
    assert "$" in said
    assert "%" in said
    await page.keyboard.press("End")
    await page.locator(".fo-pointer[aria-valuenow='23']").wait_for()
    tip = pointer.locator(".fo-tip")
    assert await tip.is_visible()
    await screenshots(page, "pointed")

    await page.set_viewport_size(LAPTOP)
    await page.locator(".fo-trend").hover(position={"x": 500, "y": 200})
    await page.locator(".bqplot_mark_tooltip .fo-tip dd").first.wait_for()


async def test_every_control_is_reached_with_the_keyboard_and_shows_its_focus(page):
    controls = ".fo-dashboard :is(button, select, [tabindex='0']):not(:disabled, [tabindex='-1'])"
    wanted = await page.locator(f"{controls} >> visible=true").count()
    reached = set()
    for _ in range(wanted + 5):
        await page.keyboard.press("Tab")
        focused = await page.evaluate(
            """() => {
                const element = document.activeElement;
                const all = [...document.querySelectorAll(".fo-dashboard *")];
                const style = getComputedStyle(element);
                const seen = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 1;
                return [all.indexOf(element), seen, element.outerHTML];
            }"""
        )
        if focused[0] >= 0:
            assert focused[1], focused[2]
            reached.add(focused[0])
    assert len(reached) == wanted
