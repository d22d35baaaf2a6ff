"""What all answers of the dashboard's web server have in common, whoever of Jupyter and Voilà gives them."""

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
"""No page of elsewhere shows the dashboard in a frame, where its buttons could be pressed for somebody unaware."""

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # an address says which tenant is looked at
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Refused(HTTPError):
    """A request that is not answered, with what its sender is told."""

    def __init__(self, status: int, said: str) -> None:
        super().__init__(status, said.replace("%", "%%"))
        self.said = said


class _Door(RequestHandler):
    """Before a handler: it lets in, and words what the handler failed to do."""

    def set_default_headers(self) -> None:
        """Ours too."""
        super().set_default_headers()
        self.clear_header("Server")
        for name, value in _HEADERS.items():
            self.set_header(name, value)
        if "Content-Security-Policy" not in self._headers:
            self.set_header("Content-Security-Policy", FRAMES)

    async def prepare(self) -> None:
        """Refuse what cannot be read, and what another site asks for.

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
            raise Refused(403, "a page of another site asks for this")
        await ensure_async(super().prepare())

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Say it in words of ours: what libraries say has names of files in it."""
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
            problem["detail"] = error.said
        self.set_header("Content-Type", "application/problem+json")
        self.finish(json.dumps(problem))


@cache
def guarded(handler: type[RequestHandler]) -> type[RequestHandler]:
    """A handler behind the door."""
    return type(handler.__name__, (_Door, handler), {"__doc__": handler.__doc__})


def is_foreign(headers: Mapping[str, str]) -> bool:
    """Whether a page of another site asks, other than by opening ours.

    Browsers say so, and no page can make them say something else. To another computer without TLS
    they only do so where the page could read the answer, or has something sent.
    """
    origin = headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc.lower() != headers.get("Host", "").lower():
        return True
    if headers.get("Sec-Fetch-Site") != "cross-site":
        return False
    opens = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    return not opens.items() <= {name: headers.get(name) for name in opens}.items()


def _odd(headers: Mapping[str, str]) -> str | None:
    """Name of a header that should hold an address, and does not."""
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
