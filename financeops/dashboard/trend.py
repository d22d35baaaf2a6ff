"""Volume and success rate over the period."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
from bqplot import Axis, Bars, Figure, LinearScale, Lines, OrdinalScale, Scatter
from ipywidgets import VBox

from financeops.core.metrics import TrendPoint
from financeops.dashboard import texts
from financeops.dashboard.formats import Formats
from financeops.dashboard.markup import Markup, h
from financeops.dashboard.model import DashboardModel, Figures
from financeops.dashboard.panel import Panel
from financeops.dashboard.ticks import round_ticks, spread

HEADROOM = 1.18
"""Volume bars leave this much room for the success rate above them."""


class TrendChart:
    """Bars for the volume of each bucket, a line for its success rate on an axis of its own.

    Over the bars lie invisible columns of full height: the values show wherever the pointer is,
    not only on a bar.
    """

    def __init__(self, formats: Formats) -> None:
        self._formats = formats
        self._figures: Figures | None = None
        place = OrdinalScale(domain=[0])
        volume, rate = LinearScale(min=0.0, max=1.0), LinearScale(min=0.0, max=100.0)
        self._place, self._volume = place, volume
        self.bars = Bars(
            x=[0],
            y=[0.0],
            scales={"x": place, "y": volume},
            colors=["var(--fo-volume)"],
            padding=0.28,
            stroke="transparent",
        )
        self.rate = Lines(
            x=[0],
            y=[0.0],
            visible=False,
            scales={"x": place, "y": rate},
            colors=["var(--fo-rate)"],
            stroke_width=2,
        )
        # Not the line's own markers: bqplot draws those also where there is no data.
        self.rates = Scatter(
            x=[0],
            y=[0.0],
            scales={"x": place, "y": rate},
            colors=["var(--fo-rate)"],
            default_size=14,
            visible=False,
            stroke_width=0,
        )
        self._tip = Panel("tip")
        self.columns = Bars(
            x=[0],
            y=[1.0],
            scales={"x": place, "y": LinearScale(min=0.0, max=1.0)},
            colors=["var(--fo-column)"],
            padding=0.0,
            stroke="transparent",
            tooltip=self._tip,
            tooltip_style={"opacity": 1},
        )
        self.columns.on_hover(self._hover)
        self._times = Axis(scale=place, grid_lines="none", tick_values=[0], tick_labels={})
        self._volumes = Axis(scale=volume, side="left", grid_lines="solid", tick_values=[0.0])
        rates = Axis(
            scale=rate,
            side="right",
            grid_lines="none",
            tick_values=[0, 50, 100],
            tick_labels={str(n): formats.percent(Decimal(n), decimals=0) for n in (0, 50, 100)},
        )
        self.figure = Figure(
            marks=[self.bars, self.rate, self.rates, self.columns],
            axes=[self._times, self._volumes, rates],
            fig_margin={"top": 10, "bottom": 28, "left": 58, "right": 46},
            background_style={"fill": "transparent"},
            min_aspect_ratio=0.3,
            max_aspect_ratio=12,
            animation_duration=0,
            display_toolbar=False,
            layout={"width": "100%", "height": "300px"},
        )
        self.figure.add_class("fo-chart")
        self.head = Panel("trend-head")
        self.table = Panel("trend-table")
        self.widget = VBox([self.head, self.figure, self.table])
        self.widget.add_class("fo-trend")
        self.widget.add_class("fo-box")

    def paint(self, model: DashboardModel) -> None:
        """Show the model."""
        figures = model.figures
        before, self._figures = self._figures, figures
        self.head.html = h(
            "div.fo-box-head",
            h("h2", texts.TREND),
            h("p", texts.SPANS[figures.period]),
            h(
                "ul.fo-legend",
                h("li", h("i.fo-swatch-volume"), texts.VOLUME),
                h("li", h("i.fo-swatch-running"), texts.RUNNING[figures.period]),
                h("li", h("i.fo-swatch-rate"), texts.SUCCESS_RATE),
            ),
        )
        self.table.html = self._alternative(figures)
        if before is None or before.trends != figures.trends:
            self._plot(figures)

    def _plot(self, figures: Figures) -> None:
        points = figures.trends
        count, currency = len(points), figures.metrics.currency
        highest = max((point.amount for point in points), default=0)
        ticks = round_ticks(highest)
        labelled = spread(count)
        # Sent before the ticks: an axis that finds no label writes the bare number.
        self._times.tick_labels = {
            str(index): self._formats.bucket(point.bucket.start, figures.period, figures.zone)
            if index in labelled
            else ""
            for index, point in enumerate(points)
        }
        self._volumes.tick_labels = {
            str(tick): self._formats.short_money(tick, currency) if highest or not tick else ""
            for tick in ticks
        }
        self._volumes.tick_values = np.array(ticks, dtype=float)
        self._volume.max = float(max(highest * HEADROOM, ticks[-1]))
        rates = [
            (index, float(point.success_rate))
            for index, point in enumerate(points)
            if point.success_rate is not None
        ]
        if len(self._place.domain) != count:
            self._divide(count)
        with (
            self.bars.hold_sync(),
            self.rate.hold_sync(),
            self.rates.hold_sync(),
            self.columns.hold_sync(),
        ):
            self.bars.x = self.rate.x = np.arange(count)
            self.bars.y = np.array([float(point.amount) for point in points])
            # Where there is no data the line is broken; bqplot cannot draw one of nothing.
            line = np.full(count, np.nan if rates else 0.0)
            self.rate.visible = self.rates.visible = bool(rates)
            for index, rate in rates:
                line[index] = rate
            self.rate.y = line
            self.rates.x = np.array([index for index, _ in rates])
            self.rates.y = np.array([rate for _, rate in rates])

    def _divide(self, count: int) -> None:
        """Cut the axis into another number of buckets."""
        # A mark outside the domain cannot be drawn, and one that was drawn before the domain
        # changed stays where it was: so all wait at place 0 for their new data.
        for mark in (self.bars, self.rate, self.rates, self.columns):
            with mark.hold_sync():
                mark.x, mark.y = np.array([0]), np.array([0.0])
        self._place.domain = list(range(count))
        self.bars.colors = [*["var(--fo-volume)"] * (count - 1), "var(--fo-running)"]
        with self.columns.hold_sync():
            self.columns.x, self.columns.y = np.arange(count), np.ones(count)

    def _hover(self, _mark: object, target: dict[str, dict[str, int]]) -> None:
        index = target["data"]["index"]
        if self._figures is not None and index < len(self._figures.trends):
            self._tip.html = self._values(self._figures.trends[index], self._figures, index)

    def _values(self, point: TrendPoint, figures: Figures, index: int) -> Markup:
        running = index == len(figures.trends) - 1
        return h(
            "div.fo-tip-box",
            h(
                "p.fo-tip-title",
                self._formats.long_bucket(point.bucket.start, figures.period, figures.zone),
                h("span", texts.RUNNING[figures.period]) if running else None,
            ),
            h(
                "dl",
                h("dt", h("i.fo-swatch-volume"), texts.VOLUME),
                h("dd", self._formats.money(point.amount, figures.metrics.currency)),
                h("dt", h("i.fo-swatch-rate"), texts.SUCCESS_RATE),
                h("dd", self._formats.percent(point.success_rate)),
                h("dt", h("i"), texts.COUNT),
                h("dd", self._formats.count(point.count)),
            ),
        )

    def _alternative(self, figures: Figures) -> Markup:
        """The chart as a table, for who cannot see it."""
        return h(
            "table.fo-hidden",
            h("caption", f"{texts.TREND}. {texts.SPANS[figures.period]}"),
            h(
                "tr",
                [
                    h("th", text, scope="col")
                    for text in (texts.BUCKET, texts.VOLUME, texts.SUCCESS_RATE, texts.COUNT)
                ],
            ),
            [
                h(
                    "tr",
                    h(
                        "th",
                        self._formats.bucket(point.bucket.start, figures.period, figures.zone),
                        scope="row",
                    ),
                    h("td", self._formats.money(point.amount, figures.metrics.currency)),
                    h("td", self._formats.percent(point.success_rate)),
                    h("td", self._formats.count(point.count)),
                )
                for point in figures.trends
            ],
        )
