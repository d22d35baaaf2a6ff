"""Every part of the dashboard, and how they are laid out."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from functools import partial

from ipywidgets import Box, Widget

from financeops.dashboard.cards import Cards
from financeops.dashboard.declines import Declines
from financeops.dashboard.feed import Feed
from financeops.dashboard.formats import Formats
from financeops.dashboard.header import Header
from financeops.dashboard.methods import MethodChart
from financeops.dashboard.model import DashboardModel, Figures
from financeops.dashboard.notices import Notice
from financeops.dashboard.panel import Action
from financeops.dashboard.trend import TrendChart

logger = logging.getLogger(__name__)


class Screen:
    """All views of one model.

    Parameters
    ----------
    formats : Formats
    page : Widget
        Comes first, for it brings the theme.
    **actions : callable
        What the header's controls do.
    """

    def __init__(self, formats: Formats, page: Widget, **actions: Action) -> None:
        self.header = Header(formats, **actions)
        self.notice = Notice(formats)
        self.cards = Cards(formats)
        self.trend = TrendChart(formats)
        self.methods = MethodChart(formats)
        self.declines = Declines(formats)
        self.feed = Feed(formats)
        self._painted: Figures | None = None
        parts = (self.cards, self.trend, self.methods, self.feed, self.declines)
        self._body = Box([part.widget for part in parts])
        self._body.add_class("fo-body")
        self.widget = Box([page, self.header.widget, self.notice.widget, self._body])
        self.widget.add_class("fo-dashboard")

    def paint(self, model: DashboardModel, now: datetime) -> None:
        """Show the model; parts whose figures did not change cost nothing."""
        _safely(partial(self.header.paint, model, now))
        _safely(partial(self.notice.paint, model))
        shown = model.loaded and not model.empty
        (self._body.remove_class if shown else self._body.add_class)("fo-off")
        if not shown or model.figures is self._painted:
            return
        self._painted = model.figures
        for part in (self.cards, self.trend, self.methods, self.declines):
            _safely(partial(part.paint, model))
        _safely(partial(self.feed.paint, model, now))


def _safely(paint: Callable[[], None]) -> None:
    """Run one part's painting: its fault must leave the others alive."""
    try:
        paint()
    except Exception:
        logger.exception("a part of the dashboard could not be painted")
