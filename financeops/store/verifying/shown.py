"""Check the figures shown against the payments: ask readers, and count the payments.

The count does not use kept rollups: each payment is counted in the windows in which it was created,
and what happened to it in those in which it happened.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from msgspec import Struct

from financeops.core.breakdown import listed_only
from financeops.core.dimensions import EVERY_VALUE, Listed
from financeops.core.payments import Payment
from financeops.core.periods import Period, Window, buckets, previous_window
from financeops.core.reporting import is_reporting, place_in
from financeops.core.rollup import Rollup, counted, total
from financeops.core.windows import ALL_TIME
from financeops.store.reading.answers import Answer

PERIODS = (None, *Period)
"""Periods for which readers are asked in each currency; None for all time."""

_PREVIOUS = -1

_Key = tuple[str, Period | None, int]
"""Currency, period, and the bucket of it; 0 for all time."""


class ShownDifference(Struct, frozen=True, kw_only=True):
    """Figures of a reader that differ from what the payments add up to.

    Parameters
    ----------
    period : Period or None
        Period of the query; None for all time.
    previous : bool
        Whether the period before differs.
    window : Window
        The whole period, a bucket of it, the period before, or all time.
    remembered : bool
        Whether the reader answered from the process's memory, not from a new read.
    """

    currency: str
    period: Period | None
    previous: bool
    window: Window
    remembered: bool
    shown: Rollup
    counted: Rollup

    @property
    def figure(self) -> tuple[str, Period | None, bool, Window]:
        """Identity of the figure, whichever reader answered."""
        return self.currency, self.period, self.previous, self.window


class ShownCount:
    """Rollups of each period and the one before in each currency, counted from payments.

    Parameters
    ----------
    zone : ZoneInfo
        Time zone of the tenant.
    as_of : datetime
        Decides which periods are running; aware.
    """

    def __init__(self, zone: ZoneInfo, as_of: datetime) -> None:
        self.as_of = as_of
        self._zone = zone
        self._buckets = {period: buckets(period, as_of, zone) for period in Period}
        self._starts = {
            period: [bucket.start for bucket in cut] for period, cut in self._buckets.items()
        }
        self._previous = {period: previous_window(period, as_of, zone) for period in Period}
        self._earliest = min(window.start for window in self._previous.values())
        self._rollups: dict[_Key, Rollup] = {}

    @property
    def currencies(self) -> set[str]:
        """The currencies of the payments counted."""
        return {currency for currency, _, _ in self._rollups if not is_reporting(currency)}

    @property
    def reporting(self) -> bool:
        """Whether any are in another currency than their tenant's."""
        return any(is_reporting(currency) for currency, _, _ in self._rollups)

    def add(self, payments: Iterable[Payment]) -> None:
        """Count payments."""
        for key, parts in self._parts(payments).items():
            self._rollups[key] = total([self._of(*key), *parts])

    def subtract(self, payments: Iterable[Payment]) -> None:
        """Remove payments from the count."""
        for key, parts in self._parts(payments).items():
            self._rollups[key] = self._of(*key) - total(parts)

    def compared(
        self, answer: Answer, period: Period | None, listed: Listed
    ) -> list[tuple[bool, Window, Rollup, Rollup]]:
        """Pair every part of an answer with what was counted; both must be as of the same `seq`.

        Parameters
        ----------
        listed : mapping of dimension to values
            The values that are counted by themselves then.

        Returns
        -------
        list of (bool, Window, Rollup, Rollup)
            Whether the part is of the period before, its window, the rollup shown, the one counted.
        """
        places = [answer.currency]
        if answer.reporting:
            places.append(place_in(answer.currency))

        def of(period: Period | None, n: int) -> Rollup:
            return listed_only(total(self._of(place, period, n) for place in places), listed)

        if period is None:
            return [(False, ALL_TIME, answer.rollup, of(None, 0))]
        cut = self._buckets[period]
        bucket_rollups = [of(period, n) for n in range(len(cut))]
        parts = zip(cut, answer.bucket_rollups, bucket_rollups, strict=True)
        return [
            (False, Window(cut[0].start, cut[-1].end), answer.rollup, total(bucket_rollups)),
            *((False, *part) for part in parts),
            (True, self._previous[period], answer.previous or Rollup(), of(period, _PREVIOUS)),
        ]

    def _of(self, currency: str, period: Period | None, n: int) -> Rollup:
        return self._rollups.get((currency, period, n), Rollup())

    def _parts(self, payments: Iterable[Payment]) -> dict[_Key, list[Rollup]]:
        parts: dict[_Key, list[Rollup]] = {}
        for payment in payments:
            for currency, at, rollup in counted(payment, self._zone, EVERY_VALUE):
                for period, n in self._places(at):
                    parts.setdefault((currency, period, n), []).append(rollup)
        return parts

    def _places(self, at: datetime) -> Iterator[tuple[Period | None, int]]:
        """Periods and buckets that hold a moment; all time always does."""
        yield None, 0
        if at < self._earliest:
            return
        for period, cut in self._buckets.items():
            if cut[0].start <= at < cut[-1].end:
                yield period, bisect_right(self._starts[period], at) - 1
            elif at in self._previous[period]:
                yield period, _PREVIOUS
