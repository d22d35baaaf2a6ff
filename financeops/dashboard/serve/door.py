"""Checks and headers common to all answers of the web server, of Jupyter as well as of Voilà."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from jupyter_core.utils import ensure_async
from tornado.web import HTTPError, RequestHandler

from financeops.dashboard.serve import pages

FRAMES = "frame-ancestors 'self'"
"""Forbid pages of other sites to show the dashboard in a frame, which would allow clickjacking."""

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # addresses name the tenant
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Refused(HTTPError):
    """A refused request, with the reason to answer."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(status, detail.replace("%", "%%"))
        self.detail = detail


class _Door(RequestHandler):
    """Checks requests before a handler, and words its errors."""

    def set_default_headers(self) -> None:
        """Set the headers of every answer."""
        super().set_default_headers()
        self.clear_header("Server")
        for name, value in _HEADERS.items():
            self.set_header(name, value)
        if "Content-Security-Policy" not in self._headers:
            self.set_header("Content-Security-Policy", FRAMES)

    async def prepare(self) -> None:
        """Refuse unreadable requests, and those of pages of other sites.

        Raises
        ------
        Refused
        """
        headers = self.request.headers
        if (name := _odd(headers)) is not None:
            raise Refused(400, f"the header {name} is no address")
        if "%00" in self.request.path:
            raise Refused(400, "the address has a zero byte in it")
        if is_foreign(headers):
            raise Refused(403, "requests of pages of other sites are refused")
        await ensure_async(super().prepare())

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer with a text of its own: messages of libraries contain file names."""
        _kind, error, _traceback = kwargs.get("exc_info", (None, None, None))
        self.set_status(status_code)  # with the usual phrase
        self.set_header("Cache-Control", "no-store")
        if "text/html" in self.request.headers.get("Accept", ""):
            self.set_header("Content-Type", "text/html; charset=utf-8")
            base_url = self.settings.get("base_url", "/")
            self.finish(pages.error(self.request, base_url, status_code))
            return
        problem = {"title": HTTPStatus(status_code).phrase, "status": status_code}
        if isinstance(error, Refused):
            problem["detail"] = error.detail
        self.set_header("Content-Type", "application/problem+json")
        self.finish(json.dumps(problem))


@cache
def guarded(handler: type[RequestHandler]) -> type[RequestHandler]:
    """Return a handler with these checks."""
    return type(handler.__name__, (_Door, handler), {"__doc__": handler.__doc__})


def is_foreign(headers: Mapping[str, str]) -> bool:
    """Whether a page of another site sent the request, other than by a link to the dashboard.

    Browsers tell, and pages cannot change what they tell. Over HTTP to another computer, browsers
    only tell if the page could read the answer, or sends data.
    """
    origin = headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc.lower() != headers.get("Host", "").lower():
        return True
    if headers.get("Sec-Fetch-Site") != "cross-site":
        return False
    opens = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    return not opens.items() <= {name: headers.get(name) for name in opens}.items()


def _odd(headers: Mapping[str, str]) -> str | None:
    """Return the name of a header that should hold an address but does not."""
    for name, before in (
        ("Host", "//"),
        ("Origin", ""),
        ("Referer", ""),
        ("Sec-WebSocket-Origin", ""),
    ):
        try:
            _ = urlsplit(before + headers.get(name, "")).port
        except ValueError:
            return name
    return None
