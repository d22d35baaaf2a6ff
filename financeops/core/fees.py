"""What a payment costs, and its form where a column or the database holds text."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

import msgspec
from msgspec import Struct

from financeops.core.acts import moment_text


class FeeKind(StrEnum):
    """What a fee is for."""

    PROCESSING = "processing"
    SCHEME = "scheme"
    INTERCHANGE = "interchange"
    TAX = "tax"
    DISPUTE = "dispute"
    OTHER = "other"


class Fee(Struct, frozen=True, kw_only=True):
    """One fee of a payment; `amount` in minor units of the payment's currency, negative if a credit."""

    at: datetime
    kind: FeeKind
    amount: int


_decode = msgspec.json.Decoder(tuple[Fee, ...]).decode


def fees_text(fees: Iterable[Fee]) -> str:
    """JSON of fees, earliest first; amounts in minor units.

    Examples
    --------
    >>> from datetime import UTC
    >>> fees_text([Fee(kind=FeeKind.TAX, amount=7, at=datetime(2026, 3, 10, 12, tzinfo=UTC))])
    '[{"at":"2026-03-10T12:00:00.000Z","kind":"tax","amount":7}]'
    """
    written = [
        {"at": moment_text(each.at), "kind": each.kind.value, "amount": each.amount}
        for each in fees_in_order(fees)
    ]
    return msgspec.json.encode(written).decode()


def fees_from(text: str | bytes) -> tuple[Fee, ...]:
    """Fees of their JSON; raises `msgspec.DecodeError` if it is something else."""
    return _decode(text)


def fees_in_order(fees: Iterable[Fee]) -> tuple[Fee, ...]:
    """Fees in the order in which they arose: that in which they arrive does not matter."""
    return tuple(sorted(fees, key=lambda each: (each.at, each.kind, each.amount)))
