"""Volume and success rate over the period."""

from __future__ import annotations

from decimal import Decimal
from itertools import zip_longest
from math import ceil

import numpy as np
from bqplot import Axis, Bars, Figure, LinearScale, Lines, OrdinalScale, Scatter
from ipywidgets import Box, VBox

from financeops.core.days import Days
from financeops.core.metrics import TrendPoint
from financeops.dashboard.html.markup import Markup, h
from financeops.dashboard.html.trend import Scale, trend
from financeops.dashboard.language import texts
from financeops.dashboard.language.formats import Formats, letters
from financeops.dashboard.panels.panel import Panel
from financeops.dashboard.panels.pointer import Pointer, bucket_values
from financeops.dashboard.panels.ticks import round_ticks, spread
from financeops.dashboard.state.model import DashboardModel
from financeops.dashboard.state.totals import Figures

HEADROOM = 1.18
"""Room that volume bars leave for the success rate above them."""

FINE = 1_000
"""Steps of an axis; a difference of less than one of them is not drawn, for nobody would see it."""

MARGIN = {"top": 10, "bottom": 28, "left": 58, "right": 54}
"""Pixels around the plot; more on the left if amounts are long."""


class TrendChart:
    """Bars for the volume of each bucket, a line for its success rate on an axis of its own.

    Over the bars lie invisible columns of full height: the values show wherever the pointer is,
    not only on a bar.
    """

    def __init__(self, formats: Formats) -> None:
        self._formats = formats
        self._figures: Figures | None = None
        self._rows: dict[tuple[object, ...], Markup] = {}
        self._plotted: list[TrendPoint] = []
        self._plotted_as: tuple[object, ...] = ()
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
        # Not the markers of the line: bqplot draws them even where there are no data.
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
        self._rates = Axis(scale=rate, side="right", grid_lines="none", tick_values=[0, 50, 100])
        self.figure = Figure(
            marks=[self.bars, self.rate, self.rates, self.columns],
            axes=[self._times, self._volumes, self._rates],
            fig_margin=MARGIN,
            background_style={"fill": "transparent"},
            min_aspect_ratio=0.3,
            max_aspect_ratio=12,
            animation_duration=0,
            display_toolbar=False,
            layout={"width": "100%", "height": "300px"},
        )
        self.figure.add_class("fo-chart")
        self.pointer = Pointer(formats)
        self.head = Panel("trend-head")
        self.table = Panel("trend-table")
        plot = Box([self.figure, self.pointer.widget])
        plot.add_class("fo-plot")
        self.widget = VBox([self.head, plot, self.table])
        self.widget.add_class("fo-trend")
        self.widget.add_class("fo-box")

    def paint(self, model: DashboardModel) -> None:
        """Show the model."""
        say = self._formats.say
        figures = model.figures
        self._figures = figures
        about = self._about(figures)
        if about != self._plotted_as or self._differs(figures.trends):
            self._plotted, self._plotted_as = figures.trends, about
            self._plot(figures)
        self.head.html = h(
            "div.fo-box-head",
            h("h2", say(texts.TREND)),
            h("p", self._span(figures)),
            h(
                "ul.fo-legend",
                h("li", h("i.fo-swatch-volume"), say(texts.VOLUME), self._unit(figures)),
                h("li", h("i.fo-swatch-running"), say(texts.RUNNING[figures.scale]))
                if figures.running is not None
                else None,
                h("li", h("i.fo-swatch-rate"), say(texts.SUCCESS_RATE)),
            ),
        )
        self.table.html = self._alternative(figures)
        self.pointer.paint(figures, left=self.figure.fig_margin["left"])

    def drawing(self) -> Markup:
        """Return what the figure shows as a drawing, for before it is there."""
        labels = self._times.tick_labels
        return trend(
            [float(height) for height in self.bars.y],
            self.bars.colors,
            dict(zip(self.rates.x.tolist(), self.rates.y.tolist(), strict=True))
            if self.rates.visible
            else {},
            places=[labels.get(str(index), "") for index in range(len(self.bars.y))],
            volumes=Scale(
                self._volume.max,
                {
                    tick: self._volumes.tick_labels[str(int(tick))]
                    for tick in self._volumes.tick_values
                },
            ),
            rates=Scale(100.0, {n: self._rates.tick_labels[str(n)] for n in (0, 50, 100)}),
            margin=self.figure.fig_margin,
        )

    def _about(self, figures: Figures) -> tuple[object, ...]:
        """Return what else a drawing depends on."""
        shown = figures.period, figures.running, figures.zone, figures.metrics.currency
        return (*shown, self._formats.locale)

    def _span(self, figures: Figures) -> str:
        if isinstance(figures.period, Days):
            since, through = self._formats.days(figures.period)
            if since == through:
                return self._formats.say(texts.SPAN_OF_A_DAY, day=since)
            text = texts.SPANS_OF_DAYS[figures.scale]
            return self._formats.say(text, since=since, through=through)
        return self._formats.say(texts.SPANS[figures.period])

    def _named(self, point: TrendPoint, figures: Figures) -> str:
        start, zone = point.bucket.start, figures.zone
        return self._formats.bucket(start, figures.scale, zone, repeats=figures.repeats)

    def _differs(self, points: list[TrendPoint]) -> bool:
        """Whether one would see a difference to what is plotted."""
        plotted, top = self._plotted, self._volume.max
        return len(plotted) != len(points) or any(
            have.bucket != wanted.bucket
            or abs(have.amount - wanted.amount) * FINE > top
            or _rates_differ(have.success_rate, wanted.success_rate)
            for have, wanted in zip(plotted, points, strict=True)
        )

    def _unit(self, figures: Figures) -> Markup | None:
        """Return the currency, unless the axis has room for it."""
        symbol = self._formats.symbol(figures.metrics.currency)
        labelled = any(symbol in label for label in self._volumes.tick_labels.values())
        return None if labelled else h("bdi", f"({symbol})")

    def _plot(self, figures: Figures) -> None:
        points = figures.trends
        count, currency = len(points), figures.metrics.currency
        highest = max((point.amount for point in points), default=0)
        ticks = round_ticks(highest)
        labelled = spread(count)
        # Sent before the ticks, because an axis without a label shows the bare number.
        self._times.tick_labels = {
            str(index): self._named(point, figures) if index in labelled else ""
            for index, point in enumerate(points)
        }
        labels = self._formats.axis(ticks if highest else ticks[:1], currency)
        self._volumes.tick_labels = {
            str(tick): label for tick, label in zip_longest(ticks, labels, fillvalue="")
        }
        self._rates.tick_labels = {
            str(n): self._formats.percent(Decimal(n), decimals=0) for n in (0, 50, 100)
        }
        longest = max(map(letters, labels))
        self.figure.fig_margin = {**MARGIN, "left": max(MARGIN["left"], 20 + 9 * longest)}
        self._volumes.tick_values = np.array(ticks, dtype=float)
        # In steps: with its axis bqplot draws everything anew.
        step = ticks[-1] / (4 * (len(ticks) - 1))
        self._volume.max = float(max(ceil(highest * HEADROOM / step) * step, ticks[-1]))
        rates = [
            (index, float(point.success_rate))
            for index, point in enumerate(points)
            if point.success_rate is not None
        ]
        if len(self._place.domain) != count:
            self._divide(count)
        self.bars.colors = [
            "var(--fo-running)" if index == figures.running else "var(--fo-volume)"
            for index in range(count)
        ]
        with (
            self.bars.hold_sync(),
            self.rate.hold_sync(),
            self.rates.hold_sync(),
            self.columns.hold_sync(),
        ):
            self.bars.x = np.arange(count)
            self.bars.y = np.array([float(point.amount) for point in points])
            # The line has gaps where there are no data. It ends at its last value: bqplot looks there
            # for a place for its name, and reports an error in every browser where there is none.
            line = np.full(rates[-1][0] + 1 if rates else 0, np.nan)
            self.rate.visible = self.rates.visible = bool(rates)
            for index, rate in rates:
                line[index] = rate
            self.rate.x, self.rate.y = np.arange(len(line)), line
            self.rates.x = np.array([index for index, _ in rates])
            self.rates.y = np.array([rate for _, rate in rates])

    def _divide(self, count: int) -> None:
        """Divide the axis into another number of buckets."""
        # A mark outside the domain cannot be drawn, and one drawn before the domain
        # changed stays where it was: so all wait at place 0 for their new data.
        for mark in (self.bars, self.rate, self.rates, self.columns):
            with mark.hold_sync():
                mark.x, mark.y = np.array([0]), np.array([0.0])
        self._place.domain = list(range(count))
        with self.columns.hold_sync():
            self.columns.x, self.columns.y = np.arange(count), np.ones(count)

    def _hover(self, _mark: object, target: dict[str, dict[str, int]]) -> None:
        index = target["data"]["index"]
        if self._figures is not None and index < len(self._figures.trends):
            self._tip.html = bucket_values(self._formats, self._figures, index)

    def _alternative(self, figures: Figures) -> Markup:
        """Return the chart as a table, for screen readers."""
        say = self._formats.say
        table = h(
            "table",
            h("caption", f"{say(texts.TREND)}. {self._span(figures)}"),
            h(
                "tr",
                [
                    h("th", say(text), scope="col")
                    for text in (texts.BUCKET, texts.VOLUME, texts.SUCCESS_RATE, texts.COUNT)
                ],
            ),
            self._table_rows(figures),
        )
        # A table is as wide as its content: only an element around it can hide it.
        return h("div.fo-hidden", table)

    def _table_rows(self, figures: Figures) -> list[Markup]:
        # Only the running bucket differs between repaints; writing all rows took a tenth of one.
        about = self._about(figures)
        known, self._rows = self._rows, {}
        for point in figures.trends:
            key = (point, *about)
            self._rows[key] = known.get(key) or self._table_row(point, figures)
        return list(self._rows.values())

    def _table_row(self, point: TrendPoint, figures: Figures) -> Markup:
        return h(
            "tr",
            h("th", self._named(point, figures), scope="row"),
            h("td", self._formats.money(point.amount, figures.metrics.currency)),
            h("td", self._formats.percent(point.success_rate)),
            h("td", self._formats.count(point.count)),
        )


def _rates_differ(one: Decimal | None, other: Decimal | None) -> bool:
    if one is None or other is None:
        return one is not other
    return abs(one - other) * FINE > 100
