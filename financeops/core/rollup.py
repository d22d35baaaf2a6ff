"""The rollup: counts and integer sums of payments, a value that can be added.

`rollup_of` makes one, ``+`` and ``-`` combine them, ``Rollup()`` is zero. Every figure is a
function of rollups, so it is the same whether the database kept them, a data frame gave them or a
dashboard added events to them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from financeops.core.payments import Change, Payment, Status
from financeops.core.periods import Grain, grain_start

Key = TypeVar("Key")

Count = tuple[int, int]
"""Number of payments and the sum of their amounts in minor units."""


class Rollup:
    """Counts and sums of any set of payments of one currency.

    Treat it as frozen: every operation returns a new one.

    Parameters
    ----------
    cells : mapping of (method, status) to (n, amount)
    declines : mapping of (method, decline code) to (n, amount)
        Failed payments only.
    hours : mapping of (method, hour of day 0-23) to n
        All attempts, by the hour in the tenant's time zone.
    partial : mapping of method to (n, amount)
        Succeeded payments of which a part was given back, and the sum of these parts.

    Notes
    -----
    Cells that are zero are dropped, so equal sums are equal values.
    """

    __slots__ = ("cells", "declines", "hours", "partial")

    def __init__(
        self,
        cells: Mapping[tuple[str, Status], Count] | None = None,
        declines: Mapping[tuple[str, str], Count] | None = None,
        hours: Mapping[tuple[str, int], int] | None = None,
        partial: Mapping[str, Count] | None = None,
    ) -> None:
        self.cells = {key: count for key, count in (cells or {}).items() if count != (0, 0)}
        self.declines = {key: count for key, count in (declines or {}).items() if count != (0, 0)}
        self.hours = {key: n for key, n in (hours or {}).items() if n}
        self.partial: dict[str, Count] = {}
        if partial:  # most have none
            self.partial = {key: count for key, count in partial.items() if count != (0, 0)}

    def __add__(self, other: Rollup) -> Rollup:
        return total((self, other))

    def __sub__(self, other: Rollup) -> Rollup:
        return total((self, -other))

    def __neg__(self) -> Rollup:
        return Rollup(
            {key: (-n, -amount) for key, (n, amount) in self.cells.items()},
            {key: (-n, -amount) for key, (n, amount) in self.declines.items()},
            {key: -n for key, n in self.hours.items()},
            {key: (-n, -amount) for key, (n, amount) in self.partial.items()},
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Rollup):
            return NotImplemented
        return all(getattr(self, part) == getattr(other, part) for part in self.__slots__)

    __hash__ = None  # type: ignore[assignment]  # holds dicts

    def __bool__(self) -> bool:
        return bool(self.cells or self.declines or self.hours or self.partial)

    def __repr__(self) -> str:
        parts = ", ".join(f"{part}={getattr(self, part)}" for part in self.__slots__)
        return f"Rollup({parts})"

    def only(self, method: str) -> Rollup:
        """Return the part of this rollup that one payment method makes."""
        return Rollup(
            {key: count for key, count in self.cells.items() if key[0] == method},
            {key: count for key, count in self.declines.items() if key[0] == method},
            {key: n for key, n in self.hours.items() if key[0] == method},
            {key: count for key, count in self.partial.items() if key == method},
        )


def total(rollups: Iterable[Rollup]) -> Rollup:
    """Sum of any number of rollups; ``Rollup()`` of none."""
    cells: dict[tuple[str, Status], Count] = {}
    declines: dict[tuple[str, str], Count] = {}
    hours: dict[tuple[str, int], int] = {}
    partial: dict[str, Count] = {}
    for rollup in rollups:
        _count_up(cells, rollup.cells)
        _count_up(declines, rollup.declines)
        for key, n in rollup.hours.items():
            hours[key] = hours.get(key, 0) + n
        if rollup.partial:
            _count_up(partial, rollup.partial)
    return Rollup(cells, declines, hours, partial)


def rollup_of(payment: Payment, zone: ZoneInfo) -> Rollup:
    """Rollup of one payment, its hour of day taken in `zone`."""
    count = (1, payment.amount)
    declined = payment.counted_decline
    part = payment.refunded_amount and payment.status is Status.SUCCESS
    return Rollup(
        {(payment.method, payment.status): count},
        {(payment.method, declined): count} if declined else None,
        {(payment.method, payment.created_at.astimezone(zone).hour): 1},
        {payment.method: (1, payment.returned)} if part else None,
    )


def delta_of(change: Change, zone: ZoneInfo) -> Rollup:
    """Rollup that a change adds: the payment as it is, less the payment as it was."""
    now = Rollup() if change.removed else rollup_of(change.payment, zone)
    return now if change.previous is None else now - rollup_of(change.previous, zone)


Place = tuple[str, Grain, datetime]
"""Where a rollup is kept: currency, grain, start."""


def deltas(changes: Iterable[Change], zone: ZoneInfo) -> dict[Place, Rollup]:
    """Rollups that changes add, one for each kept rollup that they touch."""
    touched: dict[Place, list[Rollup]] = {}
    for change in changes:
        payment = change.payment
        delta = delta_of(change, zone)
        for grain in Grain:
            place = (payment.currency, grain, grain_start(grain, payment.created_at, zone))
            touched.setdefault(place, []).append(delta)
    return {place: total(parts) for place, parts in touched.items()}


def at_hour(rollup: Rollup, hour: int) -> Rollup:
    """Return the same counts with all attempts at one hour of day.

    Quarter-hour rollups are kept without hours: their start tells the hour in any zone.
    """
    hours: dict[tuple[str, int], int] = {}
    for (method, _), (n, _) in rollup.cells.items():
        hours[method, hour] = hours.get((method, hour), 0) + n
    return Rollup(rollup.cells, rollup.declines, hours, rollup.partial)


def as_document(rollup: Rollup, *, hours: bool = True) -> dict[str, Any]:
    """Nested form of a rollup for the database and the wire.

    Returns
    -------
    dict
        ``{"methods": {card: {success: {"n", "amount"}}}, "declines": {card: {code: {…}}},
        "hours": {card: {"14": n}}}``, amounts in minor units. Only if parts of payments were given
        back, also ``"partial": {card: {"n", "amount"}}``.
    """
    document: dict[str, Any] = {"methods": {}, "declines": {}}
    for (method, status), (n, amount) in rollup.cells.items():
        document["methods"].setdefault(method, {})[status.value] = {"n": n, "amount": amount}
    for (method, code), (n, amount) in rollup.declines.items():
        document["declines"].setdefault(method, {})[code] = {"n": n, "amount": amount}
    if hours:
        document["hours"] = {}
        for (method, hour), n in rollup.hours.items():
            document["hours"].setdefault(method, {})[str(hour)] = n
    if rollup.partial:
        document["partial"] = {
            method: {"n": n, "amount": amount} for method, (n, amount) in rollup.partial.items()
        }
    return document


def from_document(document: Mapping[str, Any]) -> Rollup:
    """Rollup of its nested form; the inverse of `as_document`. Missing parts count as zero.

    Its numbers become plain integers, even where a database has a type of its own for large ones.
    """
    return Rollup(
        {
            (method, Status(status)): _count_of(cell)
            for method, statuses in document.get("methods", {}).items()
            for status, cell in statuses.items()
        },
        {
            (method, code): _count_of(cell)
            for method, codes in document.get("declines", {}).items()
            for code, cell in codes.items()
        },
        {
            (method, int(hour)): int(n)
            for method, by_hour in document.get("hours", {}).items()
            for hour, n in by_hour.items()
        },
        {method: _count_of(cell) for method, cell in document.get("partial", {}).items()},
    )


def _count_of(cell: Mapping[str, int]) -> Count:
    return int(cell.get("n", 0)), int(cell.get("amount", 0))


def _count_up(sums: dict[Key, Count], counts: Mapping[Key, Count]) -> None:
    for key, (n, amount) in counts.items():
        have = sums.get(key, (0, 0))
        sums[key] = (have[0] + n, have[1] + amount)
