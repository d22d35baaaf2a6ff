"""Which web pages may call us: the same rule for REST and for the stream."""

from __future__ import annotations

import re
from collections.abc import Collection
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from server.problems import Forbidden, problem_response

THIS_COMPUTER = r"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?"
_SAFE = {"GET", "HEAD", "OPTIONS"}


class Origins:
    """The origins that may call; `*` among them allows every one."""

    def __init__(self, allowed: Collection[str]) -> None:
        self.allowed = frozenset(allowed)

    def allows(self, origin: str | None, host: str | None) -> bool:
        """Whether a page of `origin` may call a server that it knows as `host`."""
        if origin is None or "*" in self.allowed or origin in self.allowed:
            return True
        return bool(re.fullmatch(THIS_COMPUTER, origin)) or _is_own_page(origin, host)


class RefuseForeignPages:
    """Refuses what a page of another origin posts: a browser would send it without asking."""

    def __init__(self, app: ASGIApp, origins: Origins) -> None:
        self._app = app
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, unless it is such a one."""
        if scope["type"] == "http" and scope["method"] not in _SAFE:
            headers = Headers(scope=scope)
            origin = headers.get("origin")
            if not self._origins.allows(origin, headers.get("host")):
                error = Forbidden(
                    f"pages of {origin} may not write here: FINANCEOPS_ALLOWED_ORIGINS names "
                    "who may"
                )
                await problem_response(error)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _is_own_page(origin: str, host: str | None) -> bool:
    # Only by address: a name may be anybody's who lets it point here (DNS rebinding).
    try:
        parts = urlsplit(origin)  # which `http://[` is too much for
        ip_address(parts.hostname or "")
    except ValueError:
        return False
    return parts.netloc == host
