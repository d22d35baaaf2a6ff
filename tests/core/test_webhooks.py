"""What events of payment providers tell: pure, from their text alone."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from msgspec import UNSET, to_builtins

from financeops.core.act_terms import DisputeTerms, FeesTerms, RefundTerms
from financeops.core.errors import InvalidValue
from financeops.core.webhooks import adyen, stripe
from financeops.core.webhooks.details import word
from financeops.core.webhooks.told import ActTold, PaymentTold, Unclear

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
SECONDS = int(NOON.timestamp())


def charge(**fields):
    """A charge as Stripe's API reference shows one."""
    return {
        "id": "ch_1",
        "object": "charge",
        "amount": 1099,
        "amount_captured": 1099,
        "amount_refunded": 0,
        "balance_transaction": "txn_1",
        "billing_details": {"address": {"country": "DE", "city": None}, "name": "Ada"},
        "captured": True,
        "created": SECONDS,
        "currency": "usd",
        "customer": "cus_1",
        "failure_code": None,
        "metadata": {"basket": "7"},
        "outcome": {"type": "authorized", "network_status": "approved_by_network", "reason": None},
        "payment_intent": "pi_1",
        "payment_method_details": {
            "type": "card",
            "card": {
                "brand": "visa",
                "country": "FR",
                "funding": "credit",
                "last4": "4242",
                "three_d_secure": {"result": "authenticated", "version": "2.1.0"},
            },
        },
        "status": "succeeded",
        **fields,
    }


def refund(**fields):
    return {
        "id": "re_1",
        "object": "refund",
        "amount": 400,
        "charge": "ch_1",
        "created": SECONDS,
        "currency": "usd",
        "reason": "requested_by_customer",
        "status": "succeeded",
        **fields,
    }


def dispute(**fields):
    return {
        "id": "dp_1",
        "object": "dispute",
        "amount": 1099,
        "charge": "ch_1",
        "currency": "usd",
        "created": SECONDS,
        "reason": "fraudulent",
        "status": "needs_response",
        "balance_transactions": [balance(id="txn_d", fee=1500)],
        **fields,
    }


def balance(**fields):
    return {"id": "txn_1", "currency": "usd", "created": SECONDS, "fee": 62, **fields}


def of_stripe(kind, thing, created=SECONDS):
    event = {"id": "evt_1", "object": "event", "type": kind, "created": created}
    body = json.dumps({**event, "data": {"object": thing}}).encode()
    return stripe.told_by(body, event="evt_1", now=NOON)


def said(told):
    """The fields of a payment that are told."""
    (payment,) = told
    assert isinstance(payment, PaymentTold)
    fields = {name: getattr(payment.request, name) for name in payment.request.__struct_fields__}
    fields = {name: value for name, value in fields.items() if value not in (None, UNSET)}
    return to_builtins({**fields, "amount": bytes(fields["amount"]).decode()})


def test_a_charge_of_stripe_is_a_payment():
    assert said(of_stripe("charge.succeeded", charge())) == {
        "reference": "ch_1",
        "order_id": "pi_1",
        "customer_id": "cus_1",
        "amount": "10.99",
        "currency": "USD",
        "method": "card",
        "status": "success",
        "processor": "stripe",
        "created_at": "2026-05-01T12:00:00Z",
        "country": "DE",
        "metadata": {"basket": "7"},
        "network": "visa",
        "issuer_country": "FR",
        "funding": "credit",
        "last4": "4242",
        "authentication": "authenticated",
    }
    bare = charge(
        customer={"id": "cus_2", "object": "customer"},
        metadata={str(n): "v" * 501 * (n == 0) for n in range(30)},
        payment_method_details={"type": "sepa_debit", "sepa_debit": {"last4": "3000"}},
    )
    told = said(of_stripe("charge.succeeded", bare))
    assert (told["method"], told["customer_id"], len(told["metadata"])) == (
        *("bank_transfer", "cus_2", 20),
    )
    assert "network" not in told


@pytest.mark.parametrize(
    ("fields", "code", "stage"),
    [
        (
            {
                "failure_code": "card_declined",
                "outcome": {"type": "issuer_declined", "reason": "lost_card"},
            },
            *("lost_card", None),
        ),
        ({"failure_code": "expired_card", "outcome": None}, "expired_card", None),
        (
            {"outcome": {"type": "blocked", "reason": "highest_risk_level"}},
            "highest_risk_level",
            "blocked",
        ),
        ({}, None, None),
    ],
)
def test_a_failed_charge_says_why(fields, code, stage):
    told = said(of_stripe("charge.failed", charge(status="failed", **fields)))
    assert told["status"] == "failed"
    assert (told.get("decline_code"), told.get("failure_stage")) == (code, stage)


@pytest.mark.parametrize(
    ("amount", "currency", "major"),
    [
        *[(500, "jpy", "500"), (500, "mga", "500"), (500, "xof", "500"), (500, "eur", "5.00")],
        *[
            (500, "isk", "5.00"),
            (50000, "ugx", "500.00"),
            (5120, "kwd", "5.120"),
            (1, "usd", "0.01"),
        ],
    ],
)
def test_amounts_of_stripe_are_in_its_own_smallest_units(amount, currency, major):
    thing = charge(amount=amount, amount_captured=amount, currency=currency)
    assert said(of_stripe("charge.succeeded", thing))["amount"] == major


def test_what_is_authorised_only_is_no_payment_until_it_is_captured():
    assert of_stripe("charge.succeeded", charge(captured=False, amount_captured=0)) == []
    assert said(of_stripe("charge.captured", charge(amount_captured=500)))["amount"] == "5.00"


def test_a_refund_of_stripe_is_told_once_whichever_event_says_so():
    wanted = ActTold(
        reference="ch_1",
        terms=RefundTerms(amount=Decimal("4.00"), reason="requested_by_customer", at=NOON),
        name="re_1",
        at=NOON,
        currency="USD",
    )
    listed = charge(refunds={"data": [refund()], "has_more": False}, amount_refunded=400)
    for kind, thing in (
        *[("refund.created", refund()), ("refund.updated", refund(charge={"id": "ch_1"}))],
        *[("charge.refund.updated", refund()), ("charge.refunded", listed)],
    ):
        assert of_stripe(kind, thing) == [wanted]
    for status in ("pending", "requires_action"):
        assert of_stripe("refund.created", refund(status=status)) == []
    for kind, thing, words in (
        ("charge.refunded", charge(amount_refunded=400), "refund.created"),
        ("refund.failed", refund(status="failed", failure_reason="lost_card"), "lost_card"),
        ("refund.created", refund(charge=None), "no charge"),
    ):
        (unclear,) = of_stripe(kind, thing)
        assert isinstance(unclear, Unclear)
        assert words in unclear.reason


def test_a_dispute_of_stripe_is_opened_costs_and_ends():
    opened, fee = of_stripe("charge.dispute.created", dispute())
    assert opened.terms == DisputeTerms(
        id="dp_1", status="open", amount=Decimal("10.99"), reason="fraudulent", at=NOON
    )
    assert fee.terms == FeesTerms(fees=(("dispute", Decimal("15.00"), None),), at=NOON)
    assert (fee.reference, fee.name) == ("ch_1", "txn_d")
    for kind in ("updated", "funds_withdrawn"):
        assert of_stripe(f"charge.dispute.{kind}", dispute(status="lost"), 1) == [opened, fee]
    _, end, _ = of_stripe("charge.dispute.closed", dispute(status="lost"), SECONDS + 60)
    assert (end.terms.status, end.terms.at.minute) == ("lost", 1)
    assert of_stripe("charge.dispute.created", dispute(status="warning_under_review")) == []
    (unclear,) = of_stripe("charge.dispute.closed", dispute(status="prevented"))
    assert "prevented" in unclear.reason


def test_fees_of_stripe_are_told_where_the_event_has_them():
    details = [
        *({"type": "stripe_fee", "amount": 52, "currency": "usd"},),
        *({"type": "tax", "amount": 10, "currency": "usd"},),
        *({"type": "application_fee", "amount": 0, "currency": "usd"},),
    ]
    thing = charge(balance_transaction=balance(fee_details=details))
    payment, fees = of_stripe("charge.succeeded", thing)
    assert isinstance(payment, PaymentTold)
    amounts = (("processing", Decimal("0.52"), None), ("tax", Decimal("0.10"), None))
    assert (fees.terms.fees, fees.name, fees.currency) == (amounts, "txn_1", "USD")


def test_what_says_nothing_of_payments_is_silent_and_the_rest_unclear():
    for kind in ("customer.created", "payment_intent.succeeded", "charge.updated", "invoice.paid"):
        assert of_stripe(kind, {}) == []
    assert of_stripe("payment_intent.payment_failed", {"latest_charge": "ch_1"}) == []
    for kind in ("payout.paid", "payout.failed", "payment_intent.payment_failed", "topup.created"):
        (unclear,) = of_stripe(kind, {})
        assert kind in unclear.reason
    with pytest.raises(InvalidValue):
        of_stripe("charge.succeeded", {"id": "ch_1"})
    with pytest.raises(InvalidValue):
        of_stripe("charge.succeeded", charge(currency="zzz"))
    assert stripe.head_of(b'{"id": "evt_1", "type": "x"}') == ("evt_1", "x")
    assert stripe.head_of(b"[]") == stripe.head_of(b"\xff") == (None, None)


def item(**fields):
    """An item of a notification as Adyen's documentation shows one."""
    return {
        "additionalData": {
            "cardSummary": "1142",
            "cardBin": "411111",
            "fundingSource": "DEBIT",
            "cardIssuingCountry": "NL",
            "shopperReference": "ada",
            "shopperCountry": "BE",
            "threeDOffered": "true",
            "threeDAuthenticated": "true",
        },
        "amount": {"currency": "EUR", "value": 1130},
        "eventCode": "AUTHORISATION",
        "eventDate": "2026-05-01T14:00:00+02:00",
        "merchantAccountCode": "Shop",
        "merchantReference": "order-7",
        "paymentMethod": "mc",
        "pspReference": "QFQTPCQ8HXSKGK82",
        "reason": "041555:1142:03/2030",
        "success": "true",
        **fields,
    }


def later(code, **fields):
    """What follows an authorisation."""
    named = {"pspReference": "LATER0000000001", "originalReference": "QFQTPCQ8HXSKGK82"}
    return item(**{"eventCode": code, "reason": "", "additionalData": {}, **named, **fields})


def of_adyen(thing):
    return adyen.told_by(json.dumps(thing).encode(), event="e", now=NOON)


def test_an_authorisation_of_adyen_is_a_payment():
    assert said(of_adyen(item())) == {
        "reference": "QFQTPCQ8HXSKGK82",
        "order_id": "order-7",
        "customer_id": "ada",
        "amount": "11.30",
        "currency": "EUR",
        "method": "card",
        "status": "success",
        "created_at": "2026-05-01T12:00:00Z",
        "processor": "adyen",
        "network": "mastercard",
        "country": "BE",
        "issuer_country": "NL",
        "funding": "debit",
        "last4": "1142",
        "bin": "411111",
        "authentication": "authenticated",
    }
    refused = item(success="false", reason="Not enough balance", additionalData={})
    told = said(of_adyen(refused))
    assert (told["status"], told["decline_code"]) == ("failed", "not_enough_balance")
    refused["additionalData"] = {"refusalReasonRaw": "05 : Do not honor"}
    assert said(of_adyen(refused))["decline_code"] == "05"
    plain = {"additionalData": {}, "amount": {"currency": "CLP", "value": 500}}
    told = said(of_adyen(item(paymentMethod="sepadirectdebit", **plain)))
    assert (told["method"], told["amount"]) == ("bank_transfer", "5.00")
    assert said(of_adyen(item(paymentMethod="klarna_paynow")))["method"] == "klarna_paynow"
    assert said(of_adyen(item(paymentMethod="visa_applepay")))["network"] == "visa"


@pytest.mark.parametrize(
    ("code", "standing", "status"),
    [
        ("NOTIFICATION_OF_CHARGEBACK", None, "open"),
        ("CHARGEBACK", "Undefended", "open"),
        ("CHARGEBACK", "Lost", "lost"),
        ("CHARGEBACK_REVERSED", "Pending", "open"),
        ("CHARGEBACK_REVERSED", None, "won"),
        ("SECOND_CHARGEBACK", None, "lost"),
    ],
)
def test_disputes_of_adyen(code, standing, status):
    thing = later(code)
    if standing:
        thing["additionalData"] = {"disputeStatus": standing}
    (told,) = of_adyen(thing)
    terms = DisputeTerms(id="LATER0000000001", status=status, amount=Decimal("11.30"), at=NOON)
    assert (told.reference, told.terms, told.currency) == ("QFQTPCQ8HXSKGK82", terms, "EUR")


def test_what_else_adyen_tells():
    (told,) = of_adyen(later("REFUND", reason="damaged"))
    assert told.terms == RefundTerms(amount=Decimal("11.30"), reason="damaged", at=NOON)
    assert (told.name, told.at) == ("LATER0000000001", NOON)
    for silent in (later("REFUND", success="false"), later("CAPTURE"), later("REPORT_AVAILABLE")):
        assert of_adyen(silent) == []
    for code, success in (("CAPTURE", "false"), ("REFUND_FAILED", "true"), ("CANCELLATION", True)):
        (unclear,) = of_adyen(later(code, success=success))
        assert isinstance(unclear, Unclear)
    with pytest.raises(InvalidValue, match="originalReference"):
        of_adyen(later("REFUND", originalReference=""))
    body = {"live": "false", "notificationItems": [{"NotificationRequestItem": item()}] * 2}
    one, two = adyen.items_in(json.dumps(body).encode())
    assert json.loads(one) == json.loads(two) == item()
    assert adyen.head_of(one) == ("QFQTPCQ8HXSKGK82 AUTHORISATION true", "AUTHORISATION")
    assert adyen.items_in(b"[]") == adyen.items_in(b"\xff") == []
    assert adyen.head_of(b"{}") == (None, None)


def test_psp_references_of_digits_do_not_pass_for_card_numbers():
    old = {"pspReference": "4111111111111111", "merchantReference": "order-8"}
    assert said(of_adyen(item(**old)))["reference"] == "41111111_11111111"
    (told,) = of_adyen(later("REFUND", originalReference="4111111111111111"))
    assert told.reference == "41111111_11111111"
    assert said(of_adyen(item(pspReference="4111111111111112")))["reference"] == "4111111111111112"


def test_words():
    assert [word(each) for each in (None, " -- ", "Refused: 05", "x" * 70)] == [
        *(None, None, "refused_05", "x" * 64),
    ]
