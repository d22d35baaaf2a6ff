"""What the page comes with: the first figures, before any script; the widgets take their place without a jump."""

import asyncio
import contextlib
import re
import signal
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import aiohttp
import httpx
import pytest
import pytest_asyncio

import financeops.dashboard as dashboard_package
from tests.e2e.browser import LAPTOP, PHONE, dashboard_of, screenshot, until_drawn, warm
from tests.processes import hang, start_server

pytestmark = pytest.mark.asyncio(loop_scope="session")

TENANT = "first_figures"
FIRST = Path(dashboard_package.__file__).parent / "voila/templates/financeops/first.js"
DECIMALS = {"USD": 2, "JPY": 0}
METHODS = ["card", "card", "paypal", "crypto", "bank_transfer"]
LOOKS = [
    (PHONE, {}, "light"),
    (LAPTOP, {"period": "week", "lang": "de", "theme": "dark"}, "light"),
    (LAPTOP, {"method": "paypal"}, "dark"),
    (PHONE, {"currency": "JPY", "lang": "ar", "theme": "light"}, "dark"),
]
SHOWN = """() => {
    const first = document.querySelector("#first .fo-dashboard");
    const all = (selector, name) => [...first.querySelectorAll(selector)].map((each) => each.dataset[name]);
    const wide = document.documentElement;
    return {
        seq: Number(first.dataset.seq),
        exact: Object.fromEntries([...first.querySelectorAll("[data-figure]")].map((each) => [each.dataset.figure, each.dataset.exact])),
        sparks: first.querySelectorAll(".fo-card .fo-spark").length,
        course: first.querySelector(".fo-verdict [data-course]").textContent.length,
        methods: all("[data-method]", "method"),
        slices: first.querySelectorAll(".fo-ring path").length,
        reasons: all("[data-decline]", "decline"),
        payments: all("[data-payment]", "payment"),
        bars: [...first.querySelectorAll(".fo-trend rect.bar")].map((bar) => bar.getBoundingClientRect().height),
        rows: first.querySelectorAll(".fo-trend-table td:last-child").length,
        asOf: first.querySelector(".fo-as-of").textContent,
        fits: wide.scrollWidth <= innerWidth,
    };
}"""
# The browser's own account of what moved, and where what one looks at was before and after; whether a frame was blank.
WATCH = """() => {
    const seen = (window.__seen = { shifts: [], before: null, blank: 0, frames: 0 });
    new PerformanceObserver((list) => {
        for (const { value, startTime, sources } of list.getEntries()) {
            const moved = ({ node, previousRect: was, currentRect: is }) => [node?.className ?? node?.nodeName, was.y, is.y, was.height, is.height];
            seen.shifts.push([value, startTime, ...sources.map(moved)]);
        }
    }).observe({ type: "layout-shift", buffered: true });
    window.__places = (place) => Object.fromEntries([".fo-logo", ".fo-controls", ".fo-verdict", ".fo-cards", ".fo-trend",
        ".fo-plot", ".fo-ring", ".fo-methods-table", ".fo-money", ".fo-rates", ".fo-feed", ".fo-declines", ".fo-pager", ".fo-trend rect.bar"].map((each) => {
            const { x, y, width, height } = document.querySelector(`${place} ${each}`).getBoundingClientRect();
            return [each, [x, y, width, height]];
        }));
    document.addEventListener("fo-settled", () => { seen.before = window.__places("#first"); });
    const look = () => {
        if (document.body) {
            const main = document.querySelector("#main");
            seen.frames += 1;
            if (!document.querySelector("#first") && !(main && getComputedStyle(main).visibility === "visible")) seen.blank += 1;
        }
        requestAnimationFrame(look);
    };
    document.addEventListener("DOMContentLoaded", look);
}"""


@pytest_asyncio.fixture(scope="module", loop_scope="session", autouse=True)
async def payments(http):
    """Two days of payments in two currencies, the last one some time ago."""
    now = datetime.now(UTC)
    batch = [
        {
            "tenantId": TENANT,
            "amount": 25 + 7 * (n % 40),
            "currency": "JPY" if n % 4 == 0 else "USD",
            "method": METHODS[n % 5],
            "status": "failed" if n % 6 == 0 else "success",
            "createdAt": (now - timedelta(minutes=19 * n)).isoformat(),
            **({"declineCode": ["do_not_honor", "expired_card"][n % 4 // 2]} if n % 6 == 0 else {}),
        }
        for n in range(150)
    ]
    answer = (await http.post("/payments/batch", json=batch)).json()
    assert answer["created"] == len(batch), answer


def address(dashboard, **parameters):
    return f"{dashboard}/?{urlencode({'tenant': TENANT, **parameters})}"


def same(shown, answer):
    """Whether a card shows a number of the API."""
    return shown == "" if answer is None else Decimal(shown) == Decimal(str(answer))


async def test_without_scripts_the_page_has_the_figures_of_the_api(http, dashboard, browser):
    for size, parameters, scheme in LOOKS:
        person = await browser.new_context(
            java_script_enabled=False, viewport=size, color_scheme=scheme, locale="en-GB"
        )
        page = await person.new_page()
        await warm(dashboard, kernels=2)
        await page.goto(address(dashboard, **parameters))
        shown = await page.evaluate(SHOWN)
        asked = {
            name: parameters[name]
            for name in ("period", "currency", "method")
            if name in parameters
        }
        answer = await http.get("/api/analytics/snapshot", params={"tenantId": TENANT, **asked})
        told = answer.json(parse_float=Decimal)
        metrics = told["metrics"]

        assert shown["seq"] == told["seq"]
        volume = metrics["totalVolume"] * 10 ** DECIMALS[metrics["currency"]]
        assert same(shown["exact"]["total_volume"], volume)
        assert same(shown["exact"]["success_rate"], metrics["successRate"])
        assert same(shown["exact"]["average_amount"], metrics["averageAmount"])
        assert same(shown["exact"]["peak_hour"], metrics["peakHour"])
        assert shown["sparks"] == 4
        assert shown["course"] > 0
        if "method" not in parameters:  # the chart of methods shows all
            assert shown["methods"] == [each["method"] for each in told["methods"]]
            assert shown["slices"] == len(shown["methods"])
            assert shown["payments"] == [each["_id"] for each in told["payments"]][:12]
        assert set(shown["reasons"]) == {each["declineCode"] for each in told["declines"]}
        amounts = [each["amount"] for each in told["trends"]]
        assert shown["rows"] == len(shown["bars"]) == len(amounts)
        unit = max(shown["bars"]) / float(max(amounts))
        assert shown["bars"] == pytest.approx([float(each) * unit for each in amounts], abs=1)
        assert re.search(r"\d\d:\d\d:\d\d", shown["asOf"])
        assert str(told["seq"]) in shown["asOf"]
        assert shown["fits"]
        assert await page.locator(".fo-without").is_visible()
        assert await page.locator("html").get_attribute("lang") == parameters.get("lang", "en-GB")
        background = await page.evaluate(
            "getComputedStyle(document.documentElement).backgroundColor"
        )
        dark = parameters.get("theme", scheme) == "dark"
        assert background == ("rgb(10, 13, 19)" if dark else "rgb(245, 246, 249)")
        await screenshot(page, f"first-{size['width']}-{'-'.join(parameters.values())}")
        await person.close()


def after_event(event):
    """Return a route that lets a request through once this has happened."""

    async def later(route):
        await event.wait()
        await route.continue_()

    return later


@pytest.mark.parametrize("late", [False, True], ids=["with-its-font", "font-too-late"])
async def test_the_widgets_take_its_place_without_a_jump_and_without_a_blank(
    dashboard, browser, late
):
    for size, scheme in ((LAPTOP, "light"), (PHONE, "dark")):
        person = await browser.new_context(viewport=size, color_scheme=scheme)
        page = await person.new_page()
        errors, painted = [], asyncio.Event()
        page.on("pageerror", lambda error, errors=errors: errors.append(str(error)))

        if late:
            await page.route("**/*.woff2", after_event(painted))
        await page.add_init_script(f"({WATCH})()")
        await warm(dashboard, kernels=2)
        # By day: a chart of hours moves on when the hour does.
        link = address(dashboard, lang="en", period="month")
        await page.goto(link, wait_until="commit")
        await page.locator("#first [data-seq]").wait_for()
        await page.wait_for_function(
            "performance.getEntriesByName('first-contentful-paint').length"
        )
        painted.set()
        await until_drawn(page)
        after = await page.evaluate("window.__places('#main')")
        await page.locator("html:not(.fo-came)").wait_for()
        seen = await page.evaluate("window.__seen")
        assert sum(value for value, *_ in seen["shifts"]) < 0.02, seen["shifts"]
        assert seen["blank"] == 0
        assert seen["frames"] > 0
        for name, place in seen["before"].items():
            assert after[name] == pytest.approx(place, abs=1.5), name
        assert await page.locator("#first").count() == 0
        assert errors == []
        if not late:
            await screenshot(page, f"first-drawn-{size['width']}-{scheme}")
        await page.unroute_all(behavior="ignoreErrors")
        await person.close()


async def test_what_is_pressed_before_the_widgets_are_there_counts(dashboard, browser):
    page = await (await browser.new_context(viewport=LAPTOP)).new_page()
    scripts = asyncio.Event()
    await page.route("**/static/voila.js", after_event(scripts))
    await warm(dashboard, kernels=2)
    await page.goto(address(dashboard), wait_until="commit")
    await page.locator("#first [data-action=period][data-value=month]").click()
    scripts.set()
    await until_drawn(page)
    await page.locator("#main [data-value=month][aria-pressed=true]").wait_for()
    await page.unroute_all(behavior="ignoreErrors")


async def test_a_skeleton_is_seen_for_a_fifth_of_a_second_and_until_there_are_figures(browser):
    page = await (await browser.new_context()).new_page()
    page_of = f"""<!doctype html><style id="fo-theme"></style><script>{FIRST.read_text("utf-8")}</script>
        <div id="first"><div class="fo-loading">Loading</div></div>
        <div id="main"><p data-notice="loading"></p><div class="fo-body fo-off"></div></div>
        <script>
            const loading = document.querySelector("[data-notice]");
            if (location.pathname === "/slow") setTimeout(() => {{
                loading.remove();
                window.loaded = performance.now();
            }}, 600);
            else loading.remove();
            new MutationObserver(() => {{
                if (!document.getElementById("first")) window.gone ??= performance.now();
            }}).observe(document.body, {{ childList: true }});
            // As soon as it is painted.
            new PerformanceObserver(() => document.dispatchEvent(new Event("fo-settled"))).observe({{ type: "paint" }});
        </script>"""
    await page.route("**/*", lambda route: route.fulfill(body=page_of, content_type="text/html"))
    painted = "performance.getEntriesByName('first-paint')[0].startTime"
    for path, before, least in (("", painted, 200), ("slow", "window.loaded", 0)):
        await page.goto(f"http://shape.test/{path}")
        await page.wait_for_function("window.gone")
        assert await page.evaluate(f"window.gone - {before}") >= least


class Road:
    """The way to a server, on which all that is requested is noted."""

    def __init__(self, port):
        self.requested = []
        self._port = port

    async def meet(self, reader, writer):
        with contextlib.suppress(OSError):
            onward, back = await asyncio.open_connection("127.0.0.1", self._port)
            await asyncio.gather(self._carry(reader, back, note=True), self._carry(onward, writer))

    async def _carry(self, reader, writer, *, note=False):
        with contextlib.suppress(OSError):
            while chunk := await reader.read(65536):
                if note:
                    self.requested += re.findall(rb"^(?:GET|POST) (\S+)", chunk, re.MULTILINE)
                writer.write(chunk)
                await writer.drain()
        writer.close()

    @property
    def tenants(self):
        queries = [parse_qs(urlsplit(path.decode()).query) for path in self.requested]
        return {
            name
            for query in queries
            for key in ("tenantId", "tenant")
            for name in query.get(key, ())
        }


async def test_a_kernel_that_waits_asks_for_nothing_and_a_server_that_hangs_gives_the_shape_in_time(
    database_uri, browser, tmp_path
):
    server = await asyncio.to_thread(start_server, database_uri)
    sale = {"tenantId": "asked", "amount": 12.5, "method": "card", "status": "success"}
    async with httpx.AsyncClient(base_url=server.url, timeout=60) as http:
        for tenant in ("asked", "tenant_1"):
            assert (await http.post("/payments", json={**sale, "tenantId": tenant})).is_success
    road = Road(int(server.url.rpartition(":")[2]))
    way = await asyncio.start_server(road.meet, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{way.sockets[0].getsockname()[1]}"
    async with (
        way,
        dashboard_of(url, tmp_path) as dashboard,
        aiohttp.ClientSession(dashboard) as web,
    ):
        # Its own script is in a page whose kernel has run its cells: it waits since then.
        async with web.get("/", headers={"Sec-Purpose": "prefetch"}) as answer:
            assert answer.status == 503
        await warm(dashboard, kernels=2)
        assert road.requested == []

        hang(server.process.pid)
        began = time.monotonic()
        async with web.get("/?tenant=asked") as answer:
            page = await answer.text()
        # The API would be waited for for 30 seconds.
        assert time.monotonic() - began < 15
        assert 'class="fo-loading"' in page
        assert "data-seq" not in page
        assert "application/vnd.voila.cell-output+json" in page

        window = await (await browser.new_context(viewport=LAPTOP)).new_page()
        await window.goto(f"{dashboard}/?tenant=asked", wait_until="commit")
        await window.locator(".fo-loading").wait_for()
        await screenshot(window, "state-loading-1440-light")
        server.send_signal(signal.SIGCONT)
        await window.locator("[data-state=live]").wait_for(timeout=60_000)
        await window.locator('#main [data-figure=total_volume][data-exact="1250"]').wait_for()
        assert road.tenants == {"asked"}
        await window.close()
    assert server.stop() == 0, server.said
