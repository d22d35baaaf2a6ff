"""The few pages that are not the dashboard: no room, and an answer that is an error."""

from __future__ import annotations

from base64 import b64encode
from http import HTTPStatus
from pathlib import Path

from tornado.httputil import HTTPServerRequest

from financeops.dashboard.fonts import FONT, THEME
from financeops.dashboard.language import texts
from financeops.dashboard.language.words import Text, words_in
from financeops.dashboard.serve.asking import locale_of, theme_of

_HERE = Path(__file__).parent


def full(request: HTTPServerRequest, base_url: str, seconds: int) -> str:
    """Return a page that there is no room; it checks regularly whether there is."""
    say = words_in(locale_of(request)).say
    waiting = _filled(
        (_HERE / "waiting.html").read_text(encoding="utf-8"),
        waiting=say(texts.WAITING),
        health=f"{base_url}voila/health",
        seconds=str(seconds),
    )
    return _page(request, texts.NO_ROOM, texts.NO_ROOM_HINT, waiting)


def error(request: HTTPServerRequest, base_url: str, status: int) -> str:
    """Return a page for an error, with a link to the dashboard."""
    heading, hint = _words_of(status)
    say = words_in(locale_of(request)).say
    link = f'<p class="way"><a href="{base_url}">{say(texts.TITLE)}</a></p>'
    return _page(request, heading, hint, link)


def _words_of(status: int) -> tuple[Text, Text]:
    if status in {HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED}:
        return texts.NO_PAGE, texts.NO_PAGE_HINT
    if status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return texts.REFUSED, texts.NO_PAGE_HINT
    return texts.BROKEN, texts.BROKEN_HINT


def _page(request: HTTPServerRequest, heading: Text, hint: Text, more: str) -> str:
    locale = locale_of(request)
    say = words_in(locale).say
    return _filled(
        (_HERE / "notice.html").read_text(encoding="utf-8"),
        tokens=(THEME / "tokens.css").read_text(encoding="utf-8"),
        font=b64encode((THEME / FONT).read_bytes()).decode(),
        theme=theme_of(request),
        lang=str(locale).replace("_", "-"),
        dir=locale.text_direction,
        title=say(texts.TITLE),
        heading=say(heading),
        hint=say(hint),
        more=more,
    )


def _filled(page: str, **given: str) -> str:
    for name, value in given.items():
        page = page.replace(f"[[{name}]]", value)
    return page
