"""Start a verification in the server's background, and follow it to its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from financeops.client.problems import error_of
from financeops.client.transport import Transport
from financeops.core import wire
from financeops.core.contract import paths
from financeops.core.contract.operations import VerificationAnswer, VerifyAnswer
from financeops.core.errors import FinanceOpsError, Unavailable

_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0
_STOP_SECONDS = 5.0


async def verified(
    http: Transport,
    tenant_id: str,
    *,
    repair: bool,
    progress: Callable[[VerificationAnswer], None] | None,
) -> VerifyAnswer:
    """Begin a verification, poll until it ends, and return its report; stop it if cancelled.

    Raises
    ------
    Unavailable
        Also when too many are waiting, or another client stopped it.
    NotFound
        Also when the server was restarted meanwhile.
    """
    parameters = {"tenantId": tenant_id, "repair": "true" if repair else "false"}
    starting = asyncio.ensure_future(
        http.answer(VerificationAnswer, "POST", paths.VERIFY, parameters)
    )
    try:
        # Shielded, to get the id even when this is cancelled: only by its id can it be stopped.
        now = await asyncio.shield(starting)
        pause = _FIRST_PAUSE
        while now.state in {"waiting", "running"}:
            if progress is not None:
                progress(now)
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE)
            path, query = paths.verification(now.id), {"tenantId": tenant_id}
            now = await http.answer(VerificationAnswer, "GET", path, query)
    except asyncio.CancelledError:
        with suppress(FinanceOpsError, TimeoutError):
            async with asyncio.timeout(_STOP_SECONDS):
                begun = await starting
                await http.json("POST", paths.stop(begun.id), {"tenantId": tenant_id})
        raise
    if now.report is not None:
        return now.report
    if now.problem is not None:
        raise error_of(now.problem.status, wire.encode(now.problem), url=http.url)
    raise Unavailable("the verification was stopped before it was done")
