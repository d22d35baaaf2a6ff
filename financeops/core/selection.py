"""Which payments are meant."""

from __future__ import annotations

from msgspec import Struct

from financeops.core.payments import Payment, Status
from financeops.core.periods import Window
from financeops.core.rollup import Rollup
from financeops.core.windows import ALL_TIME


class Selection(Struct, frozen=True, kw_only=True):
    """Which payments of a tenant are meant; None stands for any.

    A payment is ``in`` it or not, by when it was created and what it is now.
    """

    status: Status | None = None
    method: str | None = None
    currency: str | None = None
    window: Window = ALL_TIME

    def __contains__(self, payment: object) -> bool:
        return (
            isinstance(payment, Payment)
            and self.status in (None, payment.status)
            and self.method in (None, payment.method)
            and self.currency in (None, payment.currency)
            and payment.created_at in self.window
        )

    def count(self, rollup: Rollup) -> int:
        """How many such payments a rollup counts, when all that it counts are of window and currency."""
        return sum(
            n
            for (method, status), (n, _) in rollup.cells.items()
            if self.method in (None, method) and self.status in (None, status)
        )
