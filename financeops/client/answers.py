"""What the server answers, typed.

Amounts are `Decimal` in major units of the currency that the answer or the request names, rates
percentages, times aware UTC datetimes; None is "no data".
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

import msgspec
from msgspec import Struct, field

from financeops.core import wire
from financeops.core.payments import Change, Payment
from financeops.core.periods import Window
from financeops.core.rollup import Rollup, from_document

Answer = TypeVar("Answer")


class _Document(Struct, frozen=True, kw_only=True, rename="camel"):
    """An answer in camelCase. Fields that are not known here are left aside."""


class MetricsAnswer(_Document, frozen=True, kw_only=True):
    """Key figures of a set of payments; `currencies` are all that the tenant has payments in."""

    total_volume: Decimal
    success_rate: Decimal | None
    average_amount: Decimal | None
    peak_hour: int | None
    top_payment_method: str | None
    total_payments: int
    currency: str
    timezone: str
    succeeded_payments: int
    failed_payments: int
    refunded_payments: int
    refunded_volume: Decimal
    net_volume: Decimal
    refund_rate: Decimal | None
    seq: int | None = None
    currencies: list[str] = []
    start: datetime | None = field(name="from", default=None)
    end: datetime | None = field(name="to", default=None)
    previous: MetricsAnswer | None = None


class TrendAnswer(_Document, frozen=True, kw_only=True):
    """One bucket of a trend, named by its start."""

    timestamp: datetime
    amount: Decimal
    count: int
    success_rate: Decimal | None


class MethodAnswer(_Document, frozen=True, kw_only=True):
    """One payment method; `share` in percent of attempts."""

    method: str
    count: int
    volume: Decimal
    success_rate: Decimal | None
    share: Decimal | None


class DeclineAnswer(_Document, frozen=True, kw_only=True):
    """One decline code; `share` in percent of failures."""

    decline_code: str
    count: int
    volume: Decimal
    share: Decimal | None


class SeedAnswer(_Document, frozen=True, kw_only=True):
    """What a request for historical payments led to."""

    message: str
    count: int


class HistoryAnswer(_Document, frozen=True, kw_only=True):
    """So many payments of a first history are recorded; `count` is 0 where there is none."""

    recorded: int
    count: int


class BatchItem(_Document, frozen=True, kw_only=True):
    """What became of one item of a batch: ``created``, ``duplicate`` or ``rejected``.

    Of the rows of an import also ``updated`` and ``conflict``.
    """

    index: int
    outcome: str
    id: str | None = field(name="_id", default=None)
    problem: dict[str, Any] | None = None


class BatchAnswer(_Document, frozen=True, kw_only=True):
    """What became of a batch."""

    created: int
    duplicate: int
    rejected: int
    items: list[BatchItem]
    updated: int = 0
    conflict: int = 0


class VerifyAnswer(_Document, frozen=True, kw_only=True):
    """Whether the kept totals, and `asked` figures as shown, equal a recomputation from payments.

    Of the totals `differing` do not; the first of them are `differences`.
    """

    tenant_id: str
    seq: int
    checked: int
    differences: list[dict[str, Any]]
    differing: int = 0
    repaired: bool | int = False
    asked: int = 0
    shown: list[dict[str, Any]] = []


class ProgressAnswer(_Document, frozen=True, kw_only=True):
    """How far a step of a verification is: ``payments``, ``totals``, ``differences``, ``figures``."""

    step: str
    done: int
    of: int


class VerificationAnswer(_Document, frozen=True, kw_only=True):
    """A verification that the server carries out by itself; `report` is there once it is ``done``.

    `state` is ``waiting``, ``running``, ``done``, ``stopped`` or ``failed``.
    """

    id: str
    tenant_id: str
    state: str
    progress: ProgressAnswer | None
    report: VerifyAnswer | None
    problem: dict[str, Any] | None


class MonthAnswer(_Document, frozen=True, kw_only=True):
    """One month of a tenant's, in its time zone: how many payments it holds, how many refunded."""

    month: str
    start: datetime = field(name="from")
    end: datetime = field(name="to")
    payments: int
    refunded: int


class MonthsAnswer(_Document, frozen=True, kw_only=True):
    """The months that hold payments, oldest first, as of `seq`.

    `history` is another one after the database was emptied and filled again; `taken_back` counts
    the payments and refunds that are no more.
    """

    tenant_id: str
    currency: str
    timezone: str
    seq: int
    history: str
    months: list[MonthAnswer]
    taken_back: int = 0


class ChangesAnswer(Struct, frozen=True, kw_only=True):
    """What happened after a number of the sequence; `seq` is the last one that there is.

    `complete` is False, with no changes, when the server no longer has all of them.
    """

    seq: int
    complete: bool
    changes: list[Change]


class Snapshot(Struct, frozen=True, kw_only=True):
    """Everything a dashboard starts from, of one moment.

    `seq` is the last change counted in. With ``rollups=True`` `buckets` and `bucket_rollups`
    (one each, oldest first), `previous_window` and `previous_rollup` hold what the figures were
    computed from, so that later changes can be added exactly.
    """

    seq: int
    as_of: datetime
    metrics: MetricsAnswer
    previous: MetricsAnswer | None
    trends: list[TrendAnswer]
    methods: list[MethodAnswer]
    declines: list[DeclineAnswer]
    payments: list[Payment]
    buckets: tuple[Window, ...] = ()
    bucket_rollups: tuple[Rollup, ...] = ()
    previous_window: Window | None = None
    previous_rollup: Rollup | None = None


def answer_of(document: Any, shape: type[Answer]) -> Answer:
    """Typed form of a decoded answer."""
    return msgspec.convert(document, shape)


def changes_of(document: Mapping[str, Any]) -> ChangesAnswer:
    """Changes of their decoded JSON form."""
    return ChangesAnswer(
        seq=document["seq"],
        complete=document["complete"],
        changes=[wire.change_from(change) for change in document["changes"]],
    )


def snapshot_of(document: Mapping[str, Any]) -> Snapshot:
    """Snapshot of its decoded JSON form."""
    rollups = document.get("rollups", {})
    previous = rollups.get("previous")
    return Snapshot(
        seq=document["seq"],
        as_of=wire.instant_of(document["asOf"]),
        metrics=answer_of(document["metrics"], MetricsAnswer),
        previous=answer_of(document["previous"], MetricsAnswer) if document["previous"] else None,
        trends=answer_of(document["trends"], list[TrendAnswer]),
        methods=answer_of(document["methods"], list[MethodAnswer]),
        declines=answer_of(document["declines"], list[DeclineAnswer]),
        payments=[wire.payment_from(payment) for payment in document["payments"]],
        buckets=tuple(
            _window(bucket["start"], bucket["end"]) for bucket in rollups.get("buckets", ())
        ),
        bucket_rollups=tuple(from_document(bucket) for bucket in rollups.get("buckets", ())),
        previous_window=_window(rollups["previousFrom"], rollups["previousTo"])
        if previous is not None
        else None,
        previous_rollup=from_document(previous) if previous is not None else None,
    )


def _window(start: str, end: str) -> Window:
    return Window(wire.instant_of(start), wire.instant_of(end))
