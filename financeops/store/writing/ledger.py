"""The ledger: operations on payments in, their outcomes out, each once and in order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial

from msgspec import structs

from financeops.core.errors import (
    FinanceOpsError,
    InvalidValue,
    NotFound,
    Unavailable,
    Unsure,
)
from financeops.core.payments import Draft, Tenant
from financeops.core.periods import floor_millisecond
from financeops.store.database.connection import MAX_IDS, Database, driver_errors
from financeops.store.database.patience import Patience
from financeops.store.database.transactions import (
    TRANSACTION_SECONDS,
    CommitUnknown,
    in_transaction,
)
from financeops.store.documents import object_id, payment_from
from financeops.store.reporting_rates import read_reporting
from financeops.store.tenants import find_tenant
from financeops.store.writing.decisions import Known, Stored
from financeops.store.writing.errors import OutdatedError, RefusedError
from financeops.store.writing.imports import import_states
from financeops.store.writing.operations import (
    Await,
    Convert,
    ImportRow,
    Insert,
    Operation,
    Outcome,
    Overdue,
    Result,
    counts_once,
    payment_id_of,
)
from financeops.store.writing.planning import Item, plan_of
from financeops.store.writing.posting import marks_from, post
from financeops.store.writing.rows import read_rows
from financeops.store.writing.waiting_acts import read_waiting


async def commit(
    db: Database, tenant: Tenant, operations: Sequence[Operation], *, now: datetime
) -> list[Outcome]:
    """Carry out operations of one tenant in one transaction.

    When this returns, the accepted operations are committed, numbered and in the change log. An
    operation that cannot be carried out is rejected and does not affect the others.

    Parameters
    ----------
    tenant : Tenant
        May be new: its first payment creates it with this currency and time zone.
    operations : sequence of Operation
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
        A draft belongs to another tenant.
    Unsure
        The database did not confirm the commit. The error's ids are in the order of operations.
    Unavailable
        The database cannot be reached; nothing was committed.
    """
    drafts = [each.draft for each in operations if isinstance(each, Insert | ImportRow)]
    if any(draft.tenant_id != tenant.id for draft in drafts):
        raise ValueError(f"a draft is not of tenant {tenant.id!r}")
    items = [Item(payment_id_of(tenant.id, operation), operation) for operation in operations]
    try:
        return await _commit_or_halve(db, tenant, items, floor_millisecond(now))
    except CommitUnknown as error:
        ids = [item.payment_id for item in items]
        raise Unsure(ids, repeatable=all(map(counts_once, operations))) from error


async def _commit_or_halve(
    db: Database, tenant: Tenant, items: list[Item], at: datetime
) -> list[Outcome]:
    try:
        return await _commit(db, tenant, items, at)
    except RefusedError as error:
        if error.reasons:
            return await _commit_others(db, tenant, items, at, error.reasons)
        # One item is to blame: halve, so that only that one fails.
        if len(items) == 1:
            refusal = InvalidValue("body", "the database refuses this payment")
            refusal.__cause__ = error
            return [Outcome(result=Result.REJECTED, error=refusal)]
        half = len(items) // 2
        first = await _commit_or_halve(db, tenant, items[:half], at)
        try:
            return [*first, *await _commit_or_halve(db, tenant, items[half:], at)]
        except Unavailable as away:
            raise CommitUnknown(str(away)) from away  # the first half is committed


async def _commit_others(
    db: Database,
    tenant: Tenant,
    items: list[Item],
    at: datetime,
    reasons: Mapping[str, FinanceOpsError],
) -> list[Outcome]:
    """Commit all but the payments that are refused for a reason."""
    refused = {
        place: reasons[item.payment_id]
        for place, item in enumerate(items)
        if item.payment_id in reasons and isinstance(item.operation, Insert | ImportRow)
    }
    others = [item for place, item in enumerate(items) if place not in refused]
    outcomes = iter(await _commit_or_halve(db, tenant, others, at) if others else ())
    return [
        Outcome(result=Result.REJECTED, error=refused[place])
        if place in refused
        else next(outcomes)
        for place in range(len(items))
    ]


async def _commit(db: Database, tenant: Tenant, items: list[Item], at: datetime) -> list[Outcome]:
    patience = Patience(TRANSACTION_SECONDS)
    everything = False
    while True:
        known = await _read_known(db, tenant, items, everything=everything)
        plan = plan_of(items, known, at)
        if plan.empty:
            return plan.outcomes
        try:
            posting = partial(post, db, tenant, plan)
            written = await in_transaction(db, posting, locks=tenant.id)
        except OutdatedError as error:
            if patience.over:
                raise Unavailable("others keep changing these payments") from error
            everything = True
            await patience.pause()
            continue
        payments = {change.payment.id: change.payment for change in written}
        return [
            structs.replace(outcome, payment=payments.get(outcome.payment.id, outcome.payment))
            if outcome.payment
            else outcome
            for outcome in plan.outcomes
        ]


async def _read_known(
    db: Database, tenant: Tenant, items: Sequence[Item], *, everything: bool
) -> Known:
    """Read what a plan needs.

    Payments and rows are nearly always new, so the first try assumes that they are, and reads only
    what always exists.
    """
    rows = [item.operation for item in items if isinstance(item.operation, ImportRow)]
    wanted = [row.export_id for row in rows if row.export_id is not None]
    wanted += [
        item.payment_id
        for item in items
        if everything or not isinstance(item.operation, Insert | ImportRow)
    ]
    remembered = {}
    if everything and rows:
        remembered = await read_rows(db, tenant.id, [row.row_id for row in rows])
        wanted += [each.payment_id for each in remembered.values()]
    payments = await _read_stored(db, tenant.id, wanted)
    if everything:
        with suppress(NotFound):  # its currency or zone may be another by now
            stored = await find_tenant(db, tenant.id)
            tenant = structs.replace(tenant, currency=stored.currency, timezone=stored.timezone)
    awaited = [
        item.payment_id
        for item in items
        if isinstance(item.operation, Overdue)
        or (everything and isinstance(item.operation, Insert | ImportRow | Await))
    ]
    made = [
        (each.currency, each.created_at)
        for each in (_converts(item, payments) for item in items)
        if each is not None
    ]
    concerned = {row.import_id for row in rows}
    concerned.update(each.marks.import_id for each in payments.values() if each.marks.import_id)
    return Known(
        payments=payments,
        rows=remembered,
        imports=await import_states(db, concerned) if concerned else {},
        declines=tenant.declines,
        reporting=await read_reporting(db, tenant, made),
        waiting=await read_waiting(db, tenant.id, awaited) if awaited else {},
    )


def _converts(item: Item, payments: Mapping[str, Stored]) -> Draft | None:
    """What an operation may convert: a payment that it records, or one that is stored."""
    match item.operation:
        case Insert(draft=draft) | ImportRow(draft=draft):
            return draft
        case Convert():
            stored = payments.get(item.payment_id)
            return None if stored is None else stored.payment
        case _:
            return None


async def _read_stored(
    db: Database, tenant_id: str, payment_ids: Iterable[str]
) -> dict[str, Stored]:
    stored = {}
    wanted = [each for each in map(object_id, dict.fromkeys(payment_ids)) if each is not None]
    for start in range(0, len(wanted), MAX_IDS):
        ids = {"$in": wanted[start : start + MAX_IDS]}
        with driver_errors():
            found = await db.payments.find({"_id": ids, "tenantId": tenant_id}).to_list()
        for document in found:
            payment = payment_from(document)
            stored[payment.id] = Stored(payment, marks_from(document))
    return stored
