"""Tenants: who has payments, in which currency and time zone, and how far their sequence is."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from secrets import token_hex

from msgspec import Struct

from financeops.core.errors import NotFound
from financeops.core.money import exponent
from financeops.core.payments import Tenant
from financeops.core.periods import MILLISECOND, Window
from financeops.store.database.connection import Database, Document, Session, driver_errors

MAX_DECLINE_CODES = 200
"""How many different decline codes of a tenant are counted by themselves."""


class TenantRecord(Struct, frozen=True, kw_only=True):
    """A tenant with what only the store needs to know of it.

    `first_at` and `last_at` are the times of its earliest and latest payment, None while it has
    none. `repairs` counts how often its rollups were rewritten: whoever remembers rollups forgets
    them when it changes. `history` is made up when the tenant comes into being: after its database
    was emptied and filled again it is another one, though the numbers may be the same.
    `taken_back` counts the payments and refunds that are no more: while it is the same, both only
    grow.
    """

    tenant: Tenant
    currencies: list[str]
    decline_codes: list[str]
    sources: dict[str, int]
    first_at: datetime | None
    last_at: datetime | None
    repairs: int
    history: str = ""
    taken_back: int = 0

    def held(self, window: Window) -> Window:
        """The part of a window in which there may be payments; empty where there are none."""
        if self.first_at is None or self.last_at is None:
            return Window(window.start, window.start)
        start = max(window.start, self.first_at)
        return Window(start, max(start, min(window.end, self.last_at + MILLISECOND)))

    def check_currency(self, currency: str | None) -> None:
        """Raise `InvalidValue` for a code that is none of ISO 4217's, nor of this tenant's payments.

        What is stored can be asked for, whatever the table of today says.
        """
        if currency is not None and currency not in self.currencies:
            exponent(currency)


def new_history() -> str:
    """A name for the history of a tenant that begins now."""
    return token_hex(8)


async def find_tenant(db: Database, tenant_id: str, *, session: Session | None = None) -> Tenant:
    """Return a tenant, with the number of its last change; raises `NotFound`."""
    return (await find_record(db, tenant_id, session=session)).tenant


async def find_record(
    db: Database, tenant_id: str, *, session: Session | None = None
) -> TenantRecord:
    """Return all that is known of a tenant; raises `NotFound`."""
    with driver_errors(session=session):
        document = await db.tenants.find_one({"_id": tenant_id}, session=session)
    if document is None:
        raise NotFound(f"tenant {tenant_id!r} does not exist: it has no payment yet")
    return record_from(document)


async def payments_by_source(db: Database) -> dict[str, int]:
    """Return how many payments of all tenants came from each source."""
    with driver_errors():
        documents = await db.tenants.find({}).to_list()
    counts: Counter[str] = Counter()
    for document in documents:
        counts.update(record_from(document).sources)
    return dict(counts)


def record_from(document: Document) -> TenantRecord:
    """Tenant of its stored form."""
    return TenantRecord(
        tenant=Tenant(
            id=document["_id"],
            currency=document["currency"],
            timezone=document["timezone"],
            seq=document["seq"],
        ),
        currencies=sorted(document.get("currencies", [])),
        decline_codes=document.get("declineCodes", []),
        sources=document.get("sources", {}),
        first_at=document.get("firstAt"),
        last_at=document.get("lastAt"),
        repairs=document.get("repairs", 0),
        history=document.get("history", ""),
        taken_back=document.get("takenBack", 0),
    )
