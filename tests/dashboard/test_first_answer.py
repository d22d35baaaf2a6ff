"""The pieces of a page, and where the first figures come into it."""

import pytest
from tornado.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine

from financeops.dashboard.serve.first_answer import with_figures

HEAD = '<html lang="en"><title>Live payments</title><p>[[no-script]]</p><!--skeleton-->'
SHAPE, REST = "<i>shape</i>", "<!--/skeleton--><main>"
KERNEL, END = '{"kernelId": "12-ab"}', "</main>"


def request(uri="/", **headers):
    line = RequestStartLine("GET", uri, "HTTP/1.1")
    return HTTPServerRequest(start_line=line, headers=HTTPHeaders({"Host": "localhost", **headers}))


class Page:
    """A page of these pieces, and what its kernel is asked."""

    def __init__(self, *pieces, figures=None):
        self.pieces, self.figures, self.happened = pieces, figures, []

    async def come(self):
        for piece in self.pieces:
            yield piece

    async def bring(self, kernel_id, waiting):
        self.happened.append((kernel_id, waiting))
        return self.figures

    async def sent(self, asked=None):
        async for piece in with_figures(self.come(), asked or request(), self.bring):
            self.happened.append(piece)
        return "".join(each for each in self.happened if isinstance(each, str))


async def test_figures_of_a_waiting_kernel_take_the_place_of_the_shape():
    page = Page(HEAD + SHAPE + REST + KERNEL, END, figures="<b>42</b>")
    sent = await page.sent()
    assert sent.endswith(f"<b>42</b><main>{KERNEL}{END}")
    assert SHAPE not in sent
    # What the browser has to load is named before the kernel is asked.
    assert page.happened[1] == ("12-ab", True)
    assert "<title>" in page.happened[0]


async def test_a_late_kernel_leaves_the_shape():
    sent = await Page(HEAD + SHAPE + REST + KERNEL + END).sent()
    assert sent.endswith(f"{SHAPE}<main>{KERNEL}{END}")


async def test_a_kernel_that_still_starts_is_not_waited_for_but_gets_its_view():
    page = Page(*HEAD, *SHAPE, REST, KERNEL, END, figures="too late")
    sent = await page.sent()
    assert sent.endswith(f"{SHAPE}<main>{KERNEL}{END}")
    assert ("12-ab", False) in page.happened
    assert page.happened.index(("12-ab", False)) > page.happened.index(SHAPE)


async def test_a_template_without_a_place_for_figures_is_sent_as_it_is():
    assert await Page("<html>", KERNEL, END).sent() == f"<html>{KERNEL}{END}"


@pytest.mark.parametrize(
    ("uri", "language", "begin"),
    [
        ("/", "de-AT,en;q=0.5", '<html lang="de-AT" dir="ltr" data-fo-theme="system">'),
        ("/?lang=ar&theme=dark", "de", '<html lang="ar" dir="rtl" data-fo-theme="dark">'),
        ("/?lang=%22%3E&theme=%22%3E", "xx,<", '<html lang="en" dir="ltr" data-fo-theme="system">'),
    ],
)
async def test_the_page_begins_in_its_language_and_colours(uri, language, begin):
    sent = await Page(HEAD + SHAPE + REST + KERNEL).sent(
        request(uri, **{"Accept-Language": language})
    )
    assert sent.startswith(begin)
    assert "[[" not in sent
    assert ("Zahlungen live" in sent) == ("de-AT" in begin)
