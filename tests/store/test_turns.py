"""Several processes that write to one tenant, one of them always quicker than the other."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from time import monotonic

import pytest

from financeops.store.database.connection import close, connect
from financeops.store.database.turns import Turns
from tests.database import NAMED_URI
from tests.proxy import Proxy
from tests.store.recorded import check_ledger, insert, record

CONFLICT = {"code": 112, "labels": ("TransientTransactionError",)}
JOURNEY = 0.01
"""Seconds from the second process to the database, which is next to the first."""


class Lock:
    """The tenant's lock as a quick mongod has it, which two proxies play.

    The embedded database refuses a second writer as well, but releases the lock long before its
    answer to the commit arrives, so that the other comes in between. Here it is held until then.
    """

    def __init__(self):
        self.holder = None
        self.sent_away = 0
        self.taken_from_afar = asyncio.Event()

    def watch(self, proxy, journey):
        async def before(command):
            await asyncio.sleep(journey)
            name = next(iter(command))
            if name == "update" and command.get("startTransaction"):
                if self.holder in (None, proxy):
                    self.holder = proxy
                    if journey:
                        self.taken_from_afar.set()
                else:
                    self.sent_away += 1
                    proxy.fail(name, **CONFLICT)

        proxy.before = before

    def release(self):
        """Its holder has received the answer to its commit."""
        self.holder = None


@pytest.fixture
async def near_and_far(db, database_uri):
    """The same database as two processes see it."""
    if NAMED_URI:
        pytest.skip("a replica set names its own addresses, past the proxy, and sends away itself")
    lock = Lock()
    async with AsyncExitStack() as stack:
        clients = []
        for journey in (0.0, JOURNEY):
            proxy = await stack.enter_async_context(Proxy(database_uri).listening())
            client = await connect(proxy.uri)
            stack.push_async_callback(close, client)
            await record(client, insert())  # its session is noted
            lock.watch(proxy, journey)
            clients.append(client)
        yield lock, clients


async def test_a_process_that_is_always_quicker_gives_the_other_its_turn(
    db, near_and_far, monkeypatch
):
    # Both are in this one process, so that the way takes longer here on a busy machine, where 100
    # commits of one of them may take longer than another writer is remembered for.
    monkeypatch.setattr("financeops.store.database.turns._WAY", 0.5)
    monkeypatch.setattr("financeops.store.database.turns._REMEMBERED", 60)
    lock, clients = near_and_far
    commits = [0, 0]

    async def go_on(number):
        if number == 0:
            await lock.taken_from_afar.wait()  # so that they meet
        while commits[0] < 100 and commits[1] < 10:
            await record(clients[number], insert())
            lock.release()
            commits[number] += 1

    async with asyncio.timeout(60):
        await asyncio.gather(go_on(0), go_on(1))
    assert lock.sent_away
    assert commits[1] == 10, commits
    await check_ledger(db)


async def test_only_a_process_that_met_another_waits_and_not_for_long():
    turns = Turns()
    began = monotonic()
    for _ in range(100):
        await turns.give_way("alone")
        turns.done("alone")
    assert monotonic() - began < 0.02
    turns.meet("shared")
    turns.done("shared")
    began = monotonic()
    await turns.give_way("alone")
    assert monotonic() - began < 0.02
    await turns.give_way("shared")
    assert monotonic() - began > 0.02
