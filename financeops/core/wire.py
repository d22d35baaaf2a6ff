"""The JSON forms of payments, changes and figures: camelCase, major units, times with ``Z``.

Server, client, files and dashboard all read and write through here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from financeops.core.contract.analytics import DeclineAnswer, KeyFigures, MethodAnswer, TrendAnswer
from financeops.core.contract.payments import ChangeAnswer, PaymentAnswer
from financeops.core.metrics import DeclineFigures, MethodFigures, Metrics, TrendPoint
from financeops.core.money import decimals_of, to_major, to_minor
from financeops.core.payments import Change, EventType, Payment, Status

_encoder = msgspec.json.Encoder(decimal_format="number")
# Numbers with a fraction are read as Decimal, so that no amount ever passes through a float.
_decoder = msgspec.json.Decoder(float_hook=Decimal)

encode = _encoder.encode
"""JSON bytes of contract types and built-in values; a Decimal is a number with all its digits."""

decode = _decoder.decode
"""Built-in values of JSON bytes; numbers with a fraction become Decimal."""


def timestamp(instant: datetime) -> str:
    """ISO 8601 text in UTC with ``Z``, milliseconds only where there are any."""
    utc = instant.astimezone(UTC).replace(tzinfo=None)
    return utc.isoformat(timespec="milliseconds" if utc.microsecond else "seconds") + "Z"


def instant_of(text: str) -> datetime:
    """Aware UTC datetime of an ISO 8601 text with an offset; ValueError without one."""
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(f"{text!r} has no offset from UTC")
    return instant.astimezone(UTC)


def payment_document(payment: Payment) -> PaymentAnswer:
    """JSON form of a payment; fields without a value are left out."""
    return PaymentAnswer(
        id=payment.id,
        tenant_id=payment.tenant_id,
        amount=to_major(payment.amount, payment.currency),
        currency=payment.currency,
        method=payment.method,
        status=payment.status,
        created_at=timestamp(payment.created_at),
        updated_at=timestamp(payment.updated_at),
        source=payment.source,
        reference=_present(payment.reference),
        customer_id=_present(payment.customer_id),
        country=_present(payment.country),
        decline_code=_present(payment.decline_code),
        decline_group=_present(payment.decline_group),
        refunded_at=UNSET if payment.refunded_at is None else timestamp(payment.refunded_at),
    )


def payment_from(document: Mapping[str, Any]) -> Payment:
    """Payment of its JSON form, decoded with `decode`."""
    refunded_at = document.get("refundedAt")
    currency = document["currency"]
    return Payment(
        id=document["_id"],
        tenant_id=document["tenantId"],
        amount=to_minor(document["amount"], currency, decimals=decimals_of(currency)),
        currency=currency,
        method=document["method"],
        status=Status(document["status"]),
        created_at=instant_of(document["createdAt"]),
        updated_at=instant_of(document["updatedAt"]),
        source=document["source"],
        reference=document.get("reference"),
        customer_id=document.get("customerId"),
        country=document.get("country"),
        decline_code=document.get("declineCode"),
        decline_group=document.get("declineGroup"),
        refunded_at=instant_of(refunded_at) if refunded_at else None,
    )


def change_document(change: Change) -> ChangeAnswer:
    """JSON form of a change: the stream's ``payment_event``."""
    return ChangeAnswer(
        type=change.type,
        payment=payment_document(change.payment),
        previous_status=change.previous_status,
        timestamp=timestamp(change.at),
        seq=change.seq,
    )


def change_from(document: Mapping[str, Any]) -> Change:
    """Change of its JSON form, decoded with `decode`."""
    previous = document["previousStatus"]
    return Change(
        seq=document["seq"],
        at=instant_of(document["timestamp"]),
        payment=payment_from(document["payment"]),
        previous_status=Status(previous) if previous else None,
        removed=document["type"] == EventType.REMOVED,
    )


def metrics_document(metrics: Metrics) -> KeyFigures:
    """JSON form of the key figures; volumes and average in major units of their currency."""
    return KeyFigures(
        total_volume=to_major(metrics.total_volume, metrics.currency),
        success_rate=metrics.success_rate,
        average_amount=metrics.average_amount,
        peak_hour=metrics.peak_hour,
        top_payment_method=metrics.top_payment_method,
        total_payments=metrics.total_payments,
        currency=metrics.currency,
        succeeded_payments=metrics.succeeded_payments,
        failed_payments=metrics.failed_payments,
        refunded_payments=metrics.refunded_payments,
        refunded_volume=to_major(metrics.refunded_volume, metrics.currency),
        net_volume=to_major(metrics.net_volume, metrics.currency),
        refund_rate=metrics.refund_rate,
    )


def trends_document(points: Iterable[TrendPoint], *, currency: str) -> list[TrendAnswer]:
    """JSON form of a trend, amounts in major units of `currency`."""
    return [
        TrendAnswer(
            timestamp=timestamp(point.bucket.start),
            amount=to_major(point.amount, currency),
            count=point.count,
            success_rate=point.success_rate,
        )
        for point in points
    ]


def methods_document(rows: Iterable[MethodFigures], *, currency: str) -> list[MethodAnswer]:
    """JSON form of the figures by method, volumes in major units of `currency`."""
    return [
        MethodAnswer(
            method=row.method,
            count=row.count,
            volume=to_major(row.volume, currency),
            success_rate=row.success_rate,
            share=row.share,
        )
        for row in rows
    ]


def declines_document(rows: Iterable[DeclineFigures], *, currency: str) -> list[DeclineAnswer]:
    """JSON form of the decline reasons, volumes in major units of `currency`."""
    return [
        DeclineAnswer(
            decline_code=row.decline_code,
            count=row.count,
            volume=to_major(row.volume, currency),
            share=row.share,
        )
        for row in rows
    ]


def _present(text: str | None) -> str | UnsetType:
    return UNSET if text is None else text
