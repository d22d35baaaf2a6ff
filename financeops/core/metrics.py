"""Every figure, as a function of rollups.

Volumes are integer minor units; rates are percentages; rates and averages are `Decimal` rounded
once to 6 decimals, and None where there is no data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal

from msgspec import Struct

from financeops.core.activity import ActKind
from financeops.core.declines import DeclineKind, FailureStage
from financeops.core.dimensions import Outcome
from financeops.core.disputes import DisputeStatus
from financeops.core.money import decimals_of, ratio
from financeops.core.payments import Status
from financeops.core.periods import Window
from financeops.core.rollup import Rollup


class Metrics(Struct, frozen=True, kw_only=True):
    """The key figures of one set of payments; volumes in minor units of `currency`."""

    currency: str
    total_volume: int
    success_rate: Decimal | None
    average_amount: Decimal | None
    peak_hour: int | None
    top_payment_method: str | None
    total_payments: int
    succeeded_payments: int
    failed_payments: int
    refunded_payments: int
    refunded_volume: int
    net_volume: int
    refund_rate: Decimal | None
    partially_refunded_payments: int
    disputed_payments: int
    disputed_volume: int
    open_disputes: int
    won_disputes: int
    lost_disputes: int
    lost_volume: int
    dispute_rate: Decimal | None
    win_rate: Decimal | None
    fee_volume: int
    fee_rate: Decimal | None
    net_revenue: int
    authorization_rate: Decimal | None
    orders: int
    succeeded_orders: int
    order_success_rate: Decimal | None
    first_attempt_rate: Decimal | None
    recovered_share: Decimal | None
    failures_authentication: int
    failures_blocked: int
    failures_declined: int
    failures_technical: int
    failures_abandoned: int
    soft_declines: int
    hard_declines: int
    activity_refunds_count: int
    activity_refunds_volume: int
    activity_disputes_opened_count: int
    activity_disputes_opened_volume: int
    activity_disputes_won_count: int
    activity_disputes_won_volume: int
    activity_disputes_lost_count: int
    activity_disputes_lost_volume: int
    activity_fees_count: int
    activity_fees_volume: int


class TrendPoint(Struct, frozen=True, kw_only=True):
    """One bucket of a trend; `amount` is its total volume in minor units."""

    bucket: Window
    amount: int
    count: int
    success_rate: Decimal | None


class MethodFigures(Struct, frozen=True, kw_only=True):
    """One payment method; `share` in percent of attempts."""

    method: str
    count: int
    volume: int
    success_rate: Decimal | None
    share: Decimal | None


class DeclineFigures(Struct, frozen=True, kw_only=True):
    """One decline code; `volume` is what was asked for, `share` in percent of failures."""

    decline_code: str
    count: int
    volume: int
    share: Decimal | None


def attempts(rollup: Rollup) -> int:
    """Number of payments, whatever their status."""
    return sum(n for n, _ in rollup.cells.values())


def succeeded(rollup: Rollup) -> int:
    """Number of payments whose money was collected: ``success`` and ``refunded``."""
    return sum(n for (_, status), (n, _) in rollup.cells.items() if status is not Status.FAILED)


def total_volume(rollup: Rollup) -> int:
    """Gross processed volume: sum of the amounts of succeeded payments, minor units."""
    return sum(
        amount for (_, status), (_, amount) in rollup.cells.items() if status is not Status.FAILED
    )


def refunded(rollup: Rollup) -> int:
    """Number of payments of which anything was given back."""
    whole = sum(n for (_, status), (n, _) in rollup.cells.items() if status is Status.REFUNDED)
    return whole + partially_refunded(rollup)


def partially_refunded(rollup: Rollup) -> int:
    """Number of payments of which a part was given back, but not the whole."""
    return sum(n for n, _ in rollup.part("partial").values())


def refunded_volume(rollup: Rollup) -> int:
    """Sum of all that was given back, parts of payments too, minor units."""
    whole = sum(
        amount for (_, status), (_, amount) in rollup.cells.items() if status is Status.REFUNDED
    )
    return whole + sum(amount for _, amount in rollup.part("partial").values())


def net_volume(rollup: Rollup) -> int:
    """Total volume less refunded volume, minor units."""
    return total_volume(rollup) - refunded_volume(rollup)


def success_rate(rollup: Rollup) -> Decimal | None:
    """Succeeded / attempts x 100; None when there are no attempts."""
    return _rate("success_rate", rollup)


def failures(rollup: Rollup, stage: FailureStage) -> int:
    """Number of payments that failed at one stage; those of which nothing says were declined."""
    return sum(n for (_, at, _), (n, _) in rollup.part("failures").items() if at == stage)


def failures_of_kind(rollup: Rollup, kind: DeclineKind) -> int:
    """Number of failed payments of one kind, whatever the stage."""
    return sum(n for (_, _, of), (n, _) in rollup.part("failures").items() if of == kind)


def authorization_rate(rollup: Rollup) -> Decimal | None:
    """Succeeded / (succeeded + declined) x 100; None when no issuer or bank decided on any.

    What failed before or beside the issuer's decision does not count: see `FailureStage`.
    """
    return _rate("authorization_rate", rollup)


def disputed(rollup: Rollup, *statuses: DisputeStatus) -> int:
    """Number of payments whose dispute has one of these statuses, or any."""
    return sum(
        n
        for (_, status), (n, _) in rollup.part("disputed").items()
        if not statuses or status in statuses
    )


def disputed_volume(rollup: Rollup) -> int:
    """Sum of what is or was disputed, minor units."""
    return sum(amount for _, amount in rollup.part("disputed").values())


def lost_volume(rollup: Rollup) -> int:
    """What lost disputes took beside what had been given back anyway, minor units."""
    return sum(amount for _, amount in rollup.part("lost").values())


def dispute_rate(rollup: Rollup) -> Decimal | None:
    """Disputed / succeeded x 100; None when none succeeded."""
    return _rate("dispute_rate", rollup)


def win_rate(rollup: Rollup) -> Decimal | None:
    """Won / closed disputes x 100; None when none is closed."""
    return _rate("win_rate", rollup)


def fee_volume(rollup: Rollup) -> int:
    """Sum of what payments cost, of failed ones too, minor units; credits are subtracted."""
    return sum(amount for _, amount in rollup.part("fees").values())


def fee_rate(rollup: Rollup) -> Decimal | None:
    """Fees / total volume x 100; None when there is no volume."""
    return _rate("fee_rate", rollup)


def net_revenue(rollup: Rollup) -> int:
    """Total volume less refunds, lost disputes and fees, minor units."""
    return net_volume(rollup) - lost_volume(rollup) - fee_volume(rollup)


def revisions(rollup: Rollup) -> int:
    """How often disputes, fees and settlements were told of payments."""
    return sum(n for _, n in rollup.part("revisions").values())


def refund_rate(rollup: Rollup) -> Decimal | None:
    """Refunded volume / total volume x 100; None when there is no volume."""
    return _rate("refund_rate", rollup)


def average_amount(rollup: Rollup, *, currency: str) -> Decimal | None:
    """Total volume / succeeded, in major units of `currency`; None when none succeeded."""
    return ratio(total_volume(rollup), succeeded(rollup) * 10 ** decimals_of(currency))


def orders(rollup: Rollup) -> int:
    """Number of orders, each counted where its first attempt is; a payment without one is its own."""
    return attempts(rollup) - sum(n for n, _ in rollup.part("retries").values())


def _first_succeeded(rollup: Rollup) -> int:
    retried = rollup.part("retries").items()
    return succeeded(rollup) - sum(
        n for (_, outcome), (n, _) in retried if outcome == Outcome.SUCCEEDED
    )


def recovered_orders(rollup: Rollup) -> int:
    """Number of orders whose first attempt failed and a later one succeeded."""
    return sum(n for n, _ in rollup.part("recovered").values())


def succeeded_orders(rollup: Rollup) -> int:
    """Number of orders of which any attempt succeeded."""
    return _first_succeeded(rollup) + recovered_orders(rollup)


def order_success_rate(rollup: Rollup) -> Decimal | None:
    """Orders with a success / orders x 100; None when there are no orders."""
    return _rate("order_success_rate", rollup)


def first_attempt_rate(rollup: Rollup) -> Decimal | None:
    """Orders whose first attempt succeeded / orders x 100; None when there are no orders."""
    return _rate("first_attempt_rate", rollup)


def recovered_share(rollup: Rollup) -> Decimal | None:
    """Orders that failed first and succeeded later / orders that failed first x 100."""
    return _rate("recovered_share", rollup)


RATES: Mapping[str, Callable[[Rollup], tuple[int, int]]] = {
    "success_rate": lambda of: (succeeded(of), attempts(of)),
    "refund_rate": lambda of: (refunded_volume(of), total_volume(of)),
    "dispute_rate": lambda of: (disputed(of), succeeded(of)),
    "win_rate": lambda of: (
        disputed(of, DisputeStatus.WON),
        disputed(of, DisputeStatus.WON, DisputeStatus.LOST),
    ),
    "fee_rate": lambda of: (fee_volume(of), total_volume(of)),
    "authorization_rate": lambda of: (
        succeeded(of),
        succeeded(of) + failures(of, FailureStage.DECLINED),
    ),
    "order_success_rate": lambda of: (succeeded_orders(of), orders(of)),
    "first_attempt_rate": lambda of: (_first_succeeded(of), orders(of)),
    "recovered_share": lambda of: (recovered_orders(of), orders(of) - _first_succeeded(of)),
}
"""What each rate divides: a part, and the whole that it is in percent of."""


def _rate(name: str, rollup: Rollup) -> Decimal | None:
    part, whole = RATES[name](rollup)
    return ratio(100 * part, whole)


def attempts_by_hour(rollup: Rollup) -> tuple[int, ...]:
    """Number of payments in each of the 24 hours of day, whatever their status."""
    counts = [0] * 24
    for (_, hour), n in rollup.hours.items():
        counts[hour] += n
    return tuple(counts)


def peak_hour(rollup: Rollup) -> int | None:
    """Hour of day (0-23) with most attempts, the earliest on a tie; None when none."""
    counts = attempts_by_hour(rollup)
    return counts.index(max(counts)) if rollup.hours else None


def top_payment_method(rollup: Rollup) -> str | None:
    """Method with most attempts, alphabetical on a tie; None when none."""
    return next((figures.method for figures in methods(rollup)), None)


def metrics(rollup: Rollup, *, currency: str) -> Metrics:
    """All key figures of a rollup of payments in `currency`."""
    attempted, collected = attempts(rollup), succeeded(rollup)
    return Metrics(
        currency=currency,
        total_volume=total_volume(rollup),
        success_rate=success_rate(rollup),
        average_amount=average_amount(rollup, currency=currency),
        peak_hour=peak_hour(rollup),
        top_payment_method=top_payment_method(rollup),
        total_payments=attempted,
        succeeded_payments=collected,
        failed_payments=attempted - collected,
        refunded_payments=refunded(rollup),
        refunded_volume=refunded_volume(rollup),
        net_volume=net_volume(rollup),
        refund_rate=refund_rate(rollup),
        partially_refunded_payments=partially_refunded(rollup),
        disputed_payments=disputed(rollup),
        disputed_volume=disputed_volume(rollup),
        open_disputes=disputed(rollup, DisputeStatus.OPEN),
        won_disputes=disputed(rollup, DisputeStatus.WON),
        lost_disputes=disputed(rollup, DisputeStatus.LOST),
        lost_volume=lost_volume(rollup),
        dispute_rate=dispute_rate(rollup),
        win_rate=win_rate(rollup),
        fee_volume=fee_volume(rollup),
        fee_rate=fee_rate(rollup),
        net_revenue=net_revenue(rollup),
        authorization_rate=authorization_rate(rollup),
        orders=orders(rollup),
        succeeded_orders=succeeded_orders(rollup),
        order_success_rate=order_success_rate(rollup),
        first_attempt_rate=first_attempt_rate(rollup),
        recovered_share=recovered_share(rollup),
        failures_authentication=failures(rollup, FailureStage.AUTHENTICATION),
        failures_blocked=failures(rollup, FailureStage.BLOCKED),
        failures_declined=failures(rollup, FailureStage.DECLINED),
        failures_technical=failures(rollup, FailureStage.TECHNICAL),
        failures_abandoned=failures(rollup, FailureStage.ABANDONED),
        soft_declines=failures_of_kind(rollup, DeclineKind.SOFT),
        hard_declines=failures_of_kind(rollup, DeclineKind.HARD),
        **activity(rollup),
    )


ACTIVITY = {
    "refunds": ActKind.REFUNDED,
    "disputes_opened": ActKind.OPENED,
    "disputes_won": ActKind.WON,
    "disputes_lost": ActKind.LOST,
    "fees": ActKind.CHARGED,
}
"""The acts that are counted by when they happened, by their names among the figures."""


def activity(rollup: Rollup) -> dict[str, int]:
    """Number and sum of acts by when they happened, whenever their payments were made.

    The keys are the names of the fields of `Metrics`; volumes in minor units.
    """
    figures = {}
    for name, kind in ACTIVITY.items():
        acts = [count for (_, act), count in rollup.part("activity").items() if act == kind]
        figures[f"activity_{name}_count"] = sum(n for n, _ in acts)
        figures[f"activity_{name}_volume"] = sum(amount for _, amount in acts)
    return figures


def unconverted(rollup: Rollup) -> tuple[int, list[str]]:
    """How many payments could not be converted, and their currencies: they are in no other figure."""
    counts: dict[str, int] = {}
    for (_, currency), (n, _) in rollup.part("unconverted").items():
        counts[currency] = counts.get(currency, 0) + n
    return sum(counts.values()), sorted(currency for currency, n in counts.items() if n)


def trends(buckets: Iterable[Window], rollups: Iterable[Rollup]) -> list[TrendPoint]:
    """One point per bucket, empty ones included; `rollups` holds each bucket's, in order."""
    return [
        TrendPoint(
            bucket=bucket,
            amount=total_volume(rollup),
            count=attempts(rollup),
            success_rate=success_rate(rollup),
        )
        for bucket, rollup in zip(buckets, rollups, strict=True)
    ]


def methods(rollup: Rollup) -> list[MethodFigures]:
    """Figures of each payment method, most attempts first, alphabetical on a tie."""
    everything = attempts(rollup)
    parts = {method: rollup.only(method) for method in {method for method, _ in rollup.cells}}
    figures = [
        MethodFigures(
            method=method,
            count=attempts(part),
            volume=total_volume(part),
            success_rate=success_rate(part),
            share=ratio(100 * attempts(part), everything),
        )
        for method, part in parts.items()
    ]
    return sorted(figures, key=lambda row: (-row.count, row.method))


def declines(rollup: Rollup) -> list[DeclineFigures]:
    """Figures of each decline code, most failures first, alphabetical on a tie."""
    by_code: dict[str, tuple[int, int]] = {}
    for (_, code), (n, amount) in rollup.declines.items():
        have = by_code.get(code, (0, 0))
        by_code[code] = (have[0] + n, have[1] + amount)
    failures = sum(n for n, _ in by_code.values())
    figures = [
        DeclineFigures(decline_code=code, count=n, volume=amount, share=ratio(100 * n, failures))
        for code, (n, amount) in by_code.items()
    ]
    return sorted(figures, key=lambda row: (-row.count, row.decline_code))
