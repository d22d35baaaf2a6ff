"""Answers to queries for figures: all parts of one consistent moment, which the answer names."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from datetime import datetime
from weakref import WeakValueDictionary

from msgspec import Struct, structs

from financeops.core.errors import Busy, Unavailable
from financeops.core.facets import Facets
from financeops.core.payments import Change, Payment
from financeops.core.periods import Span, Window
from financeops.core.questions import Question
from financeops.core.reporting import REPORTING, is_reporting
from financeops.core.rollup import Place, Rollup, at_hour, total
from financeops.core.selection import Selection
from financeops.core.windows import ALL_TIME
from financeops.store.changes import read_changes
from financeops.store.database.connection import Database, Session
from financeops.store.database.patience import Patience
from financeops.store.database.transactions import in_transaction
from financeops.store.reading.answers import Answer, ReadPlan
from financeops.store.reading.book import Book, Newest, RollupPage
from financeops.store.reading.counted import count_pages
from financeops.store.reading.edges import Edge, read_edge
from financeops.store.reading.newest import newest_if_near, newest_payments
from financeops.store.reading.places import place_for_reading
from financeops.store.reading.shelf import Books, Limits, book_of, keep_within
from financeops.store.reading.sought import Sought
from financeops.store.rollups import rollups_starting_in
from financeops.store.tenants import TenantRecord, find_record

MAX_BOOKS = 1000
"""Most tenants that a process remembers."""

MAX_BYTES = 256_000_000
"""Approximate memory that all books together may take."""

FOLDED_AT_MOST = 5000
"""A book further behind than this is read again: that costs less than catching up."""

MAX_FILTERED, FILTERED_BYTES, FILTERED_BEHIND = 200, 128_000_000, 20_000
"""The same limits for the books of payments with some values, which cost more to begin again."""

COUNTING_SECONDS = 20.0
"""Seconds that a question may spend on counting payments; what is counted by then is kept."""

_WAITING_SECONDS = 20.0
"""Seconds that it may wait for others who count the same."""

_PIECE_SECONDS, _LONGEST_PIECE = 1.0, 50.0
"""Seconds after which a transaction that counts ends with its page, and that it may take at most."""

_PATIENCE_SECONDS = 10.0
"""Seconds for which an answer is restarted because the rollups were rewritten meanwhile."""


_COUNTS_ON = "there are too many payments to count them all at once: ask again, what was counted is remembered"


def _limits_of(facets: Facets) -> Limits:
    if facets:
        return Limits(books=MAX_FILTERED, bytes=FILTERED_BYTES, behind=FILTERED_BEHIND)
    return Limits(books=MAX_BOOKS, bytes=MAX_BYTES, behind=FOLDED_AT_MOST)


class _Missing(Struct, frozen=True):
    """What a book lacks for an answer: read together, at one moment."""

    pages: list[RollupPage]
    newest: Newest | None
    edges: list[Span]

    def __bool__(self) -> bool:
        return bool(self.pages or self.newest or self.edges)


class _Read(Struct, frozen=True):
    """What was read, all at one moment; `payments` are None if they were not found yet."""

    record: TenantRecord
    changes: list[Change]
    pages: dict[RollupPage, list[tuple[Place, Rollup]]] = {}
    payments: list[Payment] | None = None
    edges: dict[Span, Edge] = {}


class Reader:
    """Answers questions about a database's payments, and remembers what it read.

    `books` holds what it remembers, by tenant, the least recently used first; it answers rightly
    whatever is removed from it. `filtered` has a book for each tenant and combination of values by
    which its payments were filtered: its rollups are counted from the payments (`counted`).
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self.books: Books = OrderedDict()
        self.filtered: Books = OrderedDict()
        self._locks: WeakValueDictionary[Hashable, asyncio.Lock] = WeakValueDictionary()

    async def answer(
        self,
        tenant_id: str,
        question: Question,
        *,
        as_of: datetime,
        in_buckets: bool = False,
        compare: bool = False,
        details: bool = False,
        payments: int = 0,
    ) -> Answer:
        """Answer a question about a tenant's payments as of a moment.

        Parameters
        ----------
        as_of : datetime
            Decides which period is running; aware.
        in_buckets : bool
            Also give the rollup of each bucket of the period or window.
        compare : bool
            Also give the previous period, or the equally long window before an explicit one.
        details : bool
            Also count by the values of dimensions.
        payments : int
            Also give this many of the newest payments, whenever they were created.

        Raises
        ------
        NotFound
            The tenant does not exist.
        InvalidValue
            The currency does not exist, or the window is too long for another zone or lacks an end
            that is needed.
        Unavailable
        """
        everything = question.currency == REPORTING
        selection = Selection(
            currency=None if everything else question.currency, method=question.method
        )
        newest = Newest(selection, payments) if payments else None
        facets = question.facets
        name: Hashable = (tenant_id, facets) if facets else tenant_id
        books = self.filtered if facets else self.books
        limits = _limits_of(facets)
        # One at a time: they share a book, and the second finds it up to date.
        lock = self._locks.setdefault(name, asyncio.Lock())
        counting = Patience(COUNTING_SECONDS)  # including the wait for others who count
        # One session, which is causally consistent: the changes are read after the latest `seq`, on
        # a sharded cluster from another shard.
        async with _turn(lock, facets), self._db.client.start_session() as session:
            record = await find_record(self._db, tenant_id, session=session)
            if everything:
                record.check_converted()
            else:
                record.check_currency(question.currency)
            patience = Patience(_PATIENCE_SECONDS)
            while True:
                plan = ReadPlan.of(
                    question,
                    record,
                    as_of=as_of,
                    in_buckets=in_buckets,
                    compare=compare,
                    details=details,
                )
                book = book_of(books, name, record, limits, facets)
                missing = _missing(book, plan, newest)
                pieces = bool(facets and missing.pages)
                if pieces:
                    read = await self._count(record, book, missing.pages)
                elif facets and missing.newest is not None:
                    # Kept from now on: changes bring them to the moment of the figures.
                    read, pieces = await self._seek(record, book, missing.newest), True
                else:
                    read = await self._read(record, book, plan, missing, session)
                now = read.record
                if everything:
                    now.check_converted()
                if _brought(book, read):
                    if missing.newest is not None and read.payments is not None:
                        book.keep_newest(missing.newest, read.payments)
                    if not pieces and plan.reaches(now):
                        break
                    if counting.over:
                        raise Busy(_COUNTS_ON)
                else:
                    # The log no longer holds all changes since, or the rollups were rewritten as
                    # well. Begin with an empty book.
                    books.pop(name, None)
                    if (counting if facets else patience).over:
                        raise Unavailable(
                            "the tenant's rollups are being rewritten again and again"
                        )
                record = now
            answer = _answer(plan, book, read, method=question.method, as_of=as_of)
            if newest:
                answer = structs.replace(answer, payments=book.newest(newest))
            book.forget()
            keep_within(books, limits.bytes)
            return answer

    async def newest(self, record: TenantRecord, chosen: Selection, *, limit: int) -> list[Payment]:
        """Return the newest payments of a selection with facets, which few payments may have."""
        facets = chosen.facets
        name: Hashable = (record.tenant.id, facets)
        book = self.filtered.get(name)
        if book is None or _ever(chosen) not in book.far:
            # What many payments have is found without counting, or waiting for others who count.
            found = await newest_if_near(self._db, record, chosen, limit=limit)
            if found is not None:
                return found
        limits, newest = _limits_of(facets), Newest(chosen, limit)
        lock = self._locks.setdefault(name, asyncio.Lock())
        counting = Patience(COUNTING_SECONDS)
        async with _turn(lock, facets):
            record = await find_record(self._db, record.tenant.id)
            while True:
                book = book_of(self.filtered, name, record, limits, facets)
                book.far.add(_ever(chosen))
                read = await self._seek(record, book, newest)
                if not _brought(book, read):
                    self.filtered.pop(name, None)
                elif read.payments is not None:
                    break
                if counting.over:
                    raise Busy(_COUNTS_ON)
                record = read.record
            book.forget()
            keep_within(self.filtered, limits.bytes)
            return read.payments

    async def _seek(self, record: TenantRecord, book: Book, newest: Newest) -> _Read:
        """Read the newest payments of a filter, or count some of what the book lacks to find them.

        Unless they are known to be far, first look whether they are among the last ones of all.
        """
        # The book holds nothing but payments with its values.
        chosen = structs.replace(newest.selection, facets=book.facets)

        async def transaction(session: Session) -> tuple[_Read, list[RollupPage]]:
            now = await find_record(self._db, record.tenant.id, session=session)
            read = _Read(now, await self._changes(now, book, session))
            if chosen.counts_exactly(now.listed):
                found: list[Payment] | None = await newest_payments(
                    self._db, now, chosen, limit=newest.length, session=session
                )
                return structs.replace(read, payments=found), []
            if _ever(chosen) not in book.far:
                found = await newest_if_near(
                    self._db, now, chosen, limit=newest.length, session=session
                )
                if found is None:
                    book.far.add(_ever(chosen))
                return structs.replace(read, payments=found), []
            if not _brought(book, read):
                return read, []
            found, missing = await Sought(book, now, chosen, newest.length).find(self._db, session)
            return _Read(now, [], payments=None if missing else found), missing

        async with place_for_reading(self._db):
            read, missing = await in_transaction(self._db, transaction, seconds=_LONGEST_PIECE)
        return await self._count(read.record, book, missing) if missing else read

    async def _count(self, record: TenantRecord, book: Book, missing: list[RollupPage]) -> _Read:
        """Count some of the missing pages, and read the changes that bring the book to that moment."""
        pages: dict[Hashable, list[RollupPage]] = {}
        for page in missing:
            # Those of all currencies are counted in one pass.
            of = page.currency if is_reporting(page.currency) else None
            pages.setdefault((of, page.grain, page.number), []).append(page)

        async def transaction(session: Session) -> _Read:
            now = await find_record(self._db, record.tenant.id, session=session)
            piece = Patience(_PIECE_SECONDS)
            counted: dict[RollupPage, list[tuple[Place, Rollup]]] = {}
            for together in pages.values():
                counted |= await count_pages(self._db, now, together, book.facets, session)
                if piece.over:
                    break
            return _Read(now, await self._changes(now, book, session), counted)

        async with place_for_reading(self._db):
            return await in_transaction(self._db, transaction, seconds=_LONGEST_PIECE)

    async def _read(
        self, record: TenantRecord, book: Book, plan: ReadPlan, missing: _Missing, after: Session
    ) -> _Read:
        """Read what the book lacks, and the changes that bring it to the same moment."""
        if not missing:
            return _Read(record, await self._changes(record, book, after))

        async def transaction(session: Session) -> _Read:
            now = await find_record(self._db, record.tenant.id, session=session)
            pages = {
                page: await rollups_starting_in(
                    self._db,
                    now,
                    page.currency,
                    page.grain,
                    page.window,
                    details=page.details,
                    session=session,
                )
                for page in missing.pages
            }
            edges = {
                edge: await read_edge(
                    self._db,
                    now,
                    Window(edge.start, edge.end),
                    plan.places,
                    book.facets,
                    session=session,
                )
                for edge in missing.edges
            }
            payments: list[Payment] | None = None
            if (newest := missing.newest) is not None:
                payments = await newest_payments(
                    self._db, now, newest.selection, limit=newest.length, session=session
                )
            changes = await self._changes(now, book, session)
            return _Read(now, changes, pages, payments, edges)

        return await in_transaction(self._db, transaction)

    async def _changes(self, record: TenantRecord, book: Book, session: Session) -> list[Change]:
        tenant = record.tenant
        if book.empty or tenant.seq == book.seq:
            return []
        changes = await read_changes(
            self._db, tenant.id, book.seq, limit=tenant.seq - book.seq, session=session
        )
        return [change for change in changes if change.seq <= tenant.seq]


@asynccontextmanager
async def _turn(lock: asyncio.Lock, facets: Facets) -> AsyncIterator[None]:
    """Hold the lock; do not wait too long for others who count."""
    try:
        async with asyncio.timeout(_WAITING_SECONDS if facets else None):
            await lock.acquire()
    except TimeoutError:
        raise Busy(_COUNTS_ON) from None
    try:
        yield
    finally:
        lock.release()


def _ever(chosen: Selection) -> Selection:
    return structs.replace(chosen, window=ALL_TIME)


def _missing(book: Book, plan: ReadPlan, newest: Newest | None) -> _Missing:
    spans = [span for window in plan.windows() for span in plan.spans(window)]
    pages = [
        page
        for place in plan.places
        for span in spans
        for page in book.pages(place, span, details=plan.details)
    ]
    return _Missing(
        pages=book.missing_pages(pages),
        newest=newest if newest and book.misses_newest(newest) else None,
        edges=[span for span in spans if span.grain is None],
    )


def _brought(book: Book, read: _Read) -> bool:
    """Bring a book to the moment of what was read, and keep its pages; whether that was possible."""
    now = read.record
    if now.repairs != book.repairs:
        return False
    if not book.move_on(read.changes, seq=now.tenant.seq, listed=now.listed):
        return False
    for page, rollups in read.pages.items():
        book.keep_page(page, rollups)
    return True


def _answer(
    plan: ReadPlan, book: Book, read: _Read, *, method: str | None, as_of: datetime
) -> Answer:
    sums = {window: _sum(plan, book, read, window) for window in plan.windows()}
    if method is not None:
        sums = {window: rollup.only(method) for window, rollup in sums.items()}
    bucket_rollups = [sums[bucket] for bucket in plan.buckets]
    return Answer(
        tenant=read.record.tenant,
        currency=plan.currency,
        reporting=len(plan.places) > 1,
        currencies=read.record.currencies,
        timezone=plan.zone.key,
        as_of=as_of,
        window=plan.window,
        rollup=total(bucket_rollups) if plan.buckets else sums[plan.window],
        buckets=plan.buckets,
        bucket_rollups=bucket_rollups,
        previous_window=plan.previous,
        previous=sums[plan.previous] if plan.previous else None,
        payments=[],
        listed=read.record.listed,
    )


def _sum(plan: ReadPlan, book: Book, read: _Read, window: Window) -> Rollup:
    parts: list[Rollup] = []
    for span in plan.spans(window):
        if span.grain is None:
            listed = read.record.listed if plan.details else None
            parts += read.edges[span].rollups(plan.zone, listed)
            continue
        foreign = plan.zone != plan.kept_zone
        for place in plan.places:
            for (_, _, start), rollup in book.rollups(place, span, details=plan.details):
                parts.append(
                    at_hour(rollup, start.astimezone(plan.zone).hour) if foreign else rollup
                )
    return total(parts)
