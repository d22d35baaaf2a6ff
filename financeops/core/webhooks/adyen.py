"""Items of Adyen's standard webhooks (docs.adyen.com/development-resources/webhooks/webhook-types).

An authorisation is a payment, which succeeds or fails once; its ``pspReference`` names it, and its
``merchantReference`` the order to which attempts belong. Captures follow from it: only one that failed means
that there is less money than the payment says. A dispute is open until it is lost for good: a chargeback that can
still be defended is open, whatever it has taken; ``disputeStatus`` says so.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Raw, Struct, field, structs

from financeops.core.act_terms import DisputeTerms, RefundTerms
from financeops.core.card_numbers import holds_card_number
from financeops.core.checks import check_key
from financeops.core.declines import Authentication
from financeops.core.disputes import DisputeStatus
from financeops.core.errors import InvalidValue
from financeops.core.money import exponent
from financeops.core.numbers import utc_of
from financeops.core.reading import read_once
from financeops.core.webhooks.details import (
    BANK,
    CARD,
    bin_of,
    country,
    last4,
    major,
    request_of,
    word,
)
from financeops.core.webhooks.told import ActTold, PaymentTold, Told, Unclear, unknown_kind

_DECIMALS = {"CLP": 2, "CVE": 0, "IDR": 0, "ISK": 2}
"""Where Adyen does not count as ISO 4217 does (docs.adyen.com/development-resources/currency-codes)."""

_NETWORKS = {
    name: name for name in ["visa", "maestro", "discover", "diners", "jcb", "cup", "elo", "amex"]
} | {
    "mc": "mastercard",
    "cartebancaire": "cartes_bancaires",
    "bcmc": "bancontact",
}
_BANKS = [
    "ach",
    "bankTransfer",
    "directEbanking",
    "directdebit_GB",
    "eps",
    "giropay",
    "ideal",
    "multibanco",
    "onlineBanking",
    "openbanking",
    "payto",
    "pix",
    "sepadirectdebit",
    "trustly",
]
_FUNDINGS = {"CREDIT": "credit", "DEBIT": "debit", "PREPAID": "prepaid"}
_LOST = {"Lost", "Accepted", "Expired"}

SILENT = frozenset(
    {
        *(
            "REPORT_AVAILABLE",
            "RECURRING_CONTRACT",
            "ORDER_OPENED",
            "ORDER_CLOSED",
            "TECHNICAL_CANCEL",
        ),
        # Asked for by the issuer, without money or a dispute; what follows is told.
        *("REQUEST_FOR_INFORMATION", "INFORMATION_SUPPLIED", "OFFER_CLOSED", "AUTHENTICATION"),
    }
)
"""Events that say nothing of payments: they are acknowledged, and that is all."""


class _Amount(Struct):
    value: int
    currency: str


class _Item(Struct, rename="camel"):
    psp_reference: str
    event_code: str
    success: bool | str
    event_date: Annotated[datetime, Meta(tz=True)]
    amount: _Amount
    original_reference: str | None = None
    merchant_reference: str | None = None
    payment_method: str | None = None
    reason: str | None = None
    additional_data: dict[str, Any] = {}

    @property
    def succeeded(self) -> bool:
        """Whether what the event is about was done."""
        return str(self.success).lower() == "true"


_item = msgspec.json.Decoder(_Item)


class _Wrapped(Struct):
    item: Raw = field(name="NotificationRequestItem")


class _Notification(Struct, rename="camel"):
    notification_items: list[_Wrapped]


class _Head(Struct, rename="camel"):
    """What names an item, whatever else it says."""

    psp_reference: str
    event_code: str
    success: bool | str = ""


_notification = msgspec.json.Decoder(_Notification)
_head = msgspec.json.Decoder(_Head)


def items_in(body: bytes) -> list[bytes]:
    """The items of a notification; none if it is none."""
    try:
        return [bytes(each.item) for each in _notification.decode(body).notification_items]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []


def head_of(item: bytes) -> tuple[str | None, str | None]:
    """What tells an item from others, also of its payment, and its event; as far as it has them."""
    try:
        head = _head.decode(item)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None, None
    outcome = str(head.success).lower()
    return f"{head.psp_reference} {head.event_code} {outcome}".rstrip(), head.event_code


def told_by(body: bytes, *, event: str, now: datetime) -> list[Told]:
    """What an item tells; raises `InvalidValue` if it has not the form that Adyen describes."""
    del event, now  # it says all itself
    item = read_once(_item, body)
    item = structs.replace(item, event_date=utc_of("eventDate", item.event_date))
    if (told := _KINDS.get(item.event_code)) is not None:
        return told(item)
    return [] if item.event_code in SILENT else [unknown_kind(item.event_code)]


def _authorised(item: _Item) -> list[Told]:
    said = item.additional_data
    kind = item.payment_method or ""
    network = _NETWORKS.get(kind.partition("_")[0])
    values: dict[str, Any] = {
        "reference": _named(item.psp_reference),
        "amount": _major(item.amount),
        "currency": item.amount.currency,
        "method": CARD if network is not None or not kind else _method(kind),
        "status": "success" if item.succeeded else "failed",
        "createdAt": item.event_date.isoformat(),
        "orderId": item.merchant_reference or None,
        "customerId": _text(said, "shopperReference"),
        "processor": "adyen",
        "country": country(_text(said, "shopperCountry")),
    }
    if network is not None:
        values |= {
            "network": network,
            "funding": _FUNDINGS.get(_text(said, "fundingSource") or ""),
            "issuerCountry": country(_text(said, "cardIssuingCountry")),
            "bin": bin_of(_text(said, "cardBin")),
            "last4": last4(_text(said, "cardSummary")),
            "authentication": _authentication(said),
        }
    if not item.succeeded:
        values["declineCode"] = _decline_code(item)
    return [PaymentTold(request=request_of(values), name=_named(item.psp_reference))]


def _method(kind: str) -> str | None:
    """The method, if it is no card: its own name, unless it is one of banks."""
    return BANK if kind in _BANKS or kind.partition("_")[0] in _BANKS else word(kind)


def _authentication(said: dict[str, Any]) -> Authentication | None:
    match _text(said, "threeDAuthenticated"), _text(said, "threeDOffered"):
        case "true", _:
            return Authentication.AUTHENTICATED
        case _, "true":
            return Authentication.ATTEMPTED
        case _, "false":
            return Authentication.NONE
        case _:
            return None


def _decline_code(item: _Item) -> str | None:
    """The issuer's own code (``05 : Do not honor``) where Adyen passes it on, else its reason as a word."""
    raw = _text(item.additional_data, "refusalReasonRaw")
    code = (raw or "").partition(":")[0].strip()
    return word(code if len(code) == 2 else item.reason)


def _captured(item: _Item) -> list[Told]:
    if item.succeeded:
        return []
    problem = "the payment says more money than there is"
    return [Unclear(f"the capture of {item.original_reference} failed: {problem}")]


def _refunded(item: _Item) -> list[Told]:
    if not item.succeeded:
        return []
    amount = _major(item.amount)
    terms = RefundTerms(amount=amount, reason=item.reason or None, at=item.event_date)
    return [_act(item, terms, _named(item.psp_reference))]


def _disputed(item: _Item) -> list[Told]:
    said = _text(item.additional_data, "disputeStatus")
    match item.event_code:
        case "CHARGEBACK":
            status = DisputeStatus.LOST if said in _LOST else DisputeStatus.OPEN
        case "CHARGEBACK_REVERSED":
            # The money is back, perhaps only until the issuer answers.
            status = DisputeStatus.OPEN if said == "Pending" else DisputeStatus.WON
        case "SECOND_CHARGEBACK":
            status = DisputeStatus.LOST
        case _:
            status = DisputeStatus.OPEN
    terms = DisputeTerms(
        id=_named(item.psp_reference),
        status=status,
        amount=_major(item.amount),
        at=item.event_date,
    )
    return [_act(item, terms, f"{_named(item.psp_reference)} {item.event_code} {status}")]


_KINDS: dict[str, Callable[[_Item], list[Told]]] = {
    "AUTHORISATION": _authorised,
    "CAPTURE": _captured,
    "REFUND": _refunded,
    "NOTIFICATION_OF_CHARGEBACK": _disputed,
    "CHARGEBACK": _disputed,
    "CHARGEBACK_REVERSED": _disputed,
    "SECOND_CHARGEBACK": _disputed,
}
"""What is made of the events that tell something."""


def _act(item: _Item, terms: RefundTerms | DisputeTerms, name: str) -> ActTold:
    if not item.original_reference:
        raise InvalidValue("originalReference", "is missing: it names the payment")
    return ActTold(
        reference=_named(item.original_reference),
        terms=terms,
        name=name,
        at=item.event_date,
        currency=item.amount.currency,
    )


def _named(psp_reference: str) -> str:
    """A PSP reference as it names a payment, a refund or a dispute.

    Those of older accounts are 16 digits, of which one in ten passes for a card number by chance: it is divided.
    """
    if holds_card_number(psp_reference):
        psp_reference = f"{psp_reference[:8]}_{psp_reference[8:]}"
    return check_key(psp_reference, "pspReference")


def _text(said: dict[str, Any], name: str) -> str | None:
    value = said.get(name)
    return value if isinstance(value, str) and value else None


def _major(amount: _Amount) -> Decimal:
    decimals = _DECIMALS.get(amount.currency)
    return major(amount.value, exponent(amount.currency) if decimals is None else decimals)
