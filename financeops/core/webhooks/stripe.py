"""Events of Stripe, as its API reference describes them (docs.stripe.com/api/events/types).

A charge is a payment: it succeeds or fails once, and its payment intent is the order to which attempts
belong. One that is authorised only is none until it is captured. A refund counts when it has succeeded, by
its own id, whichever event says so. Of a dispute all events say when it was opened and what it cost; only
``charge.dispute.closed`` says how it ended. Inquiries (``warning_…``) are no disputes yet: they take no money.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from financeops.core.act_terms import DisputeTerms, FeesTerms, RefundTerms
from financeops.core.checks import check_key
from financeops.core.declines import Authentication, FailureStage
from financeops.core.disputes import DisputeStatus
from financeops.core.errors import InvalidValue
from financeops.core.fees import FeeKind
from financeops.core.money import exponent
from financeops.core.periods import EPOCH
from financeops.core.reading import read_once
from financeops.core.webhooks.details import (
    BANK,
    CARD,
    country,
    last4,
    major,
    pairs_of,
    request_of,
    word,
)
from financeops.core.webhooks.stripe_objects import (
    Balance,
    Charge,
    Dispute,
    Event,
    FeeDetail,
    Intent,
    Link,
    Named,
    Outcome,
    Refund,
)
from financeops.core.webhooks.told import ActTold, PaymentTold, Told, Unclear, unknown_kind

_DECIMALS = {
    **dict.fromkeys(
        [
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "JPY",
            "KMF",
            "KRW",
            "MGA",
            "PYG",
            "RWF",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
        ],
        0,
    ),
    # For programs from when they had decimals.
    **dict.fromkeys(("ISK", "UGX"), 2),
}
"""Where Stripe does not count as ISO 4217 does (docs.stripe.com/currencies), or to be sure."""

SILENT = (
    *("customer.", "product.", "price.", "plan.", "coupon.", "promotion_code.", "quote."),
    *("checkout.session.", "invoice.", "invoiceitem.", "subscription_schedule.", "tax_rate."),
    *("payment_method.", "setup_intent.", "mandate.", "source.", "payment_link.", "credit_note."),
    *("account.", "capability.", "person.", "file.", "billing_portal.", "reporting.", "terminal."),
    # Whose charges, refunds and payouts tell what becomes of them.
    *("payment_intent.", "charge.pending", "charge.updated", "charge.expired", "balance.available"),
    *("payout.created", "payout.updated", "radar.", "review."),
)
"""How the types of events begin that say nothing of payments: they are acknowledged, and that is all."""

_METHODS = dict.fromkeys(["card", "card_present", "interac_present"], CARD) | dict.fromkeys(
    [
        "ach_credit_transfer",
        "ach_debit",
        "acss_debit",
        "au_becs_debit",
        "bacs_debit",
        "bancontact",
        "customer_balance",
        "eps",
        "fpx",
        "giropay",
        "ideal",
        "nz_bank_account",
        "p24",
        "sepa_credit_transfer",
        "sepa_debit",
        "sofort",
        "us_bank_account",
    ],
    BANK,
)
"""Methods of Stripe by ours; others have their own name, which the setting of methods must have."""

_AUTHENTICATIONS = {
    "authenticated": Authentication.AUTHENTICATED,
    "attempt_acknowledged": Authentication.ATTEMPTED,
    "exempted": Authentication.EXEMPTED,
    "failed": Authentication.FAILED,
    "processing_error": Authentication.FAILED,
}
_FEES = {"stripe_fee": FeeKind.PROCESSING, "tax": FeeKind.TAX, "withheld_tax": FeeKind.TAX}
_ENDS = {"won": DisputeStatus.WON, "lost": DisputeStatus.LOST}
_OPEN = {"needs_response", "under_review", *_ENDS}


_Object = TypeVar("_Object")


class _Head(Struct):
    """What names an event, whatever else it says."""

    id: str | None = None
    type: str | None = None


_head = msgspec.json.Decoder(_Head)
_event = msgspec.json.Decoder(Event)
_charge = msgspec.json.Decoder(Charge)
_refund = msgspec.json.Decoder(Refund)
_dispute = msgspec.json.Decoder(Dispute)
_intent = msgspec.json.Decoder(Intent)


def head_of(body: bytes) -> tuple[str | None, str | None]:
    """The id of an event and its type, as far as it has them."""
    try:
        head = _head.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None, None
    return head.id, head.type


def told_by(body: bytes, *, event: str, now: datetime) -> list[Told]:
    """What an event tells; raises `InvalidValue` if it has not the form that Stripe describes."""
    del event, now  # it says all itself
    read = read_once(_event, body)
    if (told := _KINDS.get(read.type)) is not None:
        return told(read)
    if read.type == "payment_intent.payment_failed":
        return _failed_intent(read)
    return [] if read.type.startswith(SILENT) else [unknown_kind(read.type)]


def _paid(event: Event) -> list[Told]:
    charge = _read(_charge, event)
    if not charge.captured:
        return []  # `charge.captured` says when it is, and of how much
    amount = charge.amount if charge.amount_captured is None else charge.amount_captured
    return [_payment(charge, "success", amount), *_fees_of(charge)]


def _failed(event: Event) -> list[Told]:
    charge = _read(_charge, event)
    return [_payment(charge, "failed", charge.amount), *_fees_of(charge)]


def _payment(charge: Charge, status: str, amount: int) -> PaymentTold:
    method = charge.payment_method_details
    kind = "card" if method is None else method.type
    card = method.card if method is not None and method.card is not None else None
    outcome = charge.outcome or Outcome()
    billing = charge.billing_details
    values: dict[str, Any] = {
        "reference": check_key(charge.id, "id"),
        "amount": _major(amount, charge.currency),
        "currency": charge.currency.upper(),
        "method": _METHODS.get(kind, kind),
        "status": status,
        "createdAt": _moment(charge.created),
        "customerId": _id(charge.customer),
        "orderId": _id(charge.payment_intent),
        "processor": "stripe",
        "country": country(billing.address.country if billing and billing.address else None),
        "metadata": pairs_of(charge.metadata),
    }
    if card is not None:
        secure = card.three_d_secure
        values |= {
            "network": word(card.brand),
            "funding": card.funding if card.funding in {"credit", "debit", "prepaid"} else None,
            "issuerCountry": country(card.country),
            "last4": last4(card.last4),
            "authentication": _AUTHENTICATIONS.get(
                (secure.result if secure else None) or "", Authentication.NONE
            ),
        }
    if status == "failed":
        values["declineCode"] = word(outcome.reason or charge.failure_code)
        values["failureStage"] = FailureStage.BLOCKED if outcome.type == "blocked" else None
    return PaymentTold(request=request_of(values), name=charge.id)


def _fees_of(charge: Charge) -> list[Told]:
    balance = charge.balance_transaction
    if not isinstance(balance, Balance):
        return []
    return _fees(balance, charge.id, FeeKind.PROCESSING)


def _fees(balance: Balance, reference: str, usual: FeeKind) -> list[Told]:
    """What a movement of the balance cost; it is named by its own id."""
    details = balance.fee_details or [FeeDetail(amount=balance.fee, type="stripe_fee")]
    at = _moment(balance.created)
    fees = tuple(
        (
            usual if each.type == "stripe_fee" else _FEES.get(each.type, FeeKind.OTHER),
            _major(each.amount, balance.currency),
            None,
        )
        for each in details
        if each.amount
    )
    if not fees:
        return []
    terms = FeesTerms(fees=fees, at=at)
    return [_act(reference, terms, balance.id, at, balance.currency)]


def _refunded_charge(event: Event) -> list[Told]:
    charge = _read(_charge, event)
    if charge.refunds is None or not charge.refunds.data:
        # Its total alone would count what `refund.created` tells a second time.
        problem = (
            "names none of its refunds: have Stripe send refund.created and refund.updated too"
        )
        return [Unclear(f"{event.type}: the charge {charge.id} {problem}")]
    told = [each for refund in charge.refunds.data for each in _refunds(refund, charge.id)]
    if charge.refunds.has_more:
        told.append(Unclear(f"{event.type}: names only some of the charge's refunds"))
    return told


def _refunded(event: Event) -> list[Told]:
    refund = _read(_refund, event)
    return _refunds(refund, _id(refund.charge))


def _refunds(refund: Refund, charge: str | None) -> list[Told]:
    match refund.status:
        case "pending" | "requires_action":
            return []
        case "failed" | "canceled":
            why = f" ({refund.failure_reason})" if refund.failure_reason else ""
            problem = "if it was recorded, the payment says less money than there is"
            return [Unclear(f"the refund {refund.id} is {refund.status}{why}: {problem}")]
        case _:
            pass
    if charge is None:
        return [Unclear(f"the refund {refund.id} names no charge")]
    at = _moment(refund.created)
    terms = RefundTerms(amount=_major(refund.amount, refund.currency), reason=refund.reason, at=at)
    return [_act(charge, terms, refund.id, at, refund.currency)]


def _disputed(event: Event) -> list[Told]:
    dispute = _read(_dispute, event)
    if dispute.status.startswith("warning_"):
        return []
    if dispute.status not in _OPEN:
        return [Unclear(f"the dispute {dispute.id} has the status {dispute.status[:100]!r}")]
    charge = _id(dispute.charge)
    if charge is None:
        return [Unclear(f"the dispute {dispute.id} names no charge")]
    opened = DisputeTerms(
        id=check_key(dispute.id, "id"),
        status=DisputeStatus.OPEN,
        amount=_major(dispute.amount, dispute.currency),
        reason=dispute.reason,
        at=_moment(dispute.created),
    )
    told: list[Told] = [
        _act(charge, opened, f"{dispute.id} open", _moment(dispute.created), dispute.currency)
    ]
    if event.type == "charge.dispute.closed" and dispute.status in _ENDS:
        at = _moment(event.created)
        end = msgspec.structs.replace(opened, status=_ENDS[dispute.status], at=at)
        told.append(_act(charge, end, f"{dispute.id} closed", at, dispute.currency))
    for balance in dispute.balance_transactions:
        told += _fees(balance, charge, FeeKind.DISPUTE)
    return told


def _failed_intent(event: Event) -> list[Told]:
    if _id(_read(_intent, event).latest_charge) is not None:
        return []  # `charge.failed` tells it
    return [Unclear(f"{event.type}: no charge was tried, so no payment failed")]


def _paid_out(event: Event) -> list[Told]:
    problem = "names none of its payments: import the payout reconciliation report"
    return [Unclear(f"{event.type}: {problem}")]


_KINDS: dict[str, Callable[[Event], list[Told]]] = {
    "charge.succeeded": _paid,
    "charge.captured": _paid,
    "charge.failed": _failed,
    "charge.refunded": _refunded_charge,
    "charge.refund.updated": _refunded,
    "refund.created": _refunded,
    "refund.updated": _refunded,
    "refund.failed": _refunded,
    "charge.dispute.created": _disputed,
    "charge.dispute.updated": _disputed,
    "charge.dispute.closed": _disputed,
    "charge.dispute.funds_withdrawn": _disputed,
    "charge.dispute.funds_reinstated": _disputed,
    "payout.paid": _paid_out,
}
"""What is made of the types of events that tell something."""


def _act(
    reference: str,
    terms: RefundTerms | DisputeTerms | FeesTerms,
    name: str,
    at: datetime,
    currency: str,
) -> ActTold:
    return ActTold(
        reference=check_key(reference, "charge"),
        terms=terms,
        name=check_key(name, "id"),
        at=at,
        currency=currency.upper(),
    )


def _read(decoder: msgspec.json.Decoder[_Object], event: Event) -> _Object:
    return read_once(decoder, bytes(event.data.object))


def _id(link: Link) -> str | None:
    return link.id if isinstance(link, Named) else link


def _major(amount: int, currency: str) -> Decimal:
    code = currency.upper()
    decimals = _DECIMALS.get(code)
    return major(amount, exponent(code) if decimals is None else decimals)


def _moment(seconds: int) -> datetime:
    try:
        return EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        raise InvalidValue("created", "must be seconds since 1970") from None
