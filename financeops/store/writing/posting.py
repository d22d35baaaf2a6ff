"""Write one transaction: numbers, payments, rollups and change log, all or none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from bson import ObjectId
from msgspec import structs
from pymongo import UpdateOne
from pymongo.errors import BulkWriteError, DocumentTooLarge, DuplicateKeyError

from financeops.core.activity import happened
from financeops.core.dimensions import Listed, said_of
from financeops.core.payments import OTHER_DECLINE, Change, Payment, Status, Tenant
from financeops.core.reporting import awaits_rate
from financeops.core.rollup import deltas
from financeops.store.act_times import ACTS_IN, act_times, last_act
from financeops.store.database.connection import MAX_IDS, Database, Document, Session
from financeops.store.documents import change_document, payment_document, payment_from
from financeops.store.reporting_rates import Reporting, find_choice
from financeops.store.rollups import add_rollups
from financeops.store.tenants import (
    COUNTED,
    MAX_DECLINE_CODES,
    TenantRecord,
    find_record,
    list_values,
    new_history,
)
from financeops.store.waiting import AWAITS, RATES_AWAITED, awaited
from financeops.store.writing.decisions import Marks
from financeops.store.writing.errors import OutdatedError, RefusedError
from financeops.store.writing.imports import ImportState, acts_of, note_acts
from financeops.store.writing.orders import Renumbered, renumber
from financeops.store.writing.planning import WritePlan
from financeops.store.writing.rows import write_rows
from financeops.store.writing.waiting_acts import write_waiting

_DUPLICATE_KEY = 11000
_VALIDATION_FAILED = 121
_DOCUMENT_TOO_LARGE = 10334


async def post(db: Database, tenant: Tenant, plan: WritePlan, session: Session) -> list[Change]:
    """Write a plan within a transaction, and return its changes with their numbers.

    Parameters
    ----------
    plan : WritePlan
        Its changes are in order, without numbers.

    Raises
    ------
    OutdatedError
        A new payment exists already, one to be changed has changed, or an import accepts no more
        rows.
    RefusedError
        One of the payments cannot be stored.
    """
    changes = []
    if plan.changes or plan.moves_acts:
        changes = await _post_changes(db, tenant, plan, session)
    if plan.rows or any(marks.moved_by for marks in plan.marks.values()):
        # What follows the planned changes is no act of an import: attempts that were renumbered.
        await _note_imports(db, tenant.id, plan, changes[: len(plan.changes)], session)
    return changes


async def _post_changes(
    db: Database, tenant: Tenant, plan: WritePlan, session: Session
) -> list[Change]:
    # Do this first: the document is the tenant's lock. A second writer conflicts here, before any
    # work, and the order of commits is the order of numbers.
    record = await _take_numbers(db, tenant, plan, session)
    await _check_reporting(db, record, plan.reporting, session)
    if plan.moves_acts or record.waiting_acts:
        await _write_waiting(db, record, plan, session)
        if not plan.changes:
            return []
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
    await _check_imports(db, changes, plan.marks, session)
    renumbered = await renumber(db, tenant.id, changes, changes[0].at, session)
    return await _write(db, record, renumbered, plan.marks, session)


async def _write_waiting(
    db: Database, record: TenantRecord, plan: WritePlan, session: Session
) -> None:
    created = {each.payment.id for each in plan.changes if each.previous_status is None}
    await write_waiting(
        db,
        record,
        created,
        new=plan.waiting,
        applied=plan.applied,
        dead=plan.dead,
        session=session,
    )


async def post_numbers(
    db: Database, tenant_id: str, orders: Collection[str], at: datetime, session: Session
) -> list[Change]:
    """Number the attempts of orders within a transaction; return the changes that this needed.

    Parameters
    ----------
    orders : collection of str
        At most 100.

    Raises
    ------
    RefusedError
        They have too many attempts together.
    """
    # Do this first: the document is the tenant's lock. Every process forgets what it remembers.
    lock: Document = {"$inc": {"repairs": 1}}
    await db.tenants.update_one({"_id": tenant_id}, lock, session=session)
    record = await find_record(db, tenant_id, session=session)
    renumbered = await renumber(db, tenant_id, [], at, session, orders=orders)
    return await _write(db, record, renumbered, {}, session) if renumbered.others else []


async def _write(
    db: Database,
    record: TenantRecord,
    renumbered: Renumbered,
    marks: Mapping[str, Marks],
    session: Session,
) -> list[Change]:
    changes = renumbered.changes
    if others := renumbered.others:
        following = enumerate(others, record.tenant.seq + 1)
        changes = changes + [structs.replace(change, seq=seq) for seq, change in following]
        taken: Document = {"seq": len(others), COUNTED: len(others)}
        taken |= Counter(f"renumbered.{each.payment.created_at:%Y-%m}" for each in others)
        await db.tenants.update_one({"_id": record.tenant.id}, {"$inc": taken}, session=session)
        stored = renumbered.stored
        marks = {each.payment.id: marks_from(stored[each.payment.id]) for each in others} | {
            **marks
        }
    await _insert_payments(db, changes, marks, session)
    await _change_payments(db, changes, marks, session)
    await _remove_payments(db, record.tenant, changes, session)
    listed = await _list_values(db, record, changes, session)
    touched = deltas(changes, ZoneInfo(record.tenant.timezone), listed)
    await add_rollups(db, record.tenant.id, touched, session)
    await db.changes.insert_one(change_document(record.tenant.id, changes), session=session)
    return changes


async def _check_reporting(
    db: Database, record: TenantRecord, reporting: Reporting | None, session: Session
) -> None:
    """Raise `OutdatedError` if payments were converted otherwise than they would be now."""
    if reporting is None:
        return
    if reporting.currency != record.tenant.currency:
        raise OutdatedError
    if reporting.version is None:
        return
    choice = await find_choice(db, session=session)
    if (choice.version, record.tenant.timezone) != (reporting.version, reporting.timezone):
        raise OutdatedError


async def _take_numbers(
    db: Database, tenant: Tenant, plan: WritePlan, session: Session
) -> TenantRecord:
    changes = plan.changes
    new = [change.payment for change in changes if change.previous_status is None]
    update: Document = {
        # `COUNTED` lags behind if an earlier version writes: see `migrating`.
        "$inc": {"seq": len(changes), COUNTED: len(changes)},
        "$setOnInsert": {
            "currency": tenant.currency,
            "timezone": tenant.timezone,
            "history": new_history(),
            "reportsIn": tenant.currency,
        },
    }
    sources = Counter(str(payment.source) for payment in new)
    sources.subtract(str(change.payment.source) for change in changes if change.removed)
    for source, count in sources.items():
        update["$inc"][f"sources.{source}"] = count
    if taken_back := sum(change.taken_back for change in changes):
        update["$inc"]["takenBack"] = taken_back
    if new:
        currencies = sorted({payment.currency for payment in new})
        update["$addToSet"] = {"currencies": {"$each": currencies}}
        update["$min"] = {"firstAt": min(payment.created_at for payment in new)}
        update["$max"] = {"lastAt": max(payment.created_at for payment in new)}
    happenings = [change.payment for change in changes if happened(change.payment)]
    if (acted_at := last_act(happenings)) is not None:
        update.setdefault("$max", {})["lastActAt"] = acted_at
    if plan.moves_acts:
        update["$inc"]["waitingActs"] = len(plan.waiting) - len(plan.applied)
        # The lock, even if as many begin to wait as cease to.
        update["$inc"]["fences"] = 1
    if plan.reporting is not None and plan.reporting.version is not None:
        if any(awaits_rate(change.payment) for change in changes):
            update.setdefault("$min", {})[RATES_AWAITED] = plan.reporting.version
        # Copies of these payments are out of date then, as of attempts that got another number.
        for change in changes:
            if _is_converted(change):
                month = f"renumbered.{change.payment.created_at:%Y-%m}"
                update["$inc"][month] = update["$inc"].get(month, 0) + 1
    try:
        await db.tenants.update_one({"_id": tenant.id}, update, upsert=True, session=session)
    except DuplicateKeyError:
        # Another writer's first payment created the tenant a moment ago.
        raise OutdatedError from None
    return await find_record(db, tenant.id, session=session)


async def _group_declines(
    db: Database, record: TenantRecord, changes: Sequence[Change], session: Session
) -> set[str]:
    """Note new decline codes; return those beyond the limit."""
    seen = dict.fromkeys(change.payment.decline_code for change in changes)
    unknown = [code for code in seen if code and code not in record.decline_codes]
    if not unknown:
        return set()
    room = MAX_DECLINE_CODES - len(record.decline_codes)
    if room > 0:
        noted = {"$push": {"declineCodes": {"$each": unknown[:room]}}}
        await db.tenants.update_one({"_id": record.tenant.id}, noted, session=session)
    return set(unknown[max(room, 0) :])


async def _list_values(
    db: Database, record: TenantRecord, changes: Sequence[Change], session: Session
) -> Listed:
    """Note new values of dimensions, as far as there is room; return all that are noted."""
    said = (each for change in changes for each in said_of(change.payment))
    return await list_values(db, record, said, session)


async def _check_imports(
    db: Database, changes: Sequence[Change], marks: Mapping[str, Marks], session: Session
) -> None:
    """Refuse to change payments whose import is being undone, even since the plan was made."""
    changed = (
        change.payment.id
        for change in changes
        if change.previous_status is not None and not change.taken_back
    )
    imports = {marks[each].import_id for each in changed} - {None}
    if imports:
        busy = {"_id": {"$in": sorted(filter(None, imports))}, "state": ImportState.UNDOING.value}
        if await db.imports.find_one(busy, {"_id": 1}, session=session) is not None:
            raise OutdatedError


async def _insert_payments(
    db: Database, changes: Sequence[Change], marks: Mapping[str, Marks], session: Session
) -> None:
    documents = [
        _stored(change.payment, marks) for change in changes if change.previous_status is None
    ]
    if not documents:
        return
    try:
        await db.payments.insert_many(documents, session=session)
    except DocumentTooLarge as error:
        raise RefusedError from error
    except BulkWriteError as error:
        codes = {each["code"] for each in error.details["writeErrors"]}
        if _DUPLICATE_KEY in codes:
            raise OutdatedError from None
        if codes & {_VALIDATION_FAILED, _DOCUMENT_TOO_LARGE}:
            raise RefusedError from error
        raise


def _stored(payment: Payment, marks: Mapping[str, Marks]) -> Document:
    """A payment's document, with all that is stored beside it."""
    document = payment_document(payment) | _stored_marks(marks[payment.id])
    if happened(payment):
        document.update(act_times(payment))
    if payment.reporting_currency is not None:
        document.update(awaited(payment))
    return document


_ENDING = [
    *("refundedAt", "refundedAmount", "refunds", "movedBy", "movedFrom", "disputeAssumed"),
    *("attempt", "recoveredBy", ACTS_IN, AWAITS),
    *("reportingAmount", "reportingCurrency", "rate", "rateDate", "rateSource"),
]
"""What a stored payment may lose by a change."""

_CHANGING = [
    *("status", "updatedAt", "dispute", "feeAmount", "fees", "revision", "actKeys"),
    *("payoutId", "settledAt", "settledAmount", "settledCurrency"),
    *_ENDING,
]


async def _change_payments(
    db: Database, changes: Sequence[Change], marks: Mapping[str, Marks], session: Session
) -> None:
    updates = []
    # Of several changes of a payment, the first says how it was, the last how it is: in a bulk
    # without an order they cannot follow one another.
    changed: dict[str, tuple[Change, Change]] = {}
    for change in changes:
        if change.previous_status is not None and not change.removed:
            first, _ = changed.get(change.payment.id, (change, change))
            changed[change.payment.id] = first, change
    for first, last in changed.values():
        payment = last.payment
        document = _stored(payment, marks)
        update: Document = {
            "$set": {name: document[name] for name in _CHANGING if name in document}
        }
        if gone := {name: "" for name in _ENDING if name not in document}:
            update["$unset"] = gone
        updates.append(UpdateOne(_as_it_was(first), update))
    if not updates:
        return
    result = await db.payments.bulk_write(updates, ordered=False, session=session)
    if result.matched_count != len(updates):
        raise OutdatedError


async def _remove_payments(
    db: Database, tenant: Tenant, changes: Sequence[Change], session: Session
) -> None:
    removed: dict[Status | None, list[Payment]] = {}
    for change in changes:
        if change.removed:
            removed.setdefault(change.previous_status, []).append(change.payment)
    for status, payments in removed.items():
        for start in range(0, len(payments), MAX_IDS):
            some = payments[start : start + MAX_IDS]
            ids = {"$in": [ObjectId(each.id) for each in some]}
            await _check_conversions(db, tenant, ids, some, session)
            # `revision` is null, or missing, if nothing was told of them since.
            same = {"status": str(status), "revision": None}
            named = {"_id": ids, "tenantId": tenant.id, **same}
            result = await db.payments.delete_many(named, session=session)
            if result.deleted_count != len(some):
                raise OutdatedError


async def _check_conversions(
    db: Database, tenant: Tenant, ids: Document, payments: Sequence[Payment], session: Session
) -> None:
    """Raise `OutdatedError` if one was converted since it was read: it would be counted off wrong."""
    known = {each.id: _conversion_of(each) for each in payments}
    own = {each.currency for each in payments} == {tenant.currency}
    if own and set(known.values()) == {(None, None, None)}:
        return
    found = await db.payments.find({"_id": ids, "tenantId": tenant.id}, session=session).to_list()
    if any(_conversion_of(payment := payment_from(each)) != known[payment.id] for each in found):
        raise OutdatedError


def _conversion_of(payment: Payment) -> tuple[int | None, str | None, str | None]:
    return payment.reporting_amount, payment.reporting_currency, payment.rate


def _as_it_was(change: Change) -> Document:
    before = change.previous
    assert before is not None, "only a new payment has none"
    return {
        "_id": ObjectId(before.id),
        "tenantId": before.tenant_id,
        "status": before.status.value,
        "revision": before.revision,  # null matches a missing field
        **_refunded_before(change),
        **_numbered_before(change),
        **_reported_before(change.payment, before),
    }


def _refunded_before(change: Change) -> Document:
    """What had been given back; of a refunded payment it may not be stored, and is the whole."""
    if change.previous_status is not Status.SUCCESS:
        return {}
    return {"refundedAmount": change.previous_refunded}  # null matches a missing field


def _numbered_before(change: Change) -> Document:
    """The numbers that an order had given: a later attempt may have changed them since."""
    if change.payment.order_id is None:
        return {}
    before = change.previous
    assert before is not None, "only a new payment has none"
    return {"attempt": before.attempt, "recoveredBy": before.recovered_by}


def _reported_before(payment: Payment, before: Payment) -> Document:
    """How it was converted: other rates may have changed that since."""
    if payment.reporting_currency is before.reporting_currency is None:
        return {}
    return {
        "reportingAmount": before.reporting_amount,
        "reportingCurrency": before.reporting_currency,
        "rate": before.rate,
    }


def _is_converted(change: Change) -> bool:
    """Whether it converts a payment that was recorded before, or does so again."""
    before = change.previous
    return before is not None and _conversion_of(before) != _conversion_of(change.payment)


async def _note_imports(
    db: Database, tenant_id: str, plan: WritePlan, changes: Sequence[Change], session: Session
) -> None:
    """Remember rows, and what each import did, so that it can be undone."""
    try:
        await write_rows(db, tenant_id, plan.rows, plan.replaced, session)
    except BulkWriteError as error:
        if _DUPLICATE_KEY in {each["code"] for each in error.details["writeErrors"]}:
            raise OutdatedError from None
        raise
    acts = acts_of(changes, plan.marks, plan.rows)
    if not await note_acts(db, tenant_id, acts, session):
        raise OutdatedError


def marks_from(document: Document) -> Marks:
    """What is stored beside a payment."""
    return Marks(
        request_hash=document.get("requestHash"),
        import_id=_text(document.get("importId")),
        moved_by=_text(document.get("movedBy")),
        moved_from=document.get("movedFrom"),
        came_with=document.get("cameWith"),
        row_content=document.get("rowContent"),
        keys=document.get("actKeys"),
        assumed=document.get("disputeAssumed"),
    )


def _stored_marks(marks: Marks) -> Document:
    values = {
        "requestHash": marks.request_hash,
        "importId": _object_id(marks.import_id),
        "movedBy": _object_id(marks.moved_by),
        "movedFrom": marks.moved_from,
        "cameWith": marks.came_with,
        "rowContent": marks.row_content,
        "actKeys": marks.keys,
        "disputeAssumed": marks.assumed,
    }
    return {name: value for name, value in values.items() if value is not None}


def _object_id(import_id: str | None) -> ObjectId | None:
    return None if import_id is None else ObjectId(import_id)


def _text(value: object) -> str | None:
    return None if value is None else str(value)
