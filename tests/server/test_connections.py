"""Connections are limited in headers, time and number."""

import asyncio
import json
import re
import socket
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import httpx
import psutil
import pytest

from tests.database import fresh_name, with_database
from tests.processes import start_server
from tests.server.listener import Listener


@pytest.fixture(scope="module")
def impatient(lasting_mongodb_uri):
    """A server with short limits."""
    process = start_server(
        with_database(lasting_mongodb_uri, fresh_name()),
        receive_timeout=0.5,
        max_header_bytes=8192,
        max_connections_per_address=6,
    )
    yield process
    assert process.stop() == 0, process.said
    assert "Traceback" not in process.said, process.said


@asynccontextmanager
async def connection(server):
    parts = urlsplit(server.url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        yield reader, writer
    finally:
        writer.close()


async def answer(reader):
    """Read until the connection ends, and return status and detail of the answer."""
    async with asyncio.timeout(20):
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body).get("detail", "")


POST = b"POST /payments HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
ENDLESS = {
    "one header": (b"GET /health HTTP/1.1\r\nA: ", b"a" * 1000),
    "headers": (b"GET /health HTTP/1.1\r\n", b"A: a\r\n" * 100),
    "URL": (b"GET /", b"a" * 1000),
    "trailers": (CHUNKED + b"1\r\n{\r\n0\r\n", b"A: a\r\n" * 100),
    "one trailer": (CHUNKED + b"1\r\n{\r\n0\r\nA: ", b"a" * 1000),
}


@pytest.mark.parametrize("what", ENDLESS)
async def test_endless_headers_are_refused(impatient, what):
    begin, more = ENDLESS[what]
    async with connection(impatient) as (reader, writer):
        writer.write(begin)
        for _ in range(100):
            writer.write(more * 10)
        status, detail = await answer(reader)
    assert (status, "8192 bytes" in detail) == (431, True)


async def test_headers_within_the_limit_are_accepted(impatient):
    async with httpx.AsyncClient(base_url=impatient.url) as http:
        for size, status in ((7000, 200), (8192, 431), (100_000, 431)):
            given = await http.get("/health", headers={"A": "a" * size})
            assert given.status_code == status


UNFINISHED = {
    "nothing": b"",
    "half a header": b"GET /health HTTP/1.1\r\nHost: loc",
    "headers": POST,
    "half a body": POST + b'Content-Length: 100\r\n\r\n{"amount"',
    "half a chunk": CHUNKED + b"40\r\n{",
}


@pytest.mark.parametrize("what", UNFINISHED)
async def test_a_silent_connection_is_closed(impatient, what):
    async with connection(impatient) as (reader, writer):
        writer.write(UNFINISHED[what])
        assert await answer(reader) == (408, "no more of the request has arrived for 0.5 s")


async def test_line_breaks_after_an_answer_do_not_keep_a_connection_open(impatient):
    async with connection(impatient) as (reader, writer):
        writer.write(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"\r\n")
        async with asyncio.timeout(10):
            assert b" 408 " in await reader.read()


async def test_a_client_that_keeps_sending_after_a_refusal_is_cut_off(impatient):
    async with connection(impatient) as (reader, writer):
        writer.write(POST + b"Content-Length: 99999999\r\n\r\n")
        await reader.readuntil(b"413")
        async with asyncio.timeout(20):
            while not writer.transport.is_closing():
                writer.write(b"a" * 2000)
                await asyncio.sleep(0.05)


async def test_a_slow_upload_is_accepted(impatient):
    """It takes several times the time limit, but each piece arrives in time."""
    items = [{"amount": 1, "method": "card", "status": "success"}] * 300
    body = json.dumps(items).encode()
    async with connection(impatient) as (reader, writer):
        head = POST.replace(b"/payments", b"/payments/batch")
        writer.write(head + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body))
        for start in range(0, len(body), 1000):
            writer.write(body[start : start + 1000])
            await asyncio.sleep(0.1)
        async with asyncio.timeout(20):
            head, _, said = (await reader.read()).partition(b"\r\n\r\n")
    assert json.loads(said)["created"] == 300


@pytest.mark.parametrize(
    "request_",
    [
        b"NONSENSE\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\n\r\n",
        b"POST /payments HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        POST + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        CHUNKED + b"zz\r\n",
    ],
)
async def test_what_is_not_http_is_refused_as_a_problem(impatient, request_):
    async with connection(impatient) as (reader, writer):
        writer.write(request_)
        assert await answer(reader) == (400, "this is not a valid HTTP request")


SALE = b'{"amount": 1, "method": "card", "status": "success", "tenantId": "upgrades"}'
OFFER = b"Connection: keep-alive, Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
LENGTH = b"Content-Length: %d\r\n\r\n"
SECOND = b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize("pieces", [1, 2, 7, 1000])
@pytest.mark.parametrize(
    "offer",
    [OFFER, b"Upgrade: h2c, websocket\r\nConnection: upgrade\r\n"],
    ids=["of HTTP/2", "of several"],
)
async def test_an_offer_of_another_protocol_is_ignored_and_its_body_read(impatient, offer, pieces):
    body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(SALE), SALE)
    requests = [
        POST + offer + LENGTH % len(SALE) + SALE,
        POST + offer + b"Transfer-Encoding: chunked\r\n\r\n" + body,
        SECOND,
    ]
    sent = b"".join(requests)
    size = -(-len(sent) // pieces)
    async with connection(impatient) as (reader, writer):
        for at in range(0, len(sent), size):
            writer.write(sent[at : at + size])
            await writer.drain()
        async with asyncio.timeout(20):
            said = (await reader.read()).decode()
    assert re.findall(r"HTTP/1\.1 (\d+)", said) == ["201", "201", "200"], said


async def test_a_body_behind_an_offer_never_becomes_a_request(impatient):
    async with connection(impatient) as (reader, writer):
        writer.write(POST + OFFER + LENGTH % len(SECOND))
        await writer.drain()
        writer.write(SECOND + SECOND)
        async with asyncio.timeout(20):
            said = (await reader.read()).decode()
    assert re.findall(r"HTTP/1\.1 (\d+)", said) == ["422", "200"], said


async def test_what_is_behind_connect_never_becomes_a_request(impatient):
    async with connection(impatient) as (reader, writer):
        writer.write(
            b"CONNECT localhost:443 HTTP/1.1\r\nHost: localhost\r\n" + LENGTH % len(SECOND)
        )
        writer.write(SECOND)
        status, detail = await answer(reader)
    assert (status, detail) == (501, "this server is not a proxy")


async def test_many_offers_at_once_are_answered_one_by_one(impatient):
    offered = b"GET /health HTTP/1.1\r\nHost: localhost\r\n" + OFFER + b"\r\n"
    async with connection(impatient) as (reader, writer):
        writer.write(offered * 2000 + SECOND)
        async with asyncio.timeout(60):
            said = await reader.read()
    assert said.count(b"HTTP/1.1 200 OK") == 2001


STREAM = b"GET /ws/payments/?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost\r\n"
WEBSOCKET = (
    b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
UNREADABLE = {
    "a body": STREAM + WEBSOCKET + LENGTH % len(SECOND),
    "a body in chunks": STREAM + WEBSOCKET + b"Transfer-Encoding: chunked\r\n\r\n",
    "a payment": POST + WEBSOCKET + LENGTH % len(SECOND),
    "too many headers": STREAM + WEBSOCKET + b"A: a\r\n" * 130 + b"\r\n",
}


@pytest.mark.parametrize("what", UNREADABLE)
async def test_a_websocket_that_cannot_be_opened_is_refused(impatient, what):
    async with connection(impatient) as (reader, writer):
        writer.write(UNREADABLE[what])
        await writer.drain()
        writer.write(SECOND)
        status, detail = await answer(reader)
    assert (status, "GET without a body" in detail) == (400, True)


async def test_a_websocket_does_not_overtake_requests_that_are_still_answered(impatient):
    async with connection(impatient) as (reader, writer):
        writer.write(POST + LENGTH % len(SALE) + SALE + STREAM + WEBSOCKET + b"\r\n" + SECOND)
        async with asyncio.timeout(20):
            said = (await reader.read()).decode()
    assert re.findall(r"HTTP/1\.1 (\d+)", said) == ["201", "400", "200"], said


async def test_a_client_that_reads_nothing_is_cut_off(impatient):
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    parts = urlsplit(impatient.url)
    with sock:
        sock.connect((parts.hostname, parts.port))
        asked = b"GET /static-offline-docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: localhost\r\n\r\n"
        sock.sendall(20 * asked)
        here = sock.getsockname()
        server = psutil.Process(impatient.process.pid)
        async with asyncio.timeout(20):
            while here in {each.raddr for each in server.net_connections()}:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.1)


async def test_connections_per_address_are_limited(impatient):
    """Websockets count too; ended connections no longer count."""
    async with Listener(impatient.url) as listener:
        await listener.event("connected")
        async with httpx.AsyncClient(base_url=impatient.url) as http:
            for _ in range(3):  # one connection, reused
                assert (await http.get("/health")).status_code == 200
            others = [connection(impatient) for _ in range(4)]
            opened = [await each.__aenter__() for each in others]
            async with connection(impatient) as (reader, _):
                status, detail = await answer(reader)
                assert (status, "MAX_CONNECTIONS_PER_ADDRESS" in detail) == (503, True)
            for reader, _ in opened:
                assert (await answer(reader))[0] == 408
            for each in others:
                await each.__aexit__(None, None, None)
    for _ in range(8):
        async with httpx.AsyncClient(base_url=impatient.url) as http:
            assert (await http.get("/health")).status_code == 200
