"""Webhooks as their providers sign them, by the providers' own libraries."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from uuid import uuid4

from Adyen.util import generate_notification_sig
from standardwebhooks import Webhook
from stripe import WebhookSignature

HOOKED = [f"hooked_{n}" for n in range(30)]
"""Tenants of the shared server that have webhooks."""

STANDARD, STANDARD_OLD, STANDARD_WRONG = (
    f"whsec_{base64.b64encode(name * 8).decode()}" for name in (b"new", b"old", b"bad")
)
STRIPE, ADYEN = "whsec_stripe", "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056"
SECRETS = {
    "standard": [STANDARD, STANDARD_OLD],
    "stripe": ["whsec_next", STRIPE],
    "adyen": ["00" * 32, ADYEN],
}
SECRETS_SETTING = json.dumps(dict.fromkeys(["tenant_1", *HOOKED], SECRETS))


def standard_headers(body, *, event=None, secret=STANDARD, at=None):
    """Headers of a body as the Standard Webhooks specification says."""
    event, at = event or f"msg_{uuid4().hex}", at or datetime.now(UTC)
    signature = Webhook(secret).sign(event, at, body.decode())
    return {
        "webhook-id": event,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signature,
        "content-type": "application/json",
    }


def stripe_headers(body, *, secret=STRIPE, at=None):
    """The header with which Stripe signs a body."""
    signature = WebhookSignature.generate_signature_header(body.decode(), secret, timestamp=at)
    return {"stripe-signature": signature, "content-type": "application/json; charset=utf-8"}


def adyen_body(*items, key=ADYEN):
    """A notification of Adyen, each item signed."""
    signed = []
    for item in items:
        signature = generate_notification_sig(item, key).decode()
        said = {**item.get("additionalData", {}), "hmacSignature": signature}
        signed.append({"NotificationRequestItem": {**item, "additionalData": said}})
    return json.dumps({"live": "false", "notificationItems": signed}).encode()
