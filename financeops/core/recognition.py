"""Compare a row that is imported again with the payment recorded for it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from msgspec import Struct

from financeops.core.act_texts import ACT_TEXTS
from financeops.core.costs import COSTS
from financeops.core.disputes import Disputed, DisputeStatus
from financeops.core.money import to_major
from financeops.core.pairs import pairs_text
from financeops.core.payments import AMOUNTS, OPTIONAL, Draft, Payment, Status, explained
from financeops.core.wire import timestamp


class Difference(Struct, frozen=True):
    """A field in which a row differs from its payment, both values as text for a person."""

    field: str
    recorded: str
    row: str

    def __str__(self) -> str:
        return f"is recorded as {self.recorded}, the row says {self.row}"


def moved_on(recorded: Payment, row: Draft) -> bool:
    """Whether, by its row, a payment was refunded since it was recorded."""
    return recorded.status is Status.SUCCESS and row.status is Status.REFUNDED


def difference(recorded: Payment, row: Draft, dispute: Disputed | None = None) -> Difference | None:
    """The first field in which a row contradicts the recorded payment; None if it does not.

    A field that the row leaves out is no contradiction, nor is a row from before a refund, nor a
    refund since the payment was recorded (`moved_on`). Any other difference in status is one.

    Parameters
    ----------
    recorded : Payment
    row : Draft
        The row, read with the options of this import.
    dispute : Disputed, optional
        The dispute that the row tells of.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> from msgspec.structs import asdict, replace
    >>> at = datetime(2026, 5, 1, 10, tzinfo=UTC)
    >>> row = Draft(
    ...     tenant_id="tenant_1", amount=1000, currency="USD", method="card",
    ...     status=Status.SUCCESS, created_at=at, source="import",
    ... )
    >>> recorded = Payment(**asdict(row), id="6756fb49a1b2c3d4e5f60701", updated_at=at)
    >>> difference(recorded, row) is None
    True
    >>> print(difference(recorded, replace(row, customer_id="ada")))
    is recorded as nothing, the row says 'ada'
    """
    # A payment may be older than the table that explains failures.
    return next(_differences(explained(recorded), row, dispute), None)


def _differences(recorded: Payment, row: Draft, dispute: Disputed | None) -> Iterator[Difference]:
    if recorded.currency != row.currency:
        yield Difference("currency", recorded.currency, row.currency)
    if recorded.amount != row.amount:
        yield Difference("amount", _money(recorded), _money(row))
    if recorded.created_at != row.created_at:
        yield Difference("createdAt", _shown(recorded.created_at), _shown(row.created_at))
    if recorded.method != row.method:
        yield Difference("method", recorded.method, row.method)
    if recorded.status is not row.status and not (
        moved_on(recorded, row)
        or (recorded.status is Status.REFUNDED and row.status is Status.SUCCESS)
    ):
        yield Difference("status", recorded.status.value, row.status.value)
    for field in OPTIONAL:
        old, new = getattr(recorded, field.name), getattr(row, field.name)
        refunded_since = field.only is Status.REFUNDED and moved_on(recorded, row)
        if field.name == "refunded_amount":
            # A row from before a refund is no contradiction.
            if row.returned > recorded.returned and not refunded_since:
                yield Difference(field.json, _back(recorded), _back(row))
            continue
        if field.name in COSTS and recorded.revision:
            continue  # a row from before more was told is no contradiction
        if new is not None and old != new and not refunded_since:
            yield Difference(field.json, _value(recorded, field.name), _value(row, field.name))
    if dispute is not None and not _goes_on(dispute, recorded.dispute):
        yield Difference("dispute", _disputed(recorded.dispute), _disputed(dispute))


def _goes_on(told: Disputed, recorded: Disputed | None) -> bool:
    """Whether a dispute that a row tells of is the recorded one, or that before its end."""
    if recorded is None:
        return False
    return told == recorded or (told.status is DisputeStatus.OPEN and told.id == recorded.id)


def _disputed(dispute: Disputed | None) -> str:
    return "nothing" if dispute is None else f"{dispute.id!r}, {dispute.status}"


def _value(payment: Draft, name: str) -> str:
    value = getattr(payment, name)
    if value is not None and name in AMOUNTS:
        currency = getattr(payment, AMOUNTS[name])
        return f"{to_major(value, currency)} {currency}"
    return ACT_TEXTS[name].write(value) if value and name in ACT_TEXTS else _shown(value)


def _money(payment: Draft) -> str:
    return f"{to_major(payment.amount, payment.currency)} {payment.currency}"


def _back(payment: Draft) -> str:
    return f"{to_major(payment.returned, payment.currency)} {payment.currency}"


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return pairs_text(value)
    return timestamp(value) if isinstance(value, datetime) else repr(str(value))
