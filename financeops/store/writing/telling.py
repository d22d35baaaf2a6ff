"""Decide what is told of a payment after it was made: each is one change, and counts once."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from msgspec import structs

from financeops.core.errors import Conflict, FinanceOpsError, NotFound
from financeops.store.writing.decisions import (
    Decided,
    Known,
    Stored,
    being_taken_back,
    rejected,
)
from financeops.store.writing.disputing import disputed
from financeops.store.writing.fees import charged
from financeops.store.writing.operations import Dispute, Fees, Outcome, Result, Settlement
from financeops.store.writing.settling import settled


def told(
    act: Dispute | Fees | Settlement, stored: Stored | None, known: Known, at: datetime
) -> Decided:
    """Decide an act from what is stored."""
    if stored is None:
        return rejected(NotFound("this payment does not exist"))
    same = Decided(Outcome(result=Result.DUPLICATE, payment=stored.payment))
    keys = stored.marks.keys or {}
    if act.key is not None and act.key.id in keys:
        if keys[act.key.id] == act.key.content:
            return same
        return rejected(Conflict("this key was used before, with something else"))
    try:
        after = _after(act, stored, at)
    except FinanceOpsError as error:
        return rejected(error)
    if after.payment == stored.payment:
        return same
    if busy := being_taken_back(stored, known):
        return rejected(busy)
    payment = structs.replace(
        after.payment, revision=(stored.payment.revision or 0) + 1, updated_at=at
    )
    marks = after.marks
    if act.key is not None:
        marks = structs.replace(marks, keys={**keys, act.key.id: act.key.content})
    return Decided(Outcome(result=Result.UPDATED, payment=payment), marks, stored.payment)


def _after(act: Dispute | Fees | Settlement, stored: Stored, at: datetime) -> Stored:
    """The payment and its marks as the act makes them; raises `FinanceOpsError`."""
    match act:
        case Dispute(terms=terms, by_event=by_event):
            return disputed(terms, stored, at, by_event=by_event)
        case Fees(terms=terms):
            return charged(terms, stored, at)
        case Settlement(terms=terms):
            return settled(terms, stored)
        case _:
            assert_never(act)
