"""A selection of payments, as a value."""

from __future__ import annotations

from msgspec import Struct

from financeops.core.payments import Payment, Status
from financeops.core.periods import Window
from financeops.core.rollup import Rollup
from financeops.core.windows import ALL_TIME


class Selection(Struct, frozen=True, kw_only=True):
    """A selection of a tenant's payments; None stands for any.

    Use ``in`` to ask whether it holds a payment; what counts is the payment's present state.
    """

    status: Status | None = None
    method: str | None = None
    currency: str | None = None
    window: Window = ALL_TIME
    order_id: str | None = None

    def __contains__(self, payment: object) -> bool:
        return (
            isinstance(payment, Payment)
            and self.status in (None, payment.status)
            and self.method in (None, payment.method)
            and self.currency in (None, payment.currency)
            and payment.created_at in self.window
            and self.order_id in (None, payment.order_id)
        )

    def count(self, rollup: Rollup) -> int:
        """Number of selected payments in a rollup whose payments all match window and currency.

        Rollups do not know orders: it counts those of any.
        """
        return sum(
            n
            for (method, status), (n, _) in rollup.cells.items()
            if self.method in (None, method) and self.status in (None, status)
        )
