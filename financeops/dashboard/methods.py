"""Payment methods: a ring of their shares and the figures beside it."""

from __future__ import annotations

import numpy as np
from bqplot import Figure, Pie
from ipywidgets import Box

from financeops.core.metrics import MethodFigures
from financeops.dashboard import texts
from financeops.dashboard.formats import Formats
from financeops.dashboard.markup import Markup, h
from financeops.dashboard.model import DashboardModel
from financeops.dashboard.panel import Panel

COLOURS = 12
"""How many method colours the theme has."""


class MethodChart:
    """The share of each method in the attempts, with count, volume and success rate."""

    def __init__(self, formats: Formats) -> None:
        self._formats = formats
        self._colour: dict[str, int] = {}
        self.pie = Pie(
            sizes=[1.0],
            colors=["var(--fo-line)"],
            radius=84,
            inner_radius=62,
            stroke="var(--fo-surface)",
            display_labels="none",
            sort=False,
        )
        self.figure = Figure(
            marks=[self.pie],
            fig_margin={"top": 0, "bottom": 0, "left": 0, "right": 0},
            background_style={"fill": "transparent"},
            animation_duration=0,
            display_toolbar=False,
            min_aspect_ratio=1,
            max_aspect_ratio=1,
            layout={"width": "180px", "height": "180px"},
        )
        self.figure.add_class("fo-chart")
        self.head = Panel("methods-head")
        self._middle = Panel("methods-middle")
        self.table = Panel("methods-table")
        ring = Box([self.figure, self._middle])
        ring.add_class("fo-ring")
        body = Box([ring, self.table])
        body.add_class("fo-methods-body")
        self.widget = Box([self.head, body])
        self.widget.add_class("fo-methods")
        self.widget.add_class("fo-box")

    def paint(self, model: DashboardModel) -> None:
        """Show the model."""
        figures = model.figures
        rows, currency = figures.methods, figures.metrics.currency
        for row in sorted(rows, key=lambda row: row.method):
            # A method keeps its colour while the order of the rows changes.
            self._colour.setdefault(row.method, len(self._colour) % COLOURS + 1)
        self.head.html = h(
            "div.fo-box-head", h("h2", texts.METHOD_CHART), h("p", texts.METHOD_SHARE)
        )
        self._middle.html = h(
            "p.fo-ring-middle",
            h("strong", self._formats.short_count(figures.metrics.total_payments)),
            h("span", texts.COUNT.lower()),
        )
        self.table.html = h(
            "table.fo-table",
            h("caption.fo-hidden", texts.METHOD_CHART),
            h(
                "thead",
                h(
                    "tr",
                    h("th", texts.METHOD, scope="col"),
                    h("th.fo-number", texts.COUNT, scope="col"),
                    h("th.fo-number", texts.VOLUME, scope="col"),
                    h("th.fo-number", texts.SHARE, scope="col"),
                    h("th.fo-number", texts.SUCCESS_RATE, scope="col"),
                ),
            ),
            h("tbody", [self._row(row, currency) for row in rows]),
        )
        sizes = np.array([float(row.count) for row in rows] or [1.0])
        if not np.array_equal(sizes, self.pie.sizes):
            with self.pie.hold_sync():
                self.pie.colors = [
                    f"var(--fo-method-{self._colour[row.method]})" for row in rows
                ] or ["var(--fo-line)"]
                self.pie.sizes = sizes

    def _row(self, row: MethodFigures, currency: str) -> Markup:
        return h(
            "tr",
            h(
                "th",
                h(
                    "i.fo-swatch",
                    style=f"background: var(--fo-method-{self._colour[row.method]})",
                ),
                texts.humanized(row.method, texts.METHODS),
                scope="row",
            ),
            h("td.fo-number", self._formats.count(row.count)),
            h("td.fo-number", self._formats.short_money(row.volume, currency)),
            h("td.fo-number", self._formats.percent(row.share, decimals=0)),
            h("td.fo-number", self._formats.percent(row.success_rate)),
            data_key=row.method,
            data_method=row.method,
        )
