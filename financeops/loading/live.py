"""A tenant's changes as they happen, each exactly once."""

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
    """Yield changes in `seq` order, each exactly once, until the iterator is closed.

    Changes that the stream missed are read from the server's change log.

    Parameters
    ----------
    url : str
        Address of the server.
    tenant_id : str
    seq : int, optional
        The last change already known; by default the latest change.
    token : str, optional
        Sent with every request and to the stream.

    Raises
    ------
    FinanceOpsError
        The server no longer has the changes after `seq`: its log is too short, or its database is
        another one. Figures kept from changes must be computed again.
    NotFound, Unavailable
        At the beginning. Later it reconnects by itself.
    """
    async with Client(url, token=token) as client:
        last = (await client.months(tenant_id)).seq if seq is None else seq
        async with Stream(url, tenant_id, seq=last, token=token) as stream:
            async for event in stream:
                if isinstance(event, Change) and event.seq > last:
                    last = event.seq
                    yield event
                elif isinstance(event, Reload) and stream.seq is None:
                    # The stream buffers events until it is told where to continue.
                    async for change in changes_between(client, tenant_id, last, None):
                        last = change.seq
                        yield change
                    stream.continue_from(last)


async def changes_between(
    client: Client, tenant_id: str, after: int, up_to: int | None
) -> AsyncGenerator[Change, None]:
    """Yield changes from the server's log after one `seq`, up to another or to the latest.

    Raises
    ------
    FinanceOpsError
        The log no longer has all of them.
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
