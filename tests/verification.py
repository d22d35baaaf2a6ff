"""Run verifications by `POST /api/verify`, for tests."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx


async def verified(
    http: httpx.AsyncClient, tenant_id: str = "tenant_1", *, repair: bool = False
) -> dict[str, Any]:
    """The report of a completed verification."""
    asked = {"tenantId": tenant_id, "repair": str(repair).lower()}
    found = await ended(http, await http.post("/api/verify", params=asked))
    assert found["state"] == "done", found
    return found["report"]


async def ended(http: httpx.AsyncClient, started: httpx.Response) -> dict[str, Any]:
    """A started verification, once it has ended in one way or another."""
    return await seen(http, started, "done", "stopped", "failed")


async def seen(http: httpx.AsyncClient, started: httpx.Response, *states: str) -> dict[str, Any]:
    """A started verification, once it is in one of these states."""
    assert started.status_code == 202, started.text
    while True:
        answer = await http.get(started.headers["location"])
        assert answer.is_success, answer.text
        if answer.json()["state"] in states:
            return answer.json()
        await asyncio.sleep(0.02)
