"""Whether the attempts of orders are numbered as their payments say."""

from __future__ import annotations

from financeops.core.orders import Attempt, Numbered, attempt_of, numbered, numbers_of
from financeops.core.payments import Payment


class OrderNumbers:
    """The attempts of all orders, and how they are numbered; little of each payment is kept."""

    def __init__(self) -> None:
        self._orders: dict[str, dict[str, tuple[Attempt, Numbered]]] = {}

    def put(self, payment: Payment) -> None:
        """Take a payment as it is now."""
        if payment.order_id is not None:
            kept = attempt_of(payment), numbers_of(payment)
            self._orders.setdefault(payment.order_id, {})[payment.id] = kept

    def drop(self, payment: Payment) -> None:
        """Forget a payment that was removed."""
        if payment.order_id is not None:
            self._orders.get(payment.order_id, {}).pop(payment.id, None)

    def wrong(self) -> list[str]:
        """The orders of which an attempt has a wrong number."""
        return sorted(
            order_id
            for order_id, attempts in self._orders.items()
            if numbered(attempt for attempt, _ in attempts.values())
            != {name: numbers for name, (_, numbers) in attempts.items()}
        )
