"""Extremes: a dozen methods with long names, amounts from a thousandth to a billion."""

from datetime import timedelta

import pytest
from babel import Locale

from financeops.dashboard.language import texts
from financeops.dashboard.language.formats import Formats
from tests.e2e.browser import (
    PHONE,
    barriers,
    exact,
    screenshot,
    screenshots,
)
from tests.e2e.conftest import LONG_METHODS, LONG_TENANT

AMOUNTS = [10**9, 0.001, 0, 123_456.789]


def payment(n):
    failed = {"status": "failed", "declineCode": f"reason_{n:_<57}"}
    return {
        "tenantId": LONG_TENANT,
        "amount": AMOUNTS[n % 4],
        "method": LONG_METHODS[n % 12],
        **(failed if n % 3 == 0 else {"status": "success"}),
    }


# What covers or cuts off the edges of what has the focus, where its ring is.
_COVERS = """() => {
    const button = document.activeElement;
    const { left, right, top, bottom } = button.getBoundingClientRect();
    const [x, y] = [(left + right) / 2, (top + bottom) / 2]; // its corners are round
    return [[x, top + 1], [x, bottom - 1], [left + 1, y], [right - 1, y]]
        .map(([x, y]) => document.elementFromPoint(x, y))
        .filter((element) => !button.contains(element))
        .map((element) => `${element?.outerHTML.slice(0, 80)} over ${button.dataset.value}`);
}"""

# How high the header is, and whether its title is cut off, with each of the words that may be in its badge.
_HEADERS = """(words) => words.map(([word, detail]) => {
    const badge = document.querySelector("#main .fo-badge");
    badge.querySelector(".fo-badge-word").textContent = word;
    badge.querySelector(".fo-badge-detail")?.remove();
    badge.insertAdjacentHTML("beforeend", `<bdi class="fo-badge-detail">${detail}</bdi>`);
    const title = document.querySelector("#main h1");
    return [document.querySelector("#main .fo-brand").offsetHeight, title.scrollWidth > title.clientWidth];
})"""

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_long_names_and_numbers_do_not_break_the_page(http, dashboard, window):
    answer = (await http.post("/payments/batch", json=[payment(n) for n in range(100)])).json()
    assert answer["created"] == 100
    page = await window.new_page()
    await page.goto(f"{dashboard}?tenant={LONG_TENANT}&status=failed&lang=en")
    await page.locator("[data-state=live]").wait_for(timeout=60_000)
    await page.locator(".fo-chip").wait_for()
    assert await exact(page, "total_volume") == "16001975308641"
    assert await page.locator(".fo-methods-table tbody tr").count() == 12
    await page.set_viewport_size(PHONE)
    buttons = page.locator(".fo-methods-table button")
    await buttons.last.focus()
    for _ in range(12):
        # The heads of the table stay where they are while it scrolls, and cover what is below them.
        assert await page.evaluate(_COVERS) == []
        await page.keyboard.press("Shift+Tab")
    await screenshots(page, "extreme")
    assert await barriers(page) == []
    await page.set_viewport_size(PHONE)
    await page.locator("[data-action=language]").select_option("ar")
    await page.locator("html[lang|=ar]").wait_for(state="attached")
    await page.locator(".fo-chip").wait_for()
    assert await page.evaluate("document.documentElement.scrollWidth") <= 390
    await screenshot(page, "extreme-ar-390")
    assert await barriers(page) == []


@pytest.mark.parametrize("language", ["en", "de", "ar"])
async def test_no_word_of_the_state_moves_what_is_below_it_on_a_phone(dashboard, window, language):
    page = await window.new_page()
    await page.set_viewport_size(PHONE)
    await page.goto(f"{dashboard}?lang={language}")
    await page.locator("[data-state=live]").wait_for(timeout=60_000)
    formats = Formats(Locale(language))
    states = (
        (texts.LIVE, formats.lag(0.15)),
        (texts.CONNECTING, ""),
        (texts.RECONNECTING, formats.seconds(timedelta(seconds=99))),
        (texts.STALE, ""),
        (texts.LOADING_FIGURES, ""),
        (texts.NO_FIGURES, ""),
        (texts.PAUSED, formats.say(texts.MISSED, count=99)),
    )
    words = [[formats.say(word), detail] for word, detail in states]
    headers = await page.evaluate(_HEADERS, words)
    assert {tuple(each) for each in headers} == {(headers[0][0], False)}
    await screenshot(page, f"paused-{language}-390")
