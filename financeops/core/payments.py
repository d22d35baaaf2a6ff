"""Payments, and the changes that happen to them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace


class Status(StrEnum):
    """What became of a payment."""

    SUCCESS = "success"
    FAILED = "failed"
    REFUNDED = "refunded"


class EventType(StrEnum):
    """What a change is called on the stream."""

    RECEIVED = "payment_received"
    FAILED = "payment_failed"
    REFUNDED = "payment_refunded"
    UPDATED = "payment_updated"
    REMOVED = "payment_removed"


class Source(StrEnum):
    """Where a payment came from."""

    API = "api"
    SEED = "seed"
    SIMULATION = "simulation"
    IMPORT = "import"


UNKNOWN_DECLINE = "unknown"
"""Failed payments without a decline code are counted here, so that shares add up to 100."""

OTHER_DECLINE = "other"
"""Beyond the limit of different codes per tenant, failures are counted here."""


class Draft(Struct, frozen=True, kw_only=True):
    """A payment that is valid but not recorded: it has no id and no place in the sequence.

    `amount` is in minor units of `currency`; times are aware and in UTC.
    """

    tenant_id: str
    amount: int
    currency: str
    method: str
    status: Status
    created_at: datetime
    source: str
    reference: str | None = None
    customer_id: str | None = None
    country: str | None = None
    decline_code: str | None = None
    refunded_at: datetime | None = None


class Payment(Draft, frozen=True, kw_only=True):
    """One attempt to collect money, as recorded.

    `decline_group` is set by the ledger only where the decline code is one too many for its
    tenant: then the failure is counted under it.
    """

    id: str
    updated_at: datetime
    decline_group: str | None = None

    @property
    def counted_decline(self) -> str | None:
        """The decline code under which a failure is counted; None unless it failed."""
        if self.status is not Status.FAILED:
            return None
        return self.decline_group or self.decline_code or UNKNOWN_DECLINE


class Change(Struct, frozen=True, kw_only=True):
    """One committed change: a payment as it is now, and the status it had before.

    `previous_status` is None when the payment is new; `seq` is the change's number in its
    tenant's gap-free sequence; `at` is when it was committed. When `removed`, the import that
    brought the payment was taken back: `payment` is as it was last, and there is none any more.
    """

    seq: int
    at: datetime
    payment: Payment
    previous_status: Status | None = None
    removed: bool = False

    @property
    def type(self) -> EventType:
        """What the change is called on the stream."""
        if self.removed:
            return EventType.REMOVED
        if self.previous_status is not None:
            refunded = self.payment.status is Status.REFUNDED
            return EventType.REFUNDED if refunded else EventType.UPDATED
        if self.payment.status is Status.FAILED:
            return EventType.FAILED
        return EventType.RECEIVED

    @property
    def taken_back(self) -> bool:
        """Whether something that was recorded is no more: a payment, or that it was refunded."""
        return self.type in (EventType.REMOVED, EventType.UPDATED)

    @property
    def previous(self) -> Payment | None:
        """The payment as it was counted before; None when it is new."""
        if self.previous_status is None:
            return None
        if self.removed:
            return self.payment
        return replace(self.payment, status=self.previous_status, refunded_at=None)


class Tenant(Struct, frozen=True, kw_only=True):
    """One business: its reporting currency, its time zone and the number of its last change."""

    id: str
    currency: str
    timezone: str
    seq: int = 0
