"""Number the attempts of orders that a transaction touches, and change those stored before."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from msgspec import Struct, structs

from financeops.core.errors import Conflict
from financeops.core.orders import (
    MAX_ATTEMPTS,
    NOT_NUMBERED,
    Numbered,
    attempt_of,
    numbered,
    numbers_of,
)
from financeops.core.payments import Change, Payment, earlier_of
from financeops.store.database.connection import MAX_IDS, Database, Document, Session
from financeops.store.documents import payment_from
from financeops.store.writing.errors import RefusedError

MAX_RENUMBERED = 2 * MAX_ATTEMPTS
"""A transaction that would change more payments than this for their orders is halved."""


class Renumbered(Struct, frozen=True):
    """Changes with the numbers of their orders, and those of other payments, which follow them.

    `stored` are the documents of these others, by id.
    """

    changes: list[Change]
    others: list[Change] = []
    stored: dict[str, Document] = {}


async def renumber(
    db: Database,
    tenant_id: str,
    changes: list[Change],
    at: datetime,
    session: Session,
    *,
    orders: Collection[str] = (),
) -> Renumbered:
    """Number the attempts of all orders that gain or lose a payment; costs nothing without orders.

    Parameters
    ----------
    orders : collection of str, optional
        Other orders to number.

    Raises
    ------
    RefusedError
        An order would have too many attempts, or too many payments would change at once.
    """
    orders = {*orders, *_with_other_attempts(changes)}
    if not orders:
        return Renumbered(changes)
    stored = await _attempts(db, tenant_id, sorted(orders), session)
    before = {name: payment_from(document) for name, document in stored.items()}
    now = dict(before)
    new: dict[str, None] = {}  # in the order in which they came
    for change in changes:
        payment = change.payment
        if payment.order_id not in orders:
            continue
        if change.removed:
            now.pop(payment.id, None)
        else:
            now[payment.id] = payment
        if change.previous_status is None:
            new[payment.id] = None
    _refuse_too_many(now, new)
    numbers: dict[str, Numbered] = {}
    for attempts in _by_order(now.values()).values():
        numbers |= numbered(map(attempt_of, attempts))
    others = [
        _moved(now[each], before[each], numbers[each], at)
        for each in sorted(before.keys() & now.keys())
        if numbers[each] != numbers_of(before[each])
    ]
    if len(others) > MAX_RENUMBERED:
        raise RefusedError
    known = {each: numbers_of(payment) for each, payment in before.items()}
    known |= {each: numbers.get(each, NOT_NUMBERED) for each in new}
    return Renumbered(
        changes=[
            _numbered(change, known[change.payment.id], new=change.payment.id in new)
            if change.payment.id in known
            else change
            for change in changes
        ],
        others=others,
        stored=stored,
    )


def _with_other_attempts(changes: Iterable[Change]) -> set[str]:
    """Orders that gain or lose a payment."""
    return {
        change.payment.order_id
        for change in changes
        if change.payment.order_id is not None
        and (change.previous_status is None or change.removed)
    }


def _refuse_too_many(payments: Mapping[str, Payment], new: Iterable[str]) -> None:
    """Refuse those of the new attempts for which there is no room in their orders."""
    came = _by_order(payments[each] for each in new if each in payments)
    reasons: dict[str, Conflict] = {}
    for order_id, attempts in _by_order(payments.values()).items():
        if (more := len(attempts) - MAX_ATTEMPTS) > 0 and order_id in came:
            problem = f"the order {order_id!r} has {MAX_ATTEMPTS:,} attempts, which is the limit"
            reasons |= {each.id: Conflict(problem, "orderId") for each in came[order_id][-more:]}
    if reasons:
        raise RefusedError(reasons)


def _by_order(payments: Iterable[Payment]) -> dict[str | None, list[Payment]]:
    orders: dict[str | None, list[Payment]] = {}
    for payment in payments:
        orders.setdefault(payment.order_id, []).append(payment)
    return orders


def _moved(payment: Payment, before: Payment, numbers: Numbered, at: datetime) -> Change:
    # The payment may have been changed by this transaction, too: its number changes last.
    was = _with(payment, numbers_of(before))
    moved = structs.replace(_with(payment, numbers), updated_at=at)
    return Change(
        seq=0,
        at=at,
        payment=moved,
        previous_status=was.status,
        previous_refunded=was.refunded_amount,
        earlier=earlier_of(was, moved),
    )


def _numbered(change: Change, numbers: Numbered, *, new: bool) -> Change:
    """The change with the numbers of its payment; a new payment had them before what followed, too."""
    change = structs.replace(change, payment=_with(change.payment, numbers))
    if change.earlier is None or not new:
        return change
    earlier = structs.replace(
        change.earlier, attempt=numbers.attempt, recovered_by=numbers.recovered_by
    )
    return structs.replace(change, earlier=earlier)


def _with(payment: Payment, numbers: Numbered) -> Payment:
    return structs.replace(payment, attempt=numbers.attempt, recovered_by=numbers.recovered_by)


async def _attempts(
    db: Database, tenant_id: str, orders: Sequence[str], session: Session
) -> dict[str, Document]:
    """Stored payments of these orders, by id."""
    found: dict[str, Document] = {}
    for start in range(0, len(orders), MAX_IDS):
        named = {"orderId": {"$in": orders[start : start + MAX_IDS]}, "tenantId": tenant_id}
        for document in await db.payments.find(named, session=session).to_list():
            found[str(document["_id"])] = document
    return found
