"""Requests to the dashboard's web server that no viewer's browser would send."""

import asyncio
import json
import re
from itertools import product
from urllib.parse import urlsplit

import aiohttp
import pytest
import pytest_asyncio
from jupyter_server.services.kernels.connection.base import serialize_msg_to_ws_v1

from financeops.dashboard.serve.channels import PROTOCOL

HEADLESS = b"".join(number.to_bytes(8, "little") for number in (3, 32, 37, 37)) + b"shell"
UNREADABLE = (b"", b"\xff" * 8, b"\xff" * 4096, HEADLESS, "{}", "[" * 100_000)
NOBODY = "00000000-0000-0000-0000-000000000000"
OPENED = {
    "Sec-Fetch-Site": "cross-site",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
}
UPGRADE = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
KEYED = {
    **UPGRADE,
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Protocol": PROTOCOL,
}
NOT_OURS = re.compile(rb"Traceback|site-packages|/financeops/|\.py\b|Jupyter")

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(200)]


async def answer_to(url, method, path, headers):
    """Send bytes and return the first bytes of the answer; status 0 if the connection is closed."""
    host, port = urlsplit(url).hostname, urlsplit(url).port
    reader, writer = await asyncio.open_connection(host, port)
    lines = {"Host": f"{host}:{port}", "Connection": "close", **headers}
    said = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    writer.write(f"{method} {path} HTTP/1.1\r\n{said}\r\n".encode("latin-1"))
    try:
        async with asyncio.timeout(30):
            head = await reader.read(4096)
    finally:
        writer.close()
    return int(head.split()[1]) if head else 0, head


async def kernel_of(http):
    async with http.get("/") as answer:
        return re.search(r'"kernelId": "([\w-]+)"', await answer.text())[1]


@pytest_asyncio.fixture(loop_scope="session")
async def kernel(dashboard):
    """Id of a kernel that has a page, and a session with its server."""
    async with aiohttp.ClientSession(dashboard) as http:
        kernel = await kernel_of(http)
        yield kernel, http
        token = {"_xsrf": "0123456789abcdef" * 2}
        await http.post(f"/voila/api/shutdown/{kernel}", data=token, cookies=token)


@pytest_asyncio.fixture(loop_scope="session")
async def visiting(dashboard):
    """A session with the dashboard's server."""
    async with aiohttp.ClientSession(dashboard) as session:
        yield session


PATHS = (
    *("/logout", "/logout?next=http://[", "/login", "/login?next=http://["),
    *(
        "/voila/templates/",
        "/voila/templates/x",
        "/voila/templates/a/b/c",
        "/voila/templates/a/static/b",
    ),
    *("/voila/templates/financeops/static/", "/voila/templates/financeops/static/../../x"),
    *("/voila/templates/%2e%2e/static/x", "/voila/templates/financeops/static/%00"),
    *("/voila/pages/", "/voila/pages/x/static/%00", "/voila/pages/%2e%2e/x", "/voila/pages/x/%ff"),
    *("/voila/static/", "/voila/static/%00", "/voila/static/" + "x" * 300),
    *("/voila/api/themes/", "/voila/labextensions/%00", "/voila/files/x", "/voila/files/a.png"),
    *(f"/voila/query/{NOBODY}", f"/api/kernels/{NOBODY}", f"/api/kernels/{NOBODY}/channels"),
    *(
        "/api/kernels/KERNEL",
        "/api/kernels/KERNEL/channels",
        "/api/kernels/KERNEL/channels?session_id=%00",
    ),
    *("/voila/api/shutdown/x", "/voila/health?%ff", "/nothing", "//nothing", "/%ff", "http://[/"),
)
EXTENSIONS = (
    *(";", "=", '"', "x y", 'x;y="', "x;a*=utf-8'%ff'%zz", "x;a*0*=b", "permessage-deflate;=1"),
    *("permessage-deflate;a=b", "permessage-deflate;server_max_window_bits=99"),
    "permessage-deflate;client_max_window_bits=x",
)
HEADERS = (
    {},
    *({"Origin": "http://["}, {"Referer": "http://["}, {"Origin": "http://localhost:port"}),
    *({"Host": "["}, {"Host": "localhost:port"}, {"Host": ""}),
    *({"Cookie": "_xsrf=2|a|b|c"}, {"Accept-Language": "-;q=,[", "Accept": "text/html"}),
    *({"Range": "bytes=x-"}, {"If-Modified-Since": "yesterday"}),
    *(UPGRADE, KEYED, {**KEYED, "Origin": "http://["}, {**KEYED, "Sec-WebSocket-Version": "x"}),
)


async def test_no_request_causes_a_server_error(dashboard, kernel):
    kernel_id, _http = kernel
    at_once = asyncio.Semaphore(8)

    async def ask(method, path, headers):
        path = path.replace("KERNEL", kernel_id)
        async with at_once:
            return path, await answer_to(dashboard, method, path, headers)

    asked = [
        *product(["GET"], PATHS, HEADERS),
        *product(["HEAD", "POST", "DELETE", "OPTIONS", "FOO"], PATHS, [{}, {"Origin": "http://["}]),
    ]
    answers = await asyncio.gather(*(ask(*each) for each in asked))
    faults = [
        (method, path, headers, head)
        for (method, _, headers), (path, (status, head)) in zip(asked, answers, strict=True)
        if not 0 < status < 500 or (status >= 400 and NOT_OURS.search(head))
    ]
    assert not faults, "\n".join(map(str, faults))


async def test_the_page_names_no_other_host_and_shows_figures_or_its_layout_at_once(dashboard):
    async with aiohttp.ClientSession() as session, session.get(dashboard) as answer:
        page = await answer.text()
    assert answer.status == 200
    assert re.search(r'id="first".*( data-seq="\d+"|class="fo-loading")', page, re.DOTALL)
    assert "--fo-background" in page
    outside = re.findall(r"""(?:src|href|import\()\s*=?\s*["'](https?://[^"']+)""", page)
    assert outside == []


async def test_leaving_the_page_ends_its_kernel_and_only_with_the_cookie_s_token(dashboard):
    async with aiohttp.ClientSession(dashboard) as session:
        goodbye = f"/voila/api/shutdown/{await kernel_of(session)}"
        async with session.post(goodbye) as refused:
            assert refused.status == 403
        token = {"_xsrf": "0123456789abcdef" * 2}
        async with session.post(goodbye, data=token, cookies=token) as accepted:
            assert accepted.status == 204


async def test_a_kernel_accepts_only_the_newest_protocol(kernel):
    kernel_id, http = kernel
    address = f"/api/kernels/{kernel_id}/channels"
    for offered in ((), ("v0.kernel.websocket.jupyter.org",), (f"{PROTOCOL}x",)):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await http.ws_connect(address, protocols=offered)
        assert refused.value.status == 400
    async with http.get(address) as answer:
        assert answer.status == 400
    async with http.ws_connect(address, protocols=("other", PROTOCOL)) as socket:
        assert socket.protocol == PROTOCOL


async def test_extensions_that_cannot_be_read_are_refused_and_leave_nothing(kernel):
    kernel_id, http = kernel
    address = f"/api/kernels/{kernel_id}/channels?session_id=one"
    for odd in EXTENSIONS:
        headers = {**KEYED, "Sec-WebSocket-Extensions": odd}
        async with http.get(address, headers=headers) as answer:
            assert answer.status == 400, odd
            assert (await answer.json())["detail"].startswith("the header Sec-WebSocket-Extensions")
    usual = "permessage-deflate; client_max_window_bits, x-other; a=1"
    headers = {"Sec-WebSocket-Extensions": usual}
    async with http.ws_connect(address, protocols=(PROTOCOL,), headers=headers) as socket:
        assert socket.protocol == PROTOCOL


async def test_an_invalid_message_ends_its_connection_and_delays_nobody(kernel):
    kernel_id, http = kernel
    for sent in UNREADABLE:
        async with http.ws_connect(
            f"/api/kernels/{kernel_id}/channels", protocols=(PROTOCOL,)
        ) as socket:
            await (socket.send_str if isinstance(sent, str) else socket.send_bytes)(sent)
            async with asyncio.timeout(30):
                while (heard := await socket.receive()).type is aiohttp.WSMsgType.BINARY:
                    pass
            assert (heard.type, socket.close_code) == (aiohttp.WSMsgType.CLOSE, 1007), sent[:20]
    async with asyncio.timeout(10), http.get("/voila/health") as answer:
        assert answer.status == 200


def message(kind, content, **metadata):
    header = {"msg_id": kind, "msg_type": kind, "session": "s", "username": "", "version": "5.4"}
    parts = [json.dumps(part).encode() for part in (header, {}, metadata, content)]
    return serialize_msg_to_ws_v1(parts, "shell")


async def test_a_page_cannot_end_a_kernel_behind_the_servers_back(kernel):
    kernel_id, http = kernel
    header = {"msg_id": "1", "msg_type": "shutdown_request", "session": "s", "username": ""}
    parts = [json.dumps(part).encode() for part in (header, {}, {}, {"restart": False})]
    async with http.ws_connect(
        f"/api/kernels/{kernel_id}/channels", protocols=(PROTOCOL,)
    ) as socket:
        await socket.send_bytes(serialize_msg_to_ws_v1(parts, "control"))
        async with asyncio.timeout(30):
            while (await socket.receive()).type is aiohttp.WSMsgType.BINARY:
                pass
        assert socket.close_code == 1008
    async with http.get(f"/api/kernels/{kernel_id}") as answer:
        assert answer.status == 200


async def test_viewers_see_no_traceback_of_a_kernel(kernel):
    kernel_id, http = kernel
    # A widget of a version that there is not: the kernel complains.
    widget = {"comm_id": "c", "target_name": "jupyter.widget", "data": {"state": {}}}
    heard = []
    async with http.ws_connect(
        f"/api/kernels/{kernel_id}/channels", protocols=(PROTOCOL,)
    ) as socket:
        await socket.send_bytes(message("comm_open", widget, version="none"))
        async with asyncio.timeout(30):
            # Until it has done with it; what it wrote it has said before.
            while not heard or not all(said in heard[-1] for said in ('"comm_open"', '"idle"')):
                heard.append((await socket.receive_bytes()).decode("latin-1"))
    assert "comm_close" in "".join(heard)
    assert "Traceback" not in "".join(heard)


async def test_pages_of_other_sites_take_no_place_but_may_link_here(dashboard, browser, visiting):
    await until(visiting, viewers=0, waiting=2)  # those of other tests leave by themselves
    before = await health_of(visiting)
    page = await (await browser.new_context()).new_page()
    answers = []
    page.on("response", lambda answer: answers.append((answer.url, answer.status)))
    # A page without an origin is of another site, whichever that is.
    hidden = "".join(f"<iframe src='{dashboard}/?n={n}'></iframe>" for n in range(3))
    fetched = f"<script>fetch('{dashboard}/?n=3', {{mode: 'no-cors'}}).catch(() => 0)</script>"
    pictured = f"<img src='{dashboard}/?n=4'><object data='{dashboard}/?n=5'></object>"
    health = f"<img src='{dashboard}/voila/health'>"
    link = f"<a href='{dashboard}/?n=link'>Payments</a>"
    await page.set_content(hidden + fetched + pictured + health + link, wait_until="load")
    assert {f"{dashboard}/?n={n}" for n in range(3)} <= {url for url, _status in answers}
    assert {status for _url, status in answers} == {403}
    assert await health_of(visiting) == before

    async with page.expect_response(lambda answer: "n=link" in answer.url) as opened:
        await page.get_by_text("Payments").click(no_wait_after=True)
    assert (await opened.value).status == 200


async def test_a_request_of_another_origin_gets_nothing_and_takes_no_place(dashboard):
    async with aiohttp.ClientSession(dashboard) as http:
        await until(http, viewers=0, waiting=2)
        for origin in ("https://evil.example", "null", "http://localhost:1", "http://localhost"):
            async with http.get("/", headers={"Origin": origin}) as answer:
                assert answer.status == 403
        async with http.get("/voila/health", headers={"Origin": dashboard}) as answer:
            assert answer.status == 200
            assert (await answer.json())["viewers"] == 0


async def health_of(http):
    async with http.get("/voila/health") as answer:
        return await answer.json()


async def until(http, **counted):
    async with asyncio.timeout(60):
        # As a monitor asks: to ask for a kernel would be a sign of life.
        while not counted.items() <= (await health_of(http)).items():  # noqa: ASYNC110
            await asyncio.sleep(0.2)


async def test_a_kernel_whose_page_never_asked_for_it_ends_before_one_whose_page_did(dashboard):
    async with aiohttp.ClientSession(dashboard) as http:
        await until(http, viewers=0, waiting=2)
        asking = await kernel_of(http)
        async with http.get(f"/api/kernels/{asking}") as answer:
            assert answer.status == 200
        await until(http, waiting=2)  # the silent one is the younger one
        silent = await kernel_of(http)
        await until(http, viewers=1, waiting=2)
        for kernel, status in ((asking, 200), (silent, 404)):
            async with http.get(f"/api/kernels/{kernel}") as answer:
                assert answer.status == status


async def test_errors_are_worded_by_the_dashboard(dashboard, browser):
    german = await (await browser.new_context(locale="de-AT")).new_page()
    answer = await german.goto(f"{dashboard}/nothing")
    assert answer.status == 404
    assert await german.get_by_role("heading").inner_text() == "Diese Seite gibt es nicht"
    assert await german.get_by_role("link").get_attribute("href") == "/"
    for name, value in {
        "content-security-policy": "frame-ancestors 'self'",
        "x-content-type-options": "nosniff",
        "referrer-policy": "same-origin",
    }.items():
        assert answer.headers[name] == value
    assert "server" not in answer.headers
