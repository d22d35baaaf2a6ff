"""Which segments account for the change of a rate or a volume between two windows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from typing import Any, NamedTuple

from narwhals.typing import IntoFrameT

from financeops.core import metrics as core
from financeops.core.choices import choice_of
from financeops.core.errors import InvalidValue
from financeops.core.money import RATIO_DECIMALS, exponent, ratio
from financeops.core.periods import Window
from financeops.core.rollup import Rollup
from financeops.frames.engine.disputes import DISPUTE
from financeops.frames.engine.failures import STAGE
from financeops.frames.engine.folding import (
    ATTEMPT,
    FEE_AMOUNT,
    RECOVERED,
    RETURNED,
    Keys,
    in_order,
)
from financeops.frames.engine.given import payments_of
from financeops.frames.engine.results import INTEGER, REAL, number
from financeops.frames.engine.sides import NEEDED, sided, sides_of

_RATES = {
    "value": REAL,
    "against": REAL,
    "share": REAL,
    "share_against": REAL,
    "mix_effect": REAL,
    "rate_effect": REAL,
    "effect": REAL,
    "total_change": REAL,
}
_VOLUMES = {
    "value": INTEGER,
    "against": INTEGER,
    "count_effect": INTEGER,
    "rate_effect": INTEGER,
    "average_effect": INTEGER,
    "effect": INTEGER,
    "total_change": INTEGER,
}


class Figure(StrEnum):
    """What can be explained."""

    SUCCESS_RATE = "success_rate"
    AUTHORIZATION_RATE = "authorization_rate"
    ORDER_SUCCESS_RATE = "order_success_rate"
    FIRST_ATTEMPT_RATE = "first_attempt_rate"
    RECOVERED_SHARE = "recovered_share"
    REFUND_RATE = "refund_rate"
    DISPUTE_RATE = "dispute_rate"
    FEE_RATE = "fee_rate"
    AVERAGE_AMOUNT = "average_amount"
    TOTAL_VOLUME = "total_volume"


_COUNTED: dict[Figure, tuple[str, ...]] = {
    Figure.AUTHORIZATION_RATE: (STAGE,),
    Figure.ORDER_SUCCESS_RATE: (ATTEMPT, RECOVERED),
    Figure.FIRST_ATTEMPT_RATE: (ATTEMPT, RECOVERED),
    Figure.RECOVERED_SHARE: (ATTEMPT, RECOVERED),
    Figure.REFUND_RATE: (RETURNED,),
    Figure.DISPUTE_RATE: (DISPUTE,),
    Figure.FEE_RATE: (FEE_AMOUNT,),
}
"""The columns that a figure is counted from beside those that all need, where a frame has them."""

Pair = tuple[Rollup, Rollup]
"""Payments of the window, and of the one it is compared with."""


def explain_change(
    payments: IntoFrameT,
    *,
    window: Window | tuple[datetime, datetime],
    against: Window | tuple[datetime, datetime],
    by: str | Iterable[str],
    of: Figure | str = "success_rate",
) -> IntoFrameT:
    """Split the change of a figure into the effects of segments, which add up exactly.

    Parameters
    ----------
    payments : frame
        Payments; needs ``amount``, ``currency``, ``status``, ``created_at`` and the columns `by`; has
        what the figure is counted from where it is known, as in `metrics`.
    window, against : Window or (start, end)
        The window of interest, and the one it is compared with; they must not overlap.
    by : str or sequence of str
        Columns whose values are the segments, such as ``["method", "country"]``.
    of : str
        The figure: ``success_rate``, ``authorization_rate``, ``order_success_rate``,
        ``first_attempt_rate``, ``recovered_share``, ``refund_rate``, ``dispute_rate``, ``fee_rate``,
        ``average_amount`` or ``total_volume``, as in `metrics`.

    Returns
    -------
    frame of the same kind
        One row per currency and segment, the one with the largest effect first.

        For a rate or average: ``value`` and ``against``, the segment's own rate in both windows;
        ``share`` and ``share_against``, its share of the rate's denominator, in percent;
        ``mix_effect``, the effect of the change of its share on the whole rate; ``rate_effect``,
        the effect of the change of its own rate; ``effect``, the sum of both; ``total_change``, the
        change of the whole rate, which is the sum of all effects of the currency. Effects are in
        percentage points (of ``average_amount``: major units) with 6 decimals; null where a window
        has no data.

        For the volume, all in minor units: ``value`` and ``against``; ``count_effect`` (change of
        the number of attempts), ``rate_effect`` (of the success rate), ``average_effect`` (of the
        average amount); ``effect``, the sum of the three, which is value - against;
        ``total_change`` as above.

    Raises
    ------
    InvalidValue
        When a column is missing or wrong, the windows overlap, or `of` is not one of the figures.

    Notes
    -----
    A rate R = sum of w r, with a segment's share w and own rate r. With 0 and 1 for the windows
    and bars for the mean of both,

        mix effect = (w1 - w0) (r̄ - R̄),    rate effect = (r1 - r0) w̄.

    R̄ is subtracted because a growing segment changes the whole only as far as it differs from it;
    the sum is the same. A volume is attempts x success rate x average amount; the effect of one
    factor x beside y and z is Δx ((y0 z0 + y1 z1) / 3 + (y0 z1 + y1 z0) / 6). For a
    segment that occurs in one window only, the rate and average of that window stand for the
    other's: its whole effect is mix, or count.

    Effects are computed as fractions and rounded so that they still add up: all are rounded down,
    and the units missing from the rounded total (of a volume: from each segment's effect) are given
    to those with the largest remainders, in order of the segments on a tie. So each is less than a
    unit of the last decimal off. Results are floats, which represent six decimals of numbers with
    up to nine digits before the point.

    Sources: Kitagawa, E. M. (1955), Components of a Difference Between Two Rates, Journal of the
    American Statistical Association 50:1168-1194. Das Gupta, P. (1993), Standardization and
    Decomposition of Rates, U.S. Bureau of the Census, P23-186, for three factors.

    Examples
    --------
    >>> import polars as pl
    >>> from datetime import UTC, datetime
    >>> from financeops.frames.explain import explain_change
    >>> first, second, third = (datetime(2026, 3, day, tzinfo=UTC) for day in (1, 2, 3))
    >>> payments = pl.DataFrame({
    ...     "amount": 1000, "currency": "USD",
    ...     "method": ["card"] * 8 + ["crypto"] * 2 + ["card"] * 6 + ["crypto"] * 4,
    ...     "status": ["success"] * 8 + ["success", "failed"] + ["success"] * 5 + ["failed"]
    ...               + ["success", "failed"] * 2,
    ...     "created_at": [first] * 10 + [second] * 10,
    ... })
    >>> moved = explain_change(
    ...     payments, by="method", window=(second, third), against=(first, second))
    >>> moved.select("method", "mix_effect", "rate_effect", "effect").rows()
    [('card', -2.333333, -11.666667, -14.0), ('crypto', -6.0, 0.0, -6.0)]
    >>> moved["total_change"][0]
    -20.0
    """
    figure = choice_of(Figure, of, field="of")
    given = payments_of(payments, *NEEDED, by=by, optional=_COUNTED.get(figure, ()))
    if not given.by:
        raise InvalidValue("by", "must name the columns whose values are the segments")
    folded = sided(given, sides_of(window, against), stages=figure is Figure.AUTHORIZATION_RATE)
    found = {group: (now.rollup, then.rollup) for group, (now, then) in folded.items()}
    explained = _volume_rows if figure is Figure.TOTAL_VOLUME else _rate_rows
    rows = [
        (currency, *segment, *row)
        for currency in sorted({group[0] for group in found})
        for segment, row in explained(
            {group[1:]: found[group] for group in in_order(found) if group[0] == currency},
            figure,
            currency,
        )
    ]
    columns = _VOLUMES if figure is Figure.TOTAL_VOLUME else _RATES
    return given.same_kind(rows, {**given.groups, **columns})


def apportioned(parts: Sequence[Fraction], total: int) -> list[int]:
    """Round parts to integers that add up to `total`, by the method of largest remainders.

    Parameters
    ----------
    parts : sequence of Fraction
        Their sum differs from `total` by less than 1.
    total : int

    Returns
    -------
    list of int
        Each less than 1 away from its part; of equal remainders the earlier is rounded up.
    """
    units = [part.numerator // part.denominator for part in parts]
    places = sorted(range(len(parts)), key=lambda place: units[place] - parts[place])
    for place in places[: total - sum(units)]:
        units[place] += 1
    return units


def _quotient(rollup: Rollup, figure: Figure, currency: str) -> tuple[int, int]:
    """Numerator and denominator of a rate; the numerator includes the factor of its unit."""
    if figure is Figure.AVERAGE_AMOUNT:
        # Per major unit, so that the denominators of segments still add up.
        return core.total_volume(rollup), core.succeeded(rollup) * 10 ** exponent(currency)
    part, whole = core.RATES[figure](rollup)
    return 100 * part, whole


def _rate_rows(
    segments: Mapping[Keys, Pair], figure: Figure, currency: str
) -> list[tuple[Keys, tuple[Any, ...]]]:
    sides = [
        {key: _quotient(pair[side], figure, currency) for key, pair in segments.items()}
        for side in (0, 1)
    ]
    tops = [sum(top for top, _ in side.values()) for side in sides]
    bottoms = [sum(bottom for _, bottom in side.values()) for side in sides]
    known = all(bottoms)
    effects: dict[Keys, tuple[int, int]] = {}
    change = 0
    if known:
        whole = [Fraction(top, bottom) for top, bottom in zip(tops, bottoms, strict=True)]
        scale = 10**RATIO_DECIMALS
        exact: list[Fraction] = []
        for key in segments:
            exact += _kitagawa(sides[0][key], sides[1][key], bottoms, sum(whole, Fraction()) / 2)
        change = round((whole[0] - whole[1]) * scale)
        units = apportioned([part * scale for part in exact], change)
        effects = dict(zip(segments, zip(units[::2], units[1::2], strict=True), strict=True))
    keys = sorted(segments, key=lambda key: -abs(sum(effects[key]))) if known else segments
    return [
        (
            key,
            (
                *(number(ratio(*side[key])) for side in sides),
                *(number(ratio(100 * sides[n][key][1], bottoms[n])) for n in (0, 1)),
                *([_decimal(units) for units in effects[key]] if known else (None, None)),
                *((_decimal(sum(effects[key])), _decimal(change)) if known else (None, None)),
            ),
        )
        for key in keys
    ]


def _kitagawa(
    now: tuple[int, int], then: tuple[int, int], bottoms: Sequence[int], middle: Fraction
) -> tuple[Fraction, Fraction]:
    """Mix and rate effect of one segment."""
    if not now[1] and not then[1]:
        return Fraction(), Fraction()
    share, share_then = Fraction(now[1], bottoms[0]), Fraction(then[1], bottoms[1])
    rate = Fraction(*(now if now[1] else then))
    rate_then = Fraction(*(then if then[1] else now))
    return (
        (share - share_then) * ((rate + rate_then) / 2 - middle),
        (rate - rate_then) * (share + share_then) / 2,
    )


def _decimal(units: int) -> float | None:
    return number(ratio(units, 10**RATIO_DECIMALS))


def _volume_rows(
    segments: Mapping[Keys, Pair], _figure: Figure, _currency: str
) -> list[tuple[Keys, tuple[Any, ...]]]:
    sides = {key: (_Factors.of(now), _Factors.of(then)) for key, (now, then) in segments.items()}
    change = sum(now.volume - then.volume for now, then in sides.values())
    rows = []
    for key, (now, then) in sides.items():
        effect = now.volume - then.volume
        effects = apportioned(_das_gupta(now, then), effect)
        rows.append((key, (now.volume, then.volume, *effects, effect, change)))
    return sorted(rows, key=lambda row: -abs(row[1][-2]))


class _Factors(NamedTuple):
    """What a volume is made of."""

    attempts: int
    succeeded: int
    volume: int

    @classmethod
    def of(cls, rollup: Rollup) -> _Factors:
        return cls(core.attempts(rollup), core.succeeded(rollup), core.total_volume(rollup))


def _das_gupta(now: _Factors, then: _Factors) -> list[Fraction]:
    """Effects of attempts, success rate and average amount on the volume of one segment."""
    factors = [_factors(now, then), _factors(then, now)]
    effects = []
    for place in range(3):
        (x1, y1, z1), (x0, y0, z0) = (
            (factor[place], *(factor[:place] + factor[place + 1 :])) for factor in factors
        )
        effects.append((x1 - x0) * ((y0 * z0 + y1 * z1) / 3 + (y0 * z1 + y1 * z0) / 6))
    return effects


def _factors(sums: _Factors, other: _Factors) -> tuple[Fraction, ...]:
    """Attempts, success rate, average; without data here, those of the other window."""
    rated = sums if sums.attempts else other
    paid = sums if sums.succeeded else other
    return (
        Fraction(sums.attempts),
        Fraction(rated.succeeded, rated.attempts or 1),
        Fraction(paid.volume, paid.succeeded or 1),
    )
