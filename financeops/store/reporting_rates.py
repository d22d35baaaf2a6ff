"""The rates that payments are converted at, as the ledger needs them: remembered, and never outdated.

A document of `schema` says which source's rates are meant, and counts how often rates were recorded. A
transaction that converts payments reads it: what a process remembers of another number is read again.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from weakref import WeakKeyDictionary
from zoneinfo import ZoneInfo

from msgspec import Struct
from pymongo import AsyncMongoClient

from financeops.core.payments import Payment, Tenant
from financeops.core.rates import OLDEST, Conversion, Rates
from financeops.core.reporting import reported
from financeops.store.database.connection import Database, Document, Session, driver_errors
from financeops.store.rates import NOTE, read_rates

_EPOCH = date(1970, 1, 1)
_PAGE = timedelta(days=32)
_MAX_PAGES = 64
"""Five and a half years of all currencies: about 6 MB."""


class Choice(Struct, frozen=True, kw_only=True):
    """Which rates payments are converted at, and how often any were recorded.

    `kinds` are the sources of which there are rates, each with its base (``ecb/EUR``); `chosen` is the
    one that the settings name, with or without its base.
    """

    version: int = 0
    kinds: tuple[str, ...] = ()
    chosen: str | None = None

    @property
    def candidates(self) -> list[str]:
        """The sources that may be meant. Of several, none is: it is not guessed which is right."""
        return [kind for kind in self.kinds if self.chosen in (None, kind, kind.partition("/")[0])]


class Reporting(Struct, frozen=True, kw_only=True):
    """How payments are converted for a tenant: into its own currency, by days of its zone.

    `version` is that of the rates, None if none were needed.
    """

    currency: str
    timezone: str
    version: int | None = None
    pages: dict[int, Rates] = {}

    def of(self, payment: Payment) -> Payment:
        """The payment as its tenant reports it: converted, or waiting for a rate."""
        conversion = None
        if payment.currency != self.currency:
            conversion = self.conversion(payment.currency, payment.created_at)
        return reported(payment, self.currency, conversion)

    def conversion(self, currency: str, at: datetime) -> Conversion | None:
        """What converts a currency at the rate of the day of a moment; None if there is none."""
        day = at.astimezone(ZoneInfo(self.timezone)).date()
        page = self.pages.get(_page_of(day))
        return None if page is None else page.conversion(currency, self.currency, day)


class _Remembered:
    """Pages of rates as of a version, the most recently used last."""

    def __init__(self) -> None:
        self.version = 0
        self.pages: OrderedDict[int, Rates] = OrderedDict()


_all_remembered: WeakKeyDictionary[AsyncMongoClient[Document], dict[str, _Remembered]] = (
    WeakKeyDictionary()
)


async def find_choice(db: Database, *, session: Session | None = None) -> Choice:
    """Return which rates are meant."""
    with driver_errors(session=session):
        document = await db.schema.find_one({"_id": NOTE}, session=session) or {}
    return Choice(
        version=document.get("version", 0),
        kinds=tuple(sorted(document.get("kinds", []))),
        chosen=document.get("chosen"),
    )


async def choose(db: Database, source: str | None) -> Choice:
    """Note the source that the settings name: another one than before may convert what is waiting."""
    with driver_errors():
        if await db.schema.find_one({"_id": NOTE}, {"_id": 1}) is None:
            # Rates of a version that did not note them.
            known = await db.rates.find({}, {"source": 1, "base": 1}).to_list()
            kinds = sorted({f"{each['source']}/{each['base']}" for each in known})
            first: Document = {"version": 1, "kinds": kinds}
            await db.schema.update_one({"_id": NOTE}, {"$setOnInsert": first}, upsert=True)
        other = {"_id": NOTE, "chosen": {"$ne": source}}
        changed = {"$inc": {"version": 1}, "$set": {"chosen": source}}
        await db.schema.update_one(other, changed)
    return await find_choice(db)


async def read_reporting(
    db: Database, tenant: Tenant, made: Iterable[tuple[str, datetime]]
) -> Reporting:
    """Read what converts payments into a tenant's own currency.

    Parameters
    ----------
    made : iterable of (str, datetime)
        Currencies of payments, and when they were made. Those in the tenant's own cost nothing.
    """
    zone = ZoneInfo(tenant.timezone)
    days = {at.astimezone(zone).date() for currency, at in made if currency != tenant.currency}
    if not days:
        return Reporting(currency=tenant.currency, timezone=tenant.timezone)
    choice = await find_choice(db)
    remembered = _all_remembered.setdefault(db.client, {}).setdefault(db.name, _Remembered())
    if remembered.version != choice.version:
        remembered.version, remembered.pages = choice.version, OrderedDict()
    pages: dict[int, Rates] = {}
    kept = remembered.pages
    for number in sorted(set(map(_page_of, days))):
        page = kept.get(number)
        if page is None:
            page = await _read_page(db, choice, number)
        pages[number] = page
        if remembered.version == choice.version:
            kept[number] = page
            kept.move_to_end(number)
    while len(kept) > _MAX_PAGES:
        kept.popitem(last=False)
    return Reporting(
        currency=tenant.currency, timezone=tenant.timezone, version=choice.version, pages=pages
    )


async def _read_page(db: Database, choice: Choice, number: int) -> Rates:
    """The rates of a page's days, and those before that these days may be converted at."""
    if len(choice.candidates) != 1:
        return Rates([])
    source, _, base = choice.candidates[0].partition("/")
    start = _EPOCH + number * _PAGE
    days = await read_rates(
        db, source=source, base=base, start=start - OLDEST, end=start + _PAGE, limit=100
    )
    return Rates(rate for day in days for rate in day.each())


def _page_of(day: date) -> int:
    return (day - _EPOCH) // _PAGE
