"""The ledger: operations on payments in, their outcomes out, once each and all in order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import assert_never

from msgspec import Struct, structs

from financeops.core.errors import Conflict, FinanceOpsError, InvalidValue, NotFound
from financeops.core.payments import Change, Draft, Payment, Status, Tenant
from financeops.core.periods import floor_millisecond
from financeops.store.connection import MAX_IDS, Database, driver_errors
from financeops.store.documents import (
    Key,
    derived_payment_id,
    new_payment_id,
    object_id,
    payment_from,
)
from financeops.store.posting import OutdatedError, RefusedError, post
from financeops.store.transactions import in_transaction


class Result(StrEnum):
    """What became of an operation."""

    CREATED = "created"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"
    REFUNDED = "refunded"


class Insert(Struct, frozen=True, kw_only=True):
    """Record a payment. With a `key` it counts once, however often it is sent.

    `key` says of what kind it is, and its value; `request_hash` tells the same request
    sent again from another one under the same key.
    """

    draft: Draft
    key: Key | None = None
    request_hash: str | None = None


class Refund(Struct, frozen=True, kw_only=True):
    """Give a succeeded payment's money back."""

    payment_id: str


Operation = Insert | Refund


class Outcome(Struct, frozen=True, kw_only=True):
    """Answer to one operation: the payment as it is now, or the error that refused it."""

    result: Result
    payment: Payment | None = None
    error: FinanceOpsError | None = None


class _Stored(Struct, frozen=True):
    payment: Payment
    request_hash: str | None


class _Item(Struct, frozen=True):
    """An operation with the id of its payment, fixed before the first try."""

    payment_id: str
    operation: Operation


class _Plan(Struct, frozen=True):
    """What a transaction is to write, and the answers that will then be true."""

    changes: list[Change]
    hashes: dict[str, str | None]
    outcomes: list[Outcome]


async def commit(
    db: Database, tenant: Tenant, operations: Sequence[Operation], *, now: datetime
) -> list[Outcome]:
    """Carry out operations of one tenant in one transaction.

    When this returns, what was accepted is committed, numbered and in the change log. An
    operation that cannot be carried out is answered as rejected and does not keep the others
    from it.

    Parameters
    ----------
    tenant : Tenant
        Need not exist yet: its first payment creates it with this currency and time zone.
    operations : sequence of Insert or Refund
        At most 1,000.
    now : datetime
        When they are committed; aware.

    Returns
    -------
    list of Outcome
        One for each operation, in order.

    Raises
    ------
    ValueError
        A draft is another tenant's.
    Unavailable
        The database cannot be reached; whether it committed is not known.
    """
    if any(isinstance(each, Insert) and each.draft.tenant_id != tenant.id for each in operations):
        raise ValueError(f"a draft is not of tenant {tenant.id!r}")
    items = [_Item(_payment_id(tenant.id, operation), operation) for operation in operations]
    return await _commit_or_halve(db, tenant, items, floor_millisecond(now))


async def _commit_or_halve(
    db: Database, tenant: Tenant, items: list[_Item], at: datetime
) -> list[Outcome]:
    try:
        return await _commit(db, tenant, items, at)
    except RefusedError as error:
        # One item is guilty: halve, so that only that one fails.
        if len(items) == 1:
            refusal = InvalidValue("body", "the database refuses this payment")
            refusal.__cause__ = error
            return [Outcome(result=Result.REJECTED, error=refusal)]
        half = len(items) // 2
        return [
            *await _commit_or_halve(db, tenant, items[:half], at),
            *await _commit_or_halve(db, tenant, items[half:], at),
        ]


async def _commit(db: Database, tenant: Tenant, items: list[_Item], at: datetime) -> list[Outcome]:
    # Payments are nearly always new, so the first try reads only what refunds need.
    wanted = [item.payment_id for item in items if isinstance(item.operation, Refund)]
    while True:
        plan = _plan(items, await _read_stored(db, tenant.id, wanted), at)
        if not plan.changes:
            return plan.outcomes
        try:
            posting = partial(post, db, tenant, plan.changes, plan.hashes)
            written = await in_transaction(db, posting, writes=True)
        except OutdatedError:
            wanted = [item.payment_id for item in items]
            continue
        payments = {change.payment.id: change.payment for change in written}
        return [
            structs.replace(outcome, payment=payments.get(outcome.payment.id, outcome.payment))
            if outcome.payment
            else outcome
            for outcome in plan.outcomes
        ]


def _plan(items: Sequence[_Item], stored: dict[str, _Stored], at: datetime) -> _Plan:
    """Decide every answer from what is stored; numbers are given later."""
    plan = _Plan([], {}, [])
    for item in items:
        known = stored.get(item.payment_id)
        match item.operation:
            case Insert() as insert:
                outcome = _inserted(insert, known, item.payment_id, at)
                request_hash = insert.request_hash
            case Refund():
                outcome = _refunded(known, at)
                request_hash = known.request_hash if known else None
            case _:
                assert_never(item.operation)
        if outcome.payment and outcome.result in (Result.CREATED, Result.REFUNDED):
            before = known.payment.status if known else None
            plan.changes.append(
                Change(seq=0, at=at, payment=outcome.payment, previous_status=before)
            )
            plan.hashes[item.payment_id] = request_hash
            # The same payment may be meant again further on.
            stored[item.payment_id] = _Stored(outcome.payment, request_hash)
        plan.outcomes.append(outcome)
    return plan


def _inserted(insert: Insert, known: _Stored | None, payment_id: str, at: datetime) -> Outcome:
    if known is None:
        payment = Payment(**structs.asdict(insert.draft), id=payment_id, updated_at=at)
        return Outcome(result=Result.CREATED, payment=payment)
    if known.request_hash == insert.request_hash:
        return Outcome(result=Result.DUPLICATE, payment=known.payment)
    refusal = Conflict("this key was used before, with another payment")
    return Outcome(result=Result.REJECTED, error=refusal)


def _refunded(known: _Stored | None, at: datetime) -> Outcome:
    if known is None:
        return Outcome(result=Result.REJECTED, error=NotFound("this payment does not exist"))
    match known.payment.status:
        case Status.FAILED:
            refusal = Conflict("a failed payment cannot be refunded: no money was collected")
            return Outcome(result=Result.REJECTED, error=refusal)
        case Status.REFUNDED:
            return Outcome(result=Result.DUPLICATE, payment=known.payment)
        case Status.SUCCESS:
            refunded = structs.replace(
                known.payment, status=Status.REFUNDED, refunded_at=at, updated_at=at
            )
            return Outcome(result=Result.REFUNDED, payment=refunded)


async def _read_stored(
    db: Database, tenant_id: str, payment_ids: Sequence[str]
) -> dict[str, _Stored]:
    stored = {}
    wanted = [each for each in map(object_id, dict.fromkeys(payment_ids)) if each is not None]
    for start in range(0, len(wanted), MAX_IDS):
        ids = {"$in": wanted[start : start + MAX_IDS]}
        with driver_errors():
            found = await db.payments.find({"_id": ids, "tenantId": tenant_id}).to_list()
        for document in found:
            payment = payment_from(document)
            stored[payment.id] = _Stored(payment, document.get("requestHash"))
    return stored


def _payment_id(tenant_id: str, operation: Operation) -> str:
    match operation:
        case Insert(key=key):
            return new_payment_id() if key is None else derived_payment_id(tenant_id, key)
        case Refund(payment_id=payment_id):
            return payment_id.lower()  # as the database writes it
