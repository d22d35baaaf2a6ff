"""Viewers who come, leave or are refused: real browsers on the dashboard as `up` starts it."""

import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress

import aiohttp
import psutil
import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.e2e.browser import (
    LAPTOP,
    PHONE,
    dashboard_of,
    exact,
    screenshot,
    screenshots,
    until_drawn,
    until_exact,
)
from tests.e2e.traffic import PATIENCE, Traffic, until_equal

GONE_WITHIN = 30
FOREIGN = {"Origin": "https://elsewhere.example"}
CARDS = "#main .fo-cards"


pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(400)]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def server(http):
    """The API's address; its default tenant has something to show."""
    sale = {"amount": 10, "method": "card", "status": "success"}
    assert (await http.post("/payments", json=sale)).is_success
    return str(http.base_url).rstrip("/")


@pytest_asyncio.fixture(loop_scope="session")
async def vacant(server, dashboard):
    """A dashboard that nobody sees, with its pool full, and a session to ask its server with."""
    async with aiohttp.ClientSession(dashboard) as session:
        await until(session, viewers=0, waiting=2, within=60)
        yield dashboard, session


async def health(http):
    async with http.get("/voila/health") as answer:
        return await answer.json()


async def until(http, *, within=GONE_WITHIN, **counted):
    """Return when the server's health says so, with the seconds that it took."""
    began = time.monotonic()
    async with asyncio.timeout(within):
        while not counted.items() <= (await health(http)).items():  # noqa: ASYNC110 - as a monitor
            await asyncio.sleep(0.2)
    return time.monotonic() - began


async def until_viewers(http, number):
    return await until(http, viewers=number)


async def until_pool_is_full(http):
    await until(http, waiting=2, within=60)


def kernels(url):
    """Processes that are forks of the warm parent of the server at this address."""
    port = f"--port={url.rpartition(':')[2]}"
    servers = [each for each in psutil.Process().children(recursive=True) if port in line_of(each)]
    family = [each for server in servers for each in server.children(recursive=True)]
    return [process for process in family if is_warm(process) and is_warm(parent_of(process))]


def line_of(process):
    with suppress(psutil.Error):
        return process.cmdline()
    return []


def parent_of(process):
    with suppress(psutil.Error):
        return process.parent()


def is_warm(process):
    # One that ended while we looked is none, also while it waits for its parent to notice.
    return process is not None and any("warm_parent.py" in word for word in line_of(process))


async def opened(window, url):
    page = await window.new_page()
    await page.goto(url, wait_until="commit")
    await page.locator(CARDS).wait_for(timeout=PATIENCE)
    return page


async def kernel_of(http):
    """Id of a new viewer's kernel, as its page says."""
    async with http.get("/") as answer:
        found = re.search(r'"kernelId": "([\w-]+)"', await answer.text())
    assert found is not None
    return found[1]


async def test_five_viewers_see_the_same_and_a_sixth_gets_in_when_one_leaves(
    *, http, server, browser, window, tmp_path, monkeypatch
):
    monkeypatch.setenv("FINANCEOPS_MAX_VIEWERS", "5")
    traffic = Traffic(http)
    await traffic.go_on(50)
    async with dashboard_of(server, tmp_path) as url, aiohttp.ClientSession(url) as seats:
        await until_pool_is_full(seats)
        assert len(kernels(url)) == 2

        link = f"{url}?tenant={traffic.tenant}"
        # Tabs of one browser, which fetches and compiles the page once: that is most of what they cost.
        pages = [await opened(window, link)]
        pages += await asyncio.gather(*(opened(window, link) for _ in range(4)))
        assert (await health(seats))["viewers"] == 5
        await until_pool_is_full(seats)
        assert len(kernels(url)) == 7
        for _ in range(2):
            await traffic.go_on(200)
            for page in pages:
                await until_equal(page, http, traffic.tenant)

        sixth = await browser.new_page()
        refused = await sixth.goto(url)
        assert refused.status == 503
        assert int(refused.headers["retry-after"]) > 0
        assert await sixth.get_by_role("heading").inner_text() == "All seats are taken"
        german = await (await browser.new_context(locale="de-AT")).new_page()
        await german.goto(url)
        assert await german.get_by_role("heading").inner_text() == "Alle Plätze sind besetzt"
        await german.goto(f"{url}?lang=ar")
        assert await german.locator("html").get_attribute("dir") == "rtl"
        await screenshot(german, "full-ar-1440")
        await german.close()
        for theme in ("light", "dark"):
            await sixth.emulate_media(color_scheme=theme)
            for size in (PHONE, LAPTOP):
                await sixth.set_viewport_size(size)
                await screenshot(sixth, f"full-{theme}-{size['width']}")
        assert (await health(seats))["viewers"] == 5

        await pages[0].goto("about:blank")  # its message of leaving is handled at once
        await sixth.locator(CARDS).wait_for(timeout=60_000)
        assert (await health(seats))["viewers"] == 5
        await pages[1].goto("about:blank")
        assert await until_viewers(seats, 4) < 5

        for page in (*pages, sixth):
            await page.close()
        await until_viewers(seats, 0)
        await until_pool_is_full(seats)
        left = kernels(url)
        assert len(left) == 2
    assert psutil.wait_procs(left, timeout=10)[1] == []
    assert "Traceback" not in (tmp_path / "dashboard.log").read_text("utf-8")


async def test_a_killed_browser_leaves_no_kernel(vacant, tmp_path):
    url, http = vacant
    program = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))))
    command = (
        *(program, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"),
        *("--remote-debugging-port=0", f"--user-data-dir={tmp_path / 'profile'}", url),
    )
    browser = subprocess.Popen(  # noqa: ASYNC220 - it returns at once
        command, start_new_session=True, stderr=subprocess.DEVNULL
    )
    try:
        await until_viewers(http, 1)
    finally:
        os.killpg(browser.pid, signal.SIGKILL)
        browser.wait()
    await until_viewers(http, 0)
    await until_pool_is_full(http)
    assert len(kernels(url)) == 2


async def test_who_only_asks_whether_it_is_there_starts_no_kernel(vacant):
    url, http = vacant
    before = set(kernels(url))
    async with http.head("/") as answer:
        assert answer.status == 200
    for picture in ({"Sec-Fetch-Dest": "image"}, {"Sec-Purpose": "prefetch;prerender"}):
        async with http.get("/", headers=picture) as answer:
            assert answer.status == 503
    async with http.get("/favicon.ico") as answer:
        assert answer.status >= 400
    assert (await health(http))["viewers"] == 0
    assert set(kernels(url)) == before


async def test_other_sites_can_neither_end_a_kernel_nor_listen_to_it(vacant):
    _url, http = vacant
    kernel = await kernel_of(http)
    token = {"_xsrf": "0123456789abcdef" * 2}
    goodbye, address = f"/voila/api/shutdown/{kernel}", f"/api/kernels/{kernel}"
    refused = [
        http.post(goodbye),
        http.post(goodbye, data=token),
        http.post(goodbye, data=token, cookies=token, headers=FOREIGN),
        http.delete(address, headers={"X-XSRFToken": token["_xsrf"]}),
        http.delete(address, cookies=token, params=token, headers=FOREIGN),
        http.get("/", headers={"Host": "elsewhere.example"}),
    ]
    for request in refused:
        async with request as answer:
            assert answer.status in {403, 404}
    with pytest.raises(aiohttp.WSServerHandshakeError) as handshake:
        await http.ws_connect(f"{address}/channels", headers=FOREIGN)
    assert handshake.value.status == 403
    assert (await health(http))["viewers"] == 1

    async with http.post(goodbye, data=token, cookies=token) as answer:
        assert answer.status == 204
    await until_viewers(http, 0)


async def test_an_invalid_limit_is_reported_before_anything_starts(tmp_path):
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "financeops.dashboard.serve", "any.ipynb"),
        env={**os.environ, "FINANCEOPS_MAX_VIEWERS": "many"},
        stderr=asyncio.subprocess.PIPE,
        cwd=tmp_path,
    )
    _, said = await process.communicate()
    assert process.returncode == 1
    assert said.decode().startswith("financeops: FINANCEOPS_MAX_VIEWERS is 'many'")


# A headless browser shows every page. What ours hears is what a browser says that hides one.
HIDDEN = """hidden => {
    const saying = (value) => ({ configurable: true, get: () => value });
    Object.defineProperty(document, "hidden", saying(hidden));
    Object.defineProperty(document, "visibilityState", saying(hidden ? "hidden" : "visible"));
    document.dispatchEvent(new Event("visibilitychange"));
}"""


async def test_a_page_in_the_background_releases_its_kernel_and_returns_complete(vacant, browser):
    url, http = vacant
    page = await browser.new_page()
    await page.clock.install()
    await page.goto(url)
    await page.locator(CARDS).wait_for(timeout=60_000)
    await page.evaluate(HIDDEN, True)
    await page.clock.fast_forward("25:00")
    assert (await health(http))["viewers"] == 1
    await page.clock.fast_forward("06:00")
    await until_viewers(http, 0)
    async with page.expect_navigation(timeout=GONE_WITHIN * 1000):
        await page.evaluate(HIDDEN, False)
    await page.locator(CARDS).wait_for(timeout=60_000)
    await until_viewers(http, 1)


async def test_a_page_without_its_dashboard_or_kernel_reloads_with_a_new_one(vacant, window):
    url, http = vacant
    page = await window.new_page()

    async def emptied(route):
        # What is left when the server did not hear in time what the cells show.
        answer = await route.fetch()
        output = r'<script type="application/vnd.voila.cell-output.*?</script>'
        shown = re.sub(output, "", await answer.text(), flags=re.DOTALL)
        await route.fulfill(response=answer, body=shown)

    await page.route(f"{url}/", emptied, times=1)
    await page.goto(url)
    async with page.expect_navigation(timeout=GONE_WITHIN * 1000):
        pass
    await page.locator(CARDS).wait_for(timeout=60_000)

    address = page.url
    async with page.expect_navigation(timeout=GONE_WITHIN * 1000):
        for kernel in kernels(url):  # one of them is its own
            kernel.kill()
    await page.locator(CARDS).wait_for(timeout=60_000)
    assert page.url == address
    await until_viewers(http, 1)


# The first attempt to reach the kernel fails, as it does for a moment without network.
FIRST_FAILS = """() => {
    const Real = WebSocket;
    let first = true;
    window.WebSocket = class extends Real {
        constructor(url, protocols) {
            const fails = first && url.includes("/channels");
            first &&= !fails;
            super(fails ? "ws://localhost:1/" : url, protocols);
        }
    };
}"""


async def test_what_a_page_missed_while_hidden_or_disconnected_is_shown_later(
    server, vacant, window
):
    url, http = vacant
    losing = False

    def carry(socket):
        # What the kernel says is lost on its way, as on a connection that is not yet known to be dead.
        kernel = socket.connect_to_server()
        kernel.on_message(lambda message: None if losing else socket.send(message))

    async with aiohttp.ClientSession(server) as api:

        async def sell(method="card"):
            sale = {"tenantId": "missed", "amount": 10, "method": method, "status": "success"}
            await api.post("/payments", json=sale)

        await sell()
        page, other = [await window.new_page() for _ in range(2)]
        await page.route_web_socket(re.compile("/channels"), carry)
        tried = []
        await other.add_init_script(f"({FIRST_FAILS})()")
        other.on("websocket", lambda socket: tried.append(socket.url))
        for each in (page, other):
            await each.goto(f"{url}?tenant=missed")
            await until_drawn(each)
            await until_exact(each, "total_volume", 1000)
        # JupyterLab's code has named no protocol the second time: see socket.js.
        assert [url for url in tried if "localhost:1/" in url]
        assert (await health(http))["viewers"] == 2

        # One that nobody sees is not painted.
        await page.evaluate(HIDDEN, True)
        for volume in (2000, 3000, 4000):
            await sell()
            await until_exact(other, "total_volume", volume)
        assert await exact(page, "total_volume") == "1000"
        await page.evaluate(HIDDEN, False)
        await until_exact(page, "total_volume", 4000)

        losing = True
        for method in ("card", "paypal"):
            await sell(method)
        await until_exact(other, "total_volume", 6000)
        assert await exact(page, "total_volume") == "4000"
        losing = False
        # Nothing else happens; and charts are told anew too.
        await until_exact(page, "total_volume", 6000)
        await expect(page.locator(".fo-ring path.slice")).to_have_count(2)
        await expect(page.locator("[data-state=live]")).to_be_visible()

        # A browser without network says so: its kernel cannot.
        await page.context.set_offline(True)
        alone = page.locator(".fo-alone")
        await expect(alone).to_contain_text("There is no connection to the dashboard.")
        await expect(page).to_have_title("No connection · Live payments")
        word = page.locator(".fo-badge-word")
        told = "word => getComputedStyle(word, '::after').content"
        assert await word.evaluate(told) == '"No connection"'
        await screenshots(page, "state-offline", (PHONE, LAPTOP))
        await page.context.set_offline(False)
        await expect(alone).to_be_empty()
        await expect(page).to_have_title("Live · Live payments")
