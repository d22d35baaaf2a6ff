"""Request bodies: read as bytes, never more than the limit."""

from __future__ import annotations

from fastapi import Request

from server.lifespan import Here
from server.problems import TooLarge


def refuse_large_body(request: Request, here: Here) -> None:
    """Refuse a body that says itself that it is too large, before any of it is read."""
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > here.settings.max_body_bytes:
        raise TooLarge(here.settings.max_body_bytes)


async def read_body(request: Request, *, limit: int) -> bytes:
    """The body; raises `TooLarge` as soon as it is."""
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise TooLarge(limit)
        parts.append(part)
    return b"".join(parts)
