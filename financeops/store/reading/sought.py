"""Where the newest payments of a filter are: its book tells, so nothing is read where there are none."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from financeops.core.metrics import attempts
from financeops.core.payments import Payment
from financeops.core.periods import Grain, Span, Window, grain_end, grain_start
from financeops.core.selection import Selection
from financeops.store.database.connection import Database, Session
from financeops.store.reading.book import Book, RollupPage, pages_of
from financeops.store.reading.filters import payments_between
from financeops.store.rollups import rollups_at
from financeops.store.tenants import TenantRecord

_DENSE = 500
"""Payments of a day, selected or not, above which it is looked through by quarter hours."""


class Sought(Struct, frozen=True):
    """The newest `limit` payments of a selection with facets, wanted of a tenant as it is now.

    `book` is that of the facets, as of the same `seq`.
    """

    book: Book
    record: TenantRecord
    chosen: Selection
    limit: int

    async def find(self, db: Database, session: Session) -> tuple[list[Payment], list[RollupPage]]:
        """Return the payments, or pages of the book that must be counted before they can be found."""
        missing: list[RollupPage] = []
        days = self._places(Grain.DAY, self.record.held(self.chosen.window), missing)
        if missing:
            return [], missing
        held = await self._held(db, days, session)
        parts: list[Window] = []
        for day, part in days.items():
            if held.get(day, 0) > _DENSE:
                parts += self._places(Grain.QUARTER, part, missing).values()
            else:
                parts.append(part)
        if missing:
            return [], missing
        found: list[Payment] = []
        for part in _joined(parts):
            found += await payments_between(
                db,
                self.record,
                part,
                self.chosen,
                newest_first=True,
                limit=self.limit - len(found),
                session=session,
            )
            if len(found) >= self.limit:
                break
        return found, []

    def _places(
        self, grain: Grain, window: Window, missing: list[RollupPage]
    ) -> dict[datetime, Window]:
        """The parts of a window with the newest selected payments, newest first, by their rollup's start.

        What is not known of them is added to `missing`: at most as many pages as are known.
        """
        zone = self.book.zone
        places: dict[datetime, Window] = {}
        if window.start >= window.end:
            return places
        span = Span(grain, grain_start(grain, window.start, zone), window.end)
        known, left = 1, self.limit
        for pages in self._pages(span):
            unknown = self.book.missing_pages(pages)
            if unknown or missing:
                missing += unknown
                known -= 1
                if not known:
                    break
                continue
            known += 1
            counts = self._counts(span, pages)
            for start in sorted(counts, reverse=True):
                part = Window(
                    max(start, window.start), min(grain_end(grain, start, zone), window.end)
                )
                places[start] = part
                if part == Window(start, grain_end(grain, start, zone)):
                    left -= counts[start]
            if left <= 0:
                break
        return places

    def _pages(self, span: Span) -> Iterator[list[RollupPage]]:
        """The pages of each stretch of time, newest first: one of each currency."""
        chosen = [
            pages_of(currency, span, counted=True)
            for currency in self.record.currencies
            if self.chosen.currency in (None, currency)
        ]
        for pages in zip(*map(reversed, chosen), strict=True):
            yield list(pages)

    def _counts(self, span: Span, pages: list[RollupPage]) -> dict[datetime, int]:
        """How many selected payments there are in each rollup of pages, where there are any."""
        plain = replace(self.chosen, facets=())  # the book has no others
        counts: dict[datetime, int] = {}
        for page in pages:
            inside = Window(max(page.window.start, span.start), min(page.window.end, span.end))
            for (_, _, start), rollup in self.book.rollups(
                page.currency, Span(page.grain, inside.start, inside.end)
            ):
                if n := plain.count(rollup):
                    counts[start] = counts.get(start, 0) + n
        return counts

    async def _held(
        self, db: Database, days: dict[datetime, Window], session: Session
    ) -> dict[datetime, int]:
        """How many payments there are on each day, selected or not."""
        places = [(currency, Grain.DAY, day) for currency in self.record.currencies for day in days]
        held: dict[datetime, int] = {}
        for (_, _, day), rollup in (
            await rollups_at(db, self.record.tenant.id, places, session=session)
        ).items():
            held[day] = held.get(day, 0) + attempts(rollup)
        return held


def _joined(parts: list[Window]) -> list[Window]:
    """The same parts, newest first, up to four adjacent ones as one."""
    joined: list[Window] = []
    for part in parts:
        together = Window(part.start, joined[-1].end) if joined else part
        adjacent = bool(joined) and part.end == joined[-1].start
        if adjacent and together.end - together.start <= 4 * (part.end - part.start):
            joined[-1] = together
        else:
            joined.append(part)
    return joined
