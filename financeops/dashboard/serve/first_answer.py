"""The page as it is sent: with the first figures, so that they can be read before any script has come."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from html import escape

from tornado.httputil import HTTPServerRequest

from financeops.dashboard.language import texts
from financeops.dashboard.language.words import words_in
from financeops.dashboard.serve.asking import locale_of, theme_of

_KERNEL = re.compile(r'"kernelId": "([\w-]+)"')
_BEGIN, _END = "<!--skeleton-->", "<!--/skeleton-->"
"""Around what the template has in place of the figures."""


async def with_figures(
    pieces: AsyncIterator[str],
    request: HTTPServerRequest,
    bring: Callable[[str, bool], Awaitable[str | None]],
) -> AsyncIterator[str]:
    """Yield the pieces of a page, the first figures among them if its kernel is quick enough.

    Parameters
    ----------
    pieces : async iterator of str
        The page as Voilà makes it. That of a kernel which waits comes in one piece, that of another
        one as it starts, which takes longer than anybody would wait for figures.
    request : HTTPServerRequest
    bring : callable
        Brings a kernel, by its id, what it is asked for, and returns the figures' HTML if it is
        told to wait for them and they come in time.
    """
    page, known, begun = "", False, False
    async for piece in pieces:
        page += piece
        if not begun and _END not in page:
            continue
        if not begun:
            begun = True
            head, _, rest = page.partition(_BEGIN)
            skeleton, _, page = rest.partition(_END)
            # What the page is made of is requested by the browser meanwhile.
            yield _addressed(head, request)
            found = _KERNEL.search(page)
            figures = await bring(found[1], True) if found else None
            known = found is not None
            yield figures or skeleton
        elif not known and (found := _KERNEL.search(page)):
            known = True
            await bring(found[1], False)
        yield page
        page = ""
    if page:
        yield page


def _addressed(head: str, request: HTTPServerRequest) -> str:
    """Return the beginning of the page in its language and colours."""
    locale = locale_of(request)
    say = words_in(locale).say
    lang = str(locale).replace("_", "-")
    root = f'<html lang="{lang}" dir="{locale.text_direction}" data-fo-theme="{theme_of(request)}">'
    head = re.sub(r"<html[^>]*>", root, head, count=1)
    head = re.sub(r"<title>[^<]*", f"<title>{escape(say(texts.TITLE))}", head, count=1)
    return head.replace("[[no-script]]", escape(say(texts.NO_SCRIPT)))
