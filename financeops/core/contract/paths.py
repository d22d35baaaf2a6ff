"""The path of each route. Arguments must already be quoted for a URL."""

from __future__ import annotations

HOME = "/"
DOCS = "/docs"
HEALTH = "/health"
READY = "/ready"

PAYMENTS = "/payments"
BATCH = f"{PAYMENTS}/batch"
CHANGES = f"{PAYMENTS}/changes"
EXPORT = f"{PAYMENTS}/export"
HISTORY = f"{PAYMENTS}/history"
MONTHS = f"{PAYMENTS}/months"
SEED = f"{PAYMENTS}/seed"

METRICS = "/api/analytics/metrics"
TRENDS = "/api/analytics/trends"
METHODS = "/api/analytics/methods"
DECLINES = "/api/analytics/declines"
BREAKDOWN = "/api/analytics/breakdown"
SNAPSHOT = "/api/analytics/snapshot"

IMPORTS = "/api/imports"
VERIFY = "/api/verify"
RATES = "/api/rates"
RECOMPUTE = "/api/rates/recompute"

DEAD_LETTERS = "/webhooks/dead-letters"

STREAM = "/ws/payments"
"""Path of Socket.IO; its events are in `financeops.core.contract.stream`."""


def payment(payment_id: str) -> str:
    """Path of one payment."""
    return f"{PAYMENTS}/{payment_id}"


def refund(payment_id: str) -> str:
    """Path that refunds a payment."""
    return f"{PAYMENTS}/{payment_id}/refund"


def dispute(payment_id: str) -> str:
    """Path that tells of a payment's dispute."""
    return f"{PAYMENTS}/{payment_id}/dispute"


def fees(payment_id: str) -> str:
    """Path that tells what a payment costs."""
    return f"{PAYMENTS}/{payment_id}/fees"


def settlement(payment_id: str) -> str:
    """Path that tells when the money of a payment arrived."""
    return f"{PAYMENTS}/{payment_id}/settlement"


def one_import(import_id: str) -> str:
    """Path of one import."""
    return f"{IMPORTS}/{import_id}"


def finish(import_id: str) -> str:
    """Path that finishes an import."""
    return f"{IMPORTS}/{import_id}/finish"


def undo(import_id: str) -> str:
    """Path that undoes an import."""
    return f"{IMPORTS}/{import_id}/undo"


def webhook(provider: str, tenant_id: str) -> str:
    """Path to which a payment provider sends what it tells of a tenant's payments."""
    return f"/webhooks/{provider}/{tenant_id}"


def replay(letter_id: str) -> str:
    """Path that tries again to record a dead letter."""
    return f"{DEAD_LETTERS}/{letter_id}/replay"


def verification(verification_id: str) -> str:
    """Path of one verification."""
    return f"{VERIFY}/{verification_id}"


def stop(verification_id: str) -> str:
    """Path that stops a verification."""
    return f"{VERIFY}/{verification_id}/stop"


def timezone(tenant_id: str) -> str:
    """Path of a tenant's time zone."""
    return f"/api/tenants/{tenant_id}/timezone"
