"""Payments by method, country or another dimension: a ring of shares and the figures beside it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from babel import Locale
from bqplot import Figure, Pie
from ipywidgets import Box

from financeops.core.breakdown import DimensionFigures
from financeops.core.dimensions import Dimension
from financeops.core.facets import NO_VALUE
from financeops.dashboard.html.choice import choice
from financeops.dashboard.html.markup import Markup, h, join, words
from financeops.dashboard.html.ring import ring
from financeops.dashboard.language import texts
from financeops.dashboard.language.formats import Formats
from financeops.dashboard.panels.panel import Action, Panel
from financeops.dashboard.panels.values import name_of
from financeops.dashboard.state.model import DashboardModel
from financeops.dashboard.state.totals import Figures

COLOURS = 12
"""Number of method colours in the theme."""

SHOWN = 8
"""How many values have a line of their own until one asks for all; methods have one for each colour."""

_REST = "var(--fo-line)"

FINE = 1_000
"""Parts of the ring; a difference of less than one of them is not drawn."""

Floats = npt.NDArray[np.float64]


class MethodChart:
    """The share of each method in the attempts, with count, volume and rates; or of another dimension's values.

    Parameters
    ----------
    formats : Formats
    **actions : callable
        Called with what was clicked in the table or in the ring: ``method`` with a method, ``facet``
        with a dimension and its value, ``"country:DE"``; and ``by`` with a dimension that was chosen.
    """

    def __init__(self, formats: Formats, **actions: Action) -> None:
        self._formats = formats
        self._actions = actions
        self._drawn: list[tuple[str, str]] = []
        self._colour: dict[tuple[Dimension, str | None], int] = {}
        self._model: DashboardModel | None = None
        self._titled: tuple[Dimension, Dimension, Locale] | None = None
        self._title = join()
        self._unfolded: Dimension | None = None
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
        self.head = Panel("methods-head", by=actions["by"])
        self._middle = Panel("methods-middle")
        self.table = Panel(
            "methods-table",
            method=actions["method"],
            facet=actions["facet"],
            unfold=self._unfold,
        )
        ring = Box([self.figure, self._middle])
        ring.add_class("fo-ring")
        body = Box([ring, self.table])
        body.add_class("fo-methods-body")
        self.widget = Box([self.head, body])
        self.widget.add_class("fo-methods")
        self.widget.add_class("fo-box")

    def paint(self, model: DashboardModel) -> None:
        """Show the model."""
        self._model = model
        say = self._formats.say
        figures = model.figures
        by, rows = figures.by, figures.rows
        self._give_colours(by, rows)
        titled = by, model.by, self._formats.locale
        if titled != self._titled:
            self._titled, self._title = titled, self._title_of(by, chosen=model.by)
        self.head.html = self._title
        self._middle.html = h(
            "p.fo-ring-middle",
            h("strong", h("bdi", self._formats.short_count(figures.metrics.total_payments))),
            h("span", say(texts.PAYMENTS_UNIT, count=figures.metrics.total_payments)),
        )
        self.table.html = self._table(figures, waiting=model.lacks_counts)
        self._draw(figures)

    def _title_of(self, by: Dimension, *, chosen: Dimension) -> Markup:
        say = self._formats.say
        names = {each.value: say(text) for each, text in texts.DIMENSIONS.items()}
        return h(
            "div.fo-box-head",
            h("h2", say(texts.BREAKDOWNS[by])),
            h("p", say(texts.METHOD_SHARE)),
            choice("by", names, chosen, label=say(texts.BREAK_DOWN)),
        )

    def _give_colours(self, by: Dimension, rows: Sequence[DimensionFigures]) -> None:
        """A value keeps its colour when the order of the rows changes."""
        if by is Dimension.METHOD:
            rows = sorted(rows, key=lambda row: row.value or "")
        have = sum(key[0] is by for key in self._colour)
        for row in rows:
            if (by, row.value) not in self._colour:
                self._colour[by, row.value] = have % COLOURS + 1
                have += 1

    def _table(self, figures: Figures, *, waiting: bool) -> Markup:
        say, by, rows = self._formats.say, figures.by, figures.rows
        unfolded = self._unfolded is by
        few = COLOURS if by is Dimension.METHOD else SHOWN
        shown = rows if unfolded else rows[:few]
        numbers = (texts.COUNT, texts.VOLUME, texts.SHARE, texts.SUCCESS_RATE)
        table = h(
            "table.fo-table.fo-named",
            h("caption.fo-hidden", say(texts.BREAKDOWNS[by])),
            h(
                "thead",
                h(
                    "tr",
                    h("th", say(texts.DIMENSIONS[by]), scope="col"),
                    [h("th.fo-number", say(text), scope="col") for text in numbers],
                    h(
                        "th.fo-number",
                        say(texts.AUTHORIZED_SHORT),
                        scope="col",
                        title=say(texts.AUTHORIZED_TITLE),
                    ),
                ),
            ),
            h("tbody", [self._row(row, figures) for row in shown]),
            data_by=by,
            aria_busy="true" if waiting else None,
        )
        if len(rows) <= few:
            return table
        text = say(texts.SHOW_FEWER) if unfolded else say(texts.SHOW_ALL, count=len(rows))
        return join(
            table,
            h(
                "button.fo-button.fo-unfold",
                text,
                type="button",
                data_action="unfold",
                aria_expanded="true" if unfolded else "false",
            ),
        )

    def _draw(self, figures: Figures) -> None:
        """Draw the ring: of the first values, and of all others together."""
        by, rows = figures.by, figures.rows
        chosen = _chosen(figures)
        apart = rows if len(rows) <= COLOURS else rows[: COLOURS - 1]
        rest = sum(row.count for row in rows[len(apart) :])
        self._drawn = [_choice(by, row.value) for row in apart]
        opacities = [1.0 if chosen in {None, _said(row.value)} else 0.28 for row in apart]
        colours = [self._colour_of(by, row.value) for row in apart]
        counts = [float(row.count) for row in apart]
        if rest:
            opacities.append(1.0 if chosen is None else 0.28)
            colours.append(_REST)
            counts.append(float(rest))
        if opacities != list(self.pie.opacities):
            self.pie.opacities = opacities
        sizes, colours = np.array(counts or [1.0]), colours or [_REST]
        if colours != self.pie.colors or _differ(sizes, self.pie.sizes):
            with self.pie.hold_sync():
                self.pie.colors, self.pie.sizes = colours, sizes

    def _colour_of(self, by: Dimension, value: str | None) -> str:
        """What is not known has no colour."""
        return f"var(--fo-method-{self._colour[by, value]})" if value else "var(--fo-quiet)"

    def _unfold(self, _value: str | None) -> None:
        if self._model is not None:
            by = self._model.figures.by
            self._unfolded = None if self._unfolded is by else by
            self.paint(self._model)

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
        if index < len(self._drawn):
            action, value = self._drawn[index]
            self._actions[action](value)

    def _row(self, row: DimensionFigures, figures: Figures) -> Markup:
        by, currency = figures.by, figures.metrics.currency
        chosen = _chosen(figures)
        name = name_of(self._formats, by, row.value)
        swatch = h("i.fo-swatch", style=f"background: {self._colour_of(by, row.value)}")
        return h(
            "tr",
            h(
                "th",
                self._button(
                    *_choice(by, row.value), name, swatch, pressed=_said(row.value) == chosen
                ),
                scope="row",
            ),
            h("td.fo-number", h("bdi", self._formats.count(row.count))),
            h("td.fo-number", h("bdi", self._formats.short_money(row.volume, currency))),
            h("td.fo-number", h("bdi", self._formats.percent(row.share, decimals=0))),
            h("td.fo-number", h("bdi", self._formats.percent(row.success_rate))),
            h("td.fo-number", h("bdi", self._formats.percent(row.authorization_rate))),
            data_key=f"{by}-{row.value}" if by is not Dimension.METHOD else row.value,
            data_method=row.value if by is Dimension.METHOD else None,
            data_part=None if by is Dimension.METHOD else row.value or "",
            data_faded=chosen not in {None, _said(row.value)},
        )

    def _button(
        self, action: str, value: str, name: str, swatch: Markup, *, pressed: bool
    ) -> Markup:
        return h(
            "button.fo-method",
            swatch,
            h("bdi", words(name)),
            type="button",
            title=self._formats.say(texts.SHOW_ONLY, name=name),
            data_action=action,
            data_value=value,
            aria_pressed="true" if pressed else "false",
            data_toggles=True,
        )


def _said(value: str | None) -> str:
    return NO_VALUE if value is None else value


def _choice(by: Dimension, value: str | None) -> tuple[str, str]:
    """The action that a choice of a value calls, and what it says."""
    if by is Dimension.METHOD:
        return "method", value or ""
    return "facet", f"{by}:{_said(value)}"


def _chosen(figures: Figures) -> str | None:
    """The value of the dimension to which the figures are limited."""
    return (
        figures.method if figures.by is Dimension.METHOD else dict(figures.facets).get(figures.by)
    )


def _differ(some: Floats, others: Floats) -> bool:
    """Whether one would see it in the ring, of which a `FINE` part is half a pixel."""
    if len(some) != len(others):
        return True
    parts = some / max(some.sum(), 1), others / max(others.sum(), 1)
    return bool(np.abs(parts[0] - parts[1]).max() * FINE > 1)
