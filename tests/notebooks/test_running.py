"""Notebooks and dashboard after `make up`: what they assert, and what people see of them.

The notebooks run twice, by nbval and in JupyterLab; the dashboard is looked at in a cell and as Voilà serves it.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import cycle
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

import financeops as fo
from financeops.dashboard.language import texts
from financeops.loading.demonstration import DAYS, PAYMENTS, demo, simulated
from tests.e2e.browser import screenshot, until_drawn, visiting
from tests.installed import running
from tests.notebooks.test_notebooks import code_of
from tests.processes import ROOT, environment

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(900)]

NOTEBOOKS = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))
LIVE = {"quickstart": "The last 50 payments"}
"""Notebooks with a chart that moves by itself as long as the kernel lives, and its title."""
MINUTE = 60_000
ROOMS = range(320, 2601, 40)
_SEES = "".join(
    path.read_text(encoding="utf-8")
    for path in (Path(__file__).with_name("lab.js"), ROOT / "tests" / "e2e" / "layout.js")
)
_RESIZED = """(root, width) => {
    const room = `${width}px`; // JupyterLab has cells of a table, and Voilà boxes that grow, around it
    Object.assign(root.parentElement.style, { display: "block", flex: "none", width: room, minWidth: room, maxWidth: room });
    return Math.round(root.getBoundingClientRect().width);
}"""
_IN_EACH = f"(root, rooms) => rooms.map((width) => [({_RESIZED})(root, width), faults(root)])"
_FOLLOWED = """(root) => {
    const chart = root.querySelector(".fo-trend .fo-chart");
    chart.scrollIntoView({ block: "center", behavior: "instant" });
    const right = chart.getBoundingClientRect().right;
    const last = Math.max(...[...chart.querySelectorAll("rect.bar")].map((bar) => bar.getBoundingClientRect().right));
    return last <= right && last > right - 80;
}"""


@pytest.fixture(scope="module")
def links(tmp_path_factory):
    """`make up` in a new folder: what the tests alone install cannot be imported in it."""
    folder = tmp_path_factory.mktemp("installed")
    settings = {"simulate_interval": 1, "cache_dir": folder / "cache"}
    with running(folder, "--no-seed", **settings) as links:
        httpx.post(f"{api_of(links)}/payments/seed", timeout=60).raise_for_status()
        notebook = json.loads((folder / "notebooks" / "dashboard.ipynb").read_text("utf-8"))
        cell = next(cell for cell in notebook["cells"] if cell["cell_type"] == "code")
        cell["source"] = "import financeops as fo\n\nfo.Dashboard(tenant='wide', locale='de')"
        notebook["cells"] = [cell]
        (folder / "notebooks" / "wide.ipynb").write_text(json.dumps(notebook), "utf-8")
        yield links


def api_of(links):
    return links["API"].removesuffix("/docs")


@pytest.fixture(scope="module")
def wide(links):
    """A tenant with long amounts and every reason that has a text of its own."""
    now = datetime.now(UTC)
    reasons = sorted(texts.REASONS)
    payments = [
        {
            "tenantId": "wide",
            "amount": [9_999_999_999.99, 4.5, 123_456.78, 12_345_678.9][n % 4],
            "method": ["card", "bank_transfer", "paypal", "crypto"][n // 4 % 4],
            "createdAt": (now - timedelta(minutes=17 * n)).isoformat(),
            **({"status": "success"} if n % 3 else {"status": "failed", "declineCode": reason}),
        }
        for n, reason in zip(range(100), cycle(reasons), strict=False)
    ]
    answer = httpx.post(f"{api_of(links)}/payments/batch", json=payments, timeout=60).json()
    assert answer["created"] == 100, answer


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(tmp_path_factory):
    """One window's memory for all: what JupyterLab is made of is loaded and compiled once."""
    async with visiting(tmp_path_factory.mktemp("profile")) as window:
        yield window


async def watched(browser) -> tuple[Page, list[str]]:
    """A new page, and the list of its errors."""
    page = await browser.new_page()
    page.set_default_timeout(MINUTE)
    await page.add_init_script(_SEES)
    said: list[str] = []
    page.on("console", lambda line: line.type == "error" and said.append(line.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    return page, said


@asynccontextmanager
async def silent(browser) -> AsyncIterator[Page]:
    """A page that must have no error until it is closed."""
    page, said = await watched(browser)
    yield page
    await page.close()
    assert said == []


class Lab:
    """JupyterLab, loaded once: one notebook after the other is a tab of it."""

    def __init__(self, address: str, page: Page, said: list[str]) -> None:
        self._address, _, self._token = address.partition("/lab?token=")
        self._page = page
        self._said = said

    async def load(self) -> None:
        await self._page.goto(f"{self._address}/lab?token={self._token}&reset")

    @asynccontextmanager
    async def opened(self, notebook: str) -> AsyncIterator[Page]:
        """Run a notebook from top to bottom, without an error until it is closed."""
        well = False
        try:
            await self._run(notebook)
            yield self._page
            await self._close()
            well = True
        finally:
            complaints = [*self._said]
            if not well:
                await self._end_kernels()
                await self.load()
            self._said.clear()  # the next one is not to blame
        assert complaints == []

    async def _run(self, notebook: str) -> None:
        page = self._page
        file = page.locator(f'.jp-DirListing-item[title^="Name: {notebook}.ipynb"]')
        await file.dblclick()
        # Before this says so there is no kernel yet, and what is to be run is passed over without a word.
        await page.get_by_text(re.compile(r"\| Idle$")).wait_for()
        await self._choose("Run", "Run All Cells")
        prompts = page.locator(".jp-CodeCell .jp-InputPrompt")
        await expect(prompts.filter(has_text=re.compile(r"[*\d]"))).not_to_have_count(0)
        await expect(prompts.filter(has_text="*")).to_have_count(0, timeout=4 * MINUTE)

    async def _close(self) -> None:
        """With its kernel: one that goes on computing would slow down the next notebook."""
        await self._choose("File", "Close and Shut Down Notebook…")
        await self._page.get_by_role("dialog").get_by_role("button", name="Ok").click()
        await expect(self._page.locator(".jp-NotebookPanel")).to_have_count(0)

    async def _choose(self, menu: str, item: str) -> None:
        await self._page.get_by_role("menuitem", name=menu, exact=True).click()
        await self._page.get_by_text(item, exact=True).click()

    async def _end_kernels(self) -> None:
        query = {"token": self._token}
        async with httpx.AsyncClient(base_url=self._address, params=query) as http:
            for session in (await http.get("/api/sessions")).json():
                await http.delete(f"/api/sessions/{session['id']}")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lab(browser, links):
    page, said = await watched(browser)
    lab = Lab(links["JupyterLab"], page, said)
    await lab.load()
    yield lab
    await page.close()
    assert said == []


def path_of(notebook):
    return ROOT / "notebooks" / f"{notebook}.ipynb"


def charts_of(notebook):
    """Return the number of charts that its code makes; a dashboard has two."""
    code = "".join("".join(cell) for cell in code_of(path_of(notebook)))
    made = sum(code.count(f"plots.{kind}(") for kind in ("lines", "bars", "heat"))
    return made + 2 * code.count("fo.Dashboard(")


async def test_the_simulated_shop_is_recorded_once_and_unchanged(links):
    url = api_of(links)
    tenant = await asyncio.to_thread(demo, url, progress=False)
    with fo.connect(url, tenant=tenant) as shop:
        recorded = await asyncio.to_thread(shop.payments, cache=False)
        seq = shop.metrics().seq
        assert await asyncio.to_thread(demo, url, progress=False) == tenant
        assert shop.metrics().seq == seq, "the second time nothing was recorded"
    made_up = simulated(PAYMENTS, since=DAYS.start, until=DAYS.end)
    told = ["amount", "method", "status", "created_at", "country", "decline_code", "refunded_at"]
    order = ["created_at", "amount", "country"]
    assert recorded.sort(order).select(told).equals(made_up.sort(order).select(told))


async def test_every_notebook_runs_and_its_assertions_hold(links, tmp_path):
    """Run nbval in one process, because starting pytest takes longer than most notebooks."""
    ran = await asyncio.to_thread(
        subprocess.run,
        [
            *(sys.executable, "-m", "pytest", "--nbval-lax", "-q", "-p", "no:cacheprovider"),
            *("-p", "no:schemathesis"),  # takes more than a second to import
            ROOT / "notebooks",
        ],
        env=environment({"url": api_of(links), "cache_dir": tmp_path}),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=800,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert f"{sum(len(code_of(path_of(notebook))) for notebook in NOTEBOOKS)} passed" in ran.stdout


@pytest.mark.parametrize("notebook", NOTEBOOKS)
async def test_a_notebook_runs_and_each_of_its_charts_is_drawn_and_live_ones_move(notebook, lab):
    async with lab.opened(notebook) as page:
        errors = page.locator('[data-mime-type="application/vnd.jupyter.error"]')
        assert await errors.all_inner_texts() == []
        warnings = page.locator('[data-mime-type="application/vnd.jupyter.stderr"]')
        assert await warnings.all_inner_texts() == []
        # Nothing covers what was asked for.
        await expect(page.locator(".Toastify__toast")).to_have_count(0)

        figures = page.locator(".jp-OutputArea .bqplot")
        await expect(figures).to_have_count(charts_of(notebook))
        for n, figure in enumerate(await figures.all()):
            await figure.scroll_into_view_if_needed()
            element = await figure.element_handle()
            await page.wait_for_function("(figure) => drawn(figure) > 0", arg=element)
            assert await element.evaluate("odd") == []
            assert await element.evaluate("unclear") == []
            await screenshot(page, f"lab-{notebook}-{n}")
        if notebook in LIVE:
            figure = await page.locator(".bqplot", has_text=LIVE[notebook]).element_handle()
            moved = await figure.evaluate("moves")
            await page.wait_for_function(
                "([figure, moved]) => moves(figure) > moved + 1", arg=[figure, moved]
            )


async def test_the_dashboard_that_voila_serves_has_no_errors(browser, links):
    async with silent(browser) as page:
        await page.goto(links["Dashboard"])
        await page.locator("[data-state=live]").wait_for()
        for period in ("month", "day", "year", "week"):
            await page.locator(f"[data-action=period][data-value={period}]").click()
            await page.locator(f"[data-value={period}][aria-pressed=true]").wait_for()
            for figure in await page.locator(".bqplot").all():
                assert await figure.evaluate("odd") == []


async def fits(page) -> None:
    """Nothing is cut off, overlaps or is broken within a word, whatever room the dashboard has."""
    await page.locator(".fo-dashboard [data-state=live]").wait_for()
    await page.evaluate("document.fonts.ready.then(() => true)")
    root = await page.locator(".fo-dashboard").element_handle()
    assert await root.evaluate(_IN_EACH, list(ROOMS)) == [[width, []] for width in ROOMS]
    for width in (320, 720, 1080, 1600):
        await root.evaluate(_RESIZED, width)
        await page.wait_for_function(_FOLLOWED, arg=root)
        assert (width, await root.evaluate("(root) => faults(root, true)")) == (width, [])


async def test_in_a_cell_the_dashboard_fits_any_room(lab, wide):
    async with lab.opened("wide") as page:
        await fits(page)
        # The tab belongs to JupyterLab, and a press shows before the kernel has answered.
        assert "JupyterLab" in await page.title()
        assert "svg+xml" not in await page.locator("link[rel~=icon]").first.get_attribute("href")
        week = page.locator("[data-action=period][data-value=week]")
        assert await week.evaluate("(button) => (button.click(), button.ariaPressed)") == "true"
        await page.locator(".fo-trend", has_text="Letzte 7 Tage").wait_for()


@pytest.mark.parametrize("language", ["de", "en"])
async def test_served_by_voila_the_dashboard_fits_any_room(language, browser, links, wide):
    async with silent(browser) as page:
        await page.goto(f"{links['Dashboard']}?tenant=wide&lang={language}")
        await page.locator(f"html[lang|={language}]").wait_for(state="attached")
        await until_drawn(page)
        await fits(page)
