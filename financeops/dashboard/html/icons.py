"""Icons, as SVG in the colour of the surrounding text."""

from __future__ import annotations

from financeops.dashboard.html.markup import Markup, h


def _icon(path: str) -> Markup:
    return h(
        "svg.fo-icon",
        h("path", d=path),
        viewBox="0 0 16 16",
        width=16,
        height=16,
        aria_hidden="true",
    )


def _outline(path: str) -> Markup:
    return h(
        "svg.fo-icon",
        h("path", d=path, fill="none", stroke="currentcolor", stroke_width="1.2"),
        viewBox="0 0 16 16",
        width=16,
        height=16,
        aria_hidden="true",
    )


PAUSE = _icon("M5 3h2v10H5zM9 3h2v10H9z")
RESUME = _icon("M5 3l8 5-8 5z")
EXPORT = _icon("M7.2 2h1.6v6l2-2 1.1 1.1L8 11 4.1 7.1 5.2 6l2 2zM3 12.4h10V14H3z")
REMOVE = _icon(
    "M4.4 3.3L8 6.9l3.6-3.6 1.1 1.1L9.1 8l3.6 3.6-1.1 1.1L8 9.1l-3.6 3.6-1.1-1.1L6.9 8 3.3 4.4z"
)
UP = _icon("M8 3.5l4.5 5-1.1 1.1-2.6-2.9V13H7.2V6.7L4.6 9.6 3.5 8.5z")
DOWN = _icon("M8 12.5l-4.5-5 1.1-1.1 2.6 2.9V3h1.6v6.3l2.6-2.9 1.1 1.1z")
CHECK = _icon("M6.4 12.4L2.6 8.6l1.2-1.2 2.6 2.6 5.8-5.9 1.2 1.2z")
CALENDAR = _outline("M2.5 3.5h11v10h-11zM2.5 6.5h11M5.3 2v3M10.7 2v3")
LANGUAGE = _outline(
    "M8 2a6 6 0 100 12A6 6 0 008 2zM2 8h12M8 2c-4 3.5-4 8.5 0 12M8 2c4 3.5 4 8.5 0 12"
)
THEME = _outline("M8 2a6 6 0 100 12A6 6 0 008 2zM8 2v12M8 5h4.6M8 8h6M8 11h4.6")
LOGO = h(
    "svg.fo-logo",
    h("rect", x=1, y=1, width=30, height=30, rx=8),
    h("path", d="M8 22V15M13.3 22V10M18.6 22V13M24 22V8"),
    viewBox="0 0 32 32",
    width=32,
    height=32,
    aria_hidden="true",
)
