"""The live feed: payments and refunds as they happen."""

from __future__ import annotations

from datetime import date, datetime

from financeops.dashboard import texts
from financeops.dashboard.formats import Formats
from financeops.dashboard.markup import Markup, h
from financeops.dashboard.model import DashboardModel, Entry
from financeops.dashboard.panel import Panel

PAGE = 12
"""Lines on one page of the feed."""


class Feed:
    """A table of what happened, newest first, a page at a time."""

    def __init__(self, formats: Formats) -> None:
        self._formats = formats
        self._page = 0
        self._painted: tuple[DashboardModel, datetime] | None = None
        self.widget = Panel(
            "feed", newer=lambda _value: self._turn(-1), older=lambda _value: self._turn(1)
        )

    def paint(self, model: DashboardModel, now: datetime) -> None:
        """Show the model."""
        self._painted = model, now
        entries = model.feed
        self._page = max(0, min(self._page, (len(entries) - 1) // PAGE))
        first = self._page * PAGE
        shown = entries[first : first + PAGE]
        today = now.astimezone(model.zone).date()
        self.widget.html = h(
            "section.fo-box",
            h(
                "div.fo-box-head",
                h("h2", texts.FEED),
                h("p", texts.FEED_SPAN.format(count=self._formats.count(len(entries)))),
            ),
            h(
                "table.fo-table",
                h("caption.fo-hidden", texts.FEED),
                h(
                    "thead",
                    h(
                        "tr",
                        h("th", texts.TIME, scope="col"),
                        h("th", texts.METHOD, scope="col"),
                        h("th", texts.STATUS, scope="col"),
                        h("th.fo-wide", texts.REASON, scope="col"),
                        h("th.fo-wide", texts.PAYMENT, scope="col"),
                        h("th.fo-number", texts.AMOUNT, scope="col"),
                    ),
                ),
                h("tbody", [self._row(entry, model, today) for entry in shown]),
            )
            if entries
            else h("p.fo-nothing", texts.FEED_EMPTY),
            self._pager(first, len(shown), len(entries)) if len(entries) > PAGE else None,
        )

    def _row(self, entry: Entry, model: DashboardModel, today: date) -> Markup:
        payment = entry.payment
        reason = payment.counted_decline
        return h(
            "tr",
            h("td.fo-time", self._formats.clock(entry.at, model.zone, today)),
            h("td", texts.humanized(payment.method, texts.METHODS)),
            h("td", h("span.fo-status", texts.STATUSES[payment.status])),
            h("td.fo-wide.fo-quiet", texts.humanized(reason) if reason else None),
            h("td.fo-wide.fo-quiet.fo-id", payment.id, title=payment.id),
            h("td.fo-number", self._formats.money(payment.amount, payment.currency)),
            data_key=entry.key,
            data_payment=payment.id,
            data_status=payment.status.value,
        )

    def _pager(self, first: int, shown: int, count: int) -> Markup:
        return h(
            "nav.fo-pager",
            h(
                "button.fo-button",
                texts.NEWER,
                type="button",
                data_action="newer",
                disabled=first == 0,
            ),
            h(
                "span",
                texts.PAGE.format(
                    first=first + 1, last=first + shown, count=self._formats.count(count)
                ),
            ),
            h(
                "button.fo-button",
                texts.OLDER,
                type="button",
                data_action="older",
                disabled=first + shown >= count,
            ),
            aria_label=texts.FEED,
        )

    def _turn(self, pages: int) -> None:
        self._page += pages
        if self._painted is not None:
            self.paint(*self._painted)
