"""Decide what a transaction writes, from what is stored. This does not access the database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import assert_never

from msgspec import Struct, structs

from financeops.core.errors import Conflict
from financeops.core.payments import Change, Draft, Payment, Status, earlier_of, recorded
from financeops.core.recognition import difference, moved_on
from financeops.store.dead_letters import DeadLetter, dead_letter
from financeops.store.reporting_rates import Reporting
from financeops.store.writing.converting import converted
from financeops.store.writing.decisions import (
    Decided,
    Known,
    KnownRow,
    Marks,
    Stored,
    being_taken_back,
    conflict,
    not_before,
    rejected,
)
from financeops.store.writing.operations import (
    Act,
    Await,
    Convert,
    Dispute,
    Fees,
    ImportRow,
    Insert,
    Operation,
    Outcome,
    Overdue,
    Refund,
    Remove,
    Restore,
    Result,
    Settlement,
)
from financeops.store.writing.refunds import refunded
from financeops.store.writing.telling import told
from financeops.store.writing.waiting_acts import said


class Item(Struct, frozen=True):
    """An operation with the id of its payment, fixed before the first try."""

    payment_id: str
    operation: Operation


class WritePlan(Struct, frozen=True, kw_only=True):
    """What a transaction will write, and the answers that will then be true.

    `rows` are to be remembered; those in `replaced` are remembered already, for a payment that was
    removed. `reporting` is what payments were converted by. `waiting` are the acts that begin to wait for
    their payment, `applied` the ids of those that no longer do, `dead` what their payment refused.
    """

    changes: list[Change] = []
    marks: dict[str, Marks] = {}
    rows: list[KnownRow] = []
    replaced: set[str] = set()
    outcomes: list[Outcome] = []
    reporting: Reporting | None = None
    waiting: dict[str, Await] = {}
    applied: list[str] = []
    dead: list[DeadLetter] = []

    @property
    def empty(self) -> bool:
        """Whether there is nothing to write."""
        return not (self.changes or self.rows or self.moves_acts)

    @property
    def moves_acts(self) -> bool:
        """Whether acts begin or cease to wait."""
        return bool(self.waiting or self.applied)


def plan_of(items: Sequence[Item], known: Known, at: datetime) -> WritePlan:
    """Decide every answer from what is known; numbers are assigned later."""
    plan = WritePlan(reporting=known.reporting)
    for item in items:
        match item.operation:
            case Insert() as insert:
                decided = _inserted(insert, item.payment_id, known, at)
            case ImportRow() as row:
                decided = _imported(row, item.payment_id, known, at)
                if known.imports.get(row.import_id, "running") == "running":
                    _remember(row, decided, known, plan)
                elif decided.outcome.result in _WRITTEN:
                    problem = f"the import {row.import_id} accepts no more rows"
                    decided = rejected(Conflict(problem))
            case Refund() | Dispute() | Fees() | Settlement() as act:
                decided = _acted(act, known.payments.get(item.payment_id), known, at)
            case Await() as early:
                decided = _awaited(early, item.payment_id, known, plan, at)
            case Remove() | Restore() as back:
                decided = _taken_back(back, known.payments.get(item.payment_id), at)
            case Convert() as convert:
                stored = known.payments.get(item.payment_id)
                decided = converted(convert, stored, known.reporting, at)
            case Overdue():
                stored = known.payments.get(item.payment_id)
                found = None if stored is None else stored.payment
                decided = Decided(Outcome(result=Result.DUPLICATE, payment=found))
            case _:
                assert_never(item.operation)
        _note(decided, known, plan, at)
        plan.outcomes.append(decided.outcome)
        if item.payment_id in known.waiting and item.payment_id in known.payments:
            _apply_waiting(item.payment_id, known, plan, at)
    return plan


_WRITTEN = {Result.CREATED, Result.REFUNDED, Result.UPDATED, Result.REMOVED, Result.RESTORED}


def _note(decided: Decided, known: Known, plan: WritePlan, at: datetime) -> None:
    """Plan the change that an answer implies, and make it known to the operations that follow."""
    payment, result = decided.outcome.payment, decided.outcome.result
    if payment is None or result not in _WRITTEN:
        return
    removed = result is Result.REMOVED
    status = None if decided.before is None else decided.before.status
    plan.changes.append(
        Change(
            seq=0,
            at=at,
            payment=payment,
            previous_status=status,
            previous_refunded=None if decided.before is None else decided.before.refunded_amount,
            earlier=None if decided.before is None else earlier_of(decided.before, payment),
            removed=removed,
        )
    )
    plan.marks[payment.id] = decided.marks
    if removed:
        del known.payments[payment.id]
    else:
        known.payments[payment.id] = Stored(payment, decided.marks)


def _inserted(insert: Insert, payment_id: str, known: Known, at: datetime) -> Decided:
    stored = known.payments.get(payment_id)
    if stored is None:
        return _with_acts(insert, payment_id, known, at)
    if stored.marks.request_hash == insert.request_hash:
        return Decided(Outcome(result=Result.DUPLICATE, payment=stored.payment))
    return rejected(Conflict("this key was used before, with another payment"))


def _with_acts(insert: Insert, payment_id: str, known: Known, at: datetime) -> Decided:
    """Record a payment as its acts have left it: as one change, not one for each of them."""
    payment = _recorded(insert.draft, payment_id, known, at)
    made = Stored(payment, Marks(request_hash=insert.request_hash))
    for act in insert.acts:
        decided = _acted(act, made, known, at)
        if decided.outcome.payment is None:
            return decided
        if decided.outcome.result in _WRITTEN:
            made = Stored(decided.outcome.payment, decided.marks)
    return Decided(Outcome(result=Result.CREATED, payment=made.payment), made.marks)


def _acted(act: Act, stored: Stored | None, known: Known, at: datetime) -> Decided:
    if isinstance(act, Refund):
        return refunded(act, stored, known, at)
    return told(act, stored, known, at)


def _awaited(early: Await, payment_id: str, known: Known, plan: WritePlan, at: datetime) -> Decided:
    """Apply an act if its payment is recorded, else have it wait."""
    if (stored := known.payments.get(payment_id)) is not None:
        return _told_early(early, stored, known, at)
    waiting = known.waiting.setdefault(payment_id, {})
    same = waiting.setdefault(early.id, early)
    if said(same) != said(early):
        return rejected(Conflict("this key was used before, with something else"))
    if same is early:
        plan.waiting[early.id] = early
    return Decided(Outcome(result=Result.WAITING))


def _told_early(early: Await, stored: Stored, known: Known, at: datetime) -> Decided:
    currency = stored.payment.currency
    if early.currency not in (None, currency):
        problem = f"is {early.currency}, that of the payment is {currency}"
        return rejected(Conflict(problem, "currency"))
    return _acted(early.act, stored, known, at)


def _apply_waiting(payment_id: str, known: Known, plan: WritePlan, at: datetime) -> None:
    """Apply what waits for a payment that is recorded now, each act as a change of its own."""
    waiting = known.waiting.pop(payment_id).values()
    for early in sorted(waiting, key=lambda each: (each.at, each.id)):
        stored = known.payments[payment_id]
        decided = _told_early(early, stored, known, at)
        if early.id in plan.waiting:  # it came in the same transaction
            del plan.waiting[early.id]
        else:
            plan.applied.append(early.id)
        if decided.outcome.error is not None:
            reason = str(decided.outcome.error)
            plan.dead.append(dead_letter(stored.payment.tenant_id, early.letter, reason, at))
        _note(decided, known, plan, at)


def _recorded(draft: Draft, payment_id: str, known: Known, at: datetime) -> Payment:
    payment = recorded(draft, payment_id=payment_id, at=at, declines=known.declines)
    foreign = draft.currency != known.reporting.currency
    return known.reporting.of(payment) if foreign else payment


def _imported(row: ImportRow, payment_id: str, known: Known, at: datetime) -> Decided:
    remembered = known.rows.get(row.row_id)
    if remembered and remembered.payment_id not in known.payments:
        remembered = None  # its payment was removed
    stored = next(
        (known.payments[each] for each in (payment_id, row.export_id) if each in known.payments),
        None,
    )
    if stored is None and remembered is not None:
        if remembered.content != row.content:
            problem = (
                f"the import {remembered.import_id} has this row with another status; without a "
                "reference it is not clear whether it is the same payment: map its reference"
            )
            return conflict(Conflict(problem, "status"))
        stored = known.payments[remembered.payment_id]
    elif stored is not None and remembered is None and _is_another(row, stored.marks):
        problem = (
            f"is read as payment {stored.payment.id}, which another row is that differs in columns "
            "that are not read: map one of them, such as its reference or order"
        )
        return conflict(Conflict(problem, "row"))
    if stored is None:
        payment = _recorded(row.draft, payment_id, known, at)
        marks = Marks(
            request_hash=row.request_hash,
            import_id=row.import_id,
            row_content=row.content if row.by_meaning else None,
        )
        if row.refunds or row.dispute:
            payment = structs.replace(payment, refunds=row.refunds, dispute=row.dispute)
            marks = structs.replace(marks, came_with=len(row.refunds or ()) or None)
        return Decided(Outcome(result=Result.CREATED, payment=payment), marks)
    if busy := being_taken_back(stored, known):
        return conflict(busy)
    found = difference(stored.payment, row.draft, row.dispute)
    if found is not None:
        return conflict(Conflict(str(found), found.field))
    if not moved_on(stored.payment, row.draft):
        return Decided(Outcome(result=Result.DUPLICATE, payment=stored.payment))
    refunded_at = row.draft.refunded_at or not_before(stored.payment, at)
    before = stored.payment.refunded_amount
    marks = structs.replace(stored.marks, moved_by=row.import_id, moved_from=before)
    return _moved(stored, Result.UPDATED, marks, refunded_at=refunded_at, at=at)


def _is_another(row: ImportRow, marks: Marks) -> bool:
    """Whether a row that means the same payment is not written as the row that brought it."""
    return row.by_meaning and marks.row_content not in (None, row.content)


def _remember(row: ImportRow, decided: Decided, known: Known, plan: WritePlan) -> None:
    """Remember the row, however it was mapped, even if its payment was known before."""
    payment = decided.outcome.payment
    if payment is None:
        return
    before = known.rows.get(row.row_id)
    stale = before is not None and before.payment_id not in known.payments
    if before is not None and not stale:
        return
    remembered = KnownRow(
        row_id=row.row_id,
        content=row.content,
        payment_id=payment.id,
        import_id=row.import_id,
    )
    if stale:
        plan.replaced.add(row.row_id)
    plan.rows.append(remembered)
    known.rows[row.row_id] = remembered


def _taken_back(back: Remove | Restore, stored: Stored | None, at: datetime) -> Decided:
    """Undo what an import did to a payment; if that is done already, it is a duplicate."""
    match back:
        case Remove(import_id=import_id, refunded=refunded):
            if stored is None or stored.marks.import_id != import_id:
                return Decided(Outcome(result=Result.DUPLICATE))
            was_refunded = stored.payment.status is Status.REFUNDED
            since = len(stored.payment.refunds or ()) > (stored.marks.came_with or 0)
            changed = since or stored.payment.revision
            if was_refunded is not refunded or changed:
                return conflict(Conflict(f"payment {stored.payment.id} was changed since"))
            removed = Outcome(result=Result.REMOVED, payment=stored.payment)
            return Decided(removed, stored.marks, stored.payment)
        case Restore(import_id=import_id):
            if stored is None or stored.marks.moved_by != import_id:
                return Decided(Outcome(result=Result.DUPLICATE))
            restored = structs.replace(
                stored.payment,
                status=Status.SUCCESS,
                refunded_at=None,
                refunded_amount=stored.marks.moved_from,
                updated_at=at,
            )
            return Decided(
                Outcome(result=Result.RESTORED, payment=restored),
                structs.replace(stored.marks, moved_by=None, moved_from=None),
                stored.payment,
            )


def _moved(
    stored: Stored, result: Result, marks: Marks, *, refunded_at: datetime, at: datetime
) -> Decided:
    refunded = structs.replace(
        stored.payment,
        status=Status.REFUNDED,
        refunded_at=refunded_at,
        refunded_amount=stored.payment.amount,
        updated_at=at,
    )
    return Decided(Outcome(result=result, payment=refunded), marks, stored.payment)
