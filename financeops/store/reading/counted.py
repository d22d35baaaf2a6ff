"""Rollups of payments with some values, which nobody keeps: counted from the payments when they are asked for.

The cost is that of reading these payments once; changes bring the rollups forward from then on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from financeops.core.dimensions import Listed
from financeops.core.facets import FACETED, Facets
from financeops.core.payments import FIELDS, SELDOM, Payment, Status
from financeops.core.periods import Grain, Window, grain_end, grain_start
from financeops.core.reporting import is_reporting, place_in
from financeops.core.rollup import Count, Key, Place, Rollup, counted, rollup_of, total
from financeops.core.selection import Selection
from financeops.store.act_times import acted_between
from financeops.store.database.connection import Database, Document, Session, driver_errors
from financeops.store.documents import payment_from
from financeops.store.reading.book import RollupPage
from financeops.store.reading.filters import conditions, having
from financeops.store.tenants import TenantRecord

_CHUNK = 2000
"""Payments that are read at once, and counted in a thread."""

_SHAPE = (
    *("method", "status", "declineGroup", "declineCode", "failureStage", "declineKind"),
    *("attempt", "recoveredBy"),
)
"""What payments are counted by, besides their time; those that are the same in it are counted together."""

_TOLD = tuple(FIELDS[name].json for name in ("refunded_amount", *SELDOM))
"""Fields of which a payment that has one is counted by itself."""


async def count_pages(
    db: Database,
    record: TenantRecord,
    pages: Iterable[RollupPage],
    facets: Facets,
    session: Session,
) -> dict[RollupPage, list[tuple[Place, Rollup]]]:
    """Count the rollups of pages, reading the payments of all once; by dimension, too, if that is asked for.

    The pages are all of one grain and number, of any currencies, or of one as `reporting` counts it.
    """
    pages = list(pages)
    page = pages[0]
    zone = ZoneInfo(record.tenant.timezone)
    window = record.counted(_starting_in(page, zone))
    detailed = any(each.details for each in pages)
    places = sorted({each.currency for each in pages})
    sums = _Sums(places, page.grain, zone, window, record.listed if detailed else None)
    if window.start < window.end:
        between, other = conditions(record, window, Selection(facets=facets))
        in_place = _counted_in(places)
        # In two stages, for the embedded database would otherwise scan everything.
        stages = [{"$match": between}, {"$match": other | in_place}]
        await _count_made(db, stages, sums, session)
        # What happened in the window to payments that were made before it.
        earlier = {"createdAt": {"$lt": window.start}, **having(facets, record.listed), **in_place}
        for payment in await acted_between(
            db, record.tenant.id, window, None, such=earlier, session=session
        ):
            sums.add_one(payment)
    rollups = sums.rollups()
    return {
        each: [
            ((place, page.grain, start), part)
            for (place, start), rollup in rollups.items()
            if place == each.currency
            if (part := rollup.details if each.details else rollup.without_details)
        ]
        for each in pages
    }


def _counted_in(places: Sequence[str]) -> Document:
    """The condition for payments that rollups of these currencies count."""
    if is_reporting(places[0]):
        return {"reportingCurrency": places[0].removeprefix(place_in(""))}
    return {"currency": {"$in": list(places)} if places[1:] else places[0]}


def _starting_in(page: RollupPage, zone: ZoneInfo) -> Window:
    """The window of all that the rollups count which start in a page."""

    def first(at: datetime) -> datetime:
        start = grain_start(page.grain, at, zone)
        return start if start == at else grain_end(page.grain, at, zone)

    return Window(first(page.window.start), first(page.window.end))


async def _count_made(db: Database, stages: list[Document], sums: _Sums, session: Session) -> None:
    with driver_errors(session=session):
        async with await db.payments.aggregate(stages, session=session, batchSize=_CHUNK) as cursor:
            while chunk := await cursor.to_list(_CHUNK):
                await asyncio.to_thread(sums.add, chunk)


class _Alike(NamedTuple):
    """Payments that are counted together: one of them, and what they add up to."""

    sample: Document
    sums: list[int]  # payments, amounts


class _Sums:
    """Rollups of some currencies and a grain in a window, to which payments are added."""

    def __init__(
        self,
        places: Sequence[str],
        grain: Grain,
        zone: ZoneInfo,
        window: Window,
        listed: Listed | None,
    ) -> None:
        self._places = frozenset(places)
        self._grain = grain
        self._zone = zone
        self._window = window
        self._listed = listed
        self._shape = (*_SHAPE, *FACETED) if listed is not None else _SHAPE
        self._alike: dict[tuple[object, ...], _Alike] = {}
        self._parts: dict[tuple[str, datetime], list[Rollup]] = {}
        self._last = Window(window.start, window.start)

    def add(self, documents: Iterable[Document]) -> None:
        """Add payments that were made in the window, as they are stored."""
        one_by_one = any(map(is_reporting, self._places))  # each has a rate of its own
        for document in documents:
            refunded = document["status"] == Status.REFUNDED
            if one_by_one or refunded or any(name in document for name in _TOLD):
                self.add_one(payment_from(document))
                continue
            at = document["createdAt"]
            hour = at.astimezone(self._zone).hour
            key = (document["currency"], self._start(at), hour, *map(document.get, self._shape))
            alike = self._alike.get(key)
            if alike is None:
                alike = self._alike[key] = _Alike(document, [0, 0])
            alike.sums[0] += 1
            alike.sums[1] += document["amount"]

    def add_one(self, payment: Payment) -> None:
        """Add a payment, if it was made in the window, and what happened to it there."""
        for place, at, rollup in counted(payment, self._zone, self._listed):
            if place in self._places and at in self._window:
                self._put(place, at, rollup)

    def rollups(self) -> dict[tuple[str, datetime], Rollup]:
        """The rollups by currency and start; those of nothing are left out."""
        for sample, (n, amount) in self._alike.values():
            payment = payment_from(sample)
            rollup = rollup_of(payment, self._zone, self._listed)
            self._put(payment.currency, payment.created_at, _times(rollup, n, amount))
        self._alike.clear()
        return {of: rollup for of, parts in self._parts.items() if (rollup := total(parts))}

    def _put(self, place: str, at: datetime, rollup: Rollup) -> None:
        self._parts.setdefault((place, self._start(at)), []).append(rollup)

    def _start(self, at: datetime) -> datetime:
        if at not in self._last:  # payments come in the order of time
            start = grain_start(self._grain, at, self._zone)
            self._last = Window(start, grain_end(self._grain, at, self._zone))
        return self._last.start


def _times(one: Rollup, n: int, amount: int) -> Rollup:
    """The rollup of `n` payments like one, which add up to an amount."""

    def counts(part: Mapping[Key, Count]) -> dict[Key, Count]:
        return dict.fromkeys(part, (n, amount))

    return Rollup(
        counts(one.cells),
        counts(one.declines),
        dict.fromkeys(one.hours, n),
        {name: counts(part) for name, part in one.further.items()},
    )
