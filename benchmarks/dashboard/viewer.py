"""A real browser that shows the dashboard, and what it saw."""

import shutil
import time
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
from playwright.async_api import async_playwright

_PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking")
WATCH = Path(__file__).with_name("watch.js").read_text(encoding="utf-8")
_PATIENCE = 120_000  # milliseconds


@asynccontextmanager
async def browser():
    """Run the machine's Chromium."""
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=_program(), args=_FLAGS)
        yield chromium
        await chromium.close()


@asynccontextmanager
async def somebody(profile):
    """The same as a person's who comes again: it keeps in a folder what pages are made of, compiled."""
    async with async_playwright() as playwright:
        window = await playwright.chromium.launch_persistent_context(
            profile,
            executable_path=_program(),
            args=_FLAGS,
            viewport={"width": 1440, "height": 900},
        )
        yield window
        await window.close()


def _program():
    return next(filter(None, map(shutil.which, _PROGRAMS)))


class Viewer:
    """A page with the dashboard, as for a new visitor."""

    def __init__(self, page):
        self.page = page

    @classmethod
    @asynccontextmanager
    async def opened(cls, chromium, url):
        """Open the page and wait until it shows figures."""
        context = await chromium.new_context(viewport={"width": 1440, "height": 900})
        page = await context.new_page()
        await page.add_init_script(WATCH)
        await page.goto(url, wait_until="commit")
        viewer = cls(page)
        await page.wait_for_function("__seen.first !== null", timeout=_PATIENCE)
        viewer.cdp = await context.new_cdp_session(page)
        await viewer.cdp.send("Performance.enable")
        yield viewer
        await context.close()

    async def first_figures(self):
        """Return the seconds from the click to the first figures."""
        return await self.page.evaluate("__seen.first") / 1000

    async def lag(self):
        """Return the lag from event to screen that the dashboard itself shows."""
        return await self.page.locator(".fo-badge-detail").first.text_content(timeout=5_000)

    async def until_volume(self, volume):
        """Wait until the first card shows it."""
        shown = self.page.locator(f'[data-figure=total_volume][data-exact="{volume}"]')
        await shown.wait_for(timeout=_PATIENCE)

    async def forget(self):
        """Forget what was noted so far."""
        await self.page.evaluate("__seen.volumes.length = 0")

    async def volumes(self):
        """Return each total volume with when it was in the page and when drawn, by this machine's clock."""
        ahead = await self._ahead()
        noted = await self.page.evaluate("__seen.volumes.filter(note => note[2] !== null)")
        return [(volume, dom / 1000 + ahead, drawn / 1000 + ahead) for volume, dom, drawn in noted]

    async def memory(self):
        """Return the bytes of the page's JavaScript heap and its number of DOM nodes, after garbage collection."""
        await self.cdp.send("HeapProfiler.collectGarbage")
        metrics = (await self.cdp.send("Performance.getMetrics"))["metrics"]
        named = {metric["name"]: metric["value"] for metric in metrics}
        return named["JSHeapUsedSize"], int(named["Nodes"])

    async def _ahead(self):
        """Return the seconds from the page's clock to this process's, by the quickest of some round trips."""
        trips = []
        for _ in range(20):
            before = time.time()
            page = await self.page.evaluate("performance.now()") / 1000
            after = time.time()
            trips.append((after - before, (before + after) / 2 - page))
        return min(trips)[1]


def processes():
    """Return the browser's processes."""
    below = psutil.Process().children(recursive=True)
    return [process for process in below if "chrom" in process.name()]
