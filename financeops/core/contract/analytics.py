"""Figures: volumes in major units of their currency, rates in percent, null is "no data"."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, field

from financeops.core.contract.forms import Document, Number, Time
from financeops.core.contract.payments import PaymentAnswer
from financeops.core.dimensions import Dimension
from financeops.core.payments import Status

Hour = Annotated[int, Meta(extra_json_schema={"minimum": 0, "maximum": 23})]


class FailuresAnswer(Document, frozen=True, kw_only=True):
    """Number of failed payments by the stage at which they failed."""

    authentication: int
    blocked: int
    declined: int
    technical: int
    abandoned: int


class ActAnswer(Document, frozen=True, kw_only=True):
    """Acts of one kind: their number and the sum of their amounts."""

    count: int
    volume: Number


class ActivityAnswer(Document, frozen=True, kw_only=True):
    """What happened to payments, whenever they were made, dated by when it happened.

    All other figures are dated by when the payments were made.
    """

    refunds: ActAnswer
    disputes_opened: ActAnswer
    disputes_won: ActAnswer
    disputes_lost: ActAnswer
    fees: ActAnswer


class KeyFigures(Document, frozen=True, kw_only=True):
    """The key figures of a set of payments."""

    total_volume: Number
    success_rate: Number | None
    average_amount: Number | None
    peak_hour: Hour | None
    top_payment_method: str | None
    total_payments: int
    currency: str
    succeeded_payments: int
    failed_payments: int
    refunded_payments: int
    refunded_volume: Number
    net_volume: Number
    refund_rate: Number | None
    partially_refunded_payments: int
    disputed_payments: int
    disputed_volume: Number
    open_disputes: int
    won_disputes: int
    lost_disputes: int
    lost_volume: Number
    dispute_rate: Number | None
    win_rate: Number | None
    fee_volume: Number
    fee_rate: Number | None
    net_revenue: Number
    authorization_rate: Number | None
    orders: int
    succeeded_orders: int
    order_success_rate: Number | None
    first_attempt_rate: Number | None
    recovered_share: Number | None
    failures: FailuresAnswer
    soft_declines: int
    hard_declines: int
    activity: ActivityAnswer


class UnconvertedAnswer(Document, frozen=True, kw_only=True):
    """Payments that could not be converted, because no rate of their day is known, and their currencies."""

    count: int
    currencies: list[str]


class MetricsAnswer(KeyFigures, frozen=True, kw_only=True):
    """Key figures, what they cover, and on request those of the period before.

    `from` and `to` are null where the window is open; `currencies` are all in which the tenant
    has payments. `unconverted` is there for `currency=reporting` only: these payments are in no other
    figure.
    """

    timezone: str
    start: Time | None = field(name="from")
    end: Time | None = field(name="to")
    seq: int
    currencies: list[str]
    unconverted: UnconvertedAnswer | None = None
    previous: MetricsAnswer | None = None


class TrendAnswer(Document, frozen=True, kw_only=True):
    """One bucket of a trend, named by its start."""

    timestamp: Time
    amount: Number
    count: int
    success_rate: Number | None


class MethodAnswer(Document, frozen=True, kw_only=True):
    """One payment method; `share` in percent of attempts."""

    method: str
    count: int
    volume: Number
    success_rate: Number | None
    share: Number | None


class DeclineAnswer(Document, frozen=True, kw_only=True):
    """One decline code; `share` in percent of failures."""

    decline_code: str
    count: int
    volume: Number
    share: Number | None


class BreakdownAnswer(Document, frozen=True, kw_only=True):
    """One value of a dimension, null where payments have none; `share` in percent of attempts."""

    value: str | None
    count: int
    volume: Number
    success_rate: Number | None
    authorization_rate: Number | None
    share: Number | None


class Count(Document, frozen=True, kw_only=True):
    """Number of payments and the sum of their amounts in minor units."""

    n: int
    amount: int


class RollupAnswer(Document, frozen=True, kw_only=True):
    """Counts and sums by method: per status, per decline code, and attempts per hour of day.

    `partial` counts the succeeded payments of which a part was given back, and sums these parts;
    `retries` are attempts after the first of their order, by outcome; `recovered` are first attempts
    that failed, of orders that succeeded later; `failures` counts failed payments by stage and kind;
    `disputed` payments by the status of their dispute, and sums what is disputed; `lost`, `fees` and
    `revisions` count payments of which something was lost, that cost something, or of which something
    was told later, and sum that; `activity` counts acts by kind where they happened, and sums what
    they moved; `unconverted` counts payments of which no exchange rate is known by currency, and sums
    them in it; `dimensions` counts payments by the values of dimensions and by outcome,
    where that was asked for.
    """

    methods: dict[str, dict[Status, Count]]
    declines: dict[str, dict[str, Count]]
    hours: dict[str, dict[str, int]]
    partial: dict[str, Count] | None = None
    retries: dict[str, dict[str, Count]] | None = None
    recovered: dict[str, Count] | None = None
    failures: dict[str, dict[str, dict[str, Count]]] | None = None
    disputed: dict[str, dict[str, Count]] | None = None
    lost: dict[str, Count] | None = None
    fees: dict[str, Count] | None = None
    revisions: dict[str, Count] | None = None
    activity: dict[str, dict[str, Count]] | None = None
    unconverted: dict[str, dict[str, Count]] | None = None
    dimensions: dict[str, dict[str, dict[str, dict[str, Count]]]] | None = None


class BucketAnswer(Document, frozen=True, kw_only=True):
    """The rollup of one bucket, from `start` up to `end`."""

    start: Time
    end: Time
    methods: dict[str, dict[Status, Count]]
    declines: dict[str, dict[str, Count]]
    hours: dict[str, dict[str, int]]
    partial: dict[str, Count] | None = None
    retries: dict[str, dict[str, Count]] | None = None
    recovered: dict[str, Count] | None = None
    failures: dict[str, dict[str, dict[str, Count]]] | None = None
    disputed: dict[str, dict[str, Count]] | None = None
    lost: dict[str, Count] | None = None
    fees: dict[str, Count] | None = None
    revisions: dict[str, Count] | None = None
    activity: dict[str, dict[str, Count]] | None = None
    unconverted: dict[str, dict[str, Count]] | None = None
    dimensions: dict[str, dict[str, dict[str, dict[str, Count]]]] | None = None


class DetailsAnswer(Document, frozen=True, kw_only=True):
    """Counts of a window's payments by the values of one dimension, and by outcome.

    `listed` are the tenant's values that are counted by themselves: a value that is not among them
    becomes listed as long as there are less than 200, and else counts as `other`.
    """

    by: Dimension
    listed: list[str]
    dimensions: dict[str, dict[str, dict[str, dict[str, Count]]]]


class RollupsAnswer(Document, frozen=True, kw_only=True):
    """The rollups behind a snapshot's figures, so that later changes can be added exactly.

    Of a snapshot that is filtered by `other`, `listed` are the tenant's values of that dimension that
    are counted by themselves: payments with any further value are those of the filter.
    """

    buckets: list[BucketAnswer]
    previous: RollupAnswer
    previous_from: Time
    previous_to: Time
    details: DetailsAnswer | None = None
    listed: dict[str, list[str]] | None = None


class SnapshotAnswer(Document, frozen=True, kw_only=True):
    """Everything a dashboard starts from, of one moment; `seq` is the last change included."""

    metrics: MetricsAnswer
    previous: MetricsAnswer
    trends: list[TrendAnswer]
    methods: list[MethodAnswer]
    declines: list[DeclineAnswer]
    payments: list[PaymentAnswer]
    seq: int
    as_of: Time
    rollups: RollupsAnswer | None = None
