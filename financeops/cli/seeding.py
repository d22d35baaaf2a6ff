"""`financeops seed`: fill an empty database."""

from __future__ import annotations

import asyncio

from financeops.cli.progress import Bar
from financeops.client import Client
from financeops.core.errors import FinanceOpsError

_ASK_EVERY = 0.5


async def seed_with_progress(url: str, *, count: int, days: int) -> str:
    """Have the server make payments, show the progress, and return the line to print."""
    async with Client(url) as client:
        before = await _total(client)
        seeding = asyncio.create_task(client.seed(count=count, days=days))
        with Bar(total=count) as bar:
            while not seeding.done():
                await asyncio.wait({seeding}, timeout=_ASK_EVERY)
                made = min(count, await _total(client) - before)
                bar.show(made, f"{made:,} of {count:,} payments")
        answer = await seeding
    what = f"{answer.count:,} payments" if answer.count else "another tenant has payments"
    return f"{answer.message}: {what}"


async def _total(client: Client) -> int:
    """Count the payments of the default tenant; 0 when the server is too busy to answer."""
    try:
        return (await client.metrics()).total_payments
    except FinanceOpsError:
        return 0
