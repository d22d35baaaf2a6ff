"""The ledger: one transaction writes payments, their numbers, rollups and change log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import assert_never
from zoneinfo import ZoneInfo

from bson import ObjectId
from msgspec import Struct, structs
from pymongo import UpdateOne
from pymongo.errors import BulkWriteError, DocumentTooLarge, WriteError
from pymongo.read_concern import ReadConcern

from financeops.core.errors import Conflict, FinanceOpsError, InvalidValue, NotFound
from financeops.core.payments import OTHER_DECLINE, Change, Draft, Payment, Status, Tenant
from financeops.core.periods import floor_millisecond
from financeops.core.rollup import deltas
from financeops.store.connection import (
    Database,
    Document,
    Session,
    driver_errors,
    unreachable,
)
from financeops.store.documents import (
    Key,
    change_document,
    derived_payment_id,
    increments,
    new_payment_id,
    object_id,
    payment_document,
    payment_from,
    place_fields,
    rollup_id,
)
from financeops.store.sessions import writing_session
from financeops.store.tenants import MAX_DECLINE_CODES, TenantRecord, find_record

_DUPLICATE_KEY = 11000
_IDS_PER_READ = 100
"""Long `$in` lists are slow on the embedded database."""

TRANSACTION_SECONDS = 15.0
"""How long a transaction may take with all its repetitions."""


class Result(StrEnum):
    """What became of an operation."""

    CREATED = "created"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"
    REFUNDED = "refunded"


class Insert(Struct, frozen=True, kw_only=True):
    """Record a payment. With a `key` it counts once, however often it is sent.

    `key` is ``("key", value)`` or ``("reference", value)``; `request_hash` tells the same request
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


class _OutdatedError(Exception):
    """The plan was made from what is no longer true: read again, plan again."""


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
    Unavailable
        The database cannot be reached; whether it committed is not known.
    """
    items = [_Item(_payment_id(tenant.id, operation), operation) for operation in operations]
    return await _commit_or_halve(db, tenant, items, floor_millisecond(now))


async def _commit_or_halve(
    db: Database, tenant: Tenant, items: list[_Item], at: datetime
) -> list[Outcome]:
    try:
        return await _commit(db, tenant, items, at)
    except (DocumentTooLarge, BulkWriteError, WriteError) as error:
        # What the database refuses for good (its validator, its limits). One item is guilty:
        # halve, so that only that one fails.
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
            written = await _write(db, tenant, plan)
        except _OutdatedError:
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


async def _write(db: Database, tenant: Tenant, plan: _Plan) -> list[Change]:
    async def transaction(session: Session) -> list[Change]:
        with unreachable():
            return await _write_within(db, tenant, plan, session)

    with driver_errors(seconds=TRANSACTION_SECONDS):
        async with writing_session(db) as session:
            written: list[Change] = await session.with_transaction(
                transaction, read_concern=ReadConcern("snapshot")
            )
            return written


async def _write_within(
    db: Database, tenant: Tenant, plan: _Plan, session: Session
) -> list[Change]:
    # First of all, for this document is the tenant's lock: who comes second conflicts here, before
    # any work, and the order of commits is the order of numbers.
    record = await _take_numbers(db, tenant, plan.changes, session)
    first = record.tenant.seq - len(plan.changes) + 1
    groups = await _group_declines(db, record, plan.changes, session)
    changes = [
        structs.replace(
            change,
            seq=seq,
            payment=structs.replace(change.payment, decline_group=OTHER_DECLINE)
            if change.payment.decline_code in groups
            else change.payment,
        )
        for seq, change in enumerate(plan.changes, first)
    ]
    await _insert_payments(db, changes, plan.hashes, session)
    await _refund_payments(db, changes, session)
    await _add_to_rollups(db, record.tenant, changes, session)
    await db.changes.insert_one(change_document(tenant.id, changes), session=session)
    return changes


async def _take_numbers(
    db: Database, tenant: Tenant, changes: Sequence[Change], session: Session
) -> TenantRecord:
    new = [change.payment for change in changes if change.previous_status is None]
    update: Document = {
        "$inc": {"seq": len(changes)},
        "$setOnInsert": {"currency": tenant.currency, "timezone": tenant.timezone},
    }
    for source, count in Counter(str(payment.source) for payment in new).items():
        update["$inc"][f"sources.{source}"] = count
    if new:
        currencies = sorted({payment.currency for payment in new})
        update["$addToSet"] = {"currencies": {"$each": currencies}}
        update["$min"] = {"firstAt": min(payment.created_at for payment in new)}
        update["$max"] = {"lastAt": max(payment.created_at for payment in new)}
    await db.tenants.update_one({"_id": tenant.id}, update, upsert=True, session=session)
    return await find_record(db, tenant.id, session=session)


async def _group_declines(
    db: Database, record: TenantRecord, changes: Sequence[Change], session: Session
) -> set[str]:
    """Note decline codes seen for the first time; return those beyond the limit."""
    seen = dict.fromkeys(change.payment.decline_code for change in changes)
    unknown = [code for code in seen if code and code not in record.decline_codes]
    if not unknown:
        return set()
    room = MAX_DECLINE_CODES - len(record.decline_codes)
    if room > 0:
        noted = {"$push": {"declineCodes": {"$each": unknown[:room]}}}
        await db.tenants.update_one({"_id": record.tenant.id}, noted, session=session)
    return set(unknown[max(room, 0) :])


async def _insert_payments(
    db: Database, changes: Sequence[Change], hashes: dict[str, str | None], session: Session
) -> None:
    documents = []
    for change in changes:
        if change.previous_status is None:
            document = payment_document(change.payment)
            if request_hash := hashes[change.payment.id]:
                document["requestHash"] = request_hash
            documents.append(document)
    if not documents:
        return
    try:
        await db.payments.insert_many(documents, session=session)
    except BulkWriteError as error:
        if any(each["code"] == _DUPLICATE_KEY for each in error.details["writeErrors"]):
            raise _OutdatedError from None
        raise


async def _refund_payments(db: Database, changes: Sequence[Change], session: Session) -> None:
    for change in changes:
        if change.previous_status is None:
            continue
        payment = change.payment
        result = await db.payments.update_one(
            {
                "_id": ObjectId(payment.id),
                "tenantId": payment.tenant_id,
                "status": change.previous_status.value,
            },
            {
                "$set": {
                    "status": payment.status.value,
                    "refundedAt": payment.refunded_at,
                    "updatedAt": payment.updated_at,
                }
            },
            session=session,
        )
        if result.matched_count != 1:
            raise _OutdatedError


async def _add_to_rollups(
    db: Database, tenant: Tenant, changes: Sequence[Change], session: Session
) -> None:
    touched = deltas(changes, ZoneInfo(tenant.timezone))
    await db.rollups.bulk_write(
        [
            UpdateOne(
                {"_id": rollup_id(tenant.id, place), "tenantId": tenant.id},
                {"$inc": increments(delta, place), "$setOnInsert": place_fields(place)},
                upsert=True,
            )
            for place, delta in touched.items()
        ],
        ordered=False,
        session=session,
    )


async def _read_stored(
    db: Database, tenant_id: str, payment_ids: Sequence[str]
) -> dict[str, _Stored]:
    stored = {}
    wanted = [each for each in map(object_id, dict.fromkeys(payment_ids)) if each is not None]
    for start in range(0, len(wanted), _IDS_PER_READ):
        ids = {"$in": wanted[start : start + _IDS_PER_READ]}
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
            return payment_id
