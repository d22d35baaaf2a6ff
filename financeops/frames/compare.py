"""Compare one window with another, and tell whether chance explains the difference."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import numpy as np
from narwhals.typing import IntoFrameT

from financeops.core import metrics as core
from financeops.core.money import exponent, ratio
from financeops.core.periods import Window
from financeops.core.rollup import Rollup
from financeops.frames.engine.folding import in_order
from financeops.frames.engine.given import payments_of
from financeops.frames.engine.results import REAL, TEXT, number
from financeops.frames.engine.sides import NEEDED, OPTIONAL, Side, sided, sides_of
from financeops.frames.statistics.bootstrap import percentiles, samples_of
from financeops.frames.statistics.intervals import (
    Interval,
    check_confidence,
    count_difference,
    garwood,
    newcombe,
    wilson,
)

_COMPARED = {
    "figure": TEXT,
    "value": REAL,
    "low": REAL,
    "high": REAL,
    "against": REAL,
    "against_low": REAL,
    "against_high": REAL,
    "difference": REAL,
    "difference_low": REAL,
    "difference_high": REAL,
    "change": REAL,
}


_RATES = (
    "authorization_rate",
    "order_success_rate",
    "first_attempt_rate",
    "recovered_share",
    "dispute_rate",
)
"""Rates of things that each happen or do not, beside the success rate."""


def compare(
    payments: IntoFrameT,
    *,
    window: Window | tuple[datetime, datetime],
    against: Window | tuple[datetime, datetime],
    by: str | Iterable[str] = (),
    confidence: float = 0.95,
    rng: np.random.Generator | None = None,
) -> IntoFrameT:
    """Compare a window with another: each figure and its difference, with confidence intervals.

    Parameters
    ----------
    payments : frame
        Payments; needs ``amount``, ``currency``, ``status``, ``created_at`` and the columns `by`; has
        ``failure_stage``, ``attempt``, ``recovered_by``, ``dispute`` where it is known (`metrics`).
    window : Window or (start, end)
        The window of interest, ``[start, end)``.
    against : Window or (start, end)
        The window to compare it with; must not overlap it. Comparing counts and volumes makes sense
        only when both are equally long.
    by : str or sequence of str
        Compare each segment of these columns separately.
    confidence : float
        Level of the intervals, between 0 and 1.
    rng : numpy.random.Generator, optional
        For the bootstrap. Default: one with a fixed seed, so results are reproducible.

    Returns
    -------
    frame of the same kind
        Nine rows per currency and segment, ``figure`` being ``total_payments`` (attempts),
        ``total_volume`` (minor units), ``success_rate`` (percent), ``average_amount`` (major
        units of a succeeded payment), and in percent, as in `metrics`, ``authorization_rate``,
        ``order_success_rate``, ``first_attempt_rate``, ``recovered_share`` and ``dispute_rate``:

        ``value``, ``low``, ``high`` in the window, with its interval;
        ``against``, ``against_low``, ``against_high`` in the other one;
        ``difference``, ``difference_low``, ``difference_high`` value - against; of the rate in
        percentage points. If the interval does not contain 0, chance alone hardly explains the
        difference;
        ``change`` difference / against x 100, computed from exact figures and rounded once: computed
        from the rounded columns it may differ in the last decimal.

        Null where there is no data. Float64: whole numbers are exact up to 2**53.

    Raises
    ------
    InvalidValue
        When a column is missing or wrong, the windows overlap, or `confidence` is not between 0 and 1.

    Notes
    -----
    Rates: `wilson`, differences `newcombe`. Counts: `garwood`, differences `count_difference`.
    Volumes and averages: percentile intervals of 2,000 Poisson bootstrap samples, in which each
    payment occurs Poisson(1) times, so that their number is as random as their amounts. Payments
    of equal amount are drawn together, Poisson(their number) times, which is equivalent; with more
    than 1,000 different amounts also those within 3 % of each other, with their mean.

    Payments (and orders) are assumed to be independent. Later payments had less time to be
    disputed: compare dispute rates of windows that are long over. In an incident they are not, and intervals are too
    narrow. Of many segments some differ by chance: one in twenty at the level 0.95.

    Source: Hanley, J. A. and MacGibbon, B. (2006), Creating Non-Parametric Bootstrap Samples Using
    Poisson Frequencies, Computer Methods and Programs in Biomedicine 83:57-62.

    Examples
    --------
    >>> import polars as pl
    >>> from datetime import UTC, datetime
    >>> from financeops.frames.compare import compare
    >>> first, second, third = (datetime(2026, 3, day, tzinfo=UTC) for day in (1, 2, 3))
    >>> payments = pl.DataFrame({
    ...     "amount": 1850, "currency": "USD",
    ...     "status": ["success"] * 90 + ["failed"] * 10 + ["success"] * 70 + ["failed"] * 30,
    ...     "created_at": [first] * 100 + [second] * 100,
    ... })
    >>> rate = compare(payments, window=(second, third), against=(first, second)).row(2, named=True)
    >>> rate["figure"], rate["value"], rate["against"], rate["difference"]
    ('success_rate', 70.0, 90.0, -20.0)
    >>> round(rate["difference_low"], 1), round(rate["difference_high"], 1)
    (-30.6, -9.0)
    """
    check_confidence(confidence)
    given = payments_of(payments, *NEEDED, by=by, optional=OPTIONAL)
    draw = np.random.default_rng(1) if rng is None else rng
    groups = sided(given, sides_of(window, against), amounts=True, stages=True)
    rows = (
        (*group, *row)
        for group in in_order(groups)
        for row in _rows(*groups[group], currency=group[0], confidence=confidence, rng=draw)
    )
    return given.same_kind(rows, {**given.groups, **_COMPARED})


def _rows(
    side: Side, other: Side, *, currency: str, confidence: float, rng: np.random.Generator
) -> Iterator[tuple[Any, ...]]:
    now, then = side.rollup, other.rollup
    n, n_then = core.attempts(now), core.attempts(then)
    good, good_then = core.succeeded(now), core.succeeded(then)
    volume, volume_then = core.total_volume(now), core.total_volume(then)
    volumes, averages = samples_of(side.amounts, rng)
    volumes_then, averages_then = samples_of(other.amounts, rng)
    minor = 10 ** exponent(currency)

    yield _row(
        "total_payments",
        (n, garwood(n, confidence=confidence)),
        (n_then, garwood(n_then, confidence=confidence)),
        (n - n_then, count_difference(n, n_then, confidence=confidence)),
        change=ratio(100 * (n - n_then), n_then),
    )
    yield _row(
        "total_volume",
        (volume, percentiles(volumes, confidence)),
        (volume_then, percentiles(volumes_then, confidence)),
        (volume - volume_then, percentiles(volumes - volumes_then, confidence)),
        change=ratio(100 * (volume - volume_then), volume_then),
    )
    yield _rate_row("success_rate", now, then, confidence)
    moved = volume * good_then - volume_then * good
    yield _row(
        "average_amount",
        (core.average_amount(now, currency=currency), percentiles(averages / minor, confidence)),
        (
            core.average_amount(then, currency=currency),
            percentiles(averages_then / minor, confidence),
        ),
        (
            ratio(moved, good * good_then * minor),
            percentiles((averages - averages_then) / minor, confidence),
        ),
        change=ratio(100 * moved, good * volume_then),
    )

    for name in _RATES:
        yield _rate_row(name, now, then, confidence)


def _rate_row(name: str, now: Rollup, then: Rollup, confidence: float) -> tuple[Any, ...]:
    (good, n), (good_then, n_then) = core.RATES[name](now), core.RATES[name](then)
    moved = good * n_then - good_then * n
    return _row(
        name,
        (ratio(100 * good, n), wilson(good, n, confidence=confidence)),
        (ratio(100 * good_then, n_then), wilson(good_then, n_then, confidence=confidence)),
        (
            ratio(100 * moved, n * n_then),
            newcombe(good, n, good_then, n_then, confidence=confidence),
        ),
        change=ratio(100 * moved, n * good_then),
    )


def _row(figure: str, *pairs: tuple[Any, Interval | None], change: Any) -> tuple[Any, ...]:
    values: list[Any] = [figure]
    for value, interval in pairs:
        low, high = (None, None) if value is None or interval is None else interval
        values += [number(value), low, high]
    return (*values, number(change))
