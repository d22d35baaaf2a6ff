"""The newest payments of a tenant, whenever they were: the rollups say where to look.

No query here is unbounded in time. The rollups' counts give the stretch in which the wanted
payments must be, first by month, then by day, then by quarter hour, so that what is read follows
what is asked for and not how many payments there are.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from zoneinfo import ZoneInfo

from financeops.core.payments import Payment
from financeops.core.periods import MILLISECOND, Grain, Window, grain_end
from financeops.store.connection import Database, Session
from financeops.store.filters import PaymentFilter, payments_between
from financeops.store.rollups import read_rollups
from financeops.store.tenants import TenantRecord


async def newest_payments(
    db: Database,
    record: TenantRecord,
    chosen: PaymentFilter,
    *,
    limit: int,
    session: Session | None = None,
) -> list[Payment]:
    """Return at most `limit` payments, newest first, equal times by id downwards."""
    rollups = PaymentsByTime(db, record, chosen, session)
    found: list[Payment] = []
    window = record.held(chosen.window)
    boldness = 2
    while len(found) < limit and window.start < window.end:
        wanted = limit - len(found)
        reach = await rollups.reach(window, wanted, boldness)
        found += await payments_between(
            db,
            record.tenant.id,
            Window(reach, window.end),
            chosen,
            newest_first=True,
            limit=wanted,
            session=session,
        )
        window = Window(window.start, reach)
        boldness *= 2
    return found


class PaymentsByTime:
    """Tells from the rollups when the chosen payments were, without reading them."""

    def __init__(
        self,
        db: Database,
        record: TenantRecord,
        chosen: PaymentFilter,
        session: Session | None = None,
    ) -> None:
        self._db = db
        self._record = record
        self._zone = ZoneInfo(record.tenant.timezone)
        self._currencies = [chosen.currency] if chosen.currency else record.currencies
        self._chosen = chosen
        self._session = session

    async def reach(self, window: Window, wanted: int, boldness: int) -> datetime:
        """How far back the newest `wanted` payments of a window reach.

        An estimate: the window's ends cut rollups, so there may be fewer, and within a quarter
        hour of very many payments only `boldness` times the share that is wanted is taken.
        """
        inside, expected = window, 0
        for grain in (Grain.MONTH, Grain.DAY, Grain.QUARTER):
            counts = await self._counts(grain, inside)
            if sum(counts.values()) < wanted:
                return max(min(counts, default=inside.start), window.start)
            for start in sorted(counts, reverse=True):
                expected = counts[start]
                if expected >= wanted:
                    end = min(grain_end(grain, start, self._zone), window.end)
                    inside = Window(max(start, window.start), end)
                    break
                wanted -= expected
        share = boldness * wanted / expected
        if share >= 1:
            return inside.start
        return inside.end - max((inside.end - inside.start) * share, MILLISECOND)

    async def parts(self, window: Window, size: int) -> AsyncIterator[Window]:
        """Cut a window, oldest first, into parts of about `size` payments, empty ones left out.

        A part is never finer than a quarter hour.
        """
        async for part in self._parts((Grain.MONTH, Grain.DAY, Grain.QUARTER), window, size):
            yield part

    async def _parts(
        self, grains: tuple[Grain, ...], window: Window, size: int
    ) -> AsyncIterator[Window]:
        grain, finer = grains[0], grains[1:]
        together: Window | None = None
        held = 0
        counts = await self._counts(grain, window)
        for start in sorted(counts):
            part = Window(
                max(start, window.start), min(grain_end(grain, start, self._zone), window.end)
            )
            n = counts[start]
            if together is not None and held + n > size:
                yield together
                together, held = None, 0
            if n > size and finer:
                async for fine in self._parts(finer, part, size):
                    yield fine
                continue
            together = Window(together.start if together else part.start, part.end)
            held += n
        if together is not None:
            yield together

    async def _counts(self, grain: Grain, window: Window) -> dict[datetime, int]:
        """How many payments each rollup that reaches into a window counts, empty ones left out."""
        counts: dict[datetime, int] = {}
        inside = self._record.held(window)
        for currency in self._currencies:
            rollups = await read_rollups(
                self._db, self._record.tenant, currency, grain, inside, session=self._session
            )
            for (_, _, start), rollup in rollups:
                if n := self._chosen.count(rollup):
                    counts[start] = counts.get(start, 0) + n
        return counts
