"""Parts of a window that no rollups fit: the payments made there, and what happened there."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from msgspec import Struct

from financeops.core.dimensions import Listed
from financeops.core.facets import Facets
from financeops.core.payments import Payment
from financeops.core.periods import Window
from financeops.core.rollup import Rollup, counted
from financeops.core.selection import Selection
from financeops.store.act_times import acted_between
from financeops.store.database.connection import Database, Session
from financeops.store.reading.filters import having, payments_between
from financeops.store.tenants import TenantRecord


class Edge(Struct, frozen=True, kw_only=True):
    """Payments made in `window`, and others to which something may have happened in it.

    What they add up to is wanted under the currencies `places`.
    """

    window: Window
    places: tuple[str, ...]
    made: list[Payment]
    others: list[Payment]

    def rollups(self, zone: ZoneInfo, listed: Listed | None) -> list[Rollup]:
        """What the payments and the acts of the window add up to."""
        return [
            rollup
            for payment in (*self.made, *self.others)
            for currency, at, rollup in counted(payment, zone, listed)
            if currency in self.places and at in self.window
        ]


async def read_edge(
    db: Database,
    record: TenantRecord,
    window: Window,
    places: tuple[str, ...],
    facets: Facets = (),
    *,
    session: Session,
) -> Edge:
    """Read what no rollups tell of a window."""
    currency = places[0] if len(places) == 1 else None
    chosen = Selection(currency=currency, facets=facets)
    made = await payments_between(db, record, window, chosen, session=session)
    such = having(facets, record.listed)
    others = await acted_between(db, record.tenant.id, window, currency, such=such, session=session)
    known = {payment.id for payment in made}
    return Edge(
        window=window,
        places=places,
        made=made,
        others=[payment for payment in others if payment.id not in known],
    )
