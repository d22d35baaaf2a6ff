"""The objects in events of Stripe, as far as they are read (docs.stripe.com/api)."""

from __future__ import annotations

from msgspec import Raw, Struct


class Named(Struct):
    """Something that is named by its id."""

    id: str


Link = str | Named | None
"""Another object: its id, or all of it where that was asked for."""


class FeeDetail(Struct):
    """A part of a fee."""

    amount: int
    type: str


class Balance(Struct):
    """A balance transaction: how money moved, and what that cost."""

    id: str
    fee: int
    currency: str
    created: int
    fee_details: list[FeeDetail] = []


class Refund(Struct):
    """A refund."""

    id: str
    amount: int
    currency: str
    created: int
    charge: Link = None
    status: str | None = None
    reason: str | None = None
    failure_reason: str | None = None


class Refunds(Struct):
    """Refunds of a charge, perhaps only the newest."""

    data: list[Refund] = []
    has_more: bool = False


class Outcome(Struct):
    """Why a charge was accepted or not."""

    type: str | None = None
    reason: str | None = None


class ThreeDSecure(Struct):
    """What 3-D Secure said."""

    result: str | None = None


class Card(Struct):
    """The card of a charge."""

    brand: str | None = None
    country: str | None = None
    funding: str | None = None
    last4: str | None = None
    three_d_secure: ThreeDSecure | None = None


class Method(Struct):
    """How a charge was paid."""

    type: str
    card: Card | None = None


class Address(Struct):
    """The address of a payer."""

    country: str | None = None


class Billing(Struct):
    """Who pays."""

    address: Address | None = None


class Charge(Struct):
    """An attempt to take money."""

    id: str
    amount: int
    currency: str
    created: int
    captured: bool = True
    amount_captured: int | None = None
    customer: Link = None
    payment_intent: Link = None
    payment_method_details: Method | None = None
    billing_details: Billing | None = None
    outcome: Outcome | None = None
    failure_code: str | None = None
    metadata: dict[str, str] = {}
    refunds: Refunds | None = None
    balance_transaction: str | Balance | None = None


class Dispute(Struct):
    """A dispute."""

    id: str
    amount: int
    currency: str
    created: int
    status: str
    charge: Link = None
    reason: str | None = None
    balance_transactions: list[Balance] = []


class Intent(Struct):
    """A payment intent: what a customer pays for."""

    latest_charge: Link = None


class Data(Struct):
    """What an event is about."""

    object: Raw


class Event(Struct):
    """An event."""

    id: str
    type: str
    created: int
    data: Data
