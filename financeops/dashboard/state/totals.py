"""The totals that a dashboard updates by changes, and every figure on the screen from them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from msgspec import Struct

from financeops.client import Snapshot
from financeops.core import metrics as figure
from financeops.core.breakdown import DimensionFigures, breakdown
from financeops.core.days import Days
from financeops.core.dimensions import Dimension, Listed, said_of, to_list, with_listed
from financeops.core.facets import Facets, holds
from financeops.core.metrics import DeclineFigures, MethodFigures, Metrics, TrendPoint
from financeops.core.payments import Change, Payment
from financeops.core.periods import DAY, HOUR, Period, Window
from financeops.core.reporting import place_in
from financeops.core.rollup import Rollup, acted_by, delta_of, reported_by, total

_ONCE = {Period.DAY: 24, Period.YEAR: 12}

UNFOLDED = 1_000
"""How many changes may wait to be added up while the figures are not read."""


class Figures(Struct, frozen=True, kw_only=True):
    """Every figure on the screen, at `seq`.

    `period`, `metrics.currency`, `facets` and `method` belong to the figures: another period or
    currency may be chosen but not yet loaded. `scale` is the period whose buckets are as long, `running` the
    place of the bucket that is not over. `trends` and `averages` (major units) have one element per bucket;
    `hours` are the attempts in each of the 24 hours of day. `methods` always covers all methods,
    even if the other figures are limited to one `method`. `rows` are the figures of each value of
    the dimension `by`. Of figures of all currencies, `unconverted` are the payments that are in none of
    them, because no exchange rate is known: how many, and in which currencies.
    """

    seq: int
    period: Period | Days
    scale: Period
    running: int | None
    zone: ZoneInfo
    facets: Facets
    method: str | None
    metrics: Metrics
    previous: Metrics
    trends: list[TrendPoint]
    averages: list[Decimal | None]
    hours: tuple[int, ...]
    methods: list[MethodFigures]
    by: Dimension
    rows: list[DimensionFigures]
    declines: list[DeclineFigures]
    declines_before: list[DeclineFigures]
    unconverted: tuple[int, list[str]] | None = None

    @property
    def repeats(self) -> bool:
        """Whether buckets at an hour of day, or of a month, come more than once."""
        return len(self.trends) > _ONCE.get(self.scale, len(self.trends))


class Totals:
    """Rollups of the buckets of a period or of chosen days and of those before, in one currency or of all.

    Parameters
    ----------
    snapshot : Snapshot, optional
        The initial rollups. Without it there are none.
    period : Period or Days
        What the snapshot is of.
    facets : tuple of (dimension, value)
        The values that all payments of the snapshot have.
    """

    def __init__(
        self,
        snapshot: Snapshot | None = None,
        period: Period | Days = Period.DAY,
        facets: Facets = (),
    ) -> None:
        self.period = period
        self.zone = ZoneInfo(snapshot.metrics.timezone if snapshot else "UTC")
        self.currency = snapshot.metrics.currency if snapshot else ""
        self.reporting = snapshot is not None and snapshot.metrics.unconverted is not None
        """Whether they are of all currencies, in `currency`."""
        self._buckets: tuple[Window, ...] = snapshot.buckets if snapshot else ()
        self._rollups = list(snapshot.bucket_rollups) if snapshot else []
        self._previous_window = snapshot.previous_window if snapshot else None
        self._previous = (snapshot.previous_rollup if snapshot else None) or Rollup()
        self.by = snapshot.by if snapshot else None
        """The dimension of whose values there are counts, besides methods."""
        self._details = (snapshot.details if snapshot else None) or Rollup()
        self._facets = facets
        own: Listed = {self.by: snapshot.listed} if snapshot and self.by else {}
        self.listed: Listed = {**(snapshot.others if snapshot else {}), **own}
        """Values that are counted by themselves, of the dimensions of which that has to be known."""
        self._running = None if snapshot is None else self._bucket_at(snapshot.as_of)
        self._unfolded: list[Change] = []

    @property
    def window(self) -> Window | None:
        """From the start of the first bucket to the end of the last one."""
        return Window(self._buckets[0].start, self._buckets[-1].end) if self._buckets else None

    @property
    def empty(self) -> bool:
        """Whether the period has no payments at all."""
        self._fold()
        # What happened to payments of another time is none.
        return not any(rollup.cells or rollup.part("unconverted") for rollup in self._rollups)

    def add(self, change: Change) -> None:
        """Add a change, unless its payment is in another currency than is shown or has other values."""
        payment = change.payment
        if self.listed:
            self._list(payment)
        shown = self.reporting or payment.currency == self.currency
        if shown and holds(self._facets, payment, self.listed):
            self._unfolded.append(change)
            if len(self._unfolded) >= UNFOLDED:
                self._fold()

    def figures(
        self, *, seq: int, method: str | None = None, by: Dimension = Dimension.METHOD
    ) -> Figures:
        """Return the figures; `method` limits them to payments made with this method.

        As long as there are no counts by the dimension `by`, they are by the one that there is.
        """
        self._fold()
        rollups, previous = self._rollups, self._previous
        everything = total(rollups)
        rows = breakdown(everything, Dimension.METHOD)
        methods = [_of_method(row) for row in rows]
        if method is not None:
            rollups = [rollup.only(method) for rollup in rollups]
            everything, previous = everything.only(method), previous.only(method)
        if by is not Dimension.METHOD and self.by is not None:
            by, details = self.by, self._details
            details = details if method is None else details.only(method)
            rows = breakdown(everything + details, by)
        else:
            by = Dimension.METHOD
        currency = self.currency
        return Figures(
            seq=seq,
            period=self.period,
            scale=self._scale,
            running=self._running,
            zone=self.zone,
            facets=self._facets,
            method=method,
            metrics=figure.metrics(everything, currency=currency),
            previous=figure.metrics(previous, currency=currency),
            trends=figure.trends(self._buckets, rollups),
            averages=[figure.average_amount(rollup, currency=currency) for rollup in rollups],
            hours=figure.attempts_by_hour(everything),
            methods=methods,
            by=by,
            rows=rows,
            declines=figure.declines(everything),
            declines_before=figure.declines(previous),
            unconverted=figure.unconverted(everything) if self.reporting else None,
        )

    @property
    def _scale(self) -> Period:
        if isinstance(self.period, Period):
            return self.period
        longest = max(bucket.end - bucket.start for bucket in self._buckets)
        if longest <= HOUR:
            return Period.DAY
        return Period.MONTH if longest < 2 * DAY else Period.YEAR

    def _fold(self) -> None:
        """Add the waiting changes to their rollups: once per repaint, not once per change."""
        if not self._unfolded:
            return
        deltas: dict[int, list[Rollup]] = {}
        earlier: list[Rollup] = []
        details: list[Rollup] = []
        for change in self._unfolded:
            for at, delta in self._deltas_of(change):
                index = self._bucket_at(at)
                part = delta.without_details
                if index is not None:
                    deltas.setdefault(index, []).append(part)
                    if self.by is not None:
                        details.append(delta.of_dimension(self.by))
                if self._previous_window is not None and at in self._previous_window:
                    earlier.append(part)
        self._unfolded.clear()
        for index, parts in deltas.items():
            self._rollups[index] = total((self._rollups[index], *parts))
        if earlier:
            self._previous = total((self._previous, *earlier))
        if details:
            self._details = total((self._details, *details))

    def _deltas_of(self, change: Change) -> Iterator[tuple[datetime, Rollup]]:
        """What a change adds, and where."""
        listed = self.listed or None
        if change.payment.currency == self.currency:
            yield change.payment.created_at, delta_of(change, self.zone, listed)
            yield from acted_by(change).items()
        if self.reporting:
            for place, at, rollup in reported_by(change, self.zone, listed):
                if place == place_in(self.currency):
                    yield at, rollup

    def _list(self, payment: Payment) -> None:
        """List new values as the server does, which lists those of all currencies."""
        said = [each for each in said_of(payment) if each[0] in self.listed]
        if new := to_list(said, self.listed):
            self.listed = with_listed(self.listed, new)

    def _bucket_at(self, at: datetime) -> int | None:
        # From the end: most changes belong to the running bucket.
        for index in reversed(range(len(self._buckets))):
            if at in self._buckets[index]:
                return index
        return None


def _of_method(row: DimensionFigures) -> MethodFigures:
    return MethodFigures(
        method=row.value or "",
        count=row.count,
        volume=row.volume,
        success_rate=row.success_rate,
        share=row.share,
    )
