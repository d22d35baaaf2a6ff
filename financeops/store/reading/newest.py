"""Payments in the order of time, some at a time; the rollups tell where they are.

No query here is unbounded in time. The rollups' counts tell which parts of time hold the selected
payments: by month, by day where a month has too many, then by quarter hour. So the amount read
depends on the selection, not on the total number of payments.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence, Sized
from contextlib import aclosing
from datetime import datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

from msgspec import Struct

from financeops.core.metrics import attempts
from financeops.core.payments import Payment
from financeops.core.periods import MILLISECOND, Grain, Window, grain_end
from financeops.core.selection import Selection
from financeops.store.database.connection import Database, Session
from financeops.store.reading.filters import payments_between
from financeops.store.reading.places import place_for_reading
from financeops.store.rollups import read_rollups
from financeops.store.tenants import TenantRecord

_GRAINS = (Grain.MONTH, Grain.DAY, Grain.QUARTER)
_SMALLEST_READ = 200
_FEW_READS = 25

Found = TypeVar("Found", bound=Sized)


class _Stretch(Struct, frozen=True):
    """A window that holds selected payments, and how many payments it holds, selected or not.

    If its ends cut rollups, it holds fewer.
    """

    window: Window
    held: int


async def newest_payments(
    db: Database,
    record: TenantRecord,
    chosen: Selection,
    *,
    limit: int,
    session: Session | None = None,
) -> list[Payment]:
    """Return at most `limit` payments, newest first, at equal times by descending id."""
    found: list[Payment] = []
    size = max(limit, _SMALLEST_READ)
    chunks = payments_by_time(db, record, chosen, size=size, newest_first=True, session=session)
    async with aclosing(chunks):
        async for chunk in chunks:
            found += chunk
            if len(found) >= limit:
                break
    return found[:limit]


class _Sparse(Exception):
    """Few of the payments that were looked at are selected."""


async def newest_if_near(
    db: Database,
    record: TenantRecord,
    chosen: Selection,
    *,
    limit: int,
    session: Session | None = None,
) -> list[Payment] | None:
    """Return the same as `newest_payments`; None if a few reads do not find them."""
    found: list[Payment] = []
    size = max(limit, _SMALLEST_READ)
    reads = 0

    async def read(part: Window) -> list[Payment]:
        nonlocal reads
        reads += 1
        if reads > _FEW_READS:
            raise _Sparse
        return await payments_between(db, record, part, chosen, newest_first=True, session=session)

    parts = parts_by_time(db, record, chosen, read, size=size, newest_first=True, session=session)
    try:
        async with aclosing(parts):
            async for part in parts:
                found += part
                if len(found) >= limit:
                    break
    except _Sparse:
        return None
    return found[:limit]


def payments_by_time(
    db: Database,
    record: TenantRecord,
    chosen: Selection,
    *,
    size: int,
    newest_first: bool = False,
    session: Session | None = None,
) -> AsyncGenerator[list[Payment], None]:
    """Yield all selected payments in the order of time, at most about `size` at once."""

    async def read(part: Window) -> list[Payment]:
        return await payments_between(
            db, record, part, chosen, newest_first=newest_first, session=session
        )

    return parts_by_time(
        db, record, chosen, read, size=size, newest_first=newest_first, session=session
    )


async def parts_by_time(
    db: Database,
    record: TenantRecord,
    chosen: Selection,
    read: Callable[[Window], Awaitable[Found]],
    *,
    size: int,
    newest_first: bool = False,
    session: Session | None = None,
) -> AsyncGenerator[Found, None]:
    """Yield what `read` finds in one part of time after the other, unless it finds nothing.

    Together the parts hold all selected payments, each at most about `size`.
    """
    if chosen.order_id is not None:
        # An order has few payments, wherever they are.
        async with place_for_reading(db, session):
            found = await read(record.held(chosen.window))
        if found:
            yield found
        return
    places = _Places(db, record, chosen, size, session, newest_first=newest_first)
    async with aclosing(places.stretches(_GRAINS, record.held(chosen.window))) as stretches:
        async for stretch in stretches:
            left = stretch.window
            length = left.end - left.start
            if (
                stretch.held > size
            ):  # a quarter hour with very many: cut it by time, as if they were evenly spread
                length = length * size / stretch.held
            while left.start < left.end:
                length = max(length // MILLISECOND * MILLISECOND, MILLISECOND)
                if newest_first:
                    part = Window(max(left.end - length, left.start), left.end)
                    left = Window(left.start, part.start)
                else:
                    part = Window(left.start, min(left.start + length, left.end))
                    left = Window(part.end, left.end)
                async with place_for_reading(db, session):
                    found = await read(part)
                if found:
                    yield found
                if len(found) < size // 2:
                    length *= 2
                elif len(found) > 2 * size:
                    length /= 2


class _Places:
    """Tells from the rollups where the selected payments are, without reading them."""

    def __init__(
        self,
        db: Database,
        record: TenantRecord,
        chosen: Selection,
        size: int,
        session: Session | None,
        *,
        newest_first: bool,
    ) -> None:
        self._db = db
        self._record = record
        self._zone = ZoneInfo(record.tenant.timezone)
        self._chosen = chosen
        self._size = size
        self._session = session
        self._newest_first = newest_first

    async def stretches(
        self, grains: Sequence[Grain], window: Window
    ) -> AsyncGenerator[_Stretch, None]:
        """Stretches of about `size` payments, in order; only a quarter hour may hold more."""
        grain, finer = grains[0], grains[1:]
        together: _Stretch | None = None
        counts = await self._counts(grain, window)
        for start in sorted(counts, reverse=self._newest_first):
            wanted, held = counts[start]
            if together and (not wanted or together.held + held > self._size):
                yield together
                together = None
            if not wanted:
                continue
            end = grain_end(grain, start, self._zone)
            part = Window(max(start, window.start), min(end, window.end))
            if held > self._size and finer:
                async with aclosing(self.stretches(finer, part)) as stretches:
                    async for stretch in stretches:
                        yield stretch
            else:
                together = _joined(together, _Stretch(part, held))
        if together:
            yield together

    async def _counts(self, grain: Grain, window: Window) -> dict[datetime, tuple[int, int]]:
        """Number of selected payments, and of all, in each rollup of a window."""
        counts: dict[datetime, tuple[int, int]] = {}
        inside = self._record.held(window)
        for currency in self._record.currencies:
            selected = self._chosen.currency in (None, currency)
            async with place_for_reading(self._db, self._session):
                rollups = await read_rollups(
                    self._db,
                    self._record.tenant,
                    currency,
                    grain,
                    inside,
                    details=bool(self._chosen.facets),
                    session=self._session,
                )
            for (_, _, start), rollup in rollups:
                wanted, held = counts.get(start, (0, 0))
                wanted += self._chosen.count(rollup) if selected else 0
                counts[start] = wanted, held + attempts(rollup)
        return counts


def _joined(first: _Stretch | None, second: _Stretch) -> _Stretch:
    """Two adjacent stretches as one; between them there are no payments."""
    if first is None:
        return second
    window = Window(
        min(first.window.start, second.window.start), max(first.window.end, second.window.end)
    )
    return _Stretch(window, first.held + second.held)
