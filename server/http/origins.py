"""The web pages that may call the server: one rule for REST and for the stream."""

from __future__ import annotations

import re
from collections.abc import Collection
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from server.http.problems import Forbidden, problem_response

THIS_COMPUTER = r"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?"
_ALLOWED = "FINANCEOPS_ALLOWED_ORIGINS lists those that may"


class Origins:
    """The allowed origins; `*` among them allows every origin."""

    def __init__(self, allowed: Collection[str]) -> None:
        self.allowed = frozenset(allowed)

    def allows(self, origin: str | None, host: str | None) -> bool:
        """Whether a page of `origin` may call the server under the name `host`."""
        if origin is None or "*" in self.allowed or origin in self.allowed:
            return True
        return bool(re.fullmatch(THIS_COMPUTER, origin)) or _is_own_page(origin, host)


class RefuseForeignPages:
    """Refuses requests of pages of other origins, which browsers send without asking first.

    Such a page cannot read the answer, but computing it costs the server, and a POST takes effect.
    """

    def __init__(self, app: ASGIApp, origins: Origins) -> None:
        self._app = app
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, unless it is refused."""
        if scope["type"] == "http" and scope["method"] != "OPTIONS":
            headers = Headers(scope=scope)
            for origin in headers.getlist("origin"):  # browsers send only one
                if not self._origins.allows(origin, headers.get("host")):
                    error = Forbidden(f"pages of {origin} may not call this server: {_ALLOWED}")
                    await problem_response(error)(scope, receive, send)
                    return
        await self._app(scope, receive, send)


class RefuseHiddenPages:
    """Refuses requests of pages of other sites that do not name their origin, on the stream too.

    Browsers send such requests for pictures, scripts and frames, marked as coming from another site.
    Following a link is allowed: links only make GET requests, and what is costly needs a POST.
    """

    def __init__(self, app: ASGIApp, origins: Origins) -> None:
        self._app = app
        self._anybody = "*" in origins.allowed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, unless it is refused."""
        if scope["type"] == "http" and not self._anybody and _is_hidden(scope):
            error = Forbidden(f"pages of other sites may not load this: {_ALLOWED}")
            await problem_response(error)(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _is_hidden(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    site = headers.get("sec-fetch-site", "none")
    if site in {"none", "same-origin"} or "origin" in headers:
        return False
    if site == "same-site" and re.fullmatch(THIS_COMPUTER, f"http://{headers.get('host')}"):
        return False  # another page of this computer
    opened = (headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest"))
    linked = scope["method"] in {"GET", "HEAD"} and opened == ("navigate", "document")
    return not linked


def _is_own_page(origin: str, host: str | None) -> bool:
    # Only by address: any name can be pointed here (DNS rebinding).
    try:
        parts = urlsplit(origin)  # fails on `http://[`
        ip_address(parts.hostname or "")
    except ValueError:
        return False
    return parts.netloc == host
