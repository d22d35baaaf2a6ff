"""A real browser, and the dashboard as a person opens it."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import httpx
from playwright.async_api import (
    Browser,
    BrowserContext,
    Page,
    ViewportSize,
    async_playwright,
    expect,
)

from financeops.cli.running import children
from financeops.cli.running.addresses import free_port
from financeops.cli.running.supervisor import Supervisor
from tests.processes import ROOT

_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
_AXE = Path(__file__).parent / "npm" / "node_modules" / "axe-core" / "axe.min.js"
_NAMES = ("chromium", "chromium-browser", "google-chrome")
_SETTLED = """() => {
    const chart = document.querySelector(".fo-body:not(.fo-off) .fo-plot .fo-chart");
    if (!chart) return true;
    // A chart that is out of sight waits for its turn.
    chart.scrollIntoView({ block: "center", behavior: "instant" });
    const have = chart.getBoundingClientRect();
    const bars = [...chart.querySelectorAll("rect.bar")].map((bar) => bar.getBoundingClientRect());
    const last = Math.max(...bars.map((bar) => bar.right));
    return last <= have.right && last > have.right - 80;
}"""
# What passed is most of the answer, and nobody asks for it. The rules that need other files are of videos and sounds.
_VIOLATIONS = """async () => {
    const answer = await axe.run({ resultTypes: ["violations"], preload: false });
    return answer.violations;
}"""
_WIDTH = "document.documentElement.scrollWidth"
PHONE = ViewportSize(width=390, height=844)
LAPTOP = ViewportSize(width=1440, height=900)
WALL = ViewportSize(width=2560, height=1440)
ARTIFACTS = Path(__file__).parents[2] / "artifacts"
"""Screenshots of the last run that kept them; not in git."""
KEPT = os.environ.get("FINANCEOPS_TEST_SCREENSHOTS") == "1"
"""Whether to save screenshots, which people look at and which take a minute."""


# As all other waiting: a busy machine takes longer than five seconds.
expect.set_options(timeout=60_000)


@asynccontextmanager
async def launched() -> AsyncIterator[Browser]:
    """Run the machine's Chromium."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=_program(), args=_FLAGS)
        yield browser
        await browser.close()


@asynccontextmanager
async def visiting(profile: Path) -> AsyncIterator[BrowserContext]:
    """Run Chromium as for a returning visitor: it keeps compiled page resources in a folder."""
    async with async_playwright() as playwright:
        window = await playwright.chromium.launch_persistent_context(
            profile, executable_path=_program(), args=_FLAGS, viewport=LAPTOP
        )
        yield window
        await window.close()


def _program() -> str:
    return next(filter(None, map(shutil.which, _NAMES)))


PATIENT = "--DashboardServer.first_figures_within=60"
"""For a page that has its first figures however busy the machine is."""


@asynccontextmanager
async def dashboard_of(server_url: str, logs: Path, *options: str) -> AsyncIterator[str]:
    """Run Voilà on the dashboard's notebook, as `financeops up` does, and yield its URL."""
    port = free_port()
    child = children.dashboard(ROOT / "notebooks", "127.0.0.1", port, server_url=server_url)
    child = replace(child, command=[*child.command, *options])
    async with Supervisor(logs, print) as supervisor:
        await supervisor.start(child)
        yield f"http://localhost:{port}"


async def warm(dashboard: str, kernels: int = 1) -> None:
    """Wait until so many kernels wait: a page whose kernel still starts comes without figures."""
    async with httpx.AsyncClient() as http, asyncio.timeout(60):
        while (await http.get(f"{dashboard}/voila/health")).json()["waiting"] < kernels:  # noqa: ASYNC110 - of another process
            await asyncio.sleep(0.1)


async def until_drawn(page: Page) -> None:
    """Wait until the widgets have taken the place of what the page came with."""
    await page.locator("#main .fo-dashboard").wait_for(timeout=60_000)


async def exact(page: Page, figure: str) -> str:
    """Return a card's figure as in the model: volumes in minor units."""
    text = await page.locator(f"[data-figure={figure}]").get_attribute("data-exact")
    assert text is not None
    return text


async def until_exact(page: Page, figure: str, value: object) -> None:
    """Wait until a card shows this figure."""
    await page.locator(f'[data-figure={figure}][data-exact="{value}"]').wait_for(timeout=60_000)


async def screenshots(
    page: Page, name: str, sizes: Sequence[ViewportSize] = (PHONE, LAPTOP, WALL)
) -> None:
    """Save the page in these sizes and both themes; check that it is no wider than its window."""
    for size in sizes:
        width = size["width"]
        await page.set_viewport_size(size)
        for theme in ("dark", "light"):
            await page.emulate_media(color_scheme=theme)
            # Charts follow the window a moment later.
            await page.wait_for_function(_SETTLED)
            await page.evaluate("scrollTo(0, 0)")
            assert await page.evaluate(_WIDTH) <= width, "the page is wider than its window"
            await screenshot(page, f"{name}-{width}-{theme}")


async def barriers(page: Page) -> list[str]:
    """Return the serious and critical findings of axe-core on the page, in both themes."""
    found = []
    await page.evaluate(_AXE.read_text(encoding="utf-8"))
    for theme in ("dark", "light"):
        await page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        found += [
            f"{theme}: {violation['id']}: {node['html']}: {node['failureSummary']}"
            for violation in await page.evaluate(_VIOLATIONS)
            if violation["impact"] in {"serious", "critical"}
            for node in violation["nodes"]
        ]
    return found


async def screenshot(page: Page, name: str) -> None:
    """Save a screenshot of the page, if enabled."""
    if not KEPT:
        return
    ARTIFACTS.mkdir(exist_ok=True)
    await page.screenshot(path=ARTIFACTS / f"{name}.png", full_page=True)
