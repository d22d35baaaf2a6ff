"""Why payments fail."""

from __future__ import annotations

from collections.abc import Sequence

from financeops.core.declines import FailureStage
from financeops.core.metrics import DeclineFigures, Metrics
from financeops.core.money import ratio
from financeops.dashboard.html.markup import Markup, h, words
from financeops.dashboard.language import texts
from financeops.dashboard.language.formats import Formats
from financeops.dashboard.panels.panel import Panel
from financeops.dashboard.state.model import DashboardModel

SHOWN = 10
"""How many reasons have a line of their own; the others share one."""


class Declines:
    """Where payments failed, and their decline reasons as a table with bars."""

    def __init__(self, formats: Formats) -> None:
        self._formats = formats
        self.widget = Panel("declines")

    def paint(self, model: DashboardModel) -> None:
        """Show the model."""
        say = self._formats.say
        figures = model.figures
        failed = figures.metrics.failed_payments
        currency = figures.metrics.currency
        rows, others = figures.declines[:SHOWN], figures.declines[SHOWN:]
        self.widget.html = h(
            "section.fo-box",
            h(
                "div.fo-box-head",
                h("h2", say(texts.DECLINES)),
                h("p", say(texts.DECLINES_SPAN, count=failed)) if rows else None,
            ),
            self._stages(figures.metrics) if rows else None,
            h(
                "table.fo-bars.fo-named",
                h("caption.fo-hidden", say(texts.DECLINES)),
                h(
                    "thead",
                    h(
                        "tr",
                        h("th", say(texts.REASON), scope="col"),
                        [
                            h("th.fo-number", say(text), scope="col")
                            for text in (texts.COUNT, texts.VOLUME, texts.SHARE)
                        ],
                    ),
                ),
                h(
                    "tbody",
                    [self._row(row, currency) for row in rows],
                    self._others(others, currency, failed=failed) if others else None,
                ),
            )
            if rows
            else h("p.fo-nothing", say(texts.NO_DECLINES)),
        )

    def _stages(self, metrics: Metrics) -> Markup:
        """Return how many failed at which stage, and what that says of another try."""
        say, count = self._formats.say, self._formats.count
        stages = {
            stage: n for stage in FailureStage if (n := getattr(metrics, f"failures_{stage.value}"))
        }
        tries = (
            (texts.SOFT_DECLINES, metrics.soft_declines),
            (texts.HARD_DECLINES, metrics.hard_declines),
        )
        return h(
            "div.fo-stages",
            h(
                "div.fo-stage-bar",
                [h("i", data_stage=stage, style=f"flex-grow: {n}") for stage, n in stages.items()],
                aria_hidden="true",
            ),
            h(
                "ul.fo-legend",
                [
                    h("li", h("i", data_stage=stage), say(texts.STAGES[stage]), h("bdi", count(n)))
                    for stage, n in stages.items()
                ],
                aria_label=say(texts.FAILED_AT),
            ),
            h(
                "p.fo-tries",
                [h("span", say(text, count=n)) for text, n in tries if n],
                h(
                    "span",
                    say(
                        texts.AUTHORIZED,
                        rate=self._formats.percent(metrics.authorization_rate),
                    ),
                    title=say(texts.AUTHORIZED_TITLE),
                ),
            ),
        )

    def _row(self, row: DeclineFigures, currency: str) -> Markup:
        name = self._formats.named(row.decline_code, texts.REASONS)
        return self._line(name, row, currency, data_decline=row.decline_code)

    def _others(self, rows: Sequence[DeclineFigures], currency: str, *, failed: int) -> Markup:
        """Return the line with which the lines add up to all failures."""
        count = sum(row.count for row in rows)
        together = DeclineFigures(
            decline_code="",
            count=count,
            volume=sum(row.volume for row in rows),
            share=ratio(100 * count, failed),
        )
        name = self._formats.say(texts.OTHER_REASONS, count=len(rows))
        return self._line(name, together, currency, data_others=len(rows))

    def _line(self, name: str, row: DeclineFigures, currency: str, **marks: str | int) -> Markup:
        return h(
            "tr",
            h("th", words(name), scope="row"),
            h("td.fo-number", h("bdi", self._formats.count(row.count))),
            h("td.fo-number.fo-quiet", h("bdi", self._formats.short_money(row.volume, currency))),
            h("td.fo-number.fo-share", h("bdi", self._formats.percent(row.share, decimals=0))),
            data_key=row.decline_code,
            **marks,
            style=f"--fo-share: {float(row.share or 0):.1f}%",
        )
