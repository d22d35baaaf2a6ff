"""Changes as they happen, each exactly once, whatever happens to the connection."""

import asyncio
from contextlib import aclosing

import pytest
from pymongo import MongoClient

from financeops.cli.running.addresses import free_port
from financeops.core.errors import FinanceOpsError, NotFound
from financeops.core.payments import EventType
from financeops.loading import connect
from tests.client.test_stream import open_sessions


async def following(changes, count):
    """The next changes."""
    return [await asyncio.wait_for(anext(changes), 20) for _ in range(count)]


async def test_changes_arrive_in_order(connection, record, refund):
    first, _ = await asyncio.to_thread(record, {"amount": 1}, {"amount": 2})
    async with aclosing(connection.live()) as changes:
        begun = asyncio.create_task(following(changes, 3))
        # It begins at the latest change when first awaited; passing the seq of a snapshot is exact.
        seq = connection.snapshot().seq
        async with aclosing(connection.live(seq=seq)) as others:
            await asyncio.to_thread(record, {"amount": 3})
            await asyncio.to_thread(refund, first)
            found = await following(others, 2)
        begun.cancel()
        await asyncio.gather(begun, return_exceptions=True)
    assert [change.seq for change in found] == [seq + 1, seq + 2]
    assert [change.type for change in found] == [EventType.RECEIVED, EventType.REFUNDED]
    assert found[0].payment.amount == 300


async def test_earlier_changes_come_first(connection, record):
    await asyncio.to_thread(record, *({"amount": n} for n in range(1, 6)))
    async with aclosing(connection.live(seq=2)) as changes:
        assert [change.seq for change in await following(changes, 3)] == [3, 4, 5]


def test_a_program_that_stops_early_leaves_nothing_open(connection, record):
    record({"amount": 1})
    before = open_sessions()

    async def first():
        async for change in connection.live(seq=0):
            assert change.seq == 1
            break

    asyncio.run(first())
    assert open_sessions() == before


async def test_changes_missed_by_the_stream_are_read_from_the_log(start, database_uri):
    """The server asks to reload after 5 missed changes; nothing is missing even so."""
    server = start(database_uri, max_missed_events=5)
    with connect(server.url) as connection:
        await asyncio.to_thread(start.record, server, 40)
        async with aclosing(connection.live(seq=0)) as changes:
            found = await following(changes, 40)
            await asyncio.to_thread(start.record, server, 3)
            found += await following(changes, 3)
    assert [change.seq for change in found] == list(range(1, 44))


async def test_changes_during_an_outage_are_caught_up(start, database_uri):
    port = free_port()
    server = await asyncio.to_thread(start, database_uri, port=port)
    with connect(server.url) as connection:
        async with aclosing(connection.live(seq=0)) as changes:
            await asyncio.to_thread(start.record, server, 1)
            found = await following(changes, 1)
            await asyncio.to_thread(server.kill)
            # Another process on the same database continues meanwhile.
            other = await asyncio.to_thread(start, database_uri)
            await asyncio.to_thread(start.record, other, 20)
            await asyncio.to_thread(start, database_uri, port=port)
            found += await following(changes, 20)
    assert [change.seq for change in found] == list(range(1, 22))


async def test_a_log_that_is_too_short_is_an_error(connection, record, tenant_id, server_uri):
    await asyncio.to_thread(record, *({"amount": n} for n in range(1, 60)))
    with MongoClient(server_uri) as client:
        client.get_default_database().changes.delete_many({"tenantId": tenant_id})
    async with aclosing(connection.live(seq=1)) as changes:
        with pytest.raises(FinanceOpsError, match="no longer has what followed change 1: load"):
            await following(changes, 1)


async def test_an_unknown_tenant_is_named(server):
    with connect(server.url, "nobody") as connection:
        async with aclosing(connection.live()) as changes:
            with pytest.raises(NotFound, match="nobody"):
                await following(changes, 1)
