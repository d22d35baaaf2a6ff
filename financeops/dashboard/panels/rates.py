"""Three rates of the same payments side by side, each with what it leaves out."""

from __future__ import annotations

from decimal import Decimal

from financeops.core.metrics import Metrics
from financeops.dashboard.html.markup import Markup, h
from financeops.dashboard.language import texts
from financeops.dashboard.language.formats import Formats
from financeops.dashboard.panels.panel import Panel
from financeops.dashboard.state.model import DashboardModel


class Rates:
    """Of all attempts, of those that an issuer decided on, and of orders."""

    def __init__(self, formats: Formats) -> None:
        self._formats = formats
        self.widget = Panel("rates")

    def paint(self, model: DashboardModel) -> None:
        """Show the model."""
        say, metrics = self._formats.say, model.figures.metrics
        succeeded, orders = metrics.succeeded_payments, metrics.orders
        decided = succeeded + metrics.failures_declined
        self.widget.html = h(
            "section.fo-box",
            h("div.fo-box-head", h("h2", say(texts.RATES)), h("p", say(texts.RATES_SPAN))),
            h(
                "dl.fo-rate-row",
                self._rate(
                    "success_rate",
                    say(texts.SUCCESS_RATE),
                    metrics.success_rate,
                    counts=say(
                        texts.OF_PAYMENTS, succeeded=succeeded, count=metrics.total_payments
                    ),
                    leaves_out=say(texts.SUCCESS_LEAVES_OUT),
                ),
                self._rate(
                    "authorization_rate",
                    say(texts.AUTHORIZATION_RATE),
                    metrics.authorization_rate,
                    counts=say(texts.OF_DECIDED, succeeded=succeeded, count=decided),
                    leaves_out=say(texts.AUTHORIZATION_LEAVES_OUT),
                ),
                self._rate(
                    "order_success_rate",
                    say(texts.ORDER_RATE),
                    metrics.order_success_rate,
                    counts=say(texts.OF_ORDERS, succeeded=metrics.succeeded_orders, count=orders),
                    leaves_out=say(texts.ORDER_LEAVES_OUT),
                    more=self._of_orders(metrics),
                ),
            ),
        )

    def _of_orders(self, metrics: Metrics) -> Markup | None:
        """Return how orders came to their end."""
        say, percent = self._formats.say, self._formats.percent
        if not metrics.orders:
            return None
        if metrics.orders == metrics.total_payments:
            return h("p.fo-note", say(texts.NO_RETRIES))
        told = (
            (texts.FIRST_ATTEMPT, "first_attempt_rate", metrics.first_attempt_rate),
            (texts.RECOVERED, "recovered_share", metrics.recovered_share),
        )
        return h(
            "p.fo-note",
            [
                h(
                    "span",
                    say(text, rate=say(texts.NO_DATA) if rate is None else percent(rate)),
                    data_rate=name,
                    data_exact="" if rate is None else rate,
                )
                for text, name, rate in told
            ],
        )

    def _rate(
        self,
        name: str,
        title: str,
        rate: Decimal | None,
        *,
        counts: str,
        leaves_out: str,
        more: Markup | None = None,
    ) -> Markup:
        nothing = rate is None
        said = (
            self._formats.say(texts.NO_DATA) if nothing else h("bdi", self._formats.percent(rate))
        )
        return h(
            "div",
            h("dt", title),
            h(
                "dd",
                h("strong", said),
                h(
                    "div.fo-meter",
                    h("i", style=f"width: {float(rate or 0):.1f}%"),
                    aria_hidden="true",
                ),
                None if nothing else h("span.fo-quiet", counts),
                h("p", leaves_out),
                more,
            ),
            data_key=name,
            data_rate=name,
            data_exact="" if nothing else rate,
        )
