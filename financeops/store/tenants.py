"""Tenants: their currency, their time zone and the latest number of their sequence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from secrets import token_hex

from msgspec import Struct

from financeops.core.dimensions import Listed, to_list, with_listed
from financeops.core.errors import NotFound, Unavailable
from financeops.core.money import exponent
from financeops.core.payments import Tenant
from financeops.core.periods import MILLISECOND, Window
from financeops.store.database.connection import Database, Document, Session, driver_errors

MAX_DECLINE_CODES = 200
"""Most different decline codes of a tenant that are counted separately."""


COUNTED = "countedWithReporting"
"""Field of a tenant: how many changes are counted as this version counts them. See `migrating`."""


class TenantRecord(Struct, frozen=True, kw_only=True):
    """A tenant, with what only the store needs to know about it.

    `first_at` and `last_at` are the times of its earliest and latest payment, None while it has
    none; `last_act_at` is at or after the latest of what happened to payments later. `repairs` counts how often its rollups were rewritten: remembered rollups are forgotten
    when it changes. `history` is generated when the tenant is created: it differs after the
    database was emptied and filled again, even if the numbers are the same. `taken_back` counts
    the payments and refunds that were removed: while it is unchanged, both only grow. `listed` are
    the values of each dimension that are counted by themselves. `renumbered` counts the payments that
    were given another number in their order, or converted later, by the month (UTC) that they are of,
    ``2026-03``. `reports_in` is the currency into which all payments in others are converted, as far as
    there are rates; another than the tenant's, or None, while this is still to be done. `waiting_acts` is how many acts wait
    for their payment.
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
    listed: Listed = {}
    renumbered: dict[str, int] = {}
    last_act_at: datetime | None = None
    reports_in: str | None = None
    waiting_acts: int = 0

    def renumbered_in(self, window: Window) -> int:
        """How often payments of a window were renumbered; also counts those beside it."""
        first, last = (f"{at.astimezone(UTC):%Y-%m}" for at in (window.start, window.end))
        return sum(n for month, n in self.renumbered.items() if first <= month <= last)

    def held(self, window: Window) -> Window:
        """The part of a window that may hold payments; empty if there are none."""
        if self.first_at is None or self.last_at is None:
            return Window(window.start, window.start)
        start = max(window.start, self.first_at)
        return Window(start, max(start, min(window.end, self.last_at + MILLISECOND)))

    def counted(self, window: Window) -> Window:
        """The part of a window that may have rollups: of payments, or of what happened to them."""
        held = self.held(window)
        if self.first_at is None or self.last_act_at is None:
            return held
        # Nothing happens to a payment before it is made.
        start = max(window.start, self.first_at)
        end = min(window.end, self.last_act_at + MILLISECOND)
        return Window(start, max(start, held.end, end))

    def check_converted(self) -> None:
        """Raise `Unavailable` until all payments in other currencies are converted, or known to wait."""
        currency = self.tenant.currency
        if self.reports_in != currency and set(self.currencies) - {currency}:
            raise Unavailable(
                f"the payments of {self.tenant.id} are still being converted into {currency}"
            )

    def check_currency(self, currency: str | None) -> None:
        """Raise `InvalidValue` for a code that neither ISO 4217 nor this tenant's payments have.

        Stored currencies can always be asked for, whatever today's table says.
        """
        if currency is not None and currency not in self.currencies:
            exponent(currency)


async def list_values(
    db: Database, record: TenantRecord, said: Iterable[tuple[str, str]], session: Session
) -> Listed:
    """List new values of dimensions, under the tenant's lock; return all that are listed."""
    new = to_list(said, record.listed)
    if not new:
        return record.listed
    noted = {"$push": {f"dimensions.{name}": {"$each": values} for name, values in new.items()}}
    await db.tenants.update_one({"_id": record.tenant.id}, noted, session=session)
    return with_listed(record.listed, new)


def new_history() -> str:
    """A new name, for the history of a tenant that begins now."""
    return token_hex(8)


async def find_tenant(db: Database, tenant_id: str, *, session: Session | None = None) -> Tenant:
    """Return a tenant, with the number of its last change; raises `NotFound`."""
    return (await find_record(db, tenant_id, session=session)).tenant


async def find_record(
    db: Database, tenant_id: str, *, session: Session | None = None
) -> TenantRecord:
    """Return all that is known about a tenant; raises `NotFound`."""
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
    """Tenant from its stored form."""
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
        listed={name: frozenset(values) for name, values in document.get("dimensions", {}).items()},
        renumbered=document.get("renumbered", {}),
        last_act_at=document.get("lastActAt"),
        reports_in=document.get("reportsIn"),
        waiting_acts=document.get("waitingActs", 0),
    )
