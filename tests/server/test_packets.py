"""Clients of the stream that send unexpected packets; `shared_server` checks that none causes a traceback."""

import asyncio
import json

import aiohttp
import pytest
from websockets.frames import Frame, Opcode

STREAM = "/ws/payments/?EIO=4&transport="
DEEP = "[" * 50_000
PASSED_OVER = [
    *("4", "4x", "49", "42[", "42{}", "42[]", "42[1]", '42"x"', f"42{DEEP}", "43[", "44", "45", "45-["),
    *('451-["x",{"_placeholder":true,"num":5}]', "45" + "9" * 20 + "-[]", "40{", f"40{DEEP}", "4" + "0" * 400),
    *('42["connect",{},{}]', '42["disconnect"]', "6", "b!!!", b"", b"\x00"),
]  # fmt: skip
NOT_UTF_8 = Frame(Opcode.TEXT, b"42\xff").serialize(mask=True)
NO_PACKETS = ["", "x", "\N{SUPERSCRIPT TWO}", "{}"]


@pytest.fixture
async def joined(shared_server, tenant_id, record):
    """A websocket of a connected client."""
    await record(amount=1)  # its first payment creates the tenant
    async with (
        aiohttp.ClientSession(shared_server.url) as session,
        session.ws_connect(f"{STREAM}websocket&tenantId={tenant_id}") as socket,
    ):
        await socket.receive()
        await socket.send_str("40")
        assert (await socket.receive_str()).startswith("40{")
        assert (await socket.receive_str()).startswith('42["connected"')
        yield socket


async def send(socket, packet):
    await (socket.send_bytes if isinstance(packet, bytes) else socket.send_str)(packet)


async def test_meaningless_packets_are_ignored(joined, record):
    for packet in PASSED_OVER:
        await send(joined, packet)
    (payment,) = await record(amount=5)
    event = ""
    while event != "payment_event":  # a heartbeat may come first
        event, content = json.loads((await joined.receive_str()).removeprefix("42"))
    assert content["payment"]["_id"] == payment


@pytest.mark.parametrize("text", NO_PACKETS)
async def test_what_is_not_the_protocol_ends_the_connection(joined, text):
    await send(joined, text)
    assert (await joined.receive()).type is aiohttp.WSMsgType.CLOSE


async def test_invalid_utf_8_ends_the_connection(joined):
    joined._conn.transport.write(NOT_UTF_8)
    assert (await joined.receive()).type is aiohttp.WSMsgType.CLOSE


@pytest.fixture
async def polled(http):
    """The address of a polling session."""
    opened = json.loads((await http.get(f"{STREAM}polling")).text.removeprefix("0"))
    path = f"{STREAM}polling&sid={opened['sid']}"
    assert (await http.post(path, content=b"40")).is_success
    return path


async def test_a_request_in_an_ended_session_is_told_so(http, polled):
    assert (await http.post(polled, content=b"1")).is_success
    for request in (http.post(polled, content=b"3"), http.get(polled)):
        assert (await request).status_code == 400


@pytest.mark.parametrize("body", [b"1" * 100_001, b'0{"sid":"x"}', b"2probe", b"6"])
async def test_a_broken_protocol_is_answered_at_once(http, polled, body):
    async with asyncio.timeout(10):
        assert (await http.post(polled, content=body)).status_code in {200, 400}
        assert (await http.post(polled, content=b"3")).status_code in {200, 400}


@pytest.mark.parametrize("body", [b"x", b"\xff", b"4x\x1e42[", b"\x1e".join([b"2"] * 100)])
async def test_a_posted_body_that_is_not_packets_changes_nothing(http, body):
    opened = json.loads((await http.get(f"{STREAM}polling")).text.removeprefix("0"))
    path = f"{STREAM}polling&sid={opened['sid']}"
    assert (await http.post(path, content=body)).status_code in {200, 400}
    assert (await http.post(path, content=b"40")).is_success
    assert (await http.get(path)).text.startswith("40{")
