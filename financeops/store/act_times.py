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
    db: Database,
    tenant_id: str,
    window: Window,
    currency: str | None,
    *,
    such: Document | None = None,
    session: Session,
) -> list[Payment]:
    """Payments to which something happened in the quarter hours of a window, after they were made.

    There may be others among them. With a currency, only those in it; `such` are further conditions.
    """
    first, last = _number(window.start), _number(window.end - timedelta.resolution)
    # A list finds nothing else, but the embedded database is slow with long ones. A range also finds
    # payments to which something happened before the window and something after it.
    short = last - first < MAX_IDS
    within = {"$in": [*range(first, last + 1)]} if short else {"$gte": first, "$lte": last}
    other: Document = {} if currency is None else {"currency": currency}
    # First what has the index: the embedded database takes that of the first.
    named = {ACTS_IN: within, "tenantId": tenant_id, **other, **(such or {})}
    with driver_errors(session=session):
        documents = await db.payments.find(named, session=session).to_list()
    return [payment_from(document) for document in documents]


def _number(at: datetime) -> int:
    return (at - EPOCH) // QUARTER
