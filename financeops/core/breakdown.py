"""Figures by the values of one dimension, as a function of rollups."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct

from financeops.core.declines import FailureStage
from financeops.core.dimensions import OTHER_VALUE, Dimension, Listed, Outcome
from financeops.core.metrics import attempts, failures, succeeded, total_volume
from financeops.core.money import ratio
from financeops.core.rollup import DIMENSIONS, Count, Path, Rollup


class DimensionFigures(Struct, frozen=True, kw_only=True):
    """One value of a dimension, None where payments have none; `share` in percent of attempts."""

    value: str | None
    count: int
    volume: int
    success_rate: Decimal | None
    authorization_rate: Decimal | None
    share: Decimal | None


def listed_only(rollup: Rollup, listed: Listed) -> Rollup:
    """The same counts, those of values that are not listed under `OTHER_VALUE`."""
    part = rollup.part(DIMENSIONS)
    if all(value in listed.get(name, ()) for _, name, value, _ in part):
        return rollup
    grouped: dict[Path, Count] = {}
    for (method, name, value, outcome), (n, amount) in part.items():
        path = (method, name, value if value in listed.get(name, ()) else OTHER_VALUE, outcome)
        have = grouped.get(path, (0, 0))
        grouped[path] = (have[0] + n, have[1] + amount)
    return rollup.without_details + Rollup(further={DIMENSIONS: grouped})


def values_in(rollup: Rollup) -> list[tuple[str, str]]:
    """The dimensions and values that a rollup counts, the most frequent first."""
    counts: dict[tuple[str, str], int] = {}
    for (_, name, value, _), (n, _) in rollup.part(DIMENSIONS).items():
        counts[name, value] = counts.get((name, value), 0) + n
    return sorted(counts, key=lambda said: (-counts[said], said))


class _Counts(Struct):
    """What the figures of a value need."""

    n: int = 0
    succeeded: int = 0
    declined: int = 0
    volume: int = 0

    def add(self, other: _Counts, sign: int = 1) -> None:
        self.n += sign * other.n
        self.succeeded += sign * other.succeeded
        self.declined += sign * other.declined
        self.volume += sign * other.volume


def breakdown(rollup: Rollup, by: Dimension) -> list[DimensionFigures]:
    """Figures of each value, most attempts first, by the value on a tie, None last.

    Together the rows are all payments of the rollup.
    """
    counts = _by_method(rollup) if by is Dimension.METHOD else _by_value(rollup, by)
    everything = attempts(rollup)
    rows = [
        DimensionFigures(
            value=value,
            count=each.n,
            volume=each.volume,
            success_rate=ratio(100 * each.succeeded, each.n),
            authorization_rate=ratio(100 * each.succeeded, each.succeeded + each.declined),
            share=ratio(100 * each.n, everything),
        )
        for value, each in counts.items()
    ]
    return sorted(rows, key=lambda row: (-row.count, row.value is None, row.value or ""))


def _by_method(rollup: Rollup) -> dict[str | None, _Counts]:
    return {method: _all(rollup.only(method)) for method in {key[0] for key in rollup.cells}}


def _by_value(rollup: Rollup, by: Dimension) -> dict[str | None, _Counts]:
    counts: dict[str | None, _Counts] = {}
    without = _all(rollup)
    for (_, dimension, value, outcome), (n, amount) in rollup.part(DIMENSIONS).items():
        if dimension != by:
            continue
        good = outcome == Outcome.SUCCEEDED
        more = _Counts(
            n=n,
            succeeded=n if good else 0,
            declined=n if outcome == Outcome.DECLINED else 0,
            volume=amount if good else 0,
        )
        counts.setdefault(value, _Counts()).add(more)
        without.add(more, -1)
    return counts | {None: without} if without.n else counts


def _all(rollup: Rollup) -> _Counts:
    return _Counts(
        n=attempts(rollup),
        succeeded=succeeded(rollup),
        declined=failures(rollup, FailureStage.DECLINED),
        volume=total_volume(rollup),
    )
