"""Payments as senders write them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from msgspec import UNSET, Meta, Raw, UnsetType, field

from financeops.core.contract.agreements import MAX_FEES, MAX_REFUNDS, MAX_TOLD_FEES
from financeops.core.contract.forms import Body
from financeops.core.contract.texts import (
    MAX_TEXT,
    PAYMENT_ID_PATTERN,
    TenantId,
    Text,
    Word,
)
from financeops.core.disputes import DisputeStatus
from financeops.core.fees import FeeKind
from financeops.core.fields import Field, Kind, with_fields
from financeops.core.payments import OPTIONAL, Status

Moment = Annotated[
    datetime,
    Meta(tz=True, description="ISO 8601 with its zone, from 1970 to 5 minutes from now"),
]


_Money = Annotated[
    Raw,
    Meta(
        description="Major units, at most the currency's number of decimals",
        extra_json_schema={"type": "number", "minimum": 0, "maximum": 10**12},
    ),
]


def _positive(most: str) -> Any:
    return Annotated[
        Raw,
        Meta(
            description=f"Major units, at most {most}",
            extra_json_schema={"type": "number", "exclusiveMinimum": 0, "maximum": 10**12},
        ),
    ]


_Left: Any = _positive("what is left to refund")
_Part: Any = _positive("the payment's amount")


def _signed(json_type: str | list[str]) -> Any:
    return Annotated[
        Raw,
        Meta(
            description="Major units, at most the currency's number of decimals; negative if a credit",
            extra_json_schema={
                "type": json_type,
                "minimum": -(10**12),
                "maximum": 10**12,
            },
        ),
    ]


_Signed: Any = _signed("number")


class FeeRequest(Body, frozen=True, kw_only=True):
    """One fee, in the payment's currency."""

    kind: FeeKind
    amount: _Signed
    at: Moment | None = None


_Fees = Annotated[list[FeeRequest], Meta(max_length=MAX_FEES)]
# Null is as good as nothing, as in every field that may be left out.
_KINDS: dict[Kind, Any] = {Kind.INSTANT: Moment, Kind.INTEGER: _signed(["number", "null"])}
_FIELDS: dict[str, Any] = {"refunded_amount": _Money, "fees": _Fees}


def _request_field(of: Field) -> tuple[str, Any, Any]:
    kind = _FIELDS.get(of.name) or _KINDS.get(of.kind) or of.choices or of.text.sent
    # Other requests must not even name a field that only imports have: not even as null. And what
    # stays text until its currency is known cannot have a default of null.
    if of.only is Status.REFUNDED or of.kind is Kind.INTEGER:
        return of.name, kind | UnsetType, UNSET
    return of.name, kind | None, None


@with_fields([_request_field(each) for each in OPTIONAL if each.name != "reference"], kw_only=True)
class PaymentRequest(Body, frozen=True, kw_only=True):
    """One payment to record. `amount` stays text until its currency is known.

    A failed payment may carry its `declineCode`. Only an import may bring a refunded payment, with
    `refundedAt`, or one of which a part was given back, `refundedAmount`. What it costs is told by
    `fees`, or by their sum alone, `feeAmount`.
    """

    amount: Annotated[
        Raw,
        Meta(
            description="Major units, at most the currency's number of decimals and 10^12 minor "
            "units",
            extra_json_schema={"type": "number", "minimum": 0, "maximum": 10**12},
        ),
    ]
    method: Word
    status: Annotated[str, Meta(extra_json_schema={"enum": ["success", "failed", "refunded"]})]
    tenant_id: TenantId | UnsetType = UNSET
    currency: Annotated[str, Meta(description="ISO 4217; by default the tenant's")] | None = None
    created_at: Moment | None = None
    reference: Annotated[Text, Meta(description="Names the attempt: it counts once")] | None = None


class RefundRequest(Body, frozen=True, kw_only=True):
    """What to give back of a payment: without `amount`, all that is left."""

    amount: _Left | UnsetType = UNSET
    reason: Text | None = None
    at: Moment | None = None


class DisputeRequest(Body, frozen=True, kw_only=True):
    """What is told of a payment's dispute: that it is open, or with the same `id` how it ended.

    Without `amount` it is of the whole payment, unless that was told before.
    """

    id: Text
    status: DisputeStatus
    amount: _Part | UnsetType = UNSET
    reason: Text | None = None
    at: Moment | None = None


class FeesRequest(Body, frozen=True, kw_only=True):
    """More of what a payment costs."""

    fees: Annotated[list[FeeRequest], Meta(min_length=1, max_length=MAX_TOLD_FEES)]
    at: Moment | None = None


class SettlementRequest(Body, frozen=True, kw_only=True):
    """When the money of a payment arrived, and as what; by default in the payment's currency."""

    payout_id: Text
    settled_at: Moment
    settled_amount: _Signed | UnsetType = UNSET
    settled_currency: Annotated[str, Meta(description="ISO 4217")] | None = None


Digest = Annotated[str, Meta(min_length=1, max_length=MAX_TEXT)]


class RowRequest(Body, frozen=True, kw_only=True):
    """The digests by which a row of a file is recognised.

    `content` covers everything in the row, as it is written; `base` leaves out what a change of
    status changes, and adds how often the same came before in the file; `meaning` covers the
    payment that the row was read as, and how often the same came before: rows with neither
    reference nor id need it.
    """

    content: Digest
    base: Digest
    meaning: Digest | None = None


class RefundRow(Body, frozen=True, kw_only=True):
    """One refund of an imported payment."""

    id: Text
    amount: _Part
    at: Moment
    reason: Text | None = None


class DisputeRow(Body, frozen=True, kw_only=True):
    """The dispute of an imported payment, as far as it is."""

    id: Text
    amount: _Part
    status: DisputeStatus
    opened_at: Moment | None = None
    closed_at: Moment | None = None
    reason: Text | None = None


class ImportRequest(PaymentRequest, frozen=True, kw_only=True):
    """A payment as described by a row of a file, with what became of it.

    `_id` comes with rows of FinanceOps' exports. `refunds` are those of its `refundedAmount` that
    are known one by one.
    """

    row: RowRequest
    refunds: Annotated[list[RefundRow], Meta(max_length=MAX_REFUNDS + 1)] | None = None
    dispute: DisputeRow | None = None
    id: Annotated[str, Meta(pattern=PAYMENT_ID_PATTERN)] | None = field(name="_id", default=None)
