"""All parts of the dashboard and their layout."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial

from bqplot import Axis, Mark, Scale
from ipywidgets import Box, Widget

from financeops.dashboard.html.markup import Markup, h
from financeops.dashboard.language import texts
from financeops.dashboard.language.formats import Formats
from financeops.dashboard.panels.cards import Cards
from financeops.dashboard.panels.declines import Declines
from financeops.dashboard.panels.feed import Feed
from financeops.dashboard.panels.filters import Filters
from financeops.dashboard.panels.header import Header
from financeops.dashboard.panels.methods import MethodChart
from financeops.dashboard.panels.money import Money
from financeops.dashboard.panels.notices import Notice
from financeops.dashboard.panels.panel import Action, Panel
from financeops.dashboard.panels.payment import PaymentPanel
from financeops.dashboard.panels.rates import Rates
from financeops.dashboard.panels.trend import TrendChart
from financeops.dashboard.panels.verdict import Verdict
from financeops.dashboard.preferences import Preferences
from financeops.dashboard.state.model import DashboardModel
from financeops.dashboard.state.totals import Figures
from financeops.dashboard.still import still

logger = logging.getLogger(__name__)


class Screen:
    """All views of one model.

    Parameters
    ----------
    formats : Formats
    preferences : Preferences
    page : Widget
        Comes first because it loads the theme.
    **actions : callable
        Called by the controls.
    """

    def __init__(
        self, formats: Formats, preferences: Preferences, page: Widget, **actions: Action
    ) -> None:
        self._formats = formats
        self.header = Header(formats, preferences, **actions)
        self.notice = Notice(formats)
        self.verdict = Verdict(formats)
        self.cards = Cards(formats)
        self.trend = TrendChart(formats)
        self.methods = MethodChart(formats, **actions)
        self.money = Money(formats)
        self.rates = Rates(formats)
        self.declines = Declines(formats)
        of_feed = {name: actions[name] for name in ("status", "group", "payment")}
        self.feed = Feed(formats, **of_feed)
        self.payment = PaymentPanel(formats, close=actions["close"])
        self.filters = Filters(formats, **actions)
        self._figures: Figures | None = None
        self._of_feed: tuple[object, ...] = ()
        parts = (
            self.verdict,
            self.cards,
            self.trend,
            self.methods,
            self.money,
            self.rates,
            self.feed,
            self.declines,
        )
        self._body = Box([part.widget for part in parts])
        self._body.add_class("fo-body")
        tops = (self.header, self.notice, self.filters)
        self.widget = Box([page, *(part.widget for part in tops), self._body, self.payment.widget])
        self.widget.add_class("fo-dashboard")

    def forget(self) -> None:
        """Repaint every part next time, because the language has changed."""
        self._figures = None

    def paint(self, model: DashboardModel, now: datetime) -> None:
        """Show the model; skip parts whose figures have not changed."""
        self._safely(self.header.widget, partial(self.header.paint, model, now))
        self._safely(self.notice.widget, partial(self.notice.paint, model))
        self._safely(self.filters.widget, partial(self.filters.paint, model))
        self._safely(self.payment.widget, partial(self.payment.paint, model, now))
        shown = model.loaded and not model.empty
        (self._body.remove_class if shown else self._body.add_class)("fo-off")
        (self._body.add_class if model.outdated else self._body.remove_class)("fo-outdated")
        (self._body.add_class if model.counting else self._body.remove_class)("fo-counting")
        incomparable = model.recording is not None
        (self._body.add_class if incomparable else self._body.remove_class)("fo-incomparable")
        if not shown:
            return
        figures = model.figures
        of_feed = model.timeline.beginning, model.history_came, model.reading, model.group
        if figures is self._figures and of_feed == self._of_feed:
            return
        self._figures, self._of_feed = figures, of_feed
        for panel, part in (
            (self.verdict.widget, self.verdict),
            (self.cards.widget, self.cards),
            (self.trend.head, self.trend),
            (self.methods.head, self.methods),
            (self.money.widget, self.money),
            (self.rates.widget, self.rates),
            (self.declines.widget, self.declines),
        ):
            self._safely(panel, partial(part.paint, model))
        self._safely(self.feed.widget, partial(self.feed.paint, model, now))

    def still(self, model: DashboardModel) -> Markup:
        """Return what is on the screen as HTML, for before the widgets are there; it says of when it is."""
        if not model.loaded or model.as_of is None:
            return still(self.widget, {})
        charts = (
            {}
            if model.empty
            else {
                self.trend.figure: self.trend.drawing(),
                self.methods.figure: self.methods.drawing(),
            }
        )
        local = model.as_of.astimezone(model.zone)
        time = self._formats.clock(model.as_of, model.zone, local.date())
        text = self._formats.say(texts.AS_OF, time=time, seq=model.seq)
        as_of = h("p.fo-as-of", text)
        return still(
            self.widget, charts, as_of, data_seq=model.seq, data_as_of=model.as_of.isoformat()
        )

    def panels(self) -> Iterator[Panel]:
        """Iterate over all panels."""
        return (widget for widget in self._widgets() if isinstance(widget, Panel))

    def tell(self) -> None:
        """Send all changing state again, to a page that has missed some of it."""
        for widget in self._widgets():
            match widget:
                case Panel():
                    widget.send_state("html")
                case Box():
                    widget.send_state("_dom_classes")
                case Mark() | Axis() | Scale():
                    widget.send_state()

    def _widgets(self) -> Iterator[Widget]:
        widgets: list[Widget] = [self.widget]
        while widgets:
            widget = widgets.pop()
            yield widget
            for parts in ("children", "marks", "axes"):
                widgets += getattr(widget, parts, ())
            if isinstance(widget, Mark):
                widgets += widget.scales.values()

    def _safely(self, panel: Panel, paint: Callable[[], None]) -> None:
        """Paint one part so that an error in it does not affect the others."""
        try:
            paint()
        except Exception:
            logger.exception("a part of the dashboard could not be painted")
            failed = self._formats.say(texts.PANEL_FAILED)
            panel.html = h("p.fo-box.fo-nothing", failed, role="alert", data_notice="part-failed")
