"""The values of one bucket of the trend: under the mouse, or reached with the arrow keys."""

from __future__ import annotations

from financeops.dashboard.html.markup import Markup, h
from financeops.dashboard.language import texts
from financeops.dashboard.language.formats import Formats
from financeops.dashboard.panels.panel import Panel
from financeops.dashboard.state.totals import Figures


class Pointer:
    """Shows the values of a bucket without a mouse: the arrow keys move it while it has the focus."""

    def __init__(self, formats: Formats) -> None:
        self._formats = formats
        self._figures: Figures | None = None
        self._left = 0
        self._index: int | None = None
        self.widget = Panel("trend-cursor", point=self._move)

    def paint(self, figures: Figures, *, left: int) -> None:
        """Show the figures; the plot begins `left` pixels from its chart's edge."""
        self._figures, self._left = figures, left
        self.widget.html = self._slider(figures) if figures.trends else h("div")

    def _move(self, key: str | None) -> None:
        if self._figures is None or not self._figures.trends:
            return
        last = len(self._figures.trends) - 1
        at = last if self._index is None else min(self._index, last)
        match key:
            case "ArrowLeft":
                at = max(0, at - 1)
            case "ArrowRight":
                at = min(last, at + 1)
            case "Home":
                at = 0
            case "End":
                at = last
            case _:
                return
        self._index = (
            None if at == last else at
        )  # the running bucket stays selected as the last one
        self.paint(self._figures, left=self._left)

    def _slider(self, figures: Figures) -> Markup:
        count = len(figures.trends)
        index = count - 1 if self._index is None else min(self._index, count - 1)
        point = figures.trends[index]
        values = (
            self._formats.long_bucket(point.bucket.start, figures.scale, figures.zone),
            self._formats.money(point.amount, figures.metrics.currency),
            self._formats.percent(point.success_rate),
            self._formats.say(texts.PAYMENTS, count=point.count),
        )
        return h(
            "div.fo-pointer",
            h("div.fo-pointer-column"),
            h("div.fo-tip", bucket_values(self._formats, figures, index), aria_hidden="true"),
            tabindex=0,
            role="slider",
            aria_label=self._formats.say(texts.TREND_KEYS),
            aria_valuemin=0,
            aria_valuemax=count - 1,
            aria_valuenow=index,
            aria_valuetext=", ".join(values),
            data_moves="point",
            data_half="second" if 2 * index >= count else "first",
            style=f"--fo-place: {index / count:.5f}; --fo-width: {1 / count:.5f}; "
            f"--fo-left: {self._left}px",
        )


def bucket_values(formats: Formats, figures: Figures, index: int) -> Markup:
    """Return time, volume, success rate and number of payments of a bucket."""
    say, point = formats.say, figures.trends[index]
    running = index == figures.running
    return h(
        "div.fo-tip-box",
        h(
            "p.fo-tip-title",
            formats.long_bucket(point.bucket.start, figures.scale, figures.zone),
            h("span", say(texts.RUNNING[figures.scale])) if running else None,
        ),
        h(
            "dl",
            h("dt", h("i.fo-swatch-volume"), say(texts.VOLUME)),
            h("dd", h("bdi", formats.money(point.amount, figures.metrics.currency))),
            h("dt", h("i.fo-swatch-rate"), say(texts.SUCCESS_RATE)),
            h("dd", h("bdi", formats.percent(point.success_rate))),
            h("dt", h("i"), say(texts.COUNT)),
            h("dd", formats.count(point.count)),
        ),
    )
