"""The JSON forms of payments, changes and figures: camelCase, major units, times with ``Z``.

Server, client, files and dashboard all read and write through here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any, TypeVar

import msgspec
from msgspec.structs import asdict

from financeops.core.acts import GivenBack
from financeops.core.breakdown import DimensionFigures
from financeops.core.contract.analytics import (
    ActAnswer,
    ActivityAnswer,
    BreakdownAnswer,
    BucketAnswer,
    DeclineAnswer,
    DetailsAnswer,
    FailuresAnswer,
    KeyFigures,
    MethodAnswer,
    RollupAnswer,
    TrendAnswer,
)
from financeops.core.contract.forms import Instant
from financeops.core.contract.payments import (
    ChangeAnswer,
    DisputeAnswer,
    EarlierAnswer,
    FeeAnswer,
    PaymentAnswer,
    RefundAnswer,
)
from financeops.core.disputes import Disputed, DisputeStatus
from financeops.core.fees import Fee, FeeKind
from financeops.core.fields import Kind
from financeops.core.metrics import DeclineFigures, MethodFigures, Metrics, TrendPoint
from financeops.core.money import decimals_of, to_major, to_minor
from financeops.core.payments import (
    AMOUNTS,
    FIELDS,
    NOT_SAID,
    SELDOM,
    Change,
    Earlier,
    EventType,
    Payment,
    Status,
    seldom_of,
    values_in,
)
from financeops.core.periods import Window
from financeops.core.reporting import LARGEST
from financeops.core.rollup import DIMENSIONS, FURTHER, Path, Rollup, as_document

Form = TypeVar("Form")


def timestamp(instant: datetime) -> str:
    """ISO 8601 text in UTC with ``Z``, milliseconds only where there are any."""
    utc = instant if instant.tzinfo is UTC else instant.astimezone(UTC)
    return (
        utc.isoformat("T", "milliseconds")[:23] + "Z"
        if utc.microsecond
        else utc.isoformat()[:19] + "Z"
    )


def instant_of(text: str) -> datetime:
    """Aware UTC datetime of an ISO 8601 text with an offset; ValueError without one."""
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(f"{text!r} has no offset from UTC")
    return instant.astimezone(UTC)


def _written(value: Any) -> str:
    if isinstance(value, Instant):
        return timestamp(value)
    raise NotImplementedError(f"{type(value).__name__} is not part of the contract")


def _read(kind: type, value: Any) -> Any:
    if kind is Instant:
        return Instant.of(instant_of(value))
    raise NotImplementedError(f"{kind.__name__} is not part of the contract")


_encoder = msgspec.json.Encoder(decimal_format="number", enc_hook=_written)
# Read numbers with a fraction as Decimal, so that no amount ever passes through a float.
_decoder = msgspec.json.Decoder(float_hook=Decimal)

encode = _encoder.encode
"""JSON bytes of contract types and built-in values; a Decimal is a number with all its digits."""

decode = _decoder.decode
"""Built-in values of JSON bytes; numbers with a fraction become Decimal."""


def read(kind: type[Form], text: bytes) -> Form:
    """Value of a contract type from JSON bytes; raises msgspec.ValidationError if they are none."""
    return msgspec.json.decode(text, type=kind, dec_hook=_read)


def read_document(kind: type[Form], document: Any) -> Form:
    """Value of a contract type from built-in values, decoded with `decode`."""
    return msgspec.convert(document, kind, dec_hook=_read)


def payment_document(payment: Payment) -> PaymentAnswer:
    """JSON form of a payment; fields without a value are left out."""
    values = list(_values_of(payment))
    currency = payment.currency
    values[_AMOUNT] = to_major(payment.amount, currency)
    if returned := payment.returned:
        values[_RETURNED] = to_major(returned, currency)
    for place in _INSTANTS:
        if (moment := values[place]) is not None:
            values[place] = Instant.of(moment)
    if seldom_of(payment) != NOT_SAID:
        for place, of in _AMOUNTS:
            if (minor := values[place]) is not None:
                values[place] = to_major(minor, values[of])
        for place, write in _ACTS:
            if acts := values[place]:
                values[place] = write(acts, currency)
        if payment.settled_at is not None:
            values[_SETTLED] = Instant.of(payment.settled_at)
    return PaymentAnswer(*values)


def payment_from(document: Mapping[str, Any]) -> Payment:
    """Payment from its JSON form, decoded with `decode`."""
    values = values_in(document)
    currency = values["currency"]
    for name, of in AMOUNTS.items():
        if name in values:
            values[name] = _minor_of(values[name], values[of])
    for name, (_, read_acts) in ACTS.items():
        if name in values:
            values[name] = read_acts(values[name], currency)
    for name, read in _READERS:
        if name in values:
            values[name] = read(values[name])
    return Payment(**values)


def refunds_document(refunds: Iterable[GivenBack], currency: str) -> list[RefundAnswer]:
    """JSON form of a payment's refunds."""
    return [
        RefundAnswer(
            id=each.id,
            amount=to_major(each.amount, currency),
            at=Instant.of(each.at),
            reason=each.reason,
        )
        for each in refunds
    ]


def refunds_from(documents: Iterable[Mapping[str, Any]], currency: str) -> tuple[GivenBack, ...]:
    """Refunds from their JSON form, decoded with `decode`."""
    return tuple(
        GivenBack(
            id=each["id"],
            amount=_minor_of(each["amount"], currency),
            at=instant_of(each["at"]),
            reason=each.get("reason"),
        )
        for each in documents
    )


def dispute_document(dispute: Disputed, currency: str) -> DisputeAnswer:
    """JSON form of a payment's dispute."""
    return DisputeAnswer(
        id=dispute.id,
        amount=to_major(dispute.amount, currency),
        status=dispute.status,
        opened_at=None if dispute.opened_at is None else Instant.of(dispute.opened_at),
        closed_at=None if dispute.closed_at is None else Instant.of(dispute.closed_at),
        reason=dispute.reason,
    )


def dispute_from(document: Mapping[str, Any], currency: str) -> Disputed:
    """Dispute from its JSON form, decoded with `decode`."""
    opened, closed = document.get("openedAt"), document.get("closedAt")
    return Disputed(
        id=document["id"],
        amount=_minor_of(document["amount"], currency),
        status=DisputeStatus(document["status"]),
        opened_at=None if opened is None else instant_of(opened),
        closed_at=None if closed is None else instant_of(closed),
        reason=document.get("reason"),
    )


def fees_document(fees: Iterable[Fee], currency: str) -> list[FeeAnswer]:
    """JSON form of a payment's fees."""
    return [
        FeeAnswer(kind=each.kind, amount=to_major(each.amount, currency), at=Instant.of(each.at))
        for each in fees
    ]


def fees_from(documents: Iterable[Mapping[str, Any]], currency: str) -> tuple[Fee, ...]:
    """Fees from their JSON form, decoded with `decode`."""
    return tuple(
        Fee(
            kind=FeeKind(each["kind"]),
            amount=_minor_of(each["amount"], currency),
            at=instant_of(each["at"]),
        )
        for each in documents
    )


ACTS: dict[str, tuple[Callable[[Any, str], Any], Callable[[Any, str], Any]]] = {
    "refunds": (refunds_document, refunds_from),
    "dispute": (dispute_document, dispute_from),
    "fees": (fees_document, fees_from),
}
"""How the JSON form of what happened to a payment is made, and read: both need its currency."""


def _minor_of(amount: Decimal | int, currency: str) -> int:
    """Minor units of a recorded amount, whatever is known of its currency today."""
    decimals = decimals_of(currency)
    return to_minor(amount, currency, decimals=decimals, signed=True, most=LARGEST)


_values_of = attrgetter(*FIELDS)
_PLACES = {name: place for place, name in enumerate(FIELDS)}
_AMOUNT, _RETURNED, _SETTLED = (
    _PLACES[name] for name in ("amount", "refunded_amount", "settled_at")
)
_AMOUNTS = [(_PLACES[name], _PLACES[of]) for name, of in AMOUNTS.items() if name in SELDOM]
_ACTS = [(_PLACES[name], write) for name, (write, _) in ACTS.items()]
_INSTANTS = [
    place
    for place, field in enumerate(FIELDS.values())
    if field.kind is Kind.INSTANT and field.name not in SELDOM
]
_READERS: list[tuple[str, Callable[[str], Any]]] = [
    *((name, instant_of) for name, field in FIELDS.items() if field.kind is Kind.INSTANT),
    *((name, field.choices) for name, field in FIELDS.items() if field.choices is not None),
]


def change_document(change: Change) -> ChangeAnswer:
    """JSON form of a change: the stream's ``payment_event``."""
    before = change.previous_refunded
    return ChangeAnswer(
        type=change.type,
        payment=payment_document(change.payment),
        previous_status=change.previous_status,
        timestamp=Instant.of(change.at),
        seq=change.seq,
        previous_refunded_amount=None
        if before is None
        else to_major(before, change.payment.currency),
        earlier=None
        if change.earlier is None
        else _earlier_document(change.earlier, change.payment.currency),
    )


def _earlier_document(earlier: Earlier, currency: str) -> EarlierAnswer:
    values: dict[str, Any] = {}
    for name, value in asdict(earlier).items():
        if value is not None:
            values[name] = (
                to_major(value, _of(name, currency, earlier.reporting_currency))
                if name in AMOUNTS
                else ACTS[name][0](value, currency)
                if name in ACTS
                else Instant.of(value)
                if isinstance(value, datetime)
                else value
            )
    return EarlierAnswer(**values)


def _of(name: str, currency: str, reporting: str | None) -> str:
    """The currency of an amount of `Earlier`."""
    return reporting if AMOUNTS[name] == "reporting_currency" and reporting else currency


def _earlier_from(document: Mapping[str, Any], currency: str) -> Earlier:
    values: dict[str, Any] = {}
    for name in Earlier.__struct_fields__:
        if (value := document.get(FIELDS[name].json)) is not None:
            values[name] = (
                _minor_of(value, _of(name, currency, document.get("reportingCurrency")))
                if name in AMOUNTS
                else ACTS[name][1](value, currency)
                if name in ACTS
                else instant_of(value)
                if FIELDS[name].kind is Kind.INSTANT
                else value
            )
    return Earlier(**values)


def change_from(document: Mapping[str, Any]) -> Change:
    """Change from its JSON form, decoded with `decode`."""
    previous, returned = document["previousStatus"], document.get("previousRefundedAmount")
    earlier = document.get("earlier")
    payment = payment_from(document["payment"])
    return Change(
        seq=document["seq"],
        at=instant_of(document["timestamp"]),
        payment=payment,
        previous_refunded=None if returned is None else _minor_of(returned, payment.currency),
        previous_status=Status(previous) if previous else None,
        earlier=None if earlier is None else _earlier_from(earlier, payment.currency),
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
        partially_refunded_payments=metrics.partially_refunded_payments,
        disputed_payments=metrics.disputed_payments,
        disputed_volume=to_major(metrics.disputed_volume, metrics.currency),
        open_disputes=metrics.open_disputes,
        won_disputes=metrics.won_disputes,
        lost_disputes=metrics.lost_disputes,
        lost_volume=to_major(metrics.lost_volume, metrics.currency),
        dispute_rate=metrics.dispute_rate,
        win_rate=metrics.win_rate,
        fee_volume=to_major(metrics.fee_volume, metrics.currency),
        fee_rate=metrics.fee_rate,
        net_revenue=to_major(metrics.net_revenue, metrics.currency),
        authorization_rate=metrics.authorization_rate,
        orders=metrics.orders,
        succeeded_orders=metrics.succeeded_orders,
        order_success_rate=metrics.order_success_rate,
        first_attempt_rate=metrics.first_attempt_rate,
        recovered_share=metrics.recovered_share,
        failures=FailuresAnswer(
            authentication=metrics.failures_authentication,
            blocked=metrics.failures_blocked,
            declined=metrics.failures_declined,
            technical=metrics.failures_technical,
            abandoned=metrics.failures_abandoned,
        ),
        soft_declines=metrics.soft_declines,
        hard_declines=metrics.hard_declines,
        activity=ActivityAnswer(
            **{name: _act_document(metrics, name) for name in ActivityAnswer.__struct_fields__}
        ),
    )


def _act_document(metrics: Metrics, name: str) -> ActAnswer:
    volume = getattr(metrics, f"activity_{name}_volume")
    return ActAnswer(
        count=getattr(metrics, f"activity_{name}_count"),
        volume=to_major(volume, metrics.currency),
    )


def trends_document(points: Iterable[TrendPoint], *, currency: str) -> list[TrendAnswer]:
    """JSON form of a trend, amounts in major units of `currency`."""
    return [
        TrendAnswer(
            timestamp=Instant.of(point.bucket.start),
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


def breakdown_document(rows: Iterable[DimensionFigures], *, currency: str) -> list[BreakdownAnswer]:
    """JSON form of the figures by a dimension, volumes in major units of `currency`."""
    return [
        BreakdownAnswer(
            value=row.value,
            count=row.count,
            volume=to_major(row.volume, currency),
            success_rate=row.success_rate,
            authorization_rate=row.authorization_rate,
            share=row.share,
        )
        for row in rows
    ]


def rollup_document(rollup: Rollup) -> RollupAnswer:
    """JSON form of a rollup, for encoding: its counts stay dicts, for a snapshot has many."""
    return RollupAnswer(**as_document(rollup))


def rollup_from(answer: RollupAnswer | BucketAnswer) -> Rollup:
    """Rollup from its JSON form."""
    return Rollup(
        {
            (method, status): (count.n, count.amount)
            for method, statuses in answer.methods.items()
            for status, count in statuses.items()
        },
        {
            (method, code): (count.n, count.amount)
            for method, codes in answer.declines.items()
            for code, count in codes.items()
        },
        {
            (method, int(hour)): n
            for method, hours in answer.hours.items()
            for hour, n in hours.items()
        },
        {name: _counts_in(getattr(answer, name), levels) for name, levels in FURTHER.items()},
    )


def _counts_in(part: Mapping[str, Any] | None, levels: Path) -> dict[Path, tuple[int, int]]:
    """Counts of one of the further parts by their paths; none if it is null."""
    if part is None:
        return {}
    if len(levels) == 1:
        return {(value,): (count.n, count.amount) for value, count in part.items()}
    return {
        (value, *path): count
        for value, inner in part.items()
        for path, count in _counts_in(inner, levels[1:]).items()
    }


def details_from(answer: DetailsAnswer) -> Rollup:
    """Counts by a dimension from their JSON form."""
    return Rollup(further={DIMENSIONS: _counts_in(answer.dimensions, FURTHER[DIMENSIONS])})


def bucket_document(bucket: Window, rollup: Rollup) -> BucketAnswer:
    """JSON form of the rollup of one bucket."""
    return BucketAnswer(
        start=Instant.of(bucket.start),
        end=Instant.of(bucket.end),
        **as_document(rollup),
    )
