"""Payments, what becomes of them, and what a copy of them is kept up to date by."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

from msgspec import Meta, field

from financeops.core.contract.forms import Document, Number, Time
from financeops.core.contract.problems import Problem
from financeops.core.fields import Field, Kind, with_fields
from financeops.core.payments import FIELDS, EventType, Status

_KINDS: dict[Kind, Any] = {Kind.TEXT: str, Kind.INTEGER: int, Kind.INSTANT: Time}


def _answered(of: Field) -> tuple[str, Any, Any]:
    kind = Number if of.name == "amount" else of.choices or _KINDS[of.kind]
    if of.nullable:
        return of.name, kind | None, field(name=of.json, default=None)
    return of.name, kind, field(name=of.json)


@with_fields(map(_answered, FIELDS.values()))
class PaymentAnswer(Document, frozen=True):
    """One attempt to collect money; `amount` in major units of `currency`."""


class ChangeAnswer(Document, frozen=True, kw_only=True):
    """One change, as the stream's `payment_event` tells it; `previousStatus` is null when new."""

    type: EventType
    payment: PaymentAnswer
    previous_status: Status | None
    timestamp: Time
    seq: int


class ChangesAnswer(Document, frozen=True, kw_only=True):
    """What happened after a number of the sequence; `seq` is the last one that there is."""

    seq: int
    complete: bool
    changes: list[ChangeAnswer]


class BatchOutcome(StrEnum):
    """What became of one payment of a batch."""

    CREATED = "created"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"
    UPDATED = "updated"
    CONFLICT = "conflict"


class BatchItem(Document, frozen=True, kw_only=True):
    """What became of one payment of a batch."""

    index: int
    outcome: BatchOutcome
    id: str | None = field(name="_id", default=None)
    problem: Problem | None = None


class BatchAnswer(Document, frozen=True, kw_only=True):
    """What became of a batch: how many of each outcome, and each item in its order.

    `updated` and `conflict` are of the rows of an import alone.
    """

    created: int
    duplicate: int
    rejected: int
    items: list[BatchItem]
    updated: int | None = None
    conflict: int | None = None


class SeedAnswer(Document, frozen=True, kw_only=True):
    """What a request for historical payments led to."""

    message: Literal["Seeded successfully", "Already seeded"]
    count: int


class FirstHistoryAnswer(Document, frozen=True, kw_only=True):
    """So many payments of a first history are recorded; `count` is 0 where there is none."""

    recorded: int
    count: int


class MonthAnswer(Document, frozen=True, kw_only=True):
    """One month of a tenant's, in its time zone: how many payments it holds, how many refunded."""

    month: Annotated[str, Meta(extra_json_schema={"pattern": "^[0-9]{4}-[0-9]{2}$"})]
    start: Time = field(name="from")
    end: Time = field(name="to")
    payments: int
    refunded: int


class MonthsAnswer(Document, frozen=True, kw_only=True):
    """The months that hold payments, oldest first; another `history` after it began anew.

    `takenBack` counts the payments and refunds that are no more.
    """

    tenant_id: str
    currency: str
    timezone: str
    seq: int
    history: str
    taken_back: int
    months: list[MonthAnswer]
