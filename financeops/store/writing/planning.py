"""Decide what a transaction writes, from what is stored. This does not access the database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import assert_never

from msgspec import Struct, structs

from financeops.core.acts import GivenBack, in_order
from financeops.core.contract.agreements import MAX_REFUNDS
from financeops.core.errors import Conflict, InvalidValue, NotFound
from financeops.core.money import decimals_of, to_major, to_minor
from financeops.core.payments import Change, Payment, Status, recorded
from financeops.core.recognition import difference, moved_on
from financeops.store.writing.operations import (
    ImportRow,
    Insert,
    Operation,
    Outcome,
    Refund,
    Remove,
    Restore,
    Result,
)


class Marks(Struct, frozen=True, kw_only=True):
    """What is stored beside a payment.

    `request_hash` is the digest of its request, `import_id` the import that created it, `moved_by`
    the import that marked it as refunded, and `moved_from` what had been given back before that.
    """

    request_hash: str | None = None
    import_id: str | None = None
    moved_by: str | None = None
    moved_from: int | None = None


class Stored(Struct, frozen=True):
    """A payment and what is stored beside it."""

    payment: Payment
    marks: Marks


class KnownRow(Struct, frozen=True, kw_only=True):
    """A remembered row of a file, and its payment."""

    row_id: str
    content: str
    payment_id: str
    import_id: str


class Item(Struct, frozen=True):
    """An operation with the id of its payment, fixed before the first try."""

    payment_id: str
    operation: Operation


class Known(Struct, frozen=True, kw_only=True):
    """What the database holds about the subjects of the operations."""

    payments: dict[str, Stored]
    rows: dict[str, KnownRow] = {}
    imports: dict[str, str] = {}
    """The state of each import involved."""


class WritePlan(Struct, frozen=True, kw_only=True):
    """What a transaction will write, and the answers that will then be true.

    `rows` are to be remembered; those in `replaced` are remembered already, for a payment that was
    removed.
    """

    changes: list[Change] = []
    marks: dict[str, Marks] = {}
    rows: list[KnownRow] = []
    replaced: set[str] = set()
    outcomes: list[Outcome] = []

    @property
    def empty(self) -> bool:
        """Whether there is nothing to write."""
        return not (self.changes or self.rows)


def plan_of(items: Sequence[Item], known: Known, at: datetime) -> WritePlan:
    """Decide every answer from what is known; numbers are assigned later."""
    plan = WritePlan()
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
                    decided = _rejected(Conflict(problem))
            case Refund() as refund:
                decided = _refunded(refund, known.payments.get(item.payment_id), known, at)
            case Remove() | Restore() as back:
                decided = _taken_back(back, known.payments.get(item.payment_id), at)
            case _:
                assert_never(item.operation)
        _note(decided, known, plan, at)
        plan.outcomes.append(decided.outcome)
    return plan


class _Decided(Struct, frozen=True):
    """An answer, what will be stored beside its payment, and what was stored before."""

    outcome: Outcome
    marks: Marks = Marks()
    before: Payment | None = None


_WRITTEN = {Result.CREATED, Result.REFUNDED, Result.UPDATED, Result.REMOVED, Result.RESTORED}


def _note(decided: _Decided, known: Known, plan: WritePlan, at: datetime) -> None:
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
            removed=removed,
        )
    )
    plan.marks[payment.id] = decided.marks
    if removed:
        del known.payments[payment.id]
    else:
        known.payments[payment.id] = Stored(payment, decided.marks)


def _inserted(insert: Insert, payment_id: str, known: Known, at: datetime) -> _Decided:
    stored = known.payments.get(payment_id)
    if stored is None:
        payment = recorded(insert.draft, payment_id=payment_id, at=at)
        marks = Marks(request_hash=insert.request_hash)
        return _Decided(Outcome(result=Result.CREATED, payment=payment), marks)
    if stored.marks.request_hash == insert.request_hash:
        return _Decided(Outcome(result=Result.DUPLICATE, payment=stored.payment))
    return _rejected(Conflict("this key was used before, with another payment"))


def _imported(row: ImportRow, payment_id: str, known: Known, at: datetime) -> _Decided:
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
            return _conflict(Conflict(problem, "status"))
        stored = known.payments[remembered.payment_id]
    if stored is None:
        payment = recorded(row.draft, payment_id=payment_id, at=at)
        marks = Marks(request_hash=row.request_hash, import_id=row.import_id)
        return _Decided(Outcome(result=Result.CREATED, payment=payment), marks)
    if busy := _being_taken_back(stored, known):
        return _conflict(busy)
    found = difference(stored.payment, row.draft)
    if found is not None:
        return _conflict(Conflict(str(found), found.field))
    if not moved_on(stored.payment, row.draft):
        return _Decided(Outcome(result=Result.DUPLICATE, payment=stored.payment))
    refunded_at = row.draft.refunded_at or _not_before(stored.payment, at)
    before = stored.payment.refunded_amount
    marks = structs.replace(stored.marks, moved_by=row.import_id, moved_from=before)
    return _moved(stored, Result.UPDATED, marks, refunded_at=refunded_at, at=at)


def _remember(row: ImportRow, decided: _Decided, known: Known, plan: WritePlan) -> None:
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


def _refunded(refund: Refund, stored: Stored | None, known: Known, at: datetime) -> _Decided:
    if stored is None:
        return _rejected(NotFound("this payment does not exist"))
    payment = stored.payment
    if payment.status is Status.FAILED:
        return _rejected(Conflict("a failed payment cannot be refunded: no money was collected"))
    rest = payment.amount - payment.returned
    try:
        amount = rest if refund.amount is None else _minor_of(refund.amount, payment)
    except InvalidValue as error:
        return _rejected(error)
    if (before := _given_back(payment, refund)) is not None:
        if not _repeats(refund, before, payment):
            return _rejected(Conflict("this key was used before, with another refund"))
        return _Decided(Outcome(result=Result.DUPLICATE, payment=payment))
    if payment.status is Status.REFUNDED and refund.amount is None:
        return _Decided(Outcome(result=Result.DUPLICATE, payment=payment))
    if amount > rest:
        left = f"{to_major(rest, payment.currency)} {payment.currency}"
        return _rejected(Conflict(f"must be at most {left}, what is left to refund", "amount"))
    if refund.at is not None and refund.at < payment.created_at:
        return _rejected(InvalidValue("at", "must not be before createdAt"))
    if len(payment.refunds or ()) >= MAX_REFUNDS and amount < rest:
        problem = f"has {MAX_REFUNDS} refunds, so the next one must be of all that is left"
        return _rejected(Conflict(problem, "amount"))
    if busy := _being_taken_back(stored, known):
        return _rejected(busy)
    return _given(refund, stored, amount, at)


def _given(refund: Refund, stored: Stored, amount: int, at: datetime) -> _Decided:
    """Give back an amount that is left."""
    payment = stored.payment
    when = refund.at or _not_before(payment, at)
    refunds = payment.refunds
    if refunds or not refund.plain:
        given = GivenBack(id=refund.refund_id, amount=amount, at=when, reason=refund.reason)
        refunds = in_order((*(refunds or ()), given))
        when = refunds[-1].at
    returned = payment.returned + amount
    whole = returned == payment.amount
    changed = structs.replace(
        payment,
        status=Status.REFUNDED if whole else payment.status,
        refunded_at=when if whole else None,
        refunded_amount=returned,
        refunds=refunds,
        updated_at=at,
    )
    return _Decided(Outcome(result=Result.REFUNDED, payment=changed), stored.marks, payment)


def _not_before(payment: Payment, at: datetime) -> datetime:
    """The moment, or that of a payment whose sender's clock is ahead: a payment is refunded after it was made."""
    return max(at, payment.created_at)


def _given_back(payment: Payment, refund: Refund) -> GivenBack | None:
    """The refund that the same key asked for before."""
    if not refund.keyed:
        return None
    return next((each for each in payment.refunds or () if each.id == refund.refund_id), None)


def _repeats(refund: Refund, before: GivenBack, payment: Payment) -> bool:
    """Whether a refund may be the one that was asked for before: without an amount that gave back all that was left."""
    if refund.amount is None:
        same_amount = payment.status is Status.REFUNDED
    else:
        same_amount = refund.amount == to_major(before.amount, payment.currency)
    same_moment = refund.at is None or refund.at == before.at
    return same_amount and same_moment and refund.reason == before.reason


def _minor_of(amount: Decimal, payment: Payment) -> int:
    minor = to_minor(amount, payment.currency, decimals=decimals_of(payment.currency))
    if minor == 0:
        raise InvalidValue("amount", "must be more than 0")
    return minor


def _taken_back(back: Remove | Restore, stored: Stored | None, at: datetime) -> _Decided:
    """Undo what an import did to a payment; if that is done already, it is a duplicate."""
    match back:
        case Remove(import_id=import_id, refunded=refunded):
            if stored is None or stored.marks.import_id != import_id:
                return _Decided(Outcome(result=Result.DUPLICATE))
            was_refunded = stored.payment.status is Status.REFUNDED
            if was_refunded is not refunded or stored.payment.refunds:
                return _conflict(Conflict(f"payment {stored.payment.id} was changed since"))
            removed = Outcome(result=Result.REMOVED, payment=stored.payment)
            return _Decided(removed, stored.marks, stored.payment)
        case Restore(import_id=import_id):
            if stored is None or stored.marks.moved_by != import_id:
                return _Decided(Outcome(result=Result.DUPLICATE))
            restored = structs.replace(
                stored.payment,
                status=Status.SUCCESS,
                refunded_at=None,
                refunded_amount=stored.marks.moved_from,
                updated_at=at,
            )
            return _Decided(
                Outcome(result=Result.RESTORED, payment=restored),
                structs.replace(stored.marks, moved_by=None, moved_from=None),
                stored.payment,
            )


def _moved(
    stored: Stored, result: Result, marks: Marks, *, refunded_at: datetime, at: datetime
) -> _Decided:
    refunded = structs.replace(
        stored.payment,
        status=Status.REFUNDED,
        refunded_at=refunded_at,
        refunded_amount=stored.payment.amount,
        updated_at=at,
    )
    return _Decided(Outcome(result=result, payment=refunded), marks, stored.payment)


def _being_taken_back(stored: Stored, known: Known) -> Conflict | None:
    import_id = stored.marks.import_id
    if import_id is None or known.imports.get(import_id) != "undoing":
        return None
    return Conflict(f"the import {import_id}, which brought this payment, is being taken back")


def _rejected(error: Conflict | InvalidValue | NotFound) -> _Decided:
    return _Decided(Outcome(result=Result.REJECTED, error=error))


def _conflict(error: Conflict) -> _Decided:
    return _Decided(Outcome(result=Result.CONFLICT, error=error))
