"""The stream against a running server, and against a misbehaving one."""

import asyncio
import gc
import json
from contextlib import asynccontextmanager

import aiohttp
import pytest
import socketio
from aiohttp import web

from financeops.cli.running.addresses import free_port
from financeops.client import Client, Connected, Disconnected, Heartbeat, Reload, Stream
from financeops.core.contract import paths
from financeops.core.contract.agreements import DEFAULT_TENANT
from financeops.core.contract.forms import Instant
from financeops.core.contract.stream import ConnectedEvent, Event, HeartbeatEvent
from financeops.core.payments import Change, EventType
from financeops.core.wire import change_document, encode
from tests.builders import NOON, change
from tests.processes import start_server


async def until(events, kind, *, count=1):
    """The next `count` events of a kind, ignoring others in between."""
    found = []
    async with asyncio.timeout(20):
        async for event in events:
            if isinstance(event, kind):
                found.append(event)
            if len(found) == count:
                return found if count > 1 else found[0]
    raise AssertionError("the stream ended")


def open_sessions():
    """Connections to servers that are not closed yet."""
    # Not `isinstance`, which fails on dead weak references.
    sessions = [each for each in gc.get_objects() if type(each) is aiohttp.ClientSession]
    return {id(session) for session in sessions if not session.closed}


@pytest.fixture
async def following(server, tenant_id):
    """``async with following(seq=…) as (stream, events)``."""

    @asynccontextmanager
    async def follow(seq=None):
        async with Stream(server.url, tenant_id, seq=seq) as stream:
            yield stream, aiter(stream)

    return follow


async def test_it_begins_with_a_reload_and_continues_after_the_snapshot(
    following, client, record, tenant_id
):
    await record(amount=1)
    async with following() as (stream, events):
        assert (await until(events, Connected)).seq == 1
        await until(events, Reload)
        await record(amount=2)
        snapshot = await client.snapshot(tenant_id)
        await record(amount=3)
        stream.continue_from(snapshot.seq)

        last = await until(events, Change)

        assert (last.seq, last.payment.amount, last.type) == (3, 300, EventType.RECEIVED)
        assert stream.seq == stream.head == 3


async def test_changes_come_in_order_with_exact_amounts(following, record):
    await record()
    async with following(seq=1) as (_, events):
        for n in range(1, 6):
            await record(amount=n / 10, status="failed" if n == 3 else "success")

        changes = await until(events, Change, count=5)

        assert [each.seq for each in changes] == [2, 3, 4, 5, 6]
        assert [each.payment.amount for each in changes] == [10, 20, 30, 40, 50]
        assert changes[2].type is EventType.FAILED


@pytest.mark.parametrize("kind", [Connected, Change])
async def test_leaving_it_closes_every_connection(following, record, kind):
    await record()
    before = open_sessions()
    async with following(seq=0) as (_, events):
        await until(events, kind)
        assert len(open_sessions()) > len(before)
    assert open_sessions() == before


async def test_it_resumes_after_the_last_known_change(following, record):
    for _ in range(4):
        await record()

    async with following(seq=2) as (_, events):
        assert [each.seq for each in await until(events, Change, count=2)] == [3, 4]


async def test_it_asks_for_a_snapshot_when_too_much_was_missed(following, client, tenant_id):
    item = {"tenantId": tenant_id, "amount": 1, "method": "card", "status": "success"}
    await client.post_batch([item] * 60)  # the server resends 50 at most

    async with following(seq=1) as (stream, events):
        await until(events, Reload)
        assert (stream.seq, stream.head) == (None, 60)


async def test_a_heartbeat_tells_the_last_change(following, record):
    await record()
    async with following(seq=1) as (_, events):
        assert (await until(events, Heartbeat)).seq == 1


async def test_it_survives_the_kill_of_its_server(database_uri, tenant_id):
    port = free_port()
    item = {"tenantId": tenant_id, "amount": 1, "method": "card", "status": "success"}
    server = start_server(database_uri, port=port)
    async with Client(server.url) as client, Stream(server.url, tenant_id, seq=0) as stream:
        events = aiter(stream)
        await client.post_payment(item)
        assert (await until(events, Change)).seq == 1

        server.kill()
        await until(events, Disconnected)
        server = await asyncio.to_thread(start_server, database_uri, port=port)
        await client.post_payment(item)

        await until(events, Connected)
        assert (await until(events, Change)).seq == 2
    assert server.stop() == 0


async def test_it_keeps_trying_an_unreachable_server(tenant_id):
    async with Stream(f"http://127.0.0.1:{free_port()}", tenant_id) as stream:
        first, second = await until(aiter(stream), Disconnected, count=2)
        assert first.reason
        assert second.reason


@asynccontextmanager
async def talking(*messages):
    """A Socket.IO server that sends these (event, content) to every client."""
    sio = socketio.AsyncServer(async_mode="aiohttp")

    @sio.event
    async def connect(sid, _environ, _auth):
        async def say():
            for event, content in messages:
                await sio.emit(event, content, to=sid)

        sio.start_background_task(say)

    app = web.Application()
    sio.attach(app, socketio_path=paths.STREAM)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await sio.shutdown()
        await runner.cleanup()


def _said(event, content):
    """An event as the server encodes it."""
    return event, json.loads(encode(content))


def _event(seq):
    return _said(Event.PAYMENT, change_document(change(seq)))


HELLO = _said(
    Event.CONNECTED,
    ConnectedEvent(
        message="Connected", tenant_id=DEFAULT_TENANT, seq=1, server_time=Instant.of(NOON)
    ),
)
BEAT = _said(Event.HEARTBEAT, HeartbeatEvent(seq=2, server_time=Instant.of(NOON)))


async def test_a_missing_change_asks_for_a_snapshot():
    async with (
        talking(HELLO, _event(1), _event(2), _event(2), _event(4)) as url,
        Stream(url, seq=0) as stream,
    ):
        events = aiter(stream)
        assert [each.seq for each in await until(events, Change, count=2)] == [1, 2]
        await until(events, Reload)

        stream.continue_from(3)

        assert (await until(events, Change)).seq == 4


async def test_a_last_change_that_does_not_arrive_asks_for_a_snapshot():
    async with talking(HELLO, BEAT) as url, Stream(url, seq=1) as stream:
        events = aiter(stream)
        assert (await until(events, Heartbeat)).seq == 2
        await until(events, Reload)
        assert stream.head == 2
