"""What opening the page costs: so many requests and bytes at the first visit, hardly any at the next; on any computer."""

import gzip
import re
from collections import Counter
from pathlib import Path
from uuid import uuid4

import aiohttp
import brotli
import httpx
import pytest
import pytest_asyncio

import financeops.dashboard as dashboard_package
from financeops.dashboard.serve.channels import PROTOCOL
from financeops.dashboard.serve.handlers import FOREVER
from tests.e2e.browser import until_exact

pytestmark = pytest.mark.asyncio(loop_scope="session")

FIRST_VISIT, NEXT_VISIT = 1_600_000, 60_000
"""Bytes."""
LIVING = {"/", "/api/kernels/*"}
UNPACK = {"br": brotli.decompress, "gzip": gzip.decompress, None: bytes}

_HURRY = """() => {
    const [now, timeout] = [Date.now.bind(Date), AbortSignal.timeout.bind(AbortSignal)];
    const start = now();
    Date.now = () => start + 100 * (now() - start);
    AbortSignal.timeout = (milliseconds) => timeout(milliseconds / 100);
}"""
_FONTS = (
    """() => [...document.fonts].map((font) => [font.family.replaceAll('"', ""), font.status])"""
)
_EXTENSION = (
    Path(dashboard_package.__file__).parent / "voila/labextensions/financeops/static/extension.js"
)
# What ipywidgets calls so, which does not wait.
_LATE = """async () => {
    const models = { here: Promise.resolve("there") };
    const manager = {
        rendermime: {},
        has_model: (id) => id in models,
        register_model: (id, model) => { models[id] = model; },
        get_model: (id) => models[id] ?? Promise.reject(Error("widget model not found")),
    };
    const extension = (await _JUPYTERLAB.financeops.get("./extension"))().default;
    extension.activate({ widgetManagerPromise: { promise: Promise.resolve(manager) } });
    await 0;
    const asked = ["here", "later", "later"].map((id) => manager.get_model(id));
    manager.register_model("other", Promise.resolve("no"));
    manager.register_model("later", Promise.resolve("late"));
    return Promise.all(asked);
}"""


class Opening:
    """What a page asks the server for until it is live, with the bytes that came; and what its console says."""

    def __init__(self):
        self.asked = {}
        self.came = Counter()
        self.said = []

    async def open(self, page, address):
        cdp = await page.context.new_cdp_session(page)
        await cdp.send("Network.enable")
        cdp.on("Network.requestWillBeSent", self._ask)
        cdp.on("Network.loadingFinished", self._come)
        page.on("console", self._say)
        page.on("pageerror", lambda error: self.said.append(str(error)))
        await page.goto(address)
        await page.locator("[data-state=live]").wait_for(timeout=120_000)

    @property
    def paths(self):
        """What was asked for, without the ids in it."""
        return {_path(url) for url in self.asked.values()}

    @property
    def answered(self):
        """The part of it that the browser did not have."""
        return {_path(url) for number, url in self.asked.items() if self.came[number] > 0}

    @property
    def bytes(self):
        return sum(self.came[number] for number in self.asked)

    def _ask(self, event):
        if event["request"]["url"].startswith("http"):
            self.asked[event["requestId"]] = event["request"]["url"]

    def _come(self, event):
        self.came[event["requestId"]] = event["encodedDataLength"]

    def _say(self, message):
        if message.type in {"error", "warning"}:
            self.said.append(message.text)


def _path(url):
    path = re.sub(r"^\w+://[^/]+|\?.*", "", url)
    return re.sub(r"(?<=/)[0-9a-f]{20}(?=/)|[0-9a-f]{8}-[\w-]{27}", "*", path)


async def opened(context, address):
    opening = Opening()
    page = await context.new_page()
    await opening.open(page, address)
    await page.close()
    assert opening.said == []
    return opening


async def test_a_page_is_one_file_and_is_not_asked_for_twice(dashboard, browser):
    context = await browser.new_context()
    first, second = [await opened(context, dashboard) for _ in range(2)]

    place = "/voila/pages/*/"
    files = {path.removeprefix(place) for path in first.paths if path.startswith(place)}
    begins = re.compile(r"(^|/)static/(voila|extension|remoteEntry\.\w+)\.js$")
    # What is missing in scripts.txt comes by itself, and so would fonts and looks that nobody wants.
    others = sorted(path for path in files if not begins.search(path))
    ours = ["static/inter-latin-wght-normal.woff2", "static/panel.js"]
    assert others == ours, "what does serve/scripts.txt lack?"
    assert len(files) == 9
    # The page itself, and whether its kernel is there.
    assert {path for path in first.paths if not path.startswith(place)} == LIVING
    assert 500_000 < first.bytes < FIRST_VISIT
    assert second.paths == first.paths
    assert second.answered == LIVING
    assert second.bytes < NEXT_VISIT


async def test_what_is_made_for_a_page_comes_packed_too(dashboard):
    async with aiohttp.ClientSession(dashboard, auto_decompress=False) as http:
        for accepted, encoding in {"gzip, br": "gzip", "gzip;q=0": None}.items():
            async with http.get("/", headers={"Accept-Encoding": accepted}) as answer:
                assert answer.headers.get("Content-Encoding") == encoding
                page = await answer.read()
        kernel = re.search(rb'"kernelId": "([\w-]+)"', page)[1].decode()
        channels = f"/api/kernels/{kernel}/channels"
        async with http.ws_connect(channels, protocols=(PROTOCOL,), compress=15) as socket:
            assert socket.compress


async def test_a_page_that_takes_long_to_begin_is_live_all_the_same(dashboard, browser, http):
    tenant = f"tenant_{uuid4().hex[:12]}"
    sale = {"tenantId": tenant, "amount": 12.5, "method": "card", "status": "success"}
    assert (await http.post("/payments", json=sale)).status_code == 201
    page = await (await browser.new_context()).new_page()
    # As slow as it may be, seen by the clocks of ipywidgets and anywidget, which give up after two seconds.
    await page.add_init_script(f"({_HURRY})()")
    opening = Opening()
    await opening.open(page, f"{dashboard}?tenant={tenant}")
    await until_exact(page, "total_volume", 1250)
    assert (await http.post("/payments", json=sale)).status_code == 201
    await until_exact(page, "total_volume", 2500)
    assert await page.evaluate(_FONTS) == [["FinanceOps Inter", "loaded"]]
    assert opening.said == []


async def test_who_asks_for_a_widget_waits_until_the_kernel_has_told_of_it(browser):
    page = await (await browser.new_context()).new_page()
    await page.add_script_tag(path=_EXTENSION)
    assert await page.evaluate(_LATE) == ["there", "late", "late"]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def asset(dashboard):
    """A session with the server, and the address of the page's script as a page has it."""
    async with httpx.AsyncClient(base_url=dashboard, timeout=60) as session:
        # The page is shown to nobody, so its kernel ends by itself.
        html = (await session.get("/")).text
        yield session, re.search(r'<script src="(/voila/pages/\w+/static/voila.js)"', html)[1]


async def answer_of(session, address, accepted, method="GET"):
    async with session.stream(method, address, headers={"Accept-Encoding": accepted}) as answer:
        return answer, b"".join([part async for part in answer.aiter_raw()])


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip, deflate", "gzip"),
        ("br;q=0, gzip", "gzip"),
        ("gzip;q=0", None),
        ("*;q=0", None),
        ("identity", None),
        ("", None),
    ],
)
async def test_a_script_comes_packed_for_who_can_unpack_it_and_stays(asset, accepted, encoding):
    session, address = asset
    answer, body = await answer_of(session, address, accepted)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert answer.headers["Cache-Control"] == FOREVER
    assert answer.headers.get("Content-Encoding") == encoding
    _, plain = await answer_of(session, address, "identity")
    assert UNPACK[encoding](body) == plain
    if encoding is not None:
        assert len(body) < FIRST_VISIT
    head, nothing = await answer_of(session, address, accepted, "HEAD")
    assert nothing == b""
    for name in ("Content-Length", "ETag", "Vary", "Cache-Control"):
        assert head.headers[name] == answer.headers[name]


async def test_only_an_address_with_the_version_stays(asset):
    session, address = asset
    older = re.sub(r"pages/\w+", "pages/0123456789abcdef0123", address)
    other = "/voila/static/voila.js"
    for each in (older, other):
        answer = await session.get(each)
        assert answer.status_code == 200
        assert "immutable" not in answer.headers.get("Cache-Control", "")
    for name in ("static/../../../app.py", "static/%2e%2e/x", "static/nothing.js", "static/", "x"):
        answer = await session.get(address.replace("static/voila.js", name))
        assert answer.status_code == 404
        assert answer.headers["Cache-Control"] == "no-store"
