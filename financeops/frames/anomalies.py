"""Hours that differ from the same hours of the weeks before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import narwhals as nw
import numpy as np
from narwhals.typing import IntoFrameT
from numpy.typing import NDArray

from financeops.core.errors import InvalidValue
from financeops.core.money import ratio
from financeops.core.periods import DAY, HOUR, Window, floor_hour, zone_of
from financeops.frames.engine.clock import instant, window_of
from financeops.frames.engine.folding import in_order
from financeops.frames.engine.given import checked, payments_of
from financeops.frames.engine.hourly import (
    Hourly,
    hourly,
    hours_between,
    same_hours_before,
    sizes_up_to,
)
from financeops.frames.engine.results import (
    INSTANT,
    INTEGER,
    REAL,
    TEXT,
    collected,
    number,
)
from financeops.frames.statistics.surprise import (
    correlation_of,
    shapes_of,
    surprise_of_counts,
    surprise_of_rates,
    surprise_of_sums,
)

_WEEK = timedelta(days=7)

_SCHEMA = {
    "hour": INSTANT,
    "weeks": INTEGER,
    "total_payments": INTEGER,
    "expected_payments": REAL,
    "payments_p_value": REAL,
    "payments_anomaly": TEXT,
    "success_rate": REAL,
    "expected_success_rate": REAL,
    "success_rate_p_value": REAL,
    "success_rate_anomaly": TEXT,
    "total_volume": INTEGER,
    "expected_volume": INTEGER,
    "volume_p_value": REAL,
    "volume_anomaly": TEXT,
}


class _P(NamedTuple):
    """P-values of the hours, shape (hours,)."""

    payments: NDArray[np.float64]
    rate: NDArray[np.float64]
    volume: NDArray[np.float64]


def anomalies(
    payments: IntoFrameT,
    *,
    window: Window | tuple[datetime, datetime] | None = None,
    weeks: int = 4,
    false_alarms: float = 0.001,
    by: str | Sequence[str] = (),
    timezone: str = "UTC",
) -> IntoFrameT:
    """Compare each hour's payments, success rate and volume with the same hour of previous weeks.

    Parameters
    ----------
    payments : frame
        Payments; needs ``currency``, ``status``, ``created_at``, ``amount``, and what `by` names.
        The `weeks` weeks before `window` are the baseline.
    window : Window or (start, end), optional
        Aware. Clock hours wholly inside are tested; those after the latest payment count as hours
        without payments. Default: the seven days up to the start of the hour of the latest
        `created_at`, because that hour is not over.
    weeks : int
        Weeks in the baseline, at least 1.
    false_alarms : float
        At most this share of calm hours is flagged, for each figure in each group.
    by : str or sequence of str
        Columns to test each value of separately: ``"method"``, ``"country"``, ….
    timezone : str
        IANA zone whose clock defines the same hour.

    Returns
    -------
    frame of the same kind
        One row per currency, value of `by` and hour, including hours without payments, sorted by
        them:

        ``hour`` start of the hour, UTC;
        ``weeks`` hours in the baseline, fewer than `weeks` where the payments begin later;
        ``total_payments`` attempts; ``expected_payments`` their mean in the baseline;
        ``success_rate`` percent; ``expected_success_rate`` that of the baseline;
        ``total_volume`` minor units; ``expected_volume`` its mean in the baseline, rounded;
        ``…_p_value`` probability of the observed value, or of one further out, in a calm hour;
        ``…_anomaly`` ``"low"`` or ``"high"`` where that is at most `false_alarms`, else null.

        Null where there is nothing to compare: rates without attempts, and everything expected
        (p-values too) where ``weeks`` is 0.

    Raises
    ------
    InvalidValue
        When a column or parameter is missing or wrong.

    Notes
    -----
    An hour is calm when it is like those it is compared with: its payments arrive at a rate drawn
    from the same distribution, succeed with the same probability, and their amounts are drawn from
    the same distribution. Then at most a share `false_alarms` of such hours is flagged, per figure
    and group: with three figures and the default, less than one hour in two weeks. Rates are tested
    by Fisher's exact test, numbers by the conditional (beta-)binomial test, volumes by a Chernoff
    bound on the sum of the amounts seen: `financeops.frames.statistics.surprise` has formulas and sources. All
    three account for the uncertainty of a baseline of a few hours. How much more rates and numbers
    vary than by chance is estimated from the weeks before the window, all hours together, when
    there are at least two; otherwise they are assumed not to.

    Power, at the default and with four calm weeks: a fall of the success rate from 80 % to 50 % is
    found in 99 of 100 hours of 100 payments, 85 of 100 hours of 60, 38 of 100 hours of 30; a loss
    of half of the payments in 96, 71 and 25 of 100. Volume has the least power, because a few large
    amounts cause most of its variation.

    The limit on false alarms holds for calm baselines. An incident in the baseline widens the
    expected range and can hide another one; so does strong growth, which counts as variation
    between weeks. An unusual day (a holiday) is flagged: it differs from the weeks before.

    Amounts are grouped into sizes by steps of the root of 2 before they leave the frame. All
    payments count, whichever of the nullable columns are null; a null in a column of `by` is a
    group of its own.

    Examples
    --------
    >>> import polars as pl
    >>> from datetime import UTC, datetime, timedelta
    >>> from financeops.frames.anomalies import anomalies
    >>> start = datetime(2026, 1, 5, tzinfo=UTC)
    >>> times = [start + timedelta(minutes=n) for n in range(5 * 7 * 24 * 60)]
    >>> broken = times[-90], times[-30]  # every second payment fails for an hour
    >>> payments = pl.DataFrame({
    ...     "currency": "EUR", "amount": 1000, "created_at": times,
    ...     "status": ["failed" if at.minute % 10 == 0 or broken[0] <= at < broken[1]
    ...                and at.minute % 2 else "success" for at in times],
    ... })
    >>> found = anomalies(payments).filter(pl.col("success_rate_anomaly") == "low")
    >>> found.select("hour", "success_rate", "expected_success_rate").rows()
    [(datetime.datetime(2026, 2, 8, 22, 0, tzinfo=zoneinfo.ZoneInfo(key='UTC')), 65.0, 90.0)]
    """
    if weeks < 1:
        raise InvalidValue("weeks", f"must be at least 1, not {weeks!r}")
    if not 0 < false_alarms < 1:
        raise InvalidValue("false_alarms", f"must lie between 0 and 1, not {false_alarms!r}")
    zone = zone_of(timezone)
    given = payments_of(payments, "currency", "status", "created_at", "amount", by=by)
    schema = {**given.groups, **_SCHEMA}
    frame = checked(given)
    known = _known(frame)
    if not known:
        return given.same_kind([], schema)
    inspected = _whole_hours(window, max(last for _, last, _ in known.values()), zone)
    # One hour more, because the clock may have changed in between.
    hours = hours_between(inspected.start - weeks * _WEEK - HOUR, inspected.end, zone)
    if not hours or inspected.start >= inspected.end:
        return given.same_kind([], schema)
    tested = [place for place, hour in enumerate(hours) if hour >= inspected.start]
    sizes = sizes_up_to(max(largest for _, _, largest in known.values()))
    counts = hourly(frame, ("currency", *given.keys), hours, inspected.end, sizes)
    table: list[tuple[Any, ...]] = []
    for group in in_order(counts):
        first = known[str(group[0])][0]
        before = same_hours_before(hours, tested, weeks, zone, first)
        since = max(first, inspected.start - _WEEK)
        week = [place for place in range(tested[0]) if hours[place] >= since]
        model = same_hours_before(hours, week, weeks - 1, zone, first)
        history = np.column_stack([np.array(week, dtype=np.int64), model])
        p = _p_values(counts[group], tested, before, history[:, (history >= 0).all(axis=0)])
        rows = _rows(counts[group], tested, before, p, false_alarms=false_alarms)
        table += [(*group, hours[place], *row) for place, row in zip(tested, rows, strict=True)]
    return given.same_kind(table, schema)


def _known(frame: nw.LazyFrame[Any]) -> dict[str, tuple[datetime, datetime, int]]:
    """First and last instant and largest amount of each currency."""
    found = collected(
        frame.group_by("currency").agg(
            nw.col("created_at").min().alias("first"),
            nw.col("created_at").max().alias("last"),
            nw.col("amount").max(),
        )
    )
    spans = zip(found["first"], found["last"], found["amount"], strict=True)
    return {
        currency: (instant(int(first)), instant(int(last)), int(largest))
        for currency, (first, last, largest) in zip(found["currency"], spans, strict=True)
    }


def _whole_hours(
    window: Window | tuple[datetime, datetime] | None, latest: datetime, zone: ZoneInfo
) -> Window:
    if window is None:
        end = floor_hour(latest, zone)
        return Window(end - 7 * DAY, end)
    given = window_of(window)
    start = floor_hour(given.start, zone)
    return Window(start if start == given.start else start + HOUR, floor_hour(given.end, zone))


def _p_values(counts: Hourly, tested: list[int], before: Any, history: Any) -> _P:
    """P-values of the tested hours; `before` and `history` are positions of hours, -1 without data."""
    known = before >= 0
    weeks = np.maximum(known.sum(axis=1), 1)

    def base(values: Any) -> Any:
        there = known.reshape(*known.shape, *(1 for _ in values.shape[1:]))
        return np.where(there, values[before], 0).sum(axis=1)

    attempts, succeeded = counts.attempts[tested], counts.succeeded[tested]
    base_attempts, base_succeeded = base(counts.attempts), base(counts.succeeded)
    rate = surprise_of_rates(
        *(succeeded, attempts, base_succeeded, base_attempts),
        weeks=weeks,
        correlation=correlation_of(counts.succeeded[history], counts.attempts[history]),
    )
    levels = (attempts + base_attempts) / (weeks + 1)
    shapes = shapes_of(counts.attempts[history], levels)
    number_ = surprise_of_counts(attempts, base_attempts, weeks, shapes)

    numbers = (counts.numbers[tested] + base(counts.numbers)).astype(np.float64)
    volumes = (counts.volumes[tested] + base(counts.volumes)).astype(np.float64)
    levels = (succeeded + base_succeeded) / (weeks + 1)
    volume = surprise_of_sums(
        counts.volumes[tested].sum(axis=1).astype(np.float64),
        numbers,
        volumes / np.maximum(numbers, 1),
        weeks,
        shapes_of(counts.succeeded[history], levels),
    )
    return _P(number_, rate, volume)


def _rows(
    counts: Hourly, tested: list[int], before: Any, p: _P, *, false_alarms: float
) -> Iterator[tuple[Any, ...]]:
    """Values of each tested hour, from the column ``weeks`` on."""
    for row, place in enumerate(tested):
        base = [int(earlier) for earlier in before[row] if earlier >= 0]
        attempts, succeeded = int(counts.attempts[place]), int(counts.succeeded[place])
        volume = sum(counts.volumes[place].tolist())
        base_attempts = sum(int(counts.attempts[earlier]) for earlier in base)
        base_succeeded = sum(int(counts.succeeded[earlier]) for earlier in base)
        base_volume = sum(sum(counts.volumes[earlier].tolist()) for earlier in base)
        rates = ratio(100 * succeeded, attempts), ratio(100 * base_succeeded, base_attempts)

        def judged(p_value: float, more: int, *, known: bool) -> tuple[float | None, str | None]:
            if not known:
                return None, None
            side = "low" if more < 0 else "high"
            return float(p_value), side if p_value <= false_alarms else None

        yield (
            *(len(base), attempts, number(ratio(base_attempts, len(base)))),
            *judged(p.payments[row], attempts * len(base) - base_attempts, known=bool(base)),
            *map(number, rates),
            *judged(
                p.rate[row],
                succeeded * base_attempts - base_succeeded * attempts,
                known=None not in rates,
            ),
            *(volume, round(Fraction(base_volume, len(base))) if base else None),
            *judged(p.volume[row], volume * len(base) - base_volume, known=bool(base)),
        )
