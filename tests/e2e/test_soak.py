"""The dashboard through a hard day: thousands of changes, and pauses among them."""

import pytest

from tests.e2e.browser import screenshot
from tests.e2e.traffic import Traffic, until_equal, until_state

EVENTS = 2_000

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(400),
    pytest.mark.long,
]


async def test_after_2000_random_changes_and_some_pauses_each_figure_is_the_apis(
    http, dashboard, window
):
    traffic = Traffic(http)
    await traffic.go_on(50)
    page = await window.new_page()
    await page.goto(f"{dashboard}?tenant={traffic.tenant}")
    await until_state(page, "live")
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
