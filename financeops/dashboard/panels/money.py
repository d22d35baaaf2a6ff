"""Where the money goes: from what was paid to what is kept."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from financeops.core.metrics import Metrics
from financeops.core.money import ratio
from financeops.dashboard.html.markup import Markup, h
from financeops.dashboard.language import texts
from financeops.dashboard.language.formats import Formats
from financeops.dashboard.language.words import Text
from financeops.dashboard.panels.panel import Panel
from financeops.dashboard.state.model import DashboardModel


class Step(Struct, frozen=True):
    """A step of the way: what it adds, in minor units, and from where to where its bar goes."""

    name: str
    text: Text
    amount: int
    begin: int
    end: int
    whole: bool = False


def steps_of(metrics: Metrics) -> Iterator[Step]:
    """The steps from the total to what is kept; a credit of fees goes up, and what is kept may be below zero."""
    left = metrics.total_volume
    yield Step("total_volume", texts.TOTAL_VOLUME, left, 0, left, whole=True)
    for name, text in (
        ("refunded_volume", texts.REFUNDS),
        ("lost_volume", texts.LOST_DISPUTES),
        ("fee_volume", texts.FEES),
    ):
        amount = -getattr(metrics, name)
        yield Step(name, text, amount, left, left + amount)
        left += amount
    yield Step("net_revenue", texts.KEPT, left, 0, left, whole=True)


class Money:
    """Total volume, less refunds, lost disputes and fees, as a waterfall with its figures."""

    def __init__(self, formats: Formats) -> None:
        self._formats = formats
        self.widget = Panel("money")

    def paint(self, model: DashboardModel) -> None:
        """Show the model."""
        say, metrics = self._formats.say, model.figures.metrics
        steps = list(steps_of(metrics))
        self.widget.html = h(
            "section.fo-box",
            h("div.fo-box-head", h("h2", say(texts.MONEY)), h("p", say(texts.MONEY_SPAN))),
            h(
                "table.fo-steps",
                h("caption.fo-hidden", say(texts.MONEY)),
                h(
                    "thead",
                    h(
                        "tr",
                        h("th", say(texts.STEP), scope="col"),
                        h("th.fo-number", say(texts.AMOUNT), scope="col"),
                        h("th.fo-number", say(texts.OF_TOTAL), scope="col"),
                    ),
                ),
                h("tbody", [self._row(step, steps, metrics) for step in steps]),
            ),
            h("p.fo-note", self._note(metrics)),
        )

    def _row(self, step: Step, steps: list[Step], metrics: Metrics) -> Markup:
        total = metrics.total_volume
        share = ratio(100 * abs(step.amount) if not step.whole else 100 * step.amount, total)
        written = self._formats.money(step.amount, metrics.currency)
        nothing = not step.amount and not step.whole
        return h(
            "tr",
            h("th", self._formats.say(step.text), scope="row"),
            h(
                "td.fo-number",
                self._formats.say(texts.NONE_SO_FAR) if nothing else h("bdi", written),
            ),
            h(
                "td.fo-number.fo-share",
                None if nothing else h("bdi", self._formats.percent(share)),
            ),
            h("td.fo-step", _bar(step, steps), aria_hidden="true"),
            data_key=step.name,
            data_step=step.name,
            data_exact=step.amount,
            data_none=nothing,
        )

    def _note(self, metrics: Metrics) -> str:
        """Return what the figures do not say: what may still be lost, or that nothing is known to be taken."""
        say = self._formats.say
        if metrics.open_disputes:
            return say(texts.OPEN_DISPUTES, count=metrics.open_disputes)
        if metrics.total_volume and metrics.net_revenue == metrics.total_volume:
            return say(texts.NOTHING_TAKEN)
        return say(texts.BY_PAYMENT_DATE)


def _bar(step: Step, steps: list[Step]) -> Markup | None:
    """Its place between the lowest and the highest point of all."""
    ends = [0, *(each.end for each in steps)]
    low, span = min(ends), max(ends) - min(ends)
    if not span:
        return None
    begin, end = sorted((step.begin, step.end))
    place = f"--fo-place: {(begin - low) / span:.4f}; --fo-width: {(end - begin) / span:.4f}"
    zero = h("i.fo-zero", style=f"--fo-place: {-low / span:.4f}") if low < 0 else None
    return h("div", h("i.fo-step-bar", style=place) if begin != end else None, zero)
