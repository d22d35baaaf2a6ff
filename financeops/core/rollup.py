"""The rollup: counts and integer sums of payments, a value that can be added.

`rollup_of` makes one, ``+`` and ``-`` combine them, ``Rollup()`` is zero. Every figure is a
function of rollups, so it is the same whether the database kept them, a data frame gave them or a
dashboard added events to them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from financeops.core.activity import Act, acts_of, happened
from financeops.core.dimensions import Listed, Outcome, outcome_of, values_of
from financeops.core.payments import Change, Payment, Status
from financeops.core.periods import Grain, grain_start
from financeops.core.reporting import acts_in, amounts_in, awaits_rate, place_in

Key = TypeVar("Key")

Count = tuple[int, int]
"""Number of payments and the sum of their amounts in minor units."""

Path = tuple[str, ...]
"""Where a count of a further part stands in it: a value for each of the part's levels."""

DIMENSIONS = "dimensions"
"""The part that is kept beside the rollup, and read only for figures by a dimension."""

FURTHER = {
    "partial": ("method",),
    "retries": ("method", "outcome"),
    "recovered": ("method",),
    "failures": ("method", "stage", "kind"),
    "disputed": ("method", "status"),
    "lost": ("method",),
    "fees": ("method",),
    "revisions": ("method",),
    "activity": ("method", "act"),
    "unconverted": ("method", "currency"),
    DIMENSIONS: ("method", "dimension", "value", "outcome"),
}
"""The parts that only some payments have, and the levels of each.

`partial` are succeeded payments of which a part was given back, and the sum of these parts.
`retries` are attempts after the first of their order, by `Outcome`: succeeded or failed;
`recovered` are first attempts that failed, of orders that succeeded later. So each payment is counted
by itself, and an order where its first attempt is, whenever and in whatever currency the others came.
`failures` are failed payments by stage and kind. `disputed` are payments by the status of their
dispute, with the sum of what is disputed; `lost` those whose lost dispute took something, with the
sum of that; `fees` those that cost something, with the sum of that; `revisions` those of which
something was told later, with the number of times. `activity` are not payments but acts, such as
refunds, where they happened and not where their payments were made (`core/activity.py`). `unconverted`
are payments in other currencies than their tenant's of which no rate is known (`core/reporting.py`),
with sums of these currencies; only rollups of all currencies have it. `dimensions` are payments that have a value of a
dimension, by `Outcome` (`core/dimensions.py`).
"""

_NONE: Mapping[Path, Count] = {}


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
    further : mapping of a part's name to a mapping of path to (n, amount)
        What only some payments have (`FURTHER`); most rollups have none of it.

    Notes
    -----
    Cells that are zero are dropped, so equal sums are equal values.
    """

    __slots__ = ("cells", "declines", "further", "hours")

    def __init__(
        self,
        cells: Mapping[tuple[str, Status], Count] | None = None,
        declines: Mapping[tuple[str, str], Count] | None = None,
        hours: Mapping[tuple[str, int], int] | None = None,
        further: Mapping[str, Mapping[Path, Count]] | None = None,
    ) -> None:
        self.cells = {key: count for key, count in (cells or {}).items() if count != (0, 0)}
        self.declines = {key: count for key, count in (declines or {}).items() if count != (0, 0)}
        self.hours = {key: n for key, n in (hours or {}).items() if n}
        self.further: dict[str, dict[Path, Count]] = {}
        for name, part in (further or {}).items():
            if kept := {path: count for path, count in part.items() if count != (0, 0)}:
                self.further[name] = kept

    def __add__(self, other: Rollup) -> Rollup:
        return total((self, other))

    def __sub__(self, other: Rollup) -> Rollup:
        return total((self, -other))

    def __neg__(self) -> Rollup:
        return Rollup(
            {key: (-n, -amount) for key, (n, amount) in self.cells.items()},
            {key: (-n, -amount) for key, (n, amount) in self.declines.items()},
            {key: -n for key, n in self.hours.items()},
            {
                name: {path: (-n, -amount) for path, (n, amount) in part.items()}
                for name, part in self.further.items()
            },
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Rollup):
            return NotImplemented
        return all(getattr(self, part) == getattr(other, part) for part in self.__slots__)

    __hash__ = None  # type: ignore[assignment]  # holds dicts

    def __bool__(self) -> bool:
        return bool(self.cells or self.declines or self.hours or self.further)

    def __repr__(self) -> str:
        parts = ", ".join(f"{part}={getattr(self, part)}" for part in self.__slots__)
        return f"Rollup({parts})"

    def only(self, method: str) -> Rollup:
        """Return the part of this rollup that one payment method makes."""
        return Rollup(
            {key: count for key, count in self.cells.items() if key[0] == method},
            {key: count for key, count in self.declines.items() if key[0] == method},
            {key: n for key, n in self.hours.items() if key[0] == method},
            {name: _of_method(name, part, method) for name, part in self.further.items()},
        )

    def part(self, name: str) -> Mapping[Path, Count]:
        """One of the `FURTHER` parts; empty if no payment has it."""
        return self.further.get(name, _NONE)

    @property
    def details(self) -> Rollup:
        """The counts by dimension alone."""
        return Rollup(further={DIMENSIONS: self.part(DIMENSIONS)})

    def of_dimension(self, name: str) -> Rollup:
        """The counts by the values of one dimension alone."""
        level = FURTHER[DIMENSIONS].index("dimension")
        part = self.part(DIMENSIONS).items()
        return Rollup(further={DIMENSIONS: {path: n for path, n in part if path[level] == name}})

    @property
    def without_details(self) -> Rollup:
        """Everything but the counts by dimension."""
        if DIMENSIONS not in self.further:
            return self
        others = {name: part for name, part in self.further.items() if name != DIMENSIONS}
        return Rollup(self.cells, self.declines, self.hours, others)


def total(rollups: Iterable[Rollup]) -> Rollup:
    """Sum of any number of rollups; ``Rollup()`` of none."""
    cells: dict[tuple[str, Status], Count] = {}
    declines: dict[tuple[str, str], Count] = {}
    hours: dict[tuple[str, int], int] = {}
    further: dict[str, dict[Path, Count]] = {}
    for rollup in rollups:
        _count_up(cells, rollup.cells)
        _count_up(declines, rollup.declines)
        for key, n in rollup.hours.items():
            hours[key] = hours.get(key, 0) + n
        for name, part in rollup.further.items():
            _count_up(further.setdefault(name, {}), part)
    return Rollup(cells, declines, hours, further)


def rollup_of(payment: Payment, zone: ZoneInfo, listed: Listed | None = None) -> Rollup:
    """Rollup of one payment, its hour of day taken in `zone`.

    Parameters
    ----------
    listed : mapping of dimension to values, optional
        The values that are counted by themselves. Default: no details by dimension.
    """
    count = (1, payment.amount)
    declined = payment.counted_decline
    return Rollup(
        {(payment.method, payment.status): count},
        {(payment.method, declined): count} if declined else None,
        {(payment.method, payment.created_at.astimezone(zone).hour): 1},
        _further_of(payment, listed),
    )


def _further_of(payment: Payment, listed: Listed | None) -> dict[str, dict[Path, Count]] | None:
    parts: dict[str, dict[Path, Count]] = {}
    count = (1, payment.amount)
    if payment.status is Status.FAILED:
        parts["failures"] = {(payment.method, *payment.counted_failure): count}
    elif payment.refunded_amount and payment.status is Status.SUCCESS:
        parts["partial"] = {(payment.method,): (1, payment.returned)}
    if payment.attempt is not None:
        if payment.attempt > 1:
            good = payment.status is not Status.FAILED
            outcome = Outcome.SUCCEEDED if good else Outcome.FAILED
            parts["retries"] = {(payment.method, outcome.value): count}
        elif payment.recovered_by is not None:
            parts["recovered"] = {(payment.method,): count}
    if payment.fee_amount or payment.dispute is not None or payment.revision:
        parts.update(_told_of(payment))
    if listed is not None and (values := values_of(payment, listed)):
        outcome = outcome_of(payment)
        parts[DIMENSIONS] = {
            (payment.method, name, value, outcome): count for name, value in values
        }
    return parts or None


def _told_of(payment: Payment) -> dict[str, dict[Path, Count]]:
    """Parts of what became of the money."""
    told: dict[str, dict[Path, Count]] = {}
    method = payment.method
    if payment.dispute is not None:
        disputed = (method, str(payment.dispute.status))
        told["disputed"] = {disputed: (1, payment.dispute.amount)}
    if payment.lost:
        told["lost"] = {(method,): (1, payment.lost)}
    if payment.fee_amount:
        told["fees"] = {(method,): (1, payment.fee_amount)}
    if payment.revision:
        told["revisions"] = {(method,): (1, payment.revision)}
    return told


def delta_of(change: Change, zone: ZoneInfo, listed: Listed | None = None) -> Rollup:
    """Rollup that a change adds: the payment as it is, less the payment as it was."""
    now = Rollup() if change.removed else rollup_of(change.payment, zone, listed)
    if change.previous is None:
        return now
    return now - rollup_of(change.previous, zone, listed)


def acted(payment: Payment) -> dict[datetime, Rollup]:
    """Rollups of what happened to a payment, at the moment of each act; none of most payments."""
    sums = _sums_of(payment, acts_of(payment))
    return {at: Rollup(further={"activity": part}) for at, part in sums.items()}


def _sums_of(payment: Payment, acts: Iterable[Act]) -> dict[datetime, dict[Path, Count]]:
    sums: dict[datetime, dict[Path, Count]] = {}
    for act in acts:
        path: Path = (payment.method, str(act.kind))
        _count_up(sums.setdefault(act.at, {}), {path: (1, act.amount)})
    return sums


_NOTHING: dict[datetime, Rollup] = {}


def acted_by(change: Change) -> dict[datetime, Rollup]:
    """Rollups of acts that a change adds, at the moment of each: those of now, less those of before."""
    previous = change.previous
    if previous is None and not happened(change.payment):
        return _NOTHING
    now = {} if change.removed else acted(change.payment)
    if previous is None:
        return now
    for at, before in acted(previous).items():
        now[at] = now.get(at, Rollup()) - before
    return {at: rollup for at, rollup in now.items() if rollup}


Counted = tuple[str, datetime, Rollup]
"""Currency and moment under which a rollup counts, and the rollup."""


def counted_in_reporting(
    payment: Payment, zone: ZoneInfo, listed: Listed | None = None
) -> list[Counted]:
    """What a payment in another currency than its tenant's adds to the figures of all currencies.

    The payment first, then what happened to it. One that waits for a rate is counted as that alone;
    nothing is counted of those in the tenant's own currency.
    """
    if payment.reporting_currency is None:
        return []
    place, made = place_in(payment.reporting_currency), payment.created_at
    if awaits_rate(payment):
        path = (payment.method, payment.currency)
        return [(place, made, Rollup(further={"unconverted": {path: (1, payment.amount)}}))]
    own, amounts = rollup_of(payment, zone, listed), amounts_in(payment)
    whole = payment.reporting_amount or 0

    def converted(counts: Mapping[Key, Count], amount: int) -> dict[Key, Count]:
        return {key: (n, amount) for key, (n, _) in counts.items()}

    further = {
        name: part if name == "revisions" else converted(part, amounts.get(name, whole))
        for name, part in own.further.items()
    }
    rollup = Rollup(converted(own.cells, whole), converted(own.declines, whole), own.hours, further)
    acts = (
        (place, at, Rollup(further={"activity": part}))
        for at, part in _sums_of(payment, acts_in(payment)).items()
    )
    return [(place, made, rollup), *acts]


def counted(payment: Payment, zone: ZoneInfo, listed: Listed | None = None) -> list[Counted]:
    """All that a payment adds to rollups: itself and what happened to it, then in all currencies."""
    own = [(payment.currency, payment.created_at, rollup_of(payment, zone, listed))]
    own += [(payment.currency, at, rollup) for at, rollup in acted(payment).items()]
    return own + counted_in_reporting(payment, zone, listed)


def reported_by(change: Change, zone: ZoneInfo, listed: Listed | None = None) -> list[Counted]:
    """What a change adds to the figures of all currencies; nothing of most changes."""
    payment = change.payment
    if payment.reporting_currency is None and change.earlier is None:
        return []
    now = [] if change.removed else counted_in_reporting(payment, zone, listed)
    if change.previous is None:
        return now
    before = counted_in_reporting(change.previous, zone, listed)
    return now + [(place, at, -rollup) for place, at, rollup in before]


Place = tuple[str, Grain, datetime]
"""Where a rollup is kept: currency, grain, start."""


def places_at(currency: str, at: datetime, zone: ZoneInfo) -> tuple[Place, ...]:
    """Every kept rollup that counts what happens at a moment."""
    return tuple((currency, grain, grain_start(grain, at, zone)) for grain in Grain)


def deltas(
    changes: Iterable[Change], zone: ZoneInfo, listed: Listed | None = None
) -> dict[Place, Rollup]:
    """Rollups that changes add, one for each kept rollup that they touch.

    What happened to a payment later touches rollups of its own time.

    With `listed` they have details by dimension, as `rollup_of` has.
    """
    # Most changes of a batch touch the same places: add these up once, not once for each grain.
    together: dict[tuple[Place, ...], list[Rollup]] = {}
    for change in changes:
        payment = change.payment
        places = places_at(payment.currency, payment.created_at, zone)
        together.setdefault(places, []).append(delta_of(change, zone, listed))
        for at, rollup in acted_by(change).items():
            at_once = at == payment.created_at  # as most fees are
            there = places if at_once else places_at(payment.currency, at, zone)
            together.setdefault(there, []).append(rollup)
        for currency, at, rollup in reported_by(change, zone, listed):
            together.setdefault(places_at(currency, at, zone), []).append(rollup)
    touched: dict[Place, list[Rollup]] = {}
    for places, parts in together.items():
        whole = total(parts)
        for place in places:
            touched.setdefault(place, []).append(whole)
    return {
        place: parts[0] if len(parts) == 1 else total(parts) for place, parts in touched.items()
    }


def at_hour(rollup: Rollup, hour: int) -> Rollup:
    """Return the same counts with all attempts at one hour of day.

    Quarter-hour rollups are kept without hours: their start tells the hour in any zone.
    """
    hours: dict[tuple[str, int], int] = {}
    for (method, _), (n, _) in rollup.cells.items():
        hours[method, hour] = hours.get((method, hour), 0) + n
    return Rollup(rollup.cells, rollup.declines, hours, rollup.further)


def as_document(rollup: Rollup, *, hours: bool = True) -> dict[str, Any]:
    """Nested form of a rollup for the database and the wire.

    Returns
    -------
    dict
        ``{"methods": {card: {success: {"n", "amount"}}}, "declines": {card: {code: {…}}},
        "hours": {card: {"14": n}}}``, amounts in minor units. Each of the `FURTHER` parts only if
        payments have it, nested by its levels: ``"partial": {card: {"n", "amount"}}``.
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
    for name, part in rollup.further.items():
        for path, (n, amount) in part.items():
            inner = document.setdefault(name, {})
            for level in path[:-1]:
                inner = inner.setdefault(level, {})
            inner[path[-1]] = {"n": n, "amount": amount}
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
        _further_from(document),
    )


def _further_from(document: Mapping[str, Any]) -> dict[str, dict[Path, Count]]:
    """The `FURTHER` parts of a rollup's nested form, as in `as_document`; none if they are null."""
    return {
        name: {path: _count_of(cell) for path, cell in _unfolded(part, len(levels))}
        for name, levels in FURTHER.items()
        if (part := document.get(name))
    }


def _unfolded(part: Mapping[str, Any], depth: int) -> Iterator[tuple[Path, Mapping[str, int]]]:
    """Each count of a nested part, and its path."""
    for name, inner in part.items():
        if depth == 1:
            yield (name,), inner
        else:
            yield from (((name, *path), cell) for path, cell in _unfolded(inner, depth - 1))


def _of_method(name: str, part: Mapping[Path, Count], method: str) -> dict[Path, Count]:
    level = FURTHER[name].index("method")
    return {path: count for path, count in part.items() if path[level] == method}


def _count_of(cell: Mapping[str, int]) -> Count:
    return int(cell.get("n", 0)), int(cell.get("amount", 0))


def _count_up(sums: dict[Key, Count], counts: Mapping[Key, Count]) -> None:
    for key, (n, amount) in counts.items():
        have = sums.get(key, (0, 0))
        sums[key] = (have[0] + n, have[1] + amount)
