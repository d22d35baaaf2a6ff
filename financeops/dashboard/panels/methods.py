"""Payment methods: a ring of their shares and the figures beside it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from bqplot import Figure, Pie
from ipywidgets import Box

from financeops.core.metrics import MethodFigures
from financeops.dashboard.html.markup import Markup, h, words
from financeops.dashboard.html.ring import ring
from financeops.dashboard.language import texts
from financeops.dashboard.language.formats import Formats
from financeops.dashboard.panels.panel import Action, Panel
from financeops.dashboard.state.model import DashboardModel

COLOURS = 12
"""Number of method colours in the theme."""

FINE = 1_000
"""Parts of the ring; a difference of less than one of them is not drawn."""

Floats = npt.NDArray[np.float64]


class MethodChart:
    """The share of each method in the attempts, with count, volume and success rate.

    Parameters
    ----------
    formats : Formats
    choose : callable
        Called with the method that was clicked, in the table or in the ring.
    """

    def __init__(self, formats: Formats, choose: Action) -> None:
        self._formats = formats
        self._choose = choose
        self._methods: list[str] = []
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
        self.pie.on_element_click(self._click)
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
        self.table = Panel("methods-table", method=choose)
        ring = Box([self.figure, self._middle])
        ring.add_class("fo-ring")
        body = Box([ring, self.table])
        body.add_class("fo-methods-body")
        self.widget = Box([self.head, body])
        self.widget.add_class("fo-methods")
        self.widget.add_class("fo-box")

    def paint(self, model: DashboardModel) -> None:
        """Show the model."""
        say = self._formats.say
        figures = model.figures
        rows, currency = figures.methods, figures.metrics.currency
        for row in sorted(rows, key=lambda row: row.method):
            # A method keeps its colour when the order of the rows changes.
            self._colour.setdefault(row.method, len(self._colour) % COLOURS + 1)
        self.head.html = h(
            "div.fo-box-head", h("h2", say(texts.METHOD_CHART)), h("p", say(texts.METHOD_SHARE))
        )
        self._middle.html = h(
            "p.fo-ring-middle",
            h("strong", h("bdi", self._formats.short_count(figures.metrics.total_payments))),
            h("span", say(texts.PAYMENTS_UNIT, count=figures.metrics.total_payments)),
        )
        self.table.html = h(
            "table.fo-table.fo-named",
            h("caption.fo-hidden", say(texts.METHOD_CHART)),
            h(
                "thead",
                h(
                    "tr",
                    h("th", say(texts.METHOD), scope="col"),
                    h("th.fo-number", say(texts.COUNT), scope="col"),
                    h("th.fo-number", say(texts.VOLUME), scope="col"),
                    h("th.fo-number", say(texts.SHARE), scope="col"),
                    h("th.fo-number", say(texts.SUCCESS_RATE), scope="col"),
                ),
            ),
            h("tbody", [self._row(row, currency, chosen=figures.method) for row in rows]),
        )
        self._methods = [row.method for row in rows]
        opacities = [1.0 if figures.method in {None, row.method} else 0.28 for row in rows]
        if opacities != list(self.pie.opacities):
            self.pie.opacities = opacities
        sizes = np.array([float(row.count) for row in rows] or [1.0])
        colours = [f"var(--fo-method-{self._colour[row.method]})" for row in rows]
        colours = colours or ["var(--fo-line)"]
        if colours != self.pie.colors or _differ(sizes, self.pie.sizes):
            with self.pie.hold_sync():
                self.pie.colors, self.pie.sizes = colours, sizes

    def drawing(self) -> Markup:
        """Return what the figure shows as a drawing, for before it is there."""
        return ring(
            self.pie.sizes.tolist(),
            self.pie.colors,
            outer=self.pie.radius,
            inner=self.pie.inner_radius,
        )

    def _click(self, _mark: object, target: dict[str, dict[str, int]]) -> None:
        index = target["data"]["index"]
        if index < len(self._methods):
            self._choose(self._methods[index])

    def _row(self, row: MethodFigures, currency: str, *, chosen: str | None) -> Markup:
        name = self._formats.named(row.method, texts.METHODS)
        return h(
            "tr",
            h(
                "th",
                h(
                    "button.fo-method",
                    h(
                        "i.fo-swatch",
                        style=f"background: var(--fo-method-{self._colour[row.method]})",
                    ),
                    h("bdi", words(name)),
                    type="button",
                    title=self._formats.say(texts.SHOW_ONLY, name=name),
                    data_action="method",
                    data_value=row.method,
                    aria_pressed="true" if row.method == chosen else "false",
                    data_toggles=True,
                ),
                scope="row",
            ),
            h("td.fo-number", h("bdi", self._formats.count(row.count))),
            h("td.fo-number", h("bdi", self._formats.short_money(row.volume, currency))),
            h("td.fo-number", h("bdi", self._formats.percent(row.share, decimals=0))),
            h("td.fo-number", h("bdi", self._formats.percent(row.success_rate))),
            data_key=row.method,
            data_method=row.method,
            data_faded=chosen not in {None, row.method},
        )


def _differ(some: Floats, others: Floats) -> bool:
    """Whether one would see it in the ring, of which a `FINE` part is half a pixel."""
    if len(some) != len(others):
        return True
    parts = some / max(some.sum(), 1), others / max(others.sum(), 1)
    return bool(np.abs(parts[0] - parts[1]).max() * FINE > 1)
