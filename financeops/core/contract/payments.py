"""Payments, the outcome of recording them, and the changes that keep a copy up to date."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

from msgspec import Meta, field

from financeops.core.contract.forms import Document, Number, Time
from financeops.core.contract.problems import Problem
from financeops.core.contract.texts import PAIRS
from financeops.core.disputes import DisputeStatus
from financeops.core.fees import FeeKind
from financeops.core.fields import Field, Kind, with_fields
from financeops.core.payments import AMOUNTS, FIELDS, EventType, Status


class RefundAnswer(Document, frozen=True, kw_only=True):
    """One refund of a payment or of a part of it; `amount` in major units."""

    id: str
    amount: Number
    at: Time
    reason: str | None = None


class DisputeAnswer(Document, frozen=True, kw_only=True):
    """The dispute of a payment; `amount` in major units of the payment's currency.

    `openedAt` is left out if only its end was told.
    """

    id: str
    amount: Number
    status: DisputeStatus
    opened_at: Time | None = None
    closed_at: Time | None = None
    reason: str | None = None


class FeeAnswer(Document, frozen=True, kw_only=True):
    """One fee of a payment; `amount` in major units of its currency, negative if a credit."""

    kind: FeeKind
    amount: Number
    at: Time


_KINDS: dict[Kind, Any] = {
    Kind.TEXT: str,
    Kind.INTEGER: int,
    Kind.INSTANT: Time,
    Kind.PAIRS: PAIRS.sent,
}
_ACTS: dict[str, Any] = {
    "refunds": list[RefundAnswer],
    "dispute": DisputeAnswer,
    "fees": list[FeeAnswer],
}


def _answer_field(of: Field) -> tuple[str, Any, Any]:
    kind = Number if of.name in AMOUNTS else of.choices or _ACTS.get(of.name) or _KINDS[of.kind]
    if of.nullable:
        return of.name, kind | None, field(name=of.json, default=None)
    return of.name, kind, field(name=of.json)


@with_fields(map(_answer_field, FIELDS.values()))
class PaymentAnswer(Document, frozen=True):
    """One attempt to collect money; `amount` in major units of `currency`."""


class EarlierAnswer(Document, frozen=True, kw_only=True):
    """How a payment was counted before: its fields of the same names, left out where it had none."""

    refunded_at: Time | None = None
    refunds: list[RefundAnswer] | None = None
    fees: list[FeeAnswer] | None = None
    attempt: int | None = None
    recovered_by: int | None = None
    dispute: DisputeAnswer | None = None
    fee_amount: Number | None = None
    revision: int | None = None
    reporting_amount: Number | None = None
    reporting_currency: str | None = None
    rate: str | None = None


class ChangeAnswer(Document, frozen=True, kw_only=True):
    """One change, as in the stream's `payment_event`; `previousStatus` is null when new.

    `previousRefundedAmount` is what had been given back before, if anything had. `earlier` has all
    else by which the payment was counted before, if any of it is different now.
    """

    type: EventType
    payment: PaymentAnswer
    previous_status: Status | None
    timestamp: Time
    seq: int
    previous_refunded_amount: Number | None = None
    earlier: EarlierAnswer | None = None


class ChangesAnswer(Document, frozen=True, kw_only=True):
    """The changes after a number of the sequence; `seq` is the latest number."""

    seq: int
    complete: bool
    changes: list[ChangeAnswer]


class BatchOutcome(StrEnum):
    """Outcome of one payment of a batch."""

    CREATED = "created"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"
    UPDATED = "updated"
    CONFLICT = "conflict"


class BatchItem(Document, frozen=True, kw_only=True):
    """Outcome of one payment of a batch, with its id or its error."""

    index: int
    outcome: BatchOutcome
    id: str | None = field(name="_id", default=None)
    problem: Problem | None = None


class BatchAnswer(Document, frozen=True, kw_only=True):
    """Outcome of a batch: the number of each outcome, and each item in the order sent.

    `updated` and `conflict` occur only with the rows of an import.
    """

    created: int
    duplicate: int
    rejected: int
    items: list[BatchItem]
    updated: int | None = None
    conflict: int | None = None


class SeedAnswer(Document, frozen=True, kw_only=True):
    """Result of a request for historical payments."""

    message: Literal["Seeded successfully", "Already seeded"]
    count: int


class FirstHistoryAnswer(Document, frozen=True, kw_only=True):
    """Number of payments of a first history that are recorded; `count` is 0 if there is none."""

    recorded: int
    count: int


class MonthAnswer(Document, frozen=True, kw_only=True):
    """One month in the tenant's time zone: its number of payments, and how many are refunded.

    `returned` is what was given back of them, in minor units, of all currencies together, and
    `revised` how often disputes, fees and settlements were told of them: both tell whether any of
    that happened since. `renumbered` counts how often attempts of orders, of this month or around it,
    got another number.
    """

    month: Annotated[str, Meta(extra_json_schema={"pattern": "^[0-9]{4}-[0-9]{2}$"})]
    start: Time = field(name="from")
    end: Time = field(name="to")
    payments: int
    refunded: int
    returned: int
    revised: int
    renumbered: int


class MonthsAnswer(Document, frozen=True, kw_only=True):
    """The months that hold payments, oldest first.

    `history` changes when the tenant's history begins anew; `takenBack` counts the payments and
    refunds that were removed.
    """

    tenant_id: str
    currency: str
    timezone: str
    seq: int
    history: str
    taken_back: int
    months: list[MonthAnswer]
