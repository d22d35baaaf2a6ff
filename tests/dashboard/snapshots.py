"""Snapshots as the server makes them, of payments that a test knows."""

from msgspec.structs import asdict

from financeops.client import MetricsAnswer, Snapshot
from financeops.core.contract.agreements import FEED_LENGTH
from financeops.core.contract.analytics import UnconvertedAnswer
from financeops.core.days import Days
from financeops.core.dimensions import said_of, to_list
from financeops.core.metrics import metrics, unconverted
from financeops.core.periods import (
    Period,
    Window,
    buckets,
    previous_window,
    window_before,
    window_buckets,
)
from financeops.core.rollup import Rollup, rollup_of, total
from financeops.core.wire import metrics_document
from tests import reported
from tests.acts import acts_in


def listed_of(payments):
    """The values of dimensions that are counted by themselves."""
    said = [each for payment in payments for each in said_of(payment)]
    return {name: frozenset(values) for name, values in to_list(said, {}).items()}


def rollup_in(payments, window, zone, *, currency="USD", listed=None, reporting=False):
    """Rollup of the payments of a currency that were created in a window, and of what happened then.

    If `reporting`, also of those in other currencies that are converted into it.
    """
    chosen = [payment for payment in payments if payment.currency == currency]
    made = [rollup_of(payment, zone, listed) for payment in chosen if payment.created_at in window]
    converted = [
        rollup
        for payment in payments
        if reporting
        for place, at, rollup in reported.counted(payment, zone, listed)
        if place == f"reporting-{currency}" and at in window
    ]
    return total([*made, acts_in(chosen, window), *converted])


def windows_of(period, as_of, zone):
    """The buckets of a period or of days, and the window before."""
    if isinstance(period, Days):
        window = period.window(zone)
        return window_buckets(window, zone), window_before(window, as_of, zone)
    return buckets(period, as_of, zone), previous_window(period, as_of, zone)


def snapshot(
    payments,
    *,
    as_of,
    zone,
    period=Period.DAY,
    seq=0,
    currency="USD",
    currencies=None,
    by=None,
    listed=None,
    reporting=False,
):
    """What the server answers for these payments at `as_of`."""
    cut, before = windows_of(period, as_of, zone)
    currencies = currencies or ([currency] if payments else [])
    of = {"currency": currency, "reporting": reporting}
    rollups = tuple(rollup_in(payments, bucket, zone, **of) for bucket in cut)
    window = Window(cut[0].start, cut[-1].end)
    details = rollup_in(payments, window, zone, listed=listed or {}, **of)
    previous = rollup_in(payments, before, zone, **of)
    return Snapshot(
        seq=seq,
        as_of=as_of,
        metrics=_answer(total(rollups), currency, zone, currencies, seq=seq, reporting=reporting),
        previous=_answer(previous, currency, zone, currencies, seq=seq, reporting=reporting),
        trends=[],
        methods=[],
        declines=[],
        payments=sorted(payments, key=lambda payment: payment.created_at, reverse=True)[
            :FEED_LENGTH
        ],
        buckets=cut,
        bucket_rollups=rollups,
        previous_window=before,
        previous_rollup=previous,
        by=by,
        details=details.of_dimension(by) if by else None,
        listed=(listed or {}).get(by, frozenset()),
    )


def _answer(rollup: Rollup, currency, zone, currencies, *, seq, reporting) -> MetricsAnswer:
    count, waiting = unconverted(rollup)
    return MetricsAnswer(
        **asdict(metrics_document(metrics(rollup, currency=currency))),
        timezone=zone.key,
        start=None,
        end=None,
        seq=seq,
        currencies=currencies,
        unconverted=UnconvertedAnswer(count=count, currencies=waiting) if reporting else None,
    )
