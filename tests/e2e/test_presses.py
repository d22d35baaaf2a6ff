"""A press shows at once, however long the kernel takes, and the kernel has the last word."""

import re
from uuid import uuid4

import pytest
import pytest_asyncio
from playwright.async_api import expect

pytestmark = pytest.mark.asyncio(loop_scope="session")

PRESSED = """(button) => {
    button.click();
    return [button.ariaPressed, button.ariaBusy];
}"""


class Line:
    """The way from a page to its kernel: what is sent can be held up, or changed."""

    def __init__(self):
        self.held = None
        self.change = lambda message: message

    def connect(self, socket):
        kernel = socket.connect_to_server()

        def forward(message):
            if self.held is None:
                kernel.send(self.change(message))
            else:
                self.held.append(message)

        self.release = lambda: [kernel.send(message) for message in self.held]
        socket.on_message(forward)

    def hold(self):
        self.held = []

    def let_go(self):
        self.release()
        self.held = None


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def opened(visitor, dashboard, http):
    """A tenant's dashboard, the way to its kernel, and how to record a payment."""
    tenant = f"tenant_{uuid4().hex[:12]}"

    async def sell(amount):
        sale = {"tenantId": tenant, "amount": amount, "method": "card", "status": "success"}
        assert (await http.post("/payments", json=sale)).is_success

    for amount in range(1, 15):
        await sell(amount)
    line = Line()
    page = await visitor.new_page()
    await page.route_web_socket(re.compile("/api/kernels/.*/channels"), line.connect)
    await page.goto(f"{dashboard}?tenant={tenant}")
    await page.locator("[data-state=live]").wait_for(timeout=60_000)
    yield page, line, sell
    await page.close()


async def test_a_press_shows_before_the_kernel_knows_and_while_payments_come(opened):
    page, line, sell = opened
    week = page.locator("[data-action=period][data-value=week]")
    day = page.locator("[data-action=period][data-value=day]")
    card = page.locator("[data-action=method][data-value=card]")
    pause = page.locator("[data-action=pause]")
    older = page.locator("[data-action=older]")
    theme = page.locator("select[data-action=theme]")

    line.hold()
    assert await week.evaluate(PRESSED) == ["true", None]
    assert await day.get_attribute("aria-pressed") == "false"
    assert await card.evaluate(PRESSED) == ["true", None]
    assert await card.evaluate(PRESSED) == ["false", None]
    assert await card.evaluate(PRESSED) == ["true", None]
    assert await older.evaluate(PRESSED) == [None, "true"]
    await theme.select_option("dark")
    await pause.focus()
    await page.keyboard.press("Enter")
    await expect(pause).to_have_attribute("aria-busy", "true")

    # What the kernel shows meanwhile, without knowing of all this, takes nothing back.
    await sell(1000)
    await page.locator('[data-figure=total_volume][data-exact="110500"]').wait_for()
    for control, name, value in (
        (week, "aria-pressed", "true"),
        (card, "aria-pressed", "true"),
        (older, "aria-busy", "true"),
        (pause, "aria-busy", "true"),
    ):
        assert await control.get_attribute(name) == value
    assert await theme.input_value() == "dark"
    assert await pause.evaluate("(button) => button === document.activeElement")

    line.let_go()
    await page.locator("[data-state=paused]").wait_for()
    await page.locator("[data-filter=method]").wait_for()
    await page.locator(".fo-trend", has_text="Last 7 days").wait_for()
    await expect(page.locator("[aria-busy=true]")).to_have_count(0)
    assert await week.get_attribute("aria-pressed") == "true"
    await expect(page).to_have_title("Paused · Live payments")

    await page.keyboard.press("Enter")  # it still has the focus
    await page.keyboard.press("Escape")
    await page.locator("[data-state=live]").wait_for()
    await expect(card).to_have_attribute("aria-pressed", "false")


async def test_a_press_that_the_kernel_refuses_goes_back(opened):
    page, line, _sell = opened
    before = page.locator("[data-action=period][aria-pressed=true]")
    chosen = await before.get_attribute("data-value")
    line.change = lambda message: message.replace(b'"value":"month"', b'"value":"moons"')
    try:
        month = page.locator("[data-action=period][data-value=month]")
        assert await month.evaluate(PRESSED) == ["true", None]
        await expect(month).to_have_attribute("aria-pressed", "false")
        assert await before.get_attribute("data-value") == chosen
    finally:
        line.change = lambda message: message


async def test_a_press_that_is_lost_goes_back_after_a_while(opened):
    page, line, _sell = opened
    line.hold()
    export = page.locator("[data-action=export]")
    assert await export.evaluate(PRESSED) == [None, "true"]
    await expect(export).not_to_have_attribute("aria-busy", "true")
    line.held = None


async def test_a_page_that_is_not_left_after_all_goes_on(opened):
    page, _line, _sell = opened
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    await page.evaluate("dispatchEvent(new Event('beforeunload'))")
    await page.locator("[data-action=period][data-value=month]").click()
    await page.locator(".fo-trend", has_text="Last 30 days").wait_for()
    assert [url for url in asked if "shutdown" in url] == []


async def test_the_tab_says_so_when_the_dashboard_does_not_answer(opened):
    page, _line, _sell = opened
    look = "document.dispatchEvent(new Event('visibilitychange'))"
    await expect(page).to_have_title("Live · Live payments")
    await page.route("**/api/kernels/*", lambda route: route.abort())
    await page.evaluate(look)
    await expect(page).to_have_title("No connection · Live payments")
    await page.unroute("**/api/kernels/*")
    await page.evaluate(look)
    await expect(page).to_have_title("Live · Live payments")
