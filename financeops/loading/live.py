"""A tenant's changes as they happen, none left out and none twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from financeops.client import Client, Reload, Stream
from financeops.core.errors import FinanceOpsError, Unavailable
from financeops.core.payments import Change

_RETRY = 1.0
_PAGE = 5000


async def live_changes(
    url: str, tenant_id: str, *, seq: int | None = None, token: str | None = None
) -> AsyncGenerator[Change, None]:
    """Yield changes in `seq` order, each once, for as long as they are asked for.

    What the stream missed is read from the server's change log.

    Parameters
    ----------
    seq : int, optional
        The last change that is already known; by default the last one there is now.

    Raises
    ------
    FinanceOpsError
        The server no longer has what followed: its log was too short, or its database is another
        one. Whoever counted changes must begin anew.
    NotFound, Unavailable
        At the beginning. Later it connects again by itself.
    """
    async with Client(url, token=token) as client:
        last = (await client.months(tenant_id)).seq if seq is None else seq
        async with Stream(url, tenant_id, seq=last, token=token) as stream:
            async for event in stream:
                if isinstance(event, Change) and event.seq > last:
                    last = event.seq
                    yield event
                elif isinstance(event, Reload) and stream.seq is None:
                    # The stream holds what arrives until it is told where to go on.
                    async for change in changes_between(client, tenant_id, last, None):
                        last = change.seq
                        yield change
                    stream.continue_from(last)


async def changes_between(
    client: Client, tenant_id: str, after: int, up_to: int | None
) -> AsyncGenerator[Change, None]:
    """Yield changes from the server's log: after a number, up to one or to the last there is.

    Raises
    ------
    FinanceOpsError
        The log no longer holds all of them.
    """
    while up_to is None or after < up_to:
        try:
            answer = await client.changes(tenant_id, after=after, limit=_PAGE)
        except Unavailable:
            if up_to is not None:
                raise
            await asyncio.sleep(_RETRY)
            continue
        if not answer.complete:
            raise FinanceOpsError(
                f"the server no longer has what followed change {after}: load the payments again"
            )
        for change in answer.changes:
            if up_to is None or change.seq <= up_to:
                after = change.seq
                yield change
        if not answer.changes or after == answer.seq:
            return
