"""A verification that the server carries out in the background, followed to its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus

from financeops.client.answers import VerificationAnswer, VerifyAnswer, answer_of
from financeops.client.problems import error_of
from financeops.client.transport import Transport
from financeops.core import wire
from financeops.core.errors import FinanceOpsError, Unavailable

_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0
_STOP_SECONDS = 5.0


async def verified(
    http: Transport,
    tenant_id: str,
    *,
    repair: bool,
    told: Callable[[VerificationAnswer], None] | None,
) -> VerifyAnswer:
    """Begin a verification, ask until it has ended, and return what it found; cancelled, end it.

    Raises
    ------
    Unavailable
        Also when many wait already, or somebody else ended it.
    NotFound
        Also when the server was started anew meanwhile.
    """
    asked = {"tenantId": tenant_id, "repair": "true" if repair else "false"}
    starting = asyncio.ensure_future(http.json("POST", "/api/verify", asked))
    try:
        # Whole even when this is cancelled: what has begun can only be ended by its id.
        now = answer_of(await asyncio.shield(starting), VerificationAnswer)
        pause = _FIRST_PAUSE
        while now.state in {"waiting", "running"}:
            if told is not None:
                told(now)
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE)
            path, query = f"/api/verify/{now.id}", {"tenantId": tenant_id}
            now = answer_of(await http.json("GET", path, query), VerificationAnswer)
    except asyncio.CancelledError:
        with suppress(FinanceOpsError, TimeoutError):
            async with asyncio.timeout(_STOP_SECONDS):
                begun = answer_of(await starting, VerificationAnswer)
                await http.json("POST", f"/api/verify/{begun.id}/stop", {"tenantId": tenant_id})
        raise
    if now.report is not None:
        return now.report
    if now.problem is not None:
        status = int(now.problem.get("status", HTTPStatus.INTERNAL_SERVER_ERROR))
        raise error_of(status, wire.encode(now.problem), url=http.url)
    raise Unavailable("the verification was stopped before it was done")
