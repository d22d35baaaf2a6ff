"""The four key figures, each compared with the previous period."""

from __future__ import annotations

from decimal import Decimal

from financeops.core.days import Days
from financeops.core.money import ratio
from financeops.dashboard.html import icons
from financeops.dashboard.html.markup import Markup, h
from financeops.dashboard.html.sparkline import histogram, sparkline
from financeops.dashboard.language import texts
from financeops.dashboard.language.formats import Formats
from financeops.dashboard.panels.panel import Panel
from financeops.dashboard.state.model import DashboardModel
from financeops.dashboard.state.totals import Figures


class Cards:
    """Total volume, success rate, average amount, peak hour."""

    def __init__(self, formats: Formats) -> None:
        self._formats = formats
        self.widget = Panel("cards")

    def paint(self, model: DashboardModel) -> None:
        """Show the model."""
        figures = model.figures
        self.widget.html = h(
            "div.fo-card-row",
            self._total_volume(figures),
            self._success_rate(figures),
            self._average_amount(figures),
            self._peak_hour(figures),
        )

    def _total_volume(self, figures: Figures) -> Markup:
        say = self._formats.say
        last = len(figures.trends) if figures.running is None else figures.running
        # Nothing can be sold yet in what has not begun: that is not to look like a fall.
        amounts = [
            point.amount if place <= last else None for place, point in enumerate(figures.trends)
        ]
        now, before = figures.metrics, figures.previous
        return self._card(
            "total_volume",
            say(texts.TOTAL_VOLUME),
            self._formats.money(now.total_volume, now.currency),
            exact=now.total_volume,
            change=self._relative(now.total_volume, before.total_volume),
            before=self._before(figures),
            note=say(texts.PAYMENTS, count=now.total_payments),
            drawing=sparkline(amounts),
        )

    def _success_rate(self, figures: Figures) -> Markup:
        say = self._formats.say
        now, before = figures.metrics, figures.previous
        return self._card(
            "success_rate",
            say(texts.SUCCESS_RATE),
            self._formats.percent(now.success_rate),
            exact=now.success_rate,
            change=self._points(now.success_rate, before.success_rate),
            before=self._before(figures),
            note=say(texts.OF_PAYMENTS, succeeded=now.succeeded_payments, count=now.total_payments),
            drawing=sparkline([point.success_rate for point in figures.trends]),
        )

    def _average_amount(self, figures: Figures) -> Markup:
        say = self._formats.say
        now, before = figures.metrics, figures.previous
        change = None
        if now.average_amount is not None and before.average_amount:
            change = self._signed(100 * (now.average_amount / before.average_amount - 1))
        return self._card(
            "average_amount",
            say(texts.AVERAGE_AMOUNT),
            self._formats.major(now.average_amount, now.currency),
            exact=now.average_amount,
            change=change,
            before=self._before(figures),
            note=say(texts.PER_SUCCEEDED),
            drawing=sparkline(figures.averages),
        )

    def _peak_hour(self, figures: Figures) -> Markup:
        say = self._formats.say
        now, before = figures.metrics.peak_hour, figures.previous.peak_hour
        change = None
        if now is not None and before is not None:
            moved = say(texts.PREVIOUS_PEAK, hour=self._formats.hour(before))
            change = h("span.fo-change", say(texts.UNCHANGED) if now == before else moved)
        return self._card(
            "peak_hour",
            say(texts.PEAK_HOUR),
            self._formats.hour(now),
            exact=now,
            change=change,
            before=self._before(figures),
            note=say(texts.ATTEMPTS_BY_HOUR),
            drawing=histogram(figures.hours, marked=now),
        )

    def _before(self, figures: Figures) -> str:
        if isinstance(figures.period, Days):
            return self._formats.say(texts.BEFORE_DAYS, count=len(figures.period))
        return self._formats.say(texts.BEFORE[figures.period])

    def _relative(self, now: int, before: int) -> Markup | None:
        change = ratio(100 * (now - before), before)
        return None if change is None else self._signed(change)

    def _points(self, now: Decimal | None, before: Decimal | None) -> Markup | None:
        if now is None or before is None:
            return None
        return self._signed(now - before, points=True)

    def _signed(self, change: Decimal, *, points: bool = False) -> Markup:
        say = self._formats.say
        if not round(change, 1):
            return h("span.fo-change", say(texts.UNCHANGED), data_direction="same")
        text = (
            say(texts.POINTS, points=self._formats.points(change))
            if points
            else h("bdi", self._formats.change(change))
        )
        up = change > 0
        return h(
            "span.fo-change",
            icons.UP if up else icons.DOWN,
            text,
            data_direction="up" if up else "down",
        )

    def _card(
        self,
        name: str,
        title: str,
        value: str,
        *,
        exact: Decimal | int | None,
        change: Markup | None,
        before: str,
        note: str,
        drawing: Markup,
    ) -> Markup:
        """Return a card; `exact` is the unformatted figure (volumes in minor units)."""
        return h(
            "section.fo-card",
            h("h2", title),
            h(
                "p.fo-value",
                h("bdi", value) if exact is not None else self._formats.say(texts.NO_DATA),
                data_figure=name,
                data_exact=exact if exact is not None else "",
                style=f"--fo-characters: {len(value)}",
            ),
            h(
                "p.fo-compare",
                change or h("span.fo-change", self._formats.say(texts.NOTHING_BEFORE)),
                h("span.fo-before", before) if change else None,
            ),
            drawing,
            h("p.fo-note", note),
            data_card=name,
        )
