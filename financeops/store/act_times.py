"""Where in time payments have acts, so that those of a part of a quarter hour can be found.

Rollups count acts by quarter hours. Only where a window cuts one are payments looked up: by the numbers
of the quarter hours, counted from 1970, in which something happened to them after they were made.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from financeops.core.activity import acts_of
from financeops.core.payments import Payment
from financeops.core.periods import EPOCH, QUARTER, Window
from financeops.store.database.connection import MAX_IDS, Database, Document, Session, driver_errors
from financeops.store.documents import payment_from

ACTS_IN = "actsIn"
"""Name of the field beside a stored payment; most have none."""


def act_times(payment: Payment) -> Document:
    """Stored form of the quarter hours of a payment's acts.

    An act of the moment at which the payment was made is found with the payment, without this.
    """
    later = {_number(act.at) for act in acts_of(payment) if act.at != payment.created_at}
    return {ACTS_IN: sorted(later)} if later else {}


def last_act(payments: Iterable[Payment]) -> datetime | None:
    """The moment of the latest act of all; None if nothing happened."""
    return max((act.at for payment in payments for act in acts_of(payment)), default=None)


async def acted_between(
    db: Database, tenant_id: str, window: Window, currency: str | None, *, session: Session
) -> list[Payment]:
    """Payments to which something happened in the quarter hours of a window, after they were made.

    With a currency, only those in it.
    """
    last = _number(window.end - timedelta.resolution)
    numbers = list(range(_number(window.start), last + 1))
    found: dict[str, Payment] = {}
    other: Document = {} if currency is None else {"currency": currency}
    for first in range(0, len(numbers), MAX_IDS):
        # First what has the index: the embedded database takes that of the first.
        named = {ACTS_IN: {"$in": numbers[first : first + MAX_IDS]}, "tenantId": tenant_id, **other}
        with driver_errors(session=session):
            cursor = db.payments.find(named, session=session)
            for document in await cursor.to_list():
                payment = payment_from(document)
                found[payment.id] = payment
    return list(found.values())


def _number(at: datetime) -> int:
    return (at - EPOCH) // QUARTER
