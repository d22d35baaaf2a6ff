"""Fold payments to counts and integer sums where the frame lives, and fetch the few groups.

Grouping is what costs: it is done in one query, by as few keys as the figure needs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

import narwhals as nw

from financeops.core.choices import choice_of
from financeops.core.dimensions import Outcome
from financeops.core.errors import InvalidValue
from financeops.core.payments import Status
from financeops.core.periods import Period, Window, buckets
from financeops.core.rollup import Count, Path, Rollup
from financeops.frames.engine.clock import as_of_when, hour_of_day, span, window_of, within
from financeops.frames.engine.given import Payments
from financeops.frames.engine.results import collected
from financeops.frames.engine.schema import SPLIT, Names, decoded_status

Key = TypeVar("Key")
Keys = tuple[Any, ...]

RETURNED = "refunded_amount"
"""The column of what was given back, which a frame may lack."""

ATTEMPT, RECOVERED = "attempt", "recovered_by"
"""The columns of what payments are in their orders, which a frame may lack."""

FEE_AMOUNT = "fee_amount"
"""The column of what payments cost, which a frame may lack."""

FURTHER = (RETURNED, FEE_AMOUNT, ATTEMPT, RECOVERED)
"""The columns of what only some payments have."""

_SHORT = timedelta(days=800)
"""A shorter window has so few clock changes that the span of the payments need not be queried."""


class Part(NamedTuple):
    """Payments with the same keys: their number and the sum of their amounts.

    `partial` counts those of them of which something was given back, and sums it: a part, if they are
    still succeeded; `fees` counts those that cost something, and sums that; `retries` are attempts
    after the first of their order, `recovered` first ones whose order succeeded later.
    """

    keys: Keys
    n: int
    amount: int
    partial: Count = (0, 0)
    fees: Count = (0, 0)
    retries: int = 0
    recovered: int = 0


def folded(frame: nw.LazyFrame[Any], *keys: str) -> list[Part]:
    """Count and sum of ``amount`` for each combination of the key columns; nulls are a key.

    Raises
    ------
    InvalidValue
        When an amount is null or negative, or a ``created_at`` that the frame has is null.

    Notes
    -----
    Exact for any amounts: where a sum of Int64 might overflow (the number of rows times the largest
    amount tells), the halves of the numbers are added up separately.
    """
    # Spark raises an error when a sum overflows, before it can be seen: there, always add halves.
    wide = frame.implementation.is_pyspark()
    summed = ["amount", *(name for name in SUMMED if name in frame.collect_schema().names())]
    found = _fold(frame, keys, summed, wide=wide)
    if not wide and any(
        n * max(abs(most), abs(least)) >= 2**63
        for name in summed
        for n, least, most in zip(
            found["n"], found[f"{name}_least"], found[f"{name}_most"], strict=True
        )
        if most is not None
    ):
        found = _fold(frame, keys, summed, wide=True)
    for column in found.keys() & {f"{name}_known" for name in ("amount", "created_at")}:
        if found[column] != found["n"]:
            raise InvalidValue(column.removesuffix("_known"), "must not be null")
    if any(least < 0 for least in found["amount_least"]):
        raise InvalidValue(
            "amount", "must not be negative: failures and refunds are given by the status"
        )
    sums = {name: _sums(found, name) for name in summed}
    nothing = [0] * len(found["n"])
    further = {
        name: list(zip(found[f"{name}_some"], sums[name], strict=True))
        if name in sums
        else [(0, 0)] * len(nothing)
        for name in SUMMED
    }
    groups = zip(*(found[key] for key in keys), strict=True) if keys else [()] * len(nothing)
    retries, recovered = (map(int, found.get(name, nothing)) for name in (ATTEMPT, RECOVERED))
    return [
        Part(tuple(values), int(n), *counted)
        for values, n, *counted in zip(
            *(groups, found["n"], sums["amount"], further[RETURNED], further[FEE_AMOUNT]),
            *(retries, recovered),
            strict=True,
        )
    ]


SUMMED = (RETURNED, FEE_AMOUNT)
"""The columns that are summed up besides amounts, of the payments that have any of it."""


def _fold(
    frame: nw.LazyFrame[Any], keys: Keys, summed: list[str], *, wide: bool
) -> dict[str, list[Any]]:
    names = frame.collect_schema().names()
    # Count nulls: `within` lets them through so that they are found here.
    counts = [nw.len().alias("n")]
    counts += [
        nw.col(name).count().alias(f"{name}_known")
        for name in ("amount", "created_at")
        if name in names
    ]
    # Only plain columns can be counted and summed in groups of every library.
    made = []
    for name in summed:
        column = nw.col(name)
        if name in SUMMED:
            some = column > 0 if name == RETURNED else column != 0
            made.append(nw.when(some).then(column).alias(name))
            counts.append(column.count().alias(f"{name}_some"))
        counts += [column.min().alias(f"{name}_least"), column.max().alias(f"{name}_most")]
        if not wide:
            counts.append(column.sum().alias(f"{name}_sum"))
    if ATTEMPT in names:
        made.append(nw.when(nw.col(ATTEMPT) > 1).then(nw.col(ATTEMPT)))
        counts.append(nw.col(ATTEMPT).count())
    if RECOVERED in names:
        counts.append(nw.col(RECOVERED).count())
    if made:
        frame = frame.with_columns(*made)
    if wide:
        for name in summed:
            high, low = nw.col(name) // SPLIT, f"{name}_low"
            frame = frame.with_columns(high.alias(f"{name}_high"))
            rest = nw.col(name) - nw.col(f"{name}_high") * SPLIT
            frame = frame.with_columns(rest.alias(low))
            counts += [nw.col(f"{name}_high").sum(), nw.col(low).sum()]
    if keys:
        return collected(frame.group_by(*keys).agg(*counts))
    found = collected(frame.select(*counts))
    return found if found["n"][0] else {name: [] for name in found}


def _sums(found: Mapping[str, list[Any]], name: str) -> list[int]:
    """The sum of a column in each group; 0 where all of it is null."""
    if f"{name}_sum" in found:
        return [int(each or 0) for each in found[f"{name}_sum"]]
    halves = zip(found[f"{name}_high"], found[f"{name}_low"], strict=True)
    return [int(high or 0) * SPLIT + int(low or 0) for high, low in halves]


class Chosen(NamedTuple):
    """The payments of a figure: those in a window (None: all); hours of day are those of a zone.

    `currency` is that of all payments, if there is only one and it is known (`lone_currency`).
    """

    window: Window | None
    zone: ZoneInfo
    currency: str | None


def dated(window: Any, period: Any) -> Names:
    """The column needed to choose payments by a window or period; none for all payments."""
    return () if window is None and period is None else ("created_at",)


def chosen(
    given: Payments[Any],
    *,
    window: Any = None,
    period: Period | str | None = None,
    as_of: datetime | None = None,
    zone: ZoneInfo,
) -> Chosen:
    """The payments in `window`, or in the period current at `as_of`; without either, all."""
    if period is None:
        if as_of is not None:
            raise InvalidValue("as_of", "needs a period: a window has an end of its own")
        inside = None if window is None else window_of(window)
        return Chosen(inside, zone, lone_currency(given))
    if window is not None:
        raise InvalidValue("period", "must not be given together with a window")
    cut = period_buckets(given, period, as_of, zone)
    inside = Window(cut[0].start, cut[-1].end) if cut else None
    return Chosen(inside, zone, lone_currency(given))


def period_buckets(
    given: Payments[Any], period: Period | str, as_of: datetime | None, zone: ZoneInfo
) -> tuple[Window, ...]:
    """Buckets of the period current at `as_of`, by default at the latest ``created_at``.

    Empty when `as_of` is None and there are no payments.
    """
    wanted = choice_of(Period, period, field="period")
    if as_of is None:
        known_span = span(given.frame)
        if known_span is None:
            return ()
        as_of = known_span.end
    return buckets(wanted, as_of_when(as_of), zone)


def payments_in(given: Payments[Any], *columns: str, window: Window | None) -> nw.LazyFrame[Any]:
    """These columns and those to group by, of the payments in a window (None: of all)."""
    if window is None:
        return given.frame.select(*columns, *given.keys)
    frame = given.frame.select(*dict.fromkeys((*columns, "created_at")), *given.keys)
    return frame.filter(within("created_at", window))


def rollups(
    given: Payments[Any], which: Chosen, *, methods: bool = True, hours: bool = True
) -> dict[Keys, Rollup]:
    """A rollup for each currency and combination of the columns to group by.

    Parameters
    ----------
    given : Payments
        With ``status``, ``currency``, ``amount``; ``method`` and ``created_at`` if `methods` and
        `hours` are true.
    which : Chosen
    methods, hours : bool
        Whether to distinguish payment methods and hours of day; there are fewer groups without.
        Without methods, all payments have the method ``""``.

    Returns
    -------
    dict of (currency, values to group by) to Rollup
        Without decline codes.
    """
    currency = which.currency
    columns = ["status", *(["method"] if methods else []), *([] if currency else ["currency"])]
    needed = [*columns, "amount", *(["created_at"] if hours else [])]
    needed += [name for name in FURTHER if name in given.columns]
    frame = payments_in(given, *needed, window=which.window)
    if hours:
        between = _between(frame, which)
        frame = frame.with_columns(hour_of_day("created_at", which.zone, between).alias("hour"))
    keys = [*columns, *given.keys, *(["hour"] if hours else [])]
    found: dict[Keys, Tally] = defaultdict(Tally)
    for part in folded(frame, *keys):
        value = dict(zip(keys, part.keys, strict=True))
        method = required("method", value["method"]) if methods else ""
        hour = int(value["hour"]) if hours else None
        found[group_of(given, currency, value)].add(part, method, status_in(value), hour)
    return {group: tally.rollup for group, tally in found.items()}


class Tally:
    """Payments that are counted part by part."""

    def __init__(self) -> None:
        self._cells: dict[tuple[str, Status], Count] = {}
        self._hours: dict[tuple[str, int], int] = {}
        self._further: dict[str, dict[Path, Count]] = {}

    @property
    def rollup(self) -> Rollup:
        """What was counted."""
        return Rollup(self._cells, None, self._hours, self._further)

    def add(self, part: Part, method: str, status: Status, hour: int | None = None) -> None:
        """Count a part, and what only some of its payments have. What was asked for in orders is not summed up."""
        count_up(self._cells, (method, status), (part.n, part.amount))
        if hour is not None:
            self._hours[method, hour] = self._hours.get((method, hour), 0) + part.n
        outcome = str(Outcome.FAILED if status is Status.FAILED else Outcome.SUCCEEDED)
        # Of a payment that was given back whole, and of one of which nothing was, no part is left.
        partial = part.partial if status is Status.SUCCESS else (0, 0)
        for name, path, more in (
            ("partial", (method,), partial),
            ("fees", (method,), part.fees),
            ("retries", (method, outcome), (part.retries, 0)),
            ("recovered", (method,), (part.recovered, 0)),
        ):
            count_up(self._further.setdefault(name, {}), path, more)


def status_in(value: Mapping[str, Any]) -> Status:
    """The status among the keys of a part."""
    return decoded_status(required("status", value["status"]))


def group_of(given: Payments[Any], currency: str | None, value: Mapping[str, Any]) -> Keys:
    """The group of a part: its currency (or the only one) and its values of the columns `by`."""
    return (
        currency or required("currency", value["currency"]),
        *(value[key] for key in given.keys),
    )


def count_up(counts: dict[Key, Count], key: Key, more: Count) -> None:
    """Add to the count of a key."""
    n, amount = counts.get(key, (0, 0))
    counts[key] = (n + more[0], amount + more[1])


def required(column: str, value: Any) -> Any:
    """Return the value; raise InvalidValue when it is null."""
    if value is None:
        raise InvalidValue(column, "must not be null")
    return value


def lone_currency(given: Payments[Any]) -> str | None:
    """The only currency of a frame in memory, because looking costs less than grouping by it.

    None when there are several, or when looking would run a query.
    """
    if not isinstance(given.whole, nw.DataFrame):
        return None
    values = given.whole.get_column("currency")
    if len(values) == 0 or values.is_null().any():
        return None
    first = values[0]
    return str(first) if (values == first).all() else None


def in_order(groups: Mapping[Keys, Any]) -> list[Keys]:
    """Groups in order, null last; integers by value, everything else by its text."""
    return sorted(
        groups,
        key=lambda keys: [
            (key is None, key if isinstance(key, int) else 0, "" if key is None else str(key))
            for key in keys
        ],
    )


def _between(frame: nw.LazyFrame[Any], which: Chosen) -> Window | None:
    """A window that contains all instants; None where the zone has no clock changes or there are no payments."""
    if which.zone.key == "UTC":
        return None
    if which.window is not None and which.window.end - which.window.start <= _SHORT:
        return which.window
    return span(frame)
