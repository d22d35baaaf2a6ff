"""Large reads wait in line, so that others still get to the database."""

from __future__ import annotations

import asyncio

from financeops.core.selection import Selection
from financeops.store.reading.places import PLACES
from financeops.store.reading.queries import export_payments
from tests.store.recorded import insert, record


async def test_a_few_read_at_once_and_each_gets_all(proxied_db, proxy):
    await record(proxied_db, *(insert() for _ in range(5)))
    held, released = 0, asyncio.Event()

    async def hold(command):
        nonlocal held
        if "payments" in (command.get("find"), command.get("aggregate")):
            held += 1
            await released.wait()

    async def export():
        chosen = Selection()
        return [
            each async for part in export_payments(proxied_db, "tenant_1", chosen) for each in part
        ]

    proxy.before = hold
    exports = [asyncio.create_task(export()) for _ in range(3 * PLACES)]
    while held < PLACES:  # noqa: ASYNC110 - of another connection
        await asyncio.sleep(0)
    for _ in range(20):  # time for every command that could come meanwhile
        await proxied_db.command("ping")
    assert held == PLACES
    released.set()
    assert [len(each) for each in await asyncio.gather(*exports)] == [5] * len(exports)
