"""Every figure against a second, plain computation over the payments themselves."""

from collections import Counter, defaultdict
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from financeops.core.declines import FailureStage
from financeops.core.metrics import attempts_by_hour, declines, methods, metrics, peak_hour, trends
from financeops.core.money import exponent
from financeops.core.payments import Status
from financeops.core.periods import HOUR, Window
from financeops.core.rollup import Rollup, acted, rollup_of, total
from tests.builders import NOON, payment
from tests.strategies import instants, payments, zones

UTC_ZONE = ZoneInfo("UTC")


def rollup_of_all(recorded, zone=UTC_ZONE):
    return total(rollup_of(payment, zone) for payment in recorded)


def rounded(numerator, denominator):
    """Quotient with decimal arithmetic of 60 digits, where the figures use integers."""
    if not denominator:
        return None
    with localcontext(prec=60):
        return (Decimal(numerator) / Decimal(denominator)).quantize(
            Decimal("0.000001"), ROUND_HALF_EVEN
        )


def first_of_most(counter):
    """The smallest of the most frequent values."""
    most = max(counter.values(), default=0)
    return min((key for key, n in counter.items() if n == most), default=None)


@st.composite
def same_currency(draw):
    currency = draw(st.sampled_from(["USD", "JPY", "KWD"]))
    return currency, draw(st.lists(payments(currencies=st.just(currency)), max_size=15))


@given(same_currency(), zones)
def test_key_figures_are_what_their_definitions_say(business, zone):
    currency, recorded = business
    everything = [rollup_of_all(recorded, zone)]
    everything += [part for each in recorded for part in acted(each).values()]
    figures = metrics(total(everything), currency=currency)

    succeeded = [payment for payment in recorded if payment.status in {"success", "refunded"}]
    whole = [payment for payment in recorded if payment.status == "refunded"]
    parts = [p for p in recorded if p.status == "success" and p.refunded_amount]
    volume = sum(payment.amount for payment in succeeded)
    returned = sum(p.amount for p in whole) + sum(p.refunded_amount for p in parts)
    assert figures.currency == currency
    assert figures.total_payments == len(recorded)
    assert figures.succeeded_payments == len(succeeded)
    assert figures.failed_payments == sum(payment.status == "failed" for payment in recorded)
    assert figures.refunded_payments == len(whole) + len(parts)
    assert figures.partially_refunded_payments == len(parts)
    assert figures.total_volume == volume
    assert figures.refunded_volume == returned
    assert figures.net_volume == volume - returned
    assert figures.success_rate == rounded(len(succeeded) * 100, len(recorded))
    assert figures.refund_rate == rounded(returned * 100, volume)
    assert figures.average_amount == rounded(volume, len(succeeded) * 10 ** exponent(currency))
    first = [p for p in recorded if p.attempt in (None, 1)]
    at_once = sum(p.status != "failed" for p in first)
    recovered = sum(p.recovered_by is not None for p in first)
    assert (figures.orders, figures.succeeded_orders) == (len(first), at_once + recovered)
    assert figures.order_success_rate == rounded(100 * (at_once + recovered), len(first))
    assert figures.first_attempt_rate == rounded(100 * at_once, len(first))
    assert figures.recovered_share == rounded(100 * recovered, len(first) - at_once)
    disputes = Counter(each.dispute.status for each in recorded if each.dispute)
    assert figures.disputed_payments == disputes.total()
    assert figures.disputed_volume == sum(p.dispute.amount for p in recorded if p.dispute)
    closed = disputes["won"] + disputes["lost"]
    assert (figures.open_disputes, figures.won_disputes) == (disputes["open"], disputes["won"])
    assert figures.lost_disputes == disputes["lost"]
    assert figures.dispute_rate == rounded(100 * disputes.total(), len(succeeded))
    assert figures.win_rate == rounded(100 * disputes["won"], closed)
    lost = [each for each in recorded if each.dispute and each.dispute.status == "lost"]
    taken = sum(min(each.dispute.amount, each.amount - each.returned) for each in lost)
    fees = sum(each.fee_amount or 0 for each in recorded)
    assert (figures.lost_volume, figures.fee_volume) == (taken, fees)
    assert figures.fee_rate == rounded(100 * fees, volume)
    assert figures.net_revenue == volume - returned - taken - fees
    failed = [payment for payment in recorded if payment.status == "failed"]
    stages = Counter(payment.failure_stage or "declined" for payment in failed)
    for stage in FailureStage:
        assert getattr(figures, f"failures_{stage}") == stages[stage]
    assert figures.authorization_rate == rounded(
        len(succeeded) * 100, len(succeeded) + stages["declined"]
    )
    # What happened, summed up over all time, is what the payments say.
    assert figures.activity_refunds_volume == returned
    assert figures.activity_disputes_opened_count == figures.disputed_payments
    assert figures.activity_disputes_opened_volume == figures.disputed_volume
    assert figures.activity_disputes_won_count == disputes["won"]
    assert figures.activity_disputes_lost_count == disputes["lost"]
    assert figures.activity_disputes_lost_volume == taken
    assert figures.activity_fees_volume == fees
    kinds = Counter(payment.decline_kind for payment in failed)
    assert (figures.soft_declines, figures.hard_declines) == (kinds["soft"], kinds["hard"])
    hours = Counter(payment.created_at.astimezone(zone).hour for payment in recorded)
    assert figures.peak_hour == first_of_most(hours)
    assert figures.top_payment_method == first_of_most(Counter(p.method for p in recorded))


@given(same_currency())
def test_figures_by_method_are_what_their_definitions_say(business):
    _, recorded = business
    by_method = defaultdict(list)
    for each in recorded:
        by_method[each.method].append(each)
    rows = methods(rollup_of_all(recorded))
    assert {row.method for row in rows} == set(by_method)
    assert rows == sorted(rows, key=lambda row: (-row.count, row.method))
    for row in rows:
        own = by_method[row.method]
        good = [payment for payment in own if payment.status != "failed"]
        assert row.count == len(own)
        assert row.volume == sum(payment.amount for payment in good)
        assert row.success_rate == rounded(100 * len(good), len(own))
        assert row.share == rounded(100 * len(own), len(recorded))


@given(same_currency())
def test_decline_reasons_are_what_their_definitions_say(business):
    _, recorded = business
    by_code = defaultdict(list)
    for each in recorded:
        if each.status == "failed":
            by_code[each.decline_group or each.decline_code or "unknown"].append(each)
    rows = declines(rollup_of_all(recorded))
    assert {row.decline_code for row in rows} == set(by_code)
    assert rows == sorted(rows, key=lambda row: (-row.count, row.decline_code))
    failures = sum(len(failed) for failed in by_code.values())
    for row in rows:
        assert row.count == len(by_code[row.decline_code])
        assert row.volume == sum(payment.amount for payment in by_code[row.decline_code])
        assert row.share == rounded(100 * row.count, failures)


@given(
    st.lists(payments(currencies=st.just("USD"), created=instants(NOON, NOON + 6 * HOUR))),
    st.integers(1, 6),
)
def test_a_trend_has_a_point_for_every_bucket(recorded, count):
    windows = [Window(NOON + n * HOUR, NOON + (n + 1) * HOUR) for n in range(count)]
    inside = [[each for each in recorded if each.created_at in window] for window in windows]
    points = trends(windows, [rollup_of_all(part) for part in inside])
    assert [point.bucket for point in points] == windows
    for point, part in zip(points, inside, strict=True):
        good = [payment for payment in part if payment.status != "failed"]
        assert point.count == len(part)
        assert point.amount == sum(payment.amount for payment in good)
        assert point.success_rate == rounded(100 * len(good), len(part))


def test_a_trend_needs_one_rollup_per_bucket():
    with pytest.raises(ValueError, match="longer"):
        trends([], [Rollup()])


def test_without_payments_there_is_no_data():
    figures = metrics(Rollup(), currency="USD")
    assert (figures.total_payments, figures.total_volume, figures.net_volume) == (0, 0, 0)
    assert figures.success_rate is None
    assert figures.average_amount is None
    assert figures.refund_rate is None
    assert figures.peak_hour is None
    assert figures.top_payment_method is None
    assert methods(Rollup()) == []
    assert declines(Rollup()) == []


def test_when_everything_fails_there_is_a_rate_and_no_average():
    figures = metrics(rollup_of_all([payment(status="failed")]), currency="USD")
    assert figures.success_rate == 0
    assert figures.total_volume == 0
    assert figures.average_amount is None
    assert figures.refund_rate is None


def test_payments_of_zero_have_an_average_and_no_refund_rate():
    figures = metrics(rollup_of_all([payment(amount=0, status="refunded")]), currency="USD")
    assert figures.average_amount == 0
    assert figures.refund_rate is None


def test_a_refunded_payment_counts_as_succeeded():
    figures = metrics(
        rollup_of_all([payment(amount=300), payment(amount=100, status="refunded")]),
        currency="USD",
    )
    assert figures.success_rate == 100
    assert (figures.total_volume, figures.net_volume) == (400, 300)
    assert figures.refund_rate == 25
    assert figures.average_amount == 2


def test_the_earliest_hour_and_the_first_name_win_a_tie():
    recorded = [
        payment(method=method, created_at=f"2026-03-10T{hour}:00:00Z", status=status)
        for method, hour, status in [
            ("paypal", "15", "success"),
            ("card", "09", "failed"),
            ("crypto", "10", "refunded"),
        ]
    ]
    figures = metrics(rollup_of_all(recorded), currency="USD")
    assert figures.peak_hour == 9
    assert figures.top_payment_method == "card"
    assert [row.method for row in methods(rollup_of_all(recorded))] == ["card", "crypto", "paypal"]


def test_the_peak_hour_adds_up_the_methods():
    hours = {("card", 9): 2, ("card", 10): 1, ("paypal", 10): 2}
    assert peak_hour(Rollup(hours=hours)) == 10
    assert attempts_by_hour(Rollup(hours=hours)) == (*[0] * 9, 2, 3, *[0] * 13)


def test_rates_of_parts_are_not_averaged():
    one = rollup_of_all([payment()])
    three = rollup_of_all([payment(status="failed")] * 3)
    assert metrics(one + three, currency="USD").success_rate == 25


def test_a_volume_beyond_all_floats_is_exact():
    rollup = Rollup({("card", Status.SUCCESS): (3, 3 * 10**20 + 1)})
    figures = metrics(rollup, currency="USD")
    assert figures.total_volume == 300_000_000_000_000_000_001
    assert str(figures.average_amount) == "1000000000000000000.003333"
