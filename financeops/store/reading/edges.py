"""Parts of a window that no rollups fit: the payments made there, and what happened there."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from msgspec import Struct

from financeops.core.dimensions import Listed
from financeops.core.payments import Payment
from financeops.core.periods import Window
from financeops.core.rollup import Rollup, acted, rollup_of
from financeops.core.selection import Selection
from financeops.store.act_times import acted_between
from financeops.store.database.connection import Database, Session
from financeops.store.reading.filters import payments_between


class Edge(Struct, frozen=True, kw_only=True):
    """Payments made in `window`, and others to which something may have happened in it."""

    window: Window
    made: list[Payment]
    others: list[Payment]

    def rollups(self, zone: ZoneInfo, listed: Listed | None) -> list[Rollup]:
        """What the payments and the acts of the window add up to."""
        made = [rollup_of(payment, zone, listed) for payment in self.made]
        acts = [
            rollup
            for payment in (*self.made, *self.others)
            for at, rollup in acted(payment).items()
            if at in self.window
        ]
        return made + acts


async def read_edge(
    db: Database, tenant_id: str, window: Window, currency: str, *, session: Session
) -> Edge:
    """Read what no rollups tell of a window."""
    chosen = Selection(currency=currency)
    made = await payments_between(db, tenant_id, window, chosen, session=session)
    others = await acted_between(db, tenant_id, window, currency, session=session)
    known = {payment.id for payment in made}
    return Edge(
        window=window,
        made=made,
        others=[payment for payment in others if payment.id not in known],
    )
