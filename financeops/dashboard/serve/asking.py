"""What the request for a page asks for: a view, a language and colours."""

from __future__ import annotations

from babel import Locale
from tornado.escape import parse_qs_bytes
from tornado.httputil import HTTPServerRequest

from financeops.dashboard.preferences import Preferences, Theme


def parameters_of(request: HTTPServerRequest) -> dict[str, str]:
    """Return the parameters of the address, even if the rest of it is malformed; the last one of a name counts."""
    try:
        values = parse_qs_bytes(request.query)
    except ValueError:
        return {}
    return {name: each[-1].decode(errors="replace") for name, each in values.items()}


def languages_of(request: HTTPServerRequest) -> list[str]:
    """Return the languages of the browser, as it orders them."""
    spoken = request.headers.get("Accept-Language", "")
    return [tag.partition(";")[0].strip() for tag in spoken.split(",")]


def locale_of(request: HTTPServerRequest) -> Locale:
    """Return the locale of its page."""
    preferences = Preferences(language=parameters_of(request).get("lang") or None)
    preferences.browser = languages_of(request)
    return preferences.locale


def theme_of(request: HTTPServerRequest) -> Theme:
    """Return the colours of its page."""
    try:
        return Theme(parameters_of(request).get("theme", Theme.SYSTEM))
    except ValueError:
        return Theme.SYSTEM
