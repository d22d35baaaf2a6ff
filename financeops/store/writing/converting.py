"""Decide how a payment is converted that was recorded before."""

from __future__ import annotations

from datetime import datetime

from msgspec import structs

from financeops.store.reporting_rates import Reporting
from financeops.store.writing.decisions import Decided, Stored
from financeops.store.writing.operations import Convert, Outcome, Result


def converted(
    convert: Convert, stored: Stored | None, reporting: Reporting, at: datetime
) -> Decided:
    """Convert it if it is not, or `again` by the rates of today; what is right already is a duplicate."""
    if stored is None:  # it was taken back
        return Decided(Outcome(result=Result.DUPLICATE))
    before = stored.payment
    same = Decided(Outcome(result=Result.DUPLICATE, payment=before))
    is_done = before.reporting_amount is not None
    if is_done and before.reporting_currency == reporting.currency and not convert.again:
        return same
    now = reporting.of(before)
    if now == before:
        return same
    changed = structs.replace(now, updated_at=at)
    return Decided(Outcome(result=Result.UPDATED, payment=changed), stored.marks, before)
