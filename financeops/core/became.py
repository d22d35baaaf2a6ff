"""What became of an imported payment, as its row tells: the refunds of it, and its dispute."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from msgspec import Raw

from financeops.core.acts import GivenBack, in_order
from financeops.core.checks import check_key, check_reason
from financeops.core.contract.requests import DisputeRow, RefundRow
from financeops.core.costs import moment_since
from financeops.core.disputes import Disputed, DisputeStatus
from financeops.core.errors import InvalidValue
from financeops.core.money import to_minor
from financeops.core.numbers import number_in
from financeops.core.payments import Draft, Status


def refunds_in(
    rows: Iterable[RefundRow] | None, draft: Draft, now: datetime
) -> tuple[GivenBack, ...] | None:
    """The refunds that are known one by one, earliest first; None without any.

    Raises
    ------
    InvalidValue
        Naming the first field that is wrong; also if they are more than what was given back.
    """
    refunds = tuple(
        GivenBack(
            at=moment_since(f"refunds[{place}].at", row.at, draft.created_at, now),
            id=check_key(row.id, f"refunds[{place}].id"),
            amount=_part(row.amount, f"refunds[{place}].amount", draft),
            reason=check_reason(row.reason, f"refunds[{place}].reason"),
        )
        for place, row in enumerate(rows or ())
    )
    if not refunds:
        return None
    if len({each.id for each in refunds}) < len(refunds):
        raise InvalidValue("refunds", "must have an id each")
    if sum(each.amount for each in refunds) > draft.returned:
        raise InvalidValue("refunds", "add up to more than refundedAmount")
    return in_order(refunds)


def dispute_in(row: DisputeRow | None, draft: Draft, now: datetime) -> Disputed | None:
    """The dispute of an imported payment; raises as `refunds_in` does."""
    if row is None:
        return None
    if draft.status is Status.FAILED:
        raise InvalidValue("dispute", "is not for a failed payment")
    opened, closed = (
        None if moment is None else moment_since(f"dispute.{name}", moment, draft.created_at, now)
        for name, moment in (("openedAt", row.opened_at), ("closedAt", row.closed_at))
    )
    if row.status is DisputeStatus.OPEN:
        if opened is None or closed is not None:
            raise InvalidValue("dispute", "needs openedAt and no closedAt while it is open")
    elif closed is None:
        raise InvalidValue("dispute.closedAt", f"is missing of one that was {row.status}")
    elif opened is not None and closed < opened:
        raise InvalidValue("dispute.closedAt", "must not be before openedAt")
    return Disputed(
        id=check_key(row.id, "dispute.id"),
        amount=_part(row.amount, "dispute.amount", draft),
        status=row.status,
        opened_at=opened,
        closed_at=closed,
        reason=check_reason(row.reason, "dispute.reason"),
    )


def _part(given: Raw, field: str, draft: Draft) -> int:
    try:
        minor = to_minor(number_in(given), draft.currency)
    except InvalidValue as error:
        raise InvalidValue(field, error.problem) from None
    if not 0 < minor <= draft.amount:
        raise InvalidValue(field, "must be more than 0 and at most the payment's amount")
    return minor
