"""A selection of payments, as a value."""

from __future__ import annotations

from msgspec import Struct

from financeops.core.dimensions import OTHER_VALUE, Listed
from financeops.core.facets import NO_VALUE, Facets, count_of, holds
from financeops.core.payments import Payment, Status
from financeops.core.periods import Window
from financeops.core.rollup import Rollup
from financeops.core.windows import ALL_TIME


class Selection(Struct, frozen=True, kw_only=True):
    """A selection of a tenant's payments; None stands for any.

    Use ``in`` to ask whether it holds a payment, what counts is the payment's present state; and
    `holds` where the values that its tenant lists are known, which tell what is of another value.
    """

    status: Status | None = None
    method: str | None = None
    currency: str | None = None
    window: Window = ALL_TIME
    order_id: str | None = None
    facets: Facets = ()

    def __contains__(self, payment: object) -> bool:
        return isinstance(payment, Payment) and self.holds(payment, {})

    def holds(self, payment: Payment, listed: Listed) -> bool:
        """Whether it holds a payment of a tenant that lists these values."""
        return (
            self.status in (None, payment.status)
            and self.method in (None, payment.method)
            and self.currency in (None, payment.currency)
            and payment.created_at in self.window
            and self.order_id in (None, payment.order_id)
            and holds(self.facets, payment, listed)
        )

    def count(self, rollup: Rollup) -> int:
        """Number of selected payments in a rollup whose payments all match window and currency.

        Rollups do not know orders: it counts those of any. Nor do they know which values payments
        have together: with facets, and the details of a rollup, it counts at least the selected ones.
        """
        found = sum(
            n
            for (method, status), (n, _) in rollup.cells.items()
            if self.method in (None, method) and self.status in (None, status)
        )
        return min((found, *(count_of(facet, rollup) for facet in self.facets)))

    def counts_exactly(self, listed: Listed) -> bool:
        """Whether `count` counts the selected payments alone, of a tenant that lists these values."""
        if not self.facets:
            return True
        (name, value), *more = self.facets
        alone = value in {NO_VALUE, OTHER_VALUE} or value in listed.get(name, ())
        return alone and not more and self.method is None and self.status is None
