"""A payment's dispute, and its form where a column or the database holds text."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec
from msgspec import Struct

from financeops.core.acts import moment_text


class DisputeStatus(StrEnum):
    """How far a dispute is."""

    OPEN = "open"
    WON = "won"
    LOST = "lost"


class Disputed(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """The dispute of a payment; `amount` in minor units.

    `opened_at` is None if only its end was told, `closed_at` while it is open. A chargeback is a
    lost dispute.
    """

    id: str
    amount: int
    status: DisputeStatus
    opened_at: datetime | None = None
    closed_at: datetime | None = None
    reason: str | None = None


LEAD = '{"status":"'
"""How every text begins."""

STATUS, AMOUNT, OPENED, CLOSED = (10, 6), (26, 13), (51, 26), (89, 26)
"""Where each value begins in every text, and its length with the blanks behind it: so a column of
texts can be cut."""

_decode = msgspec.json.Decoder(Disputed).decode


def dispute_text(dispute: Disputed) -> str:
    """JSON of a dispute; its amount in minor units.

    Examples
    --------
    >>> text = dispute_text(Disputed(id="dp_1", amount=1850, status=DisputeStatus.OPEN))
    >>> start, length = AMOUNT
    >>> text[start : start + length]
    '1850         '
    """
    said = {"id": dispute.id}
    if dispute.reason is not None:
        said["reason"] = dispute.reason
    return (
        f'{{"status":{_cell(_quoted(dispute.status), STATUS)},'
        f'"amount":{_cell(str(dispute.amount), AMOUNT)},'
        f'"openedAt":{_cell(_moment(dispute.opened_at), OPENED)},'
        f'"closedAt":{_cell(_moment(dispute.closed_at), CLOSED)},'
        f"{msgspec.json.encode(said).decode()[1:]}"
    )


def dispute_from(text: str | bytes) -> Disputed:
    """Dispute of its JSON; raises `msgspec.DecodeError` if it is something else."""
    return _decode(text)


def _quoted(text: str) -> str:
    return f'"{text}"'


def _moment(at: datetime | None) -> str:
    return "null" if at is None else _quoted(moment_text(at))


def _cell(text: str, place: tuple[int, int]) -> str:
    return text.ljust(place[1])
