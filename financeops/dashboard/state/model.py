"""The state of the dashboard: figures that follow the stream, and the connection.

No widgets and no network: the live task feeds it, the views read it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from msgspec.structs import replace
from traitlets import Any as Anything
from traitlets import Bool, Float, HasTraits, Instance, Int, Tuple, Unicode, UseEnum, observe

from financeops.client import Snapshot
from financeops.core.contract.agreements import DEFAULT_TENANT
from financeops.core.days import Days
from financeops.core.dimensions import Dimension
from financeops.core.errors import Busy, FinanceOpsError
from financeops.core.facets import facets_of
from financeops.core.payments import Change, Payment, Status
from financeops.core.periods import Period, Window, day_of, floor_quarter
from financeops.core.questions import Question
from financeops.core.reporting import REPORTING
from financeops.core.selection import Selection
from financeops.core.windows import ALL_TIME
from financeops.dashboard.state.timeline import Entry, Grouping, Timeline
from financeops.dashboard.state.totals import Figures, Totals

HELD = 20_000
"""How many changes are held while paused; beyond that, Resume loads a snapshot instead."""

SLOW = 2
"""Ticks after which figures that were asked for are said to be loading."""

NOTICE = 20
"""Ticks for which a notice to the viewer stays on the screen."""


class Connection(StrEnum):
    """State of the connection to the server."""

    CONNECTING = "connecting"
    LIVE = "live"
    RECONNECTING = "reconnecting"
    STALE = "stale"


class DashboardModel(HasTraits):
    """State of one dashboard.

    Attributes
    ----------
    tenant, period
        Selection of the figures.
    days : Days or None
        The dates that figures and feed are of, instead of the period.
    currency
        Of the figures; empty until the first snapshot is loaded. `chosen_currency` is the viewer's
        choice, None for the tenant's currency. `currencies` are all that the tenant has.
    method
        Limits figures and feed to payments made with this method; None for all. So does
        `chosen_currency`.
    status
        Limits the feed to payments with this status; None for all.
    group
        What stands together in the feed.
    facets
        Limits figures and feed to payments that have these values of dimensions (`core.facets`).
    by
        The dimension by whose values payments are broken down.
    seq : int
        Number of the last change in the figures; `head` is that of the last known change.
    paused : bool
        While paused, changes wait and `missed` counts them.
    connection, disconnected_at, lag
        State of the connection, since when it is lost, and seconds from event to screen.
    error : FinanceOpsError or None
        The reason why the last snapshot could not be loaded.
    loaded : bool
        Whether any figures have been loaded.
    exported : int or None
        Bytes exported so far, while an export is running.
    notice : callable or None
        Says the last message to the viewer, in the language that is chosen when it is called.
    recording : float or None
        Progress of the recording of a simulated history, from 0 to 1; None when it is complete.
    ticks : int
        Seconds that have passed, for what depends on the clock alone.
    history_asked, history_came : int
        How often older entries of the feed were requested, and arrived.
    reading : bool
        Whether older entries of the feed are being read.
    opened : Payment or None
        The payment that the viewer looks at, as it is now.
    openings : int
        How often the viewer opened one.
    """

    tenant = Unicode()
    period = UseEnum(Period, default_value=Period.DAY)
    currency = Unicode()
    days = Instance(Days, allow_none=True)
    chosen_currency = Unicode(None, allow_none=True)
    method = Unicode(None, allow_none=True)
    status = UseEnum(Status, default_value=None, allow_none=True)
    group = UseEnum(Grouping, default_value=Grouping.PAYMENT)
    facets = Tuple()
    by = UseEnum(Dimension, default_value=Dimension.METHOD)
    timezone = Unicode("UTC")
    currencies: tuple[str, ...] = ()

    seq = Int()
    head = Int()
    paused = Bool(default_value=False)
    connection = UseEnum(Connection, default_value=Connection.CONNECTING)
    disconnected_at = Instance(datetime, allow_none=True)
    lag = Float(None, allow_none=True)
    error = Instance(FinanceOpsError, allow_none=True)
    loaded = Bool(default_value=False)
    as_of = Instance(datetime, allow_none=True)
    exported = Int(None, allow_none=True)
    notice = Anything(None, allow_none=True)
    recording = Float(None, allow_none=True)
    ticks = Int()
    history_asked = Int()
    history_came = Int()
    reading = Bool(default_value=False)
    opened = Instance(Payment, allow_none=True)
    openings = Int()

    def __init__(self, tenant: str = DEFAULT_TENANT, period: Period | str = Period.DAY) -> None:
        super().__init__(tenant=tenant, period=Period(period))
        self.timeline = Timeline()
        self._totals = Totals()
        self._waiting: list[Change] = []
        self._overflowed = False
        self._own_currency = ""
        # Currencies of payments; `currencies` names one even where there are none.
        self._paid_in: set[str] = set()
        self._figures: Figures | None = None
        self._arrived_at: datetime | None = None
        self._changed_at: datetime | None = None  # time of the last change shown
        self._notice_at = 0
        self._shown = self.question
        self._asked_at = 0
        self.fresh_at: datetime | None = None
        """Time up to which the figures are known to be complete."""

    @property
    def zone(self) -> ZoneInfo:
        """The tenant's time zone."""
        return ZoneInfo(self.timezone)

    @property
    def feed(self) -> list[Entry]:
        """Selected payments and refunds, newest first."""
        return self.timeline.page(0, len(self.timeline))

    @property
    def window(self) -> Window | None:
        """From the start of the first bucket to the end of the last one."""
        return self._totals.window

    @property
    def shown_days(self) -> Days | None:
        """The days that the figures are of, until today; None as long as there are none."""
        if self.window is None or self.as_of is None:
            return None
        today = day_of(self.as_of, self.zone)
        return self.days or Days(min(day_of(self.window.start, self.zone), today), today)

    @property
    def missed(self) -> int:
        """How many known changes are not yet in the figures."""
        return max(0, self.head - self.seq)

    @property
    def empty(self) -> bool:
        """Whether the tenant has no payments to show."""
        silent = self.loaded and self.timeline.silent and self._totals.empty
        return silent and not self._shown.facets and not self._paid_in

    @property
    def outdated(self) -> bool:
        """Whether other figures were asked for than those that are shown."""
        return self.loaded and self.question != self._shown

    @property
    def slow(self) -> bool:
        """Whether the figures that were asked for take long."""
        return self.outdated and self.ticks - self._asked_at >= SLOW

    @property
    def counting(self) -> bool:
        """Whether they take long because the server has to count them first."""
        return self.slow and (bool(self.facets) or isinstance(self.error, Busy))

    @property
    def figures(self) -> Figures:
        """The figures at `seq`."""
        if self._figures is None:
            self._figures = self._totals.figures(seq=self.seq, method=self.method, by=self.by)
        return self._figures

    def load(self, snapshot: Snapshot, *, own_currency: str = "") -> None:
        """Show a snapshot, which contains everything that was known or waiting before.

        Parameters
        ----------
        snapshot : Snapshot
        own_currency : str
            The tenant's, if it is known: without a choice it is shown as soon as there are payments in it.
        """
        metrics = snapshot.metrics
        with self.hold_trait_notifications():
            self._totals = Totals(snapshot, self.days or self.period, self.question.facets)
            self._shown = self.question
            self.timeline.listed = self._totals.listed
            self._waiting.clear()
            overflowed, self._overflowed = self._overflowed, False
            if overflowed:  # payments may have been removed by changes that were not received
                self.timeline.clear()
            self._figures = None
            self._changed_at = snapshot.as_of
            filtered = bool(self._shown.facets)
            merged = self.timeline.merge(snapshot.payments, filtered=filtered)
            complete = merged and not overflowed
            if not complete and self.selection != Selection():
                self.ask_history()
            self.currencies = tuple(metrics.currencies) or (metrics.currency,)
            self.currency = metrics.currency
            self._own_currency = own_currency
            self._paid_in = set(metrics.currencies)
            self.timezone = metrics.timezone
            self.as_of = self.fresh_at = snapshot.as_of
            self.seq = self.head = snapshot.seq
            self.error = None
            self.loaded = True

    def forget(self) -> None:
        """Clear everything, because another tenant was chosen."""
        with self.hold_trait_notifications():
            self.loaded = False
            self.error = None
            self.timeline.clear()
            self.opened = None
            self.clear_filters()
            self.chosen_currency = None
            self._totals = Totals()
            self._waiting.clear()
            self._figures = None
            self.currency = ""
            self.currencies = ()
            self.seq = self.head = 0

    def clear_filters(self) -> None:
        """Show payments of every method and status, with any values."""
        with self.hold_trait_notifications():
            self.method = self.status = None
            self.facets = ()

    def filter_by(self, dimension: Dimension, value: str | None) -> None:
        """Limit everything to payments with a value of a dimension; None for any, or the same again."""
        if dimension is Dimension.METHOD:
            self.method = None if value == self.method else value
            return
        values = dict(self.facets)
        again = values.pop(dimension.value, None) == value
        self.facets = facets_of(values if again else {**values, dimension.value: value})

    def receive(self, change: Change) -> None:
        """Add the next change, or hold it while paused."""
        if not self.paused:
            self._apply(change)
        elif len(self._waiting) < HELD:
            self._waiting.append(change)
        else:
            self.overflow()
        self.head = max(self.head, change.seq)

    def overflow(self) -> None:
        """Give up holding changes: Resume needs a snapshot."""
        self._waiting.clear()
        self._overflowed = True

    def resume(self) -> int:
        """End the pause and add the changes that waited.

        Returns
        -------
        int
            How many changes arrived meanwhile. If there were too many to hold, `needs_reload` is
            true and the figures are still the old ones.
        """
        came = self.missed
        with self.hold_trait_notifications():
            self.paused = False
            if not self._overflowed:
                waiting, self._waiting = self._waiting, []
                for change in waiting:
                    self._apply(change)
                self._arrived_at = None  # the viewer chose how long they waited
        return came

    def ask_history(self) -> None:
        """Request entries of the feed that are older than the known ones."""
        self.reading = True
        self.history_asked += 1

    def remember(self, payments: list[Payment], *, complete: bool) -> None:
        """Add older entries to the feed; `complete` if none precede them."""
        shown_until = self._changed_at if self.paused else None
        self.timeline.extend(payments, complete=complete, until=shown_until)
        self.history_came += 1

    def take_arrival(self) -> datetime | None:
        """Return the time of the oldest change since the last call."""
        arrived_at, self._arrived_at = self._arrived_at, None
        return arrived_at

    @property
    def needs_reload(self) -> bool:
        """Whether only a snapshot can complete the figures, or show those of the right currency."""
        return (self._overflowed or self._other_currency) and not self.paused

    @property
    def _other_currency(self) -> bool:
        """Whether there are payments in the tenant's currency by now, or in others than the one shown only."""
        if self.chosen_currency or not self._paid_in:
            return False
        if self.currency not in self._paid_in:
            return True
        return self._own_currency != self.currency and self._own_currency in self._paid_in

    def due(self, now: datetime) -> bool:
        """Whether a quarter hour has begun since `as_of`, so that the windows have moved."""
        return (
            self.as_of is not None
            and not self.paused
            and floor_quarter(now) > floor_quarter(self.as_of)
        )

    def disconnected_for(self, now: datetime) -> timedelta | None:
        """How long the connection has been lost."""
        return None if self.disconnected_at is None else now - self.disconnected_at

    def _apply(self, change: Change) -> None:
        currency = change.payment.currency
        if not change.removed:
            self._paid_in.add(currency)
            if currency not in self.currencies:
                self.currencies = tuple(sorted((*self.currencies, currency)))
        self._arrived_at = self._arrived_at or change.at
        self._changed_at = change.at
        if self.opened is not None and change.payment.id == self.opened.id:
            self.opened = None if change.removed else change.payment
        self._totals.add(change)
        self.timeline.listed = self._totals.listed
        self.timeline.add(change)
        self._figures = None
        self.seq = change.seq

    @observe("notice")
    def _keep_notice(self, _change: object) -> None:
        self._notice_at = self.ticks

    @observe("ticks")
    def _drop_notice(self, _change: object) -> None:
        if self.notice and self.ticks - self._notice_at >= NOTICE:
            self.notice = None

    @property
    def question(self) -> Question:
        """Which figures are asked for: of all methods, those of one are taken from them here."""
        chosen = Question(currency=self.chosen_currency, facets=self.facets)
        if self.days is not None:
            return replace(chosen, window=self.days.window(self.zone))
        return replace(chosen, period=self.period)

    @property
    def counts_by(self) -> Dimension | None:
        """Which counts by a dimension are asked for; those by method come with all others."""
        return None if self.by is Dimension.METHOD else self.by

    @property
    def lacks_counts(self) -> bool:
        """Whether the counts by the chosen dimension have not come yet."""
        return self.counts_by not in {None, self._totals.by}

    @property
    def selection(self) -> Selection:
        """Which payments are shown one by one."""
        chosen = self.chosen_currency
        return Selection(
            status=self.status,
            method=self.method,
            currency=None if chosen == REPORTING else chosen,
            window=ALL_TIME if self.days is None else self.days.window(self.zone),
            facets=self.facets,
        )

    @observe("period", "days", "chosen_currency", "facets")
    def _note_question(self, _change: object) -> None:
        self._asked_at = self.ticks

    @observe("by")
    def _break_down(self, _change: object) -> None:
        self._figures = None

    @observe("method", "status", "chosen_currency", "facets", "days", "timezone")
    def _select(self, change: Any) -> None:
        if change.name == "method":
            self._figures = None
        if self.selection != self.timeline.selection:
            self.timeline.select(self.selection)
            self.ask_history()
