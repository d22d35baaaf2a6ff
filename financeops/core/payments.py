"""Payments, and the changes that happen to them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from operator import attrgetter, itemgetter
from typing import Annotated, Any, TypeVar

from msgspec import Struct
from msgspec.structs import asdict, replace

from financeops.core.acts import GivenBack
from financeops.core.contract.texts import BIN, COUNTRY, CURRENCY, LAST4, PAIRS, WORD
from financeops.core.declines import Authentication, DeclineKind, FailureStage, Meaning, meaning_of
from financeops.core.disputes import Disputed, DisputeStatus
from financeops.core.fees import Fee
from financeops.core.fields import About, fields_of
from financeops.core.pairs import Pairs


class Status(StrEnum):
    """Outcome of a payment."""

    SUCCESS = "success"
    FAILED = "failed"
    REFUNDED = "refunded"


class EventType(StrEnum):
    """Names of changes on the stream."""

    RECEIVED = "payment_received"
    FAILED = "payment_failed"
    REFUNDED = "payment_refunded"
    DISPUTED = "payment_disputed"
    UPDATED = "payment_updated"
    REMOVED = "payment_removed"


class Source(StrEnum):
    """Where a payment came from."""

    API = "api"
    SEED = "seed"
    SIMULATION = "simulation"
    IMPORT = "import"
    WEBHOOK = "webhook"


UNKNOWN_DECLINE = "unknown"
"""Failed payments without a decline code are counted here, so that shares add up to 100."""

UNKNOWN_KIND = "unknown"
"""Failures of which nothing says whether another try is worth it are counted as of this kind."""

OTHER_DECLINE = "other"
"""Failures with a code beyond a tenant's limit of different codes are counted here."""


class Funding(StrEnum):
    """How a card is funded."""

    CREDIT = "credit"
    DEBIT = "debit"
    PREPAID = "prepaid"
    UNKNOWN = "unknown"


class Draft(Struct, frozen=True, kw_only=True):
    """A payment that is valid but not recorded: it has no id and no place in the sequence.

    `amount` is in minor units of `currency`; times are aware and in UTC. Fields that may be None
    are optional for senders. Requests, rows of files, checks, answers, columns and the database
    follow from these declarations.
    """

    tenant_id: Annotated[str, About("whose payment it is")]
    amount: Annotated[int, About("minor units of ``currency``: 1850 USD is 18.50 USD")]
    currency: Annotated[str, About("ISO 4217 code", text=CURRENCY)]
    method: Annotated[str, About("``card``, ``bank_transfer``, …", text=WORD)]
    status: Annotated[Status, About("``success``, ``failed`` or ``refunded``")]
    created_at: Annotated[datetime, About("when it was attempted")]
    source: Annotated[str, About("``api``, ``seed``, ``simulation``, ``import``, …")]
    reference: Annotated[str | None, About("the sender's name for the attempt")] = None
    customer_id: Annotated[str | None, About("the sender's name for the customer")] = None
    country: Annotated[str | None, About("ISO 3166 code", text=COUNTRY)] = None
    decline_code: Annotated[str | None, About("why it failed", text=WORD, only=Status.FAILED)] = (
        None
    )
    refunded_at: Annotated[
        datetime | None, About("when the money was given back", only=Status.REFUNDED)
    ] = None
    refunded_amount: Annotated[
        int | None, About("minor units given back, 0 if none", only=Status.REFUNDED)
    ] = None
    fee_amount: Annotated[int | None, About("minor units that it cost, 0 if none are known")] = None
    fees: Annotated[
        tuple[Fee, ...] | None,
        About("its fees, earliest first, as JSON text"),
    ] = None
    payout_id: Annotated[str | None, About("the payout that settled it")] = None
    settled_at: Annotated[datetime | None, About("when its money arrived")] = None
    settled_amount: Annotated[
        int | None,
        About("minor units of ``settled_currency`` that arrived, 0 if unknown"),
    ] = None
    settled_currency: Annotated[str | None, About("ISO 4217 code", text=CURRENCY)] = None
    order_id: Annotated[
        str | None, About("what the customer pays for: attempts of one order share it")
    ] = None
    processor: Annotated[str | None, About("who processed it", text=WORD)] = None
    network: Annotated[str | None, About("``visa``, ``mastercard``, ``sepa``, …", text=WORD)] = None
    funding: Annotated[
        Funding | None, About("``credit``, ``debit``, ``prepaid`` or ``unknown``")
    ] = None
    issuer_country: Annotated[
        str | None, About("ISO 3166 code of the card's issuer", text=COUNTRY)
    ] = None
    bin: Annotated[str | None, About("first 6 to 8 digits of the card", text=BIN)] = None
    last4: Annotated[str | None, About("last 4 digits of the card", text=LAST4)] = None
    channel: Annotated[str | None, About("``web``, ``app``, ``shop``, …", text=WORD)] = None
    authentication: Annotated[
        Authentication | None, About("what 3-D Secure said: ``authenticated``, ``failed``, …")
    ] = None
    failure_stage: Annotated[
        FailureStage | None,
        About("where it failed: ``declined``, ``blocked``, …", only=Status.FAILED),
    ] = None
    decline_kind: Annotated[
        DeclineKind | None,
        About("``soft`` if another try may succeed, else ``hard``", only=Status.FAILED),
    ] = None
    metadata: Annotated[
        Pairs | None, About("the sender's own pairs of text, as JSON text", text=PAIRS)
    ] = None

    @property
    def returned(self) -> int:
        """What was given back, in minor units; of a refunded payment the whole."""
        if self.status is Status.REFUNDED:
            return self.amount
        return self.refunded_amount or 0


class Payment(Draft, frozen=True, kw_only=True):
    """One attempt to collect money, as recorded.

    The ledger sets `decline_group` only if the decline code exceeds its tenant's limit: the
    failure is then counted under this group. It sets `attempt` and `recovered_by` of payments that
    have an order, and `reporting_currency` of those in another currency than their tenant's, which have
    `reporting_amount` and the rate as soon as there is one (`core/reporting.py`).
    """

    id: Annotated[str, About("24 hexadecimal digits", json="_id", after="")]
    updated_at: Annotated[datetime, About("when it was last changed", after="created_at")]
    decline_group: Annotated[
        str | None,
        About("set where the failure is counted under another code", after="decline_code"),
    ] = None
    refunds: Annotated[
        tuple[GivenBack, ...] | None,
        About(
            "the refunds that were asked for one by one, earliest first, as JSON text",
            after="refunded_amount",
        ),
    ] = None
    attempt: Annotated[
        int | None, About("which attempt of its order it is, from 1", after="order_id")
    ] = None
    recovered_by: Annotated[
        int | None,
        About("of a first attempt that failed: the attempt that succeeded later", after="attempt"),
    ] = None
    dispute: Annotated[
        Disputed | None,
        About("its dispute, as JSON text: ``open``, ``won`` or ``lost``", after="refunds"),
    ] = None
    revision: Annotated[
        int | None,
        About("how often a dispute, fees or a settlement were told", after="settled_currency"),
    ] = None
    reporting_amount: Annotated[
        int | None,
        About(
            "minor units of ``reporting_currency``; null while there is no rate", after="revision"
        ),
    ] = None
    reporting_currency: Annotated[
        str | None,
        About(
            "its tenant's own currency, if it is in another: ISO 4217 code",
            text=CURRENCY,
            after="reporting_amount",
        ),
    ] = None
    rate: Annotated[
        str | None,
        About(
            "how many units of ``reporting_currency`` one of ``currency`` is, to 12 decimals, as text",
            after="reporting_currency",
        ),
    ] = None
    rate_date: Annotated[str | None, About("of which day the rate is", after="rate")] = None
    rate_source: Annotated[str | None, About("who says so: ``ecb``, …", after="rate_date")] = None

    @property
    def lost(self) -> int:
        """What a lost dispute took, in minor units: at most what had not been given back anyway."""
        if self.dispute is None or self.dispute.status is not DisputeStatus.LOST:
            return 0
        return min(self.dispute.amount, self.amount - self.returned)

    @property
    def counted_decline(self) -> str | None:
        """The decline code under which a failure is counted; None unless it failed."""
        if self.status is not Status.FAILED:
            return None
        return self.decline_group or self.decline_code or UNKNOWN_DECLINE

    @property
    def counted_failure(self) -> tuple[str, str]:
        """The stage and the kind under which a failure is counted."""
        stage = self.failure_stage or FailureStage.DECLINED
        return str(stage), str(self.decline_kind or UNKNOWN_KIND)


AnyDraft = TypeVar("AnyDraft", bound=Draft)


def explained(draft: AnyDraft, own: Mapping[str, Meaning] = {}) -> AnyDraft:
    """The same payment; if it failed, with what its decline code says and its sender did not.

    `own` is the tenant's table of codes (`declines.meaning_of`).
    """
    if draft.status is not Status.FAILED:
        return draft
    stage, kind = meaning_of(draft.decline_code, own)
    return replace(
        draft,
        failure_stage=draft.failure_stage or stage,
        decline_kind=draft.decline_kind or kind,
    )


def recorded(
    draft: Draft, *, payment_id: str, at: datetime, declines: Mapping[str, Meaning]
) -> Payment:
    """The payment that a draft becomes when it is recorded for a tenant with this table of codes."""
    payment = Payment(**asdict(explained(draft, declines)), id=payment_id, updated_at=at)
    if draft.status is not Status.REFUNDED:
        return payment
    return replace(payment, refunded_amount=draft.amount)


FIELDS = fields_of(Payment)
"""The fields of a payment by their names, in the order of columns."""

AMOUNTS = {
    "amount": "currency",
    "refunded_amount": "currency",
    "fee_amount": "currency",
    "settled_amount": "settled_currency",
    "reporting_amount": "reporting_currency",
}
"""The fields in minor units, and those of their currencies; other integers count something."""

SIGNED = AMOUNTS.keys() - {"amount", "refunded_amount", "reporting_amount"}
"""Amounts that may be negative, as a credit is."""

SELDOM = (
    *("refunds", "dispute", "fee_amount", "fees"),
    *("payout_id", "settled_at", "settled_amount", "settled_currency", "revision"),
    *("reporting_amount", "reporting_currency", "rate", "rate_date", "rate_source"),
)
"""Fields that most payments lack: looking at all of them at once costs less."""

seldom_of = attrgetter(*SELDOM)
NOT_SAID = (None,) * len(SELDOM)

OPTIONAL = [
    field for name, field in FIELDS.items() if field.nullable and name in Draft.__struct_fields__
]
"""The fields that a sender may leave out."""


_REQUIRED = [name for name, field in FIELDS.items() if not field.nullable]
_required_of = itemgetter(*(FIELDS[name].json for name in _REQUIRED))
_NULLABLE = [(name, field.json) for name, field in FIELDS.items() if field.nullable]


def values_in(document: Mapping[str, Any]) -> dict[str, Any]:
    """Values of a payment's fields by name, as a document holds them; fields without one left out."""
    values = dict(zip(_REQUIRED, _required_of(document), strict=True))
    for name, json in _NULLABLE:
        if (value := document.get(json)) is not None:
            values[name] = value
    return values


class Earlier(Struct, frozen=True, kw_only=True):
    """How a payment was counted before, in what seldom changes: its fields of the same names."""

    refunded_at: datetime | None = None
    refunds: tuple[GivenBack, ...] | None = None
    fees: tuple[Fee, ...] | None = None

    attempt: int | None = None
    recovered_by: int | None = None
    dispute: Disputed | None = None
    fee_amount: int | None = None
    revision: int | None = None
    reporting_amount: int | None = None
    reporting_currency: str | None = None
    rate: str | None = None


def earlier_of(before: Payment, now: Payment) -> Earlier | None:
    """What a change has to say of the payment as it was; None if nothing of it is different."""
    was, is_ = _earlier(before), _earlier(now)
    if not before.returned:
        # That is said already: nothing had been given back.
        is_ = replace(is_, **_NOT_RETURNED)
    return None if was == is_ else was


_NOT_RETURNED = {"refunded_at": None, "refunds": None}


def _earlier(payment: Payment) -> Earlier:
    return Earlier(**{name: getattr(payment, name) for name in Earlier.__struct_fields__})


class Change(Struct, frozen=True, kw_only=True):
    """One committed change: a payment as it is now, and what it was counted by before.

    `previous_status` is None when the payment is new; `previous_refunded` is what had been given
    back of it before, in minor units, None if nothing; `earlier` has all else by which it was counted,
    None if that is as it is now; `seq` is the change's number in its tenant's gap-free sequence; `at` is
    when it was committed. When `removed`, the import that created the payment was undone: `payment` is
    its last state, and it no longer exists.
    """

    seq: int
    at: datetime
    payment: Payment
    previous_status: Status | None = None
    previous_refunded: int | None = None
    earlier: Earlier | None = None
    removed: bool = False

    @property
    def type(self) -> EventType:
        """Name of the change on the stream."""
        if self.removed:
            return EventType.REMOVED
        if self.previous_status is not None:
            before = self.previous
            more = before is not None and self.payment.returned > before.returned
            if more or self.refunds_whole:
                return EventType.REFUNDED
            told = self.earlier is not None and self.earlier.dispute != self.payment.dispute
            return EventType.DISPUTED if told else EventType.UPDATED
        if self.payment.status is Status.FAILED:
            return EventType.FAILED
        return EventType.RECEIVED

    @property
    def refunds_whole(self) -> bool:
        """Whether it gives back all that was left of a payment."""
        before = (None, Status.REFUNDED)
        return self.payment.status is Status.REFUNDED and self.previous_status not in before

    @property
    def taken_back(self) -> bool:
        """Whether the change cancels something recorded: a payment or a refund of the whole."""
        was_refunded = self.previous_status is Status.REFUNDED
        return self.removed or (was_refunded and self.payment.status is not Status.REFUNDED)

    @property
    def previous(self) -> Payment | None:
        """The payment as it was counted before; None when it is new."""
        if self.previous_status is None:
            return None
        if self.removed:
            return self.payment
        values: dict[str, Any] = {} if self.previous_refunded else _NOT_RETURNED
        if self.earlier is not None:
            values = asdict(self.earlier)
        return replace(
            self.payment,
            status=self.previous_status,
            refunded_amount=self.previous_refunded,
            **values,
        )


class Tenant(Struct, frozen=True, kw_only=True):
    """One business: its reporting currency, its time zone and the number of its last change.

    `declines` is its own table of decline codes: a setting of the server, not stored.
    """

    id: str
    currency: str
    timezone: str
    seq: int = 0
    declines: Mapping[str, Meaning] = {}
