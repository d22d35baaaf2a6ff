"""The books that a process keeps in memory: a limited number of them, and of bytes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from zoneinfo import ZoneInfo

from msgspec import Struct

from financeops.core.facets import Facets
from financeops.store.reading.book import Book, forget_oldest
from financeops.store.tenants import TenantRecord

Books = OrderedDict[Hashable, Book]
"""Books by name, the least recently used first; whatever is removed is read again."""


class Limits(Struct, frozen=True, kw_only=True):
    """How many `books` are kept, and about how many `bytes` they may take together.

    One further `behind` than that is read again: that costs less than catching up.
    """

    books: int
    bytes: int
    behind: int


def book_of(
    books: Books, name: Hashable, record: TenantRecord, limits: Limits, facets: Facets
) -> Book:
    """The book of this name; an empty one if none can be brought up to date."""
    tenant = record.tenant
    book = books.get(name)
    usable = (
        book is not None
        and book.repairs == record.repairs
        and 0 <= tenant.seq - book.seq <= limits.behind
    )
    if book is None or not usable:
        zone = ZoneInfo(tenant.timezone)
        book = Book(zone, seq=tenant.seq, repairs=record.repairs, facets=facets)
        books[name] = book
    books.move_to_end(name)
    forget_oldest(books, limits.books)
    return book


def keep_within(books: Books, most_bytes: int) -> None:
    """Keep the most recently used books within the memory for all."""
    taken = sum(book.bytes for book in books.values())
    while taken > most_bytes:
        _, book = books.popitem(last=False)
        taken -= book.bytes
