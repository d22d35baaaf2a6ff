"""What the dashboard knows: figures that follow the stream, and the state of the connection.

No widgets and no network: the live task feeds it, the views read it.
"""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from zoneinfo import ZoneInfo

from msgspec import Struct
from traitlets import Bool, Float, HasTraits, Instance, Int, Unicode, UseEnum

from financeops.client.answers import Snapshot
from financeops.core import metrics as figure
from financeops.core.errors import FinanceOpsError
from financeops.core.metrics import DeclineFigures, MethodFigures, Metrics, TrendPoint
from financeops.core.payments import Change, Payment
from financeops.core.periods import Period, Window, floor_quarter
from financeops.core.rollup import Rollup, delta_of, total

FEED = 500
"""How many payments the feed goes back."""

HELD = 20_000
"""How many changes are kept while paused; when more come, Resume loads a snapshot instead."""


UNFOLDED = 1_000
"""How many changes may wait to be added up when nobody looks at the figures."""


class Connection(StrEnum):
    """How the dashboard stands with the server."""

    CONNECTING = "connecting"
    LIVE = "live"
    RECONNECTING = "reconnecting"
    STALE = "stale"


class Entry(Struct, frozen=True):
    """One line of the feed: a payment, and when what it tells happened."""

    at: datetime
    payment: Payment

    @property
    def key(self) -> str:
        """Names the line: a payment that was refunded has two."""
        return f"{self.payment.id}-{self.payment.status.value}"


class Figures(Struct, frozen=True, kw_only=True):
    """Every figure on the screen, at `seq`.

    `period` and `buckets` are those of the figures: another period may be chosen and not yet
    loaded. `trends` and `averages` (major units) have one element for each bucket; `hours` are the
    attempts at each of the 24 hours of day.
    """

    seq: int
    period: Period
    zone: ZoneInfo
    metrics: Metrics
    previous: Metrics
    trends: list[TrendPoint]
    averages: list[Decimal | None]
    hours: tuple[int, ...]
    methods: list[MethodFigures]
    declines: list[DeclineFigures]


class DashboardModel(HasTraits):
    """State of one dashboard.

    Attributes
    ----------
    tenant, period, currency
        What is shown; `currency` is empty until the first snapshot tells the tenant's.
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
    ticks : int
        Seconds that went by: what is said by the clock alone follows it.
    """

    tenant = Unicode()
    period = UseEnum(Period, default_value=Period.DAY)
    currency = Unicode()
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
    ticks = Int()

    def __init__(self, tenant: str = "tenant_1", period: Period | str = Period.DAY) -> None:
        super().__init__(tenant=tenant, period=Period(period))
        self._feed: deque[Entry] = deque(maxlen=FEED)
        self._waiting: list[Change] = []
        self._overflowed = False
        self._zone = ZoneInfo("UTC")
        self._period = self.period
        self._buckets: tuple[Window, ...] = ()
        self._rollups: list[Rollup] = []
        self._previous_window: Window | None = None
        self._previous = Rollup()
        self._unfolded: list[Change] = []
        self._figures: Figures | None = None
        self._arrived_at: datetime | None = None
        self.fresh_at: datetime | None = None
        """Up to when the figures are known to be complete."""

    @property
    def zone(self) -> ZoneInfo:
        """The tenant's time zone."""
        return self._zone

    @property
    def feed(self) -> list[Entry]:
        """Payments and refunds, newest first."""
        return list(self._feed)

    @property
    def window(self) -> Window | None:
        """From the period's first bucket to the end of the running one."""
        return Window(self._buckets[0].start, self._buckets[-1].end) if self._buckets else None

    @property
    def missed(self) -> int:
        """How many changes are known of but not in the figures."""
        return max(0, self.head - self.seq)

    @property
    def empty(self) -> bool:
        """Whether the tenant has no payments that could be shown."""
        return self.loaded and not self._feed and self.figures.metrics.total_payments == 0

    @property
    def figures(self) -> Figures:
        """The figures at `seq`."""
        self._fold()
        if self._figures is None:
            everything = total(self._rollups)
            self._figures = Figures(
                seq=self.seq,
                period=self._period,
                zone=self._zone,
                metrics=figure.metrics(everything, currency=self.currency),
                previous=figure.metrics(self._previous, currency=self.currency),
                trends=figure.trends(self._buckets, self._rollups),
                averages=[
                    figure.average_amount(rollup, currency=self.currency)
                    for rollup in self._rollups
                ],
                hours=figure.attempts_by_hour(everything),
                methods=figure.methods(everything),
                declines=figure.declines(everything),
            )
        return self._figures

    def load(self, snapshot: Snapshot) -> None:
        """Show a snapshot; what was waiting or known before is in it."""
        metrics = snapshot.metrics
        with self.hold_trait_notifications():
            self._zone = ZoneInfo(metrics.timezone)
            self._period = self.period
            self._buckets = snapshot.buckets
            self._rollups = list(snapshot.bucket_rollups)
            self._previous_window = snapshot.previous_window
            self._previous = snapshot.previous_rollup or Rollup()
            self._unfolded.clear()
            self._waiting.clear()
            self._overflowed = False
            self._figures = None
            self._merge_feed(snapshot.payments)
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
            self._feed.clear()
            self._waiting.clear()
            self._unfolded.clear()
            self.currency = ""
            self.seq = self.head = 0

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
        payment = change.payment
        new = change.previous_status is None
        self._arrived_at = self._arrived_at or change.at
        self._feed.appendleft(Entry(payment.created_at if new else change.at, payment))
        if payment.currency == self.currency:
            self._unfolded.append(change)
            if len(self._unfolded) >= UNFOLDED:
                self._fold()
        self._figures = None
        self.seq = change.seq

    def _fold(self) -> None:
        """Add what came to the rollups it belongs to: once per repaint, not once per change."""
        if not self._unfolded:
            return
        deltas: dict[int, list[Rollup]] = {}
        earlier: list[Rollup] = []
        for change in self._unfolded:
            created_at = change.payment.created_at
            delta = delta_of(change, self._zone)
            index = self._bucket_of(created_at)
            if index is not None:
                deltas.setdefault(index, []).append(delta)
            if self._previous_window is not None and created_at in self._previous_window:
                earlier.append(delta)
        self._unfolded.clear()
        for index, parts in deltas.items():
            self._rollups[index] = total((self._rollups[index], *parts))
        self._previous = total((self._previous, *earlier))

    def _bucket_of(self, instant: datetime) -> int | None:
        # From the end: what arrives is nearly always of the running bucket.
        for index in reversed(range(len(self._buckets))):
            if instant in self._buckets[index]:
                return index
        return None

    def _merge_feed(self, payments: list[Payment]) -> None:
        entries = {entry.key: entry for entry in self._feed}
        for payment in payments:
            entry = Entry(payment.refunded_at or payment.created_at, payment)
            entries.setdefault(entry.key, entry)
        newest = sorted(entries.values(), key=lambda entry: entry.at, reverse=True)
        self._feed = deque(newest[:FEED], maxlen=FEED)
