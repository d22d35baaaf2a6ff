"""Decide how a payment's dispute goes on: open, then won or lost, whichever is told first."""

from __future__ import annotations

from datetime import datetime

from msgspec import structs

from financeops.core.act_terms import DisputeTerms
from financeops.core.disputes import Disputed, DisputeStatus
from financeops.core.errors import Conflict, InvalidValue
from financeops.core.money import to_major
from financeops.core.payments import Payment, Status
from financeops.core.wire import timestamp
from financeops.store.writing.decisions import Stored, minor_of, not_before


def disputed(
    terms: DisputeTerms, stored: Stored, at: datetime, *, by_event: bool = False
) -> Stored:
    """The payment with what is told of its dispute; the same if that is known.

    Told `by_event` the earliest opening and the latest end count.

    Raises
    ------
    Conflict
        It failed, has another dispute, or that is known to be otherwise.
    InvalidValue
    """
    payment = stored.payment
    if payment.status is Status.FAILED:
        raise Conflict("a failed payment cannot be disputed: no money was collected")
    amount = None if terms.amount is None else minor_of(terms.amount, payment)
    if amount is not None and amount > payment.amount:
        most = f"{to_major(payment.amount, payment.currency)} {payment.currency}"
        raise Conflict(f"must be at most {most}, the payment's amount", "amount")
    if terms.at is not None and terms.at < payment.created_at:
        raise InvalidValue("at", "must not be before createdAt")
    have = payment.dispute
    if have is None:
        have = Disputed(id=terms.id, amount=payment.amount, status=DisputeStatus.OPEN)
        assumed = True
    else:
        assumed = bool(stored.marks.assumed)
        _refuse_contradiction(terms, amount, have, payment, assumed=assumed)
        if not by_event or terms.at is None:
            _refuse_other_end(terms, have)
    if amount is not None:
        have, assumed = structs.replace(have, amount=amount), False
    have = structs.replace(have, reason=have.reason or terms.reason)
    if by_event and terms.at is not None:
        have = _in_time(have, terms, terms.at)
    elif terms.status is DisputeStatus.OPEN:
        have = _opened(have, terms, not_before(payment, at))
    else:
        have = _closed(have, terms, not_before(payment, at))
    marks = structs.replace(stored.marks, assumed=assumed or None)
    return Stored(structs.replace(payment, dispute=have), marks)


def _opened(have: Disputed, terms: DisputeTerms, now: datetime) -> Disputed:
    if have.opened_at is not None:
        return have
    # That it was opened may be told after its end, which it did not follow.
    moment = terms.at or min(now, have.closed_at or now)
    if have.closed_at is not None and moment > have.closed_at:
        raise InvalidValue("at", "must not be after the dispute was closed")
    return structs.replace(have, opened_at=moment)


def _closed(have: Disputed, terms: DisputeTerms, now: datetime) -> Disputed:
    if have.closed_at is not None:
        return have
    moment = terms.at or max(now, have.opened_at or now)
    if have.opened_at is not None and moment < have.opened_at:
        raise InvalidValue("at", "must not be before the dispute was opened")
    return structs.replace(have, status=terms.status, closed_at=moment)


def _in_time(have: Disputed, terms: DisputeTerms, moment: datetime) -> Disputed:
    """The dispute with an event of its own moment, the same in any order of events."""
    if terms.status is not DisputeStatus.OPEN:
        if have.closed_at == moment and have.status != terms.status:
            raise Conflict(f"the dispute was {have.status} at that moment", "status")
        if have.closed_at is None or have.closed_at < moment:
            have = structs.replace(have, status=terms.status, closed_at=moment)
    known = (have.opened_at, moment if terms.status is DisputeStatus.OPEN else None)
    opened = min((each for each in known if each is not None), default=None)
    if opened is not None and have.closed_at is not None:
        opened = min(opened, have.closed_at)
    return structs.replace(have, opened_at=opened)


def _refuse_contradiction(
    terms: DisputeTerms, amount: int | None, have: Disputed, payment: Payment, *, assumed: bool
) -> None:
    if terms.id != have.id:
        raise Conflict(f"the payment has the dispute {have.id!r}, and can have one", "id")
    if amount not in (None, have.amount) and not assumed:
        recorded = f"{to_major(have.amount, payment.currency)} {payment.currency}"
        raise Conflict(f"the dispute is recorded with {recorded}", "amount")
    if None not in (terms.reason, have.reason) and terms.reason != have.reason:
        raise Conflict(f"the dispute is recorded with the reason {have.reason!r}", "reason")


def _refuse_other_end(terms: DisputeTerms, have: Disputed) -> None:
    if terms.status is not DisputeStatus.OPEN and have.closed_at and terms.status != have.status:
        raise Conflict(f"the dispute was {have.status} already", "status")
    known = have.opened_at if terms.status is DisputeStatus.OPEN else have.closed_at
    if None not in (terms.at, known) and terms.at != known:
        assert known is not None
        raise Conflict(f"this is recorded as of {timestamp(known)}", "at")
