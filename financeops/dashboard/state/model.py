"""What the dashboard knows: figures that follow the stream, and the state of the connection.

No widgets and no network: the live task feeds it, the views read it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from traitlets import Bool, Float, HasTraits, Instance, Int, Unicode, UseEnum, observe

from financeops.client.answers import Snapshot
from financeops.core.errors import FinanceOpsError
from financeops.core.payments import Change, Payment, Status
from financeops.core.periods import Period, Window, floor_quarter
from financeops.core.questions import Question
from financeops.core.selection import Selection
from financeops.dashboard.state.figures import Figures, Totals
from financeops.dashboard.state.timeline import Entry, Timeline

HELD = 20_000
"""How many changes are kept while paused; when more come, Resume loads a snapshot instead."""

NOTICE = 20
"""So many ticks is something said to the viewer left standing."""


class Connection(StrEnum):
    """How the dashboard stands with the server."""

    CONNECTING = "connecting"
    LIVE = "live"
    RECONNECTING = "reconnecting"
    STALE = "stale"


class DashboardModel(HasTraits):
    """State of one dashboard.

    Attributes
    ----------
    tenant, period
        What is shown.
    currency
        Of the figures; empty until the first snapshot tells the tenant's. `chosen_currency` is the
        one that the viewer asked for, None for the tenant's. `currencies` are all it has.
    method
        Only its payments are in figures and feed; None for all.
    status
        Only payments of this status are in the feed; None for all.
    seq : int
        The last change that is in the figures; `head` the last one heard of.
    paused : bool
        While paused changes wait, and `missed` counts them.
    connection, disconnected_at, lag
        How the server is reached, since when it is not, and seconds from event to screen.
    error : FinanceOpsError or None
        Why the last snapshot could not be loaded.
    loaded : bool
        Whether there are figures at all.
    exported : int or None
        Bytes of an export that is under way.
    notice : str
        What was last said to the viewer.
    recording : float or None
        So much of a made-up history, from 0 to 1, is recorded while it still is.
    ticks : int
        Seconds that went by: what is said by the clock alone follows it.
    history_asked, history_came : int
        How often older entries of the feed were asked for, and came.
    """

    tenant = Unicode()
    period = UseEnum(Period, default_value=Period.DAY)
    currency = Unicode()
    chosen_currency = Unicode(None, allow_none=True)
    method = Unicode(None, allow_none=True)
    status = UseEnum(Status, default_value=None, allow_none=True)
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
    notice = Unicode()
    recording = Float(None, allow_none=True)
    ticks = Int()
    history_asked = Int()
    history_came = Int()

    def __init__(self, tenant: str = "tenant_1", period: Period | str = Period.DAY) -> None:
        super().__init__(tenant=tenant, period=Period(period))
        self.timeline = Timeline()
        self._totals = Totals()
        self._waiting: list[Change] = []
        self._overflowed = False
        self._figures: Figures | None = None
        self._arrived_at: datetime | None = None
        self._changed_at: datetime | None = None  # the last change that is shown
        self._said_at = 0
        self.fresh_at: datetime | None = None
        """Up to when the figures are known to be complete."""

    @property
    def zone(self) -> ZoneInfo:
        """The tenant's time zone."""
        return self._totals.zone

    @property
    def feed(self) -> list[Entry]:
        """Payments and refunds that are selected, newest first."""
        return self.timeline.page(0, len(self.timeline))

    @property
    def window(self) -> Window | None:
        """From the period's first bucket to the end of the running one."""
        return self._totals.window

    @property
    def missed(self) -> int:
        """How many changes are known of but not in the figures."""
        return max(0, self.head - self.seq)

    @property
    def empty(self) -> bool:
        """Whether the tenant has no payments that could be shown."""
        return self.loaded and self.timeline.silent and self._totals.empty

    @property
    def figures(self) -> Figures:
        """The figures at `seq`."""
        if self._figures is None:
            self._figures = self._totals.figures(seq=self.seq, method=self.method)
        return self._figures

    def load(self, snapshot: Snapshot) -> None:
        """Show a snapshot; what was waiting or known before is in it."""
        metrics = snapshot.metrics
        with self.hold_trait_notifications():
            self._totals = Totals(snapshot, self.period)
            self._waiting.clear()
            overflowed, self._overflowed = self._overflowed, False
            if overflowed:  # among what was not heard may be that payments are no more
                self.timeline.clear()
            self._figures = None
            self._changed_at = snapshot.as_of
            complete = self.timeline.merge(snapshot.payments) and not overflowed
            if not complete and self.selection != Selection():
                self.ask_history()
            self.currencies = tuple(metrics.currencies) or (metrics.currency,)
            self.currency = metrics.currency
            self.timezone = metrics.timezone
            self.as_of = self.fresh_at = snapshot.as_of
            self.seq = self.head = snapshot.seq
            self.error = None
            self.loaded = True

    def forget(self) -> None:
        """Show nothing: another tenant is coming."""
        with self.hold_trait_notifications():
            self.loaded = False
            self.error = None
            self.timeline.clear()
            self.clear_filters()
            self.chosen_currency = None
            self._totals = Totals()
            self._waiting.clear()
            self._figures = None
            self.currency = ""
            self.currencies = ()
            self.seq = self.head = 0

    def clear_filters(self) -> None:
        """Show payments of all methods and statuses."""
        with self.hold_trait_notifications():
            self.method = self.status = None

    def receive(self, change: Change) -> None:
        """Take the next change in: at once, or when paused later."""
        if not self.paused:
            self._apply(change)
        elif len(self._waiting) < HELD:
            self._waiting.append(change)
        else:
            self.overflow()
        self.head = max(self.head, change.seq)

    def overflow(self) -> None:
        """Changes came that are not kept: Resume needs a snapshot."""
        self._waiting.clear()
        self._overflowed = True

    def resume(self) -> int:
        """End the pause and take in what waited.

        Returns
        -------
        int
            How many changes came meanwhile. When they were too many to keep `needs_reload` is
            true and the figures are still the old ones.
        """
        came = self.missed
        with self.hold_trait_notifications():
            self.paused = False
            if not self._overflowed:
                waiting, self._waiting = self._waiting, []
                for change in waiting:
                    self._apply(change)
                self._arrived_at = None  # how long they waited was the viewer's choice
        return came

    def ask_history(self) -> None:
        """Ask for entries of the feed that are older than those that are known."""
        self.history_asked += 1

    def remember(self, payments: list[Payment], *, complete: bool) -> None:
        """Take older entries of the feed in; `complete` when there are none before them."""
        shown_until = self._changed_at if self.paused else None
        self.timeline.extend(payments, complete=complete, until=shown_until)
        self.history_came += 1

    def take_arrival(self) -> datetime | None:
        """When the oldest change happened that came since this was last asked."""
        arrived_at, self._arrived_at = self._arrived_at, None
        return arrived_at

    @property
    def needs_reload(self) -> bool:
        """Whether only a snapshot can make the figures right."""
        return self._overflowed and not self.paused

    def due(self, now: datetime) -> bool:
        """Whether a quarter hour began since the figures' `as_of`: the windows moved on."""
        return (
            self.as_of is not None
            and not self.paused
            and floor_quarter(now) > floor_quarter(self.as_of)
        )

    def disconnected_for(self, now: datetime) -> timedelta | None:
        """How long the server has not been reached."""
        return None if self.disconnected_at is None else now - self.disconnected_at

    def _apply(self, change: Change) -> None:
        currency = change.payment.currency
        if currency not in self.currencies and not change.removed:
            self.currencies = tuple(sorted((*self.currencies, currency)))
        self._arrived_at = self._arrived_at or change.at
        self._changed_at = change.at
        self.timeline.add(change)
        self._totals.add(change)
        self._figures = None
        self.seq = change.seq

    @observe("notice")
    def _keep_notice(self, _change: object) -> None:
        self._said_at = self.ticks

    @observe("ticks")
    def _drop_notice(self, _change: object) -> None:
        if self.notice and self.ticks - self._said_at >= NOTICE:
            self.notice = ""

    @property
    def question(self) -> Question:
        """Which figures are asked for: of all methods, those of one are taken from them here."""
        return Question(period=self.period, currency=self.chosen_currency)

    @property
    def selection(self) -> Selection:
        """Which payments are shown one by one."""
        return Selection(status=self.status, method=self.method)

    @observe("method", "status")
    def _select(self, change: Any) -> None:
        if change.name == "method":
            self._figures = None
        if self.selection != self.timeline.selection:
            self.timeline.select(self.selection)
            self.ask_history()
