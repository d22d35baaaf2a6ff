"""The live feed: payments and refunds as they happen."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from zoneinfo import ZoneInfo

from babel import Locale
from msgspec import Struct

from financeops.core.disputes import DisputeStatus
from financeops.core.payments import Payment, Status
from financeops.core.selection import Selection
from financeops.dashboard.html.markup import Markup, h, words
from financeops.dashboard.language import texts
from financeops.dashboard.language.formats import Formats
from financeops.dashboard.language.words import Plural, Text
from financeops.dashboard.panels.panel import Action, Panel
from financeops.dashboard.state.model import DashboardModel
from financeops.dashboard.state.timeline import Entry, Grouping, Timeline

PAGE = 12
"""Lines on one page of the feed."""


class Line(Struct, frozen=True):
    """An entry as it is shown: `joined` to the order above it, and which attempt of several it is."""

    entry: Entry
    joined: bool = False
    attempt: int | None = None

    def shows(self, other: Line) -> bool:
        """Whether it looks like another one."""
        # By identity: comparing payments costs as much as writing them.
        same = self.entry is other.entry
        return same and (self.joined, self.attempt) == (other.joined, other.attempt)


class Feed:
    """A table of payments and refunds, newest first, a page at a time.

    Parameters
    ----------
    formats : Formats
    **actions : callable
        ``status``, called with the chosen status, or None for all; ``group``, with what is to stand
        together; ``payment``, with the id of the one to open.
    """

    def __init__(self, formats: Formats, **actions: Action) -> None:
        self._formats = formats
        self._first = 0
        self._beginning = self._added = 0
        self._shown = 0
        self._rows: dict[str, tuple[Line, Markup]] = {}
        self._rows_as: tuple[Locale, ZoneInfo, date, Grouping] | None = None
        self._painted: tuple[DashboardModel, datetime] | None = None
        self.widget = Panel(
            "feed",
            **actions,
            newer=lambda _value: self._turn(-1),
            older=lambda _value: self._turn(1),
        )

    def paint(self, model: DashboardModel, now: datetime) -> None:
        """Show the model."""
        self._painted = model, now
        say = self._formats.say
        timeline = model.timeline
        self._follow(timeline)
        shown = self._page(model)
        self._shown = len(shown)
        rows = self._known_rows(shown, model, now.astimezone(model.zone).date())
        self.widget.html = h(
            "section.fo-box",
            h(
                "div.fo-box-head",
                h("h2", self._heading(model)),
                h("p", say(self._span(model), count=len(timeline))),
                h("div.fo-feed-choices", self._grouping(model), self._statuses(model)),
            ),
            h(
                "table.fo-table",
                h("caption.fo-hidden", self._heading(model)),
                h(
                    "thead",
                    h(
                        "tr",
                        h("th", say(texts.TIME), scope="col"),
                        h("th", say(texts.METHOD), scope="col"),
                        h("th", say(texts.STATUS), scope="col"),
                        h("th.fo-reason", say(texts.REASON), scope="col"),
                        h("th.fo-id", say(texts.PAYMENT), scope="col"),
                        h("th.fo-number", say(texts.AMOUNT), scope="col"),
                    ),
                ),
                h("tbody", rows),
            )
            if shown
            else h("p.fo-nothing", say(self._nothing(timeline))),
            self._pager(timeline) if len(timeline) > len(shown) else None,
        )

    def _follow(self, timeline: Timeline) -> None:
        """Stay on the newest page, or on the older one that is being read, as entries arrive."""
        if self._beginning != timeline.beginning:
            self._beginning, self._first = timeline.beginning, 0
        elif self._first:
            self._first += timeline.added - self._added
        self._added = timeline.added
        self._first = max(0, min(self._first, len(timeline) - 1))

    def _page(self, model: DashboardModel) -> list[Line]:
        if model.group is Grouping.PAYMENT:
            return [Line(entry) for entry in model.timeline.page(self._first, PAGE)]
        self._first, orders = model.timeline.page_of_orders(self._first, PAGE)
        return [
            Line(
                entry,
                joined=place > 0,
                attempt=entry.payment.attempt
                if len(order) > 1 or (entry.payment.attempt or 1) > 1
                else None,
            )
            for order in orders
            for place, entry in enumerate(order)
        ]

    def _heading(self, model: DashboardModel) -> str:
        if model.days is None:
            return self._formats.say(texts.FEED)
        since, through = self._formats.days(model.days)
        if since == through:
            return self._formats.say(texts.FEED_OF_DAY, day=since)
        return self._formats.say(texts.FEED_OF_DAYS, since=since, through=through)

    def _span(self, model: DashboardModel) -> Plural:
        """Which payments these are: while older ones are on their way, not yet the newest ones only."""
        if model.reading:
            return texts.FEED_READING
        return texts.FEED_SPAN if model.days is None else texts.FEED_NEWEST

    def _nothing(self, timeline: Timeline) -> Text:
        if timeline.selection == Selection():
            return texts.FEED_EMPTY
        return texts.FEED_NONE if timeline.complete else texts.FEED_SEARCHING

    def _grouping(self, model: DashboardModel) -> Markup | None:
        """A switch, where it makes a difference."""
        by_order = model.group is Grouping.ORDER
        if not by_order and not model.timeline.has_orders:
            return None
        return h(
            "button.fo-button.fo-group",
            self._formats.say(texts.BY_ORDER),
            type="button",
            data_action="group",
            data_value=Grouping.ORDER.value,
            data_toggles=True,
            aria_pressed="true" if by_order else "false",
        )

    def _statuses(self, model: DashboardModel) -> Markup:
        say = self._formats.say
        options = {"": say(texts.ALL)} | {each.value: say(texts.STATUSES[each]) for each in Status}
        chosen = model.status.value if model.status else ""
        return h(
            "div.fo-segments.fo-statuses",
            [
                h(
                    "button",
                    text,
                    type="button",
                    data_action="status",
                    data_value=value,
                    aria_pressed="true" if value == chosen else "false",
                    data_toggles=True,
                )
                for value, text in options.items()
            ],
            role="group",
            aria_label=say(texts.STATUS),
        )

    def _status(self, status: Status) -> Markup:
        name = self._formats.say(texts.STATUSES[status])
        return h(
            "button.fo-status",
            name,
            type="button",
            title=self._formats.say(texts.SHOW_ONLY, name=name),
            # For the mouse only: keyboard users choose the same above the table.
            tabindex=-1,
            data_action="status",
            data_value=status.value,
        )

    def _known_rows(self, shown: list[Line], model: DashboardModel, today: date) -> list[Markup]:
        # Most were there a repaint before; writing them was a fifth of one.
        about = (self._formats.locale, model.zone, today, model.group)
        known = self._rows if about == self._rows_as else {}
        self._rows_as, self._rows = about, {}
        for line in shown:
            row = known.get(line.entry.key)
            if row is None or not row[0].shows(line):
                row = line, self._row(line, model.zone, today)
            self._rows[line.entry.key] = row
        return [markup for _, markup in self._rows.values()]

    def _row(self, line: Line, zone: ZoneInfo, today: date) -> Markup:
        entry, payment = line.entry, line.entry.payment
        reason = payment.counted_decline
        status = self._formats.say(texts.STATUSES[payment.status])
        time = h("bdi", self._formats.clock(entry.at, zone, today))
        return h(
            "tr",
            h("td.fo-time", time),
            h(
                "td",
                h("bdi", words(self._formats.named(payment.method, texts.METHODS))),
                self._attempt(line),
                h("span.fo-status.fo-below", status),
            ),
            h("td", self._status(payment.status)),
            h(
                "td.fo-reason.fo-quiet",
                h("bdi", words(self._formats.named(reason, texts.REASONS))) if reason else None,
            ),
            h("td.fo-quiet.fo-id", h("bdi", payment.id)),
            h(
                "td.fo-number",
                h(
                    "button.fo-open",
                    h("bdi", self._formats.money(payment.amount, payment.currency)),
                    type="button",
                    title=self._formats.say(texts.OPEN_PAYMENT),
                    data_action="payment",
                    data_value=payment.id,
                ),
                [h("span.fo-part", said) for said in self._since(payment)],
                h("span.fo-time.fo-below", time),
            ),
            data_key=entry.key,
            data_payment=payment.id,
            data_status=payment.status.value,
            data_joined=line.joined or None,
        )

    def _attempt(self, line: Line) -> Markup | None:
        if line.attempt is None:
            return None
        number = self._formats.count(line.attempt)
        said = self._formats.say(texts.ATTEMPT_NUMBER, attempt=number)
        return h("span.fo-part", said, title=line.entry.payment.order_id)

    def _since(self, payment: Payment) -> Iterator[str]:
        """What happened since to a payment that its status does not tell."""
        say, currency = self._formats.say, payment.currency
        if payment.recovered_by is not None:
            number = self._formats.count(payment.recovered_by)
            yield say(texts.PAID_LATER, attempt=number)
        if payment.status is Status.SUCCESS and payment.returned:
            yield say(texts.PART_REFUNDED, amount=self._formats.money(payment.returned, currency))
        if (dispute := payment.dispute) is not None:
            if dispute.status is DisputeStatus.OPEN:
                yield say(texts.DISPUTED, amount=self._formats.money(dispute.amount, currency))
            else:
                yield say(texts.DISPUTES[dispute.status])

    def _pager(self, timeline: Timeline) -> Markup:
        say = self._formats.say
        count, last = len(timeline), self._first + self._shown
        of_all = texts.PAGE_OF_MORE if timeline.extensible else texts.PAGE
        return h(
            "nav.fo-pager",
            self._turner("newer", say(texts.NEWER), possible=self._first > 0),
            h("span", say(of_all, first=self._first + 1, last=last, count=count)),
            self._turner("older", say(texts.OLDER), possible=last < count),
            aria_label=say(texts.PAGES),
        )

    def _turner(self, action: str, text: str, *, possible: bool) -> Markup:
        return h(
            "button.fo-button",
            text,
            type="button",
            data_action=action,
            # Not `disabled`: that would take the focus from a viewer who reaches the last page.
            aria_disabled=None if possible else "true",
        )

    def _turn(self, pages: int) -> None:
        if self._painted is None:
            return
        model, now = self._painted
        count = len(model.timeline)
        first = max(0, self._first + (self._shown if pages > 0 else pages * PAGE))
        if first < count:
            self._first = first
        if first + 2 * PAGE > count and model.timeline.extensible:
            model.ask_history()
        self.paint(model, now)
