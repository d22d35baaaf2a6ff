"""The JSON forms of payments, changes and figures: camelCase, major units, times with ``Z``.

Server, client, files and dashboard all read and write through here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import UNSET

from financeops.core.contract.analytics import DeclineAnswer, KeyFigures, MethodAnswer, TrendAnswer
from financeops.core.contract.payments import ChangeAnswer, PaymentAnswer
from financeops.core.fields import Field, Kind, taken, written
from financeops.core.metrics import DeclineFigures, MethodFigures, Metrics, TrendPoint
from financeops.core.money import decimals_of, to_major, to_minor
from financeops.core.payments import FIELDS, Change, EventType, Payment, Status

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
    answer: PaymentAnswer = _answer(payment)
    return answer


def payment_from(document: Mapping[str, Any]) -> Payment:
    """Payment of its JSON form, decoded with `decode`."""
    payment: Payment = _payment(document)
    return payment


def _said(field: Field) -> str:
    value = f"payment.{field.name}"
    if field.name == "amount":
        return f"to_major({value}, payment.currency)"
    said = f"timestamp({value})" if field.kind is Kind.INSTANT else value
    return f"UNSET if {value} is None else {said}" if field.nullable else said


_answer = written(
    "payment",
    f"PaymentAnswer({', '.join(map(_said, FIELDS.values()))})",
    PaymentAnswer=PaymentAnswer,
    UNSET=UNSET,
    timestamp=timestamp,
    to_major=to_major,
)


def _read(field: Field) -> str:
    if field.name == "amount":
        decimals = "decimals_of(document['currency'])"
        return f"to_minor({taken(field)}, document['currency'], decimals={decimals})"
    return taken(field, f"read_{field.name}" if field.name in _READERS else None)


_READERS = {
    name: instant_of if field.kind is Kind.INSTANT else field.choices
    for name, field in FIELDS.items()
    if field.kind is Kind.INSTANT or field.choices
}
_payment = written(
    "document",
    f"Payment({', '.join(f'{name}={_read(field)}' for name, field in FIELDS.items())})",
    Payment=Payment,
    to_minor=to_minor,
    decimals_of=decimals_of,
    **{f"read_{name}": read for name, read in _READERS.items()},
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
