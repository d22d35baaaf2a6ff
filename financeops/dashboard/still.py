"""The screen as HTML without widgets, in the same boxes: the page shows it until the widgets are drawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bqplot import Figure
from ipywidgets import Box, VBox, Widget

from financeops.dashboard.html.markup import Markup, h, join
from financeops.dashboard.panels.panel import Panel


def still(
    widget: Widget, charts: Mapping[Figure, Markup], *more: Markup, **attributes: Any
) -> Markup:
    """HTML of a widget and all that is in it.

    Parameters
    ----------
    widget : Widget
        A panel, a chart or a box of these; another one shows nothing.
    charts : mapping of Figure to Markup
        Drawings in place of the charts; without one a chart is an empty place.
    *more : Markup
        Comes last in it.
    **attributes
        Of its element.
    """
    match widget:
        case Panel():
            return _element(widget, widget.html, **attributes)
        case Figure():
            size = f"width: {widget.layout.width}; height: {widget.layout.height}"
            return _element(widget, charts.get(widget), style=size)
        case Box():
            kind = ".widget-vbox" if isinstance(widget, VBox) else ""
            parts = [still(part, charts) for part in widget.children]
            return _element(widget, parts, *more, kind=f".widget-box{kind}", **attributes)
        case _:
            return join()


def _element(widget: Widget, *children: Any, kind: str = "", **attributes: Any) -> Markup:
    classes = " ".join(widget._dom_classes)  # noqa: SLF001 - it has no other name
    return h(f"div{kind}", *children, class_=classes, **attributes)
