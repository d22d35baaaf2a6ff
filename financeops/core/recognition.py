"""Whether a row that is imported again says of its payment what is recorded."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from msgspec import Struct

from financeops.core.money import to_major
from financeops.core.payments import OPTIONAL, Draft, Payment, Status
from financeops.core.wire import timestamp


class Difference(Struct, frozen=True):
    """A field in which a row differs from its payment, both values as a person reads them."""

    field: str
    recorded: str
    said: str

    def __str__(self) -> str:
        return f"is recorded as {self.recorded}, the row says {self.said}"


def moved_on(recorded: Payment, said: Draft) -> bool:
    """Whether a row tells that its payment was refunded since it was recorded."""
    return recorded.status is Status.SUCCESS and said.status is Status.REFUNDED


def difference(recorded: Payment, said: Draft) -> Difference | None:
    """The first field in which a row contradicts what is recorded; None when it does not.

    What a row leaves out it does not contradict, nor does a row from before a refund. That a
    payment was refunded since is news (`moved_on`), any other status contradicts.

    Parameters
    ----------
    recorded : Payment
    said : Draft
        The row, read with the options of this import.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> from msgspec.structs import asdict, replace
    >>> at = datetime(2026, 5, 1, 10, tzinfo=UTC)
    >>> said = Draft(
    ...     tenant_id="tenant_1", amount=1000, currency="USD", method="card",
    ...     status=Status.SUCCESS, created_at=at, source="import",
    ... )
    >>> recorded = Payment(**asdict(said), id="6756fb49a1b2c3d4e5f60701", updated_at=at)
    >>> difference(recorded, said) is None
    True
    >>> print(difference(recorded, replace(said, customer_id="ada")))
    is recorded as nothing, the row says 'ada'
    """
    return next(_differences(recorded, said), None)


def _differences(recorded: Payment, said: Draft) -> Iterator[Difference]:
    if recorded.currency != said.currency:
        yield Difference("currency", recorded.currency, said.currency)
    if recorded.amount != said.amount:
        yield Difference("amount", _money(recorded), _money(said))
    if recorded.created_at != said.created_at:
        yield Difference("createdAt", _shown(recorded.created_at), _shown(said.created_at))
    if recorded.method != said.method:
        yield Difference("method", recorded.method, said.method)
    if recorded.status is not said.status and not (
        moved_on(recorded, said)
        or (recorded.status is Status.REFUNDED and said.status is Status.SUCCESS)
    ):
        yield Difference("status", recorded.status.value, said.status.value)
    for field in OPTIONAL:
        here, there = getattr(recorded, field.name), getattr(said, field.name)
        news = field.only is Status.REFUNDED and moved_on(recorded, said)
        if there is not None and here != there and not news:
            yield Difference(field.json, _shown(here), _shown(there))


def _money(payment: Draft) -> str:
    return f"{to_major(payment.amount, payment.currency)} {payment.currency}"


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    return timestamp(value) if isinstance(value, datetime) else repr(str(value))
