"""What an event of a provider tells: payments, and acts of payments named by their reference."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from financeops.core.act_terms import DisputeTerms, FeesTerms, RefundTerms, SettlementTerms
from financeops.core.contract.requests import PaymentRequest

Terms = RefundTerms | DisputeTerms | FeesTerms | SettlementTerms


class PaymentTold(Struct, frozen=True, kw_only=True):
    """A payment. Without a reference `name` makes it count once."""

    request: PaymentRequest
    name: str


class ActTold(Struct, frozen=True, kw_only=True):
    """Something of the payment with this `reference`.

    `name` tells it from other acts of its kind, so that it counts once; `at` is when it happened.
    `currency` is that of its amounts, if the provider says it.
    """

    reference: str
    terms: Terms
    name: str
    at: datetime
    currency: str | None = None


class Unclear(Struct, frozen=True):
    """Something about payments that cannot be recorded, and why."""

    reason: str


Told = PaymentTold | ActTold | Unclear


def unknown_kind(kind: str) -> Unclear:
    """An event of a kind that is not known."""
    return Unclear(f"events of the type {kind[:100]!r} are not understood")
