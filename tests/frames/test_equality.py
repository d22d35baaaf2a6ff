"""The same figure from every kind of frame and from the rollups of `core`, to the last bit."""

from decimal import Decimal
from operator import attrgetter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import asdict

from financeops.core import metrics as core
from financeops.core.periods import DAY, EPOCH, Period, Window, buckets
from financeops.core.rollup import Rollup, rollup_of, total
from financeops.frames.declines import declines
from financeops.frames.key_figures import METRICS, SEGMENTS, metrics, segments
from financeops.frames.methods import methods
from financeops.frames.trends import trends
from tests import strategies
from tests.frames.conftest import HAS_SPARK, KINDS, NO_SPARK, native, rows, table_of

AS_OF = st.shared(strategies.instants(), key="as_of")
RECENT = AS_OF.flatmap(lambda as_of: strategies.instants(max(EPOCH, as_of - 400 * DAY), as_of))
PAYMENTS = st.lists(
    strategies.payments(currencies=st.sampled_from(["USD", "JPY", "KWD"]), created=RECENT),
    max_size=20,
)


def rows_of(figures, **also):
    """Figures of `core` as rows of a frame, with rates and averages as the nearest floats."""
    return [
        also
        | {
            name: float(value) if isinstance(value, Decimal) else value
            for name, value in asdict(each).items()
        }
        for each in figures
    ]


def by_currency(payments, zone):
    found = {}
    for payment in sorted(payments, key=attrgetter("currency")):
        found.setdefault(payment.currency, []).append(payment)
    return {name: total(rollup_of(each, zone) for each in part) for name, part in found.items()}


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=10)
@given(payments=PAYMENTS, zone=strategies.zones, params=st.tuples(st.sampled_from(Period), AS_OF))
def test_figures_equal_those_of_rollups(kind, payments, zone, params):
    check(native(kind, table_of(payments)), payments, zone, *params)


@pytest.mark.spark
@pytest.mark.skipif(not HAS_SPARK, reason=NO_SPARK)
@settings(max_examples=2)  # a second for each
@given(payments=PAYMENTS, zone=strategies.zones, params=st.tuples(st.sampled_from(Period), AS_OF))
def test_figures_of_spark_equal_those_of_rollups(spark, payments, zone, params):
    check(spark.createDataFrame(table_of(payments)), payments, zone, *params)


def check(frame, payments, zone, period, as_of):
    cut = buckets(period, as_of, zone)
    window = Window(cut[0].start, cut[-1].end)
    within = [payment for payment in payments if payment.created_at in window]
    for part, chosen in ((payments, {}), (within, {"period": period, "as_of": as_of})):
        rollups = by_currency(part, zone)
        assert rows(metrics(frame, timezone=zone.key, **chosen)) == [
            {name: row[name] for name in METRICS}  # but for activity, see `test_money.py`
            for currency, rollup in rollups.items()
            for row in rows_of([core.metrics(rollup, currency=currency)])
        ]
        assert rows(methods(frame, timezone=zone.key, **chosen)) == [
            row
            for currency, rollup in rollups.items()
            for row in rows_of(core.methods(rollup), currency=currency)
        ]
        assert rows(declines(frame, timezone=zone.key, **chosen)) == [
            row
            for currency, rollup in rollups.items()
            for row in rows_of(core.declines(rollup), currency=currency)
        ]
    found = rows(trends(frame, period=period, as_of=as_of, timezone=zone.key))
    expected = []
    for currency in by_currency(within, zone):
        parts = [
            total(
                rollup_of(payment, zone)
                for payment in within
                if payment.currency == currency and payment.created_at in bucket
            )
            for bucket in cut
        ]
        for row in rows_of(core.trends(cut, parts), currency=currency):
            bucket = row.pop("bucket")
            expected.append(row | {"start": bucket.start, "end": bucket.end})
    assert found == expected


@settings(max_examples=25)
@given(payments=PAYMENTS, zone=strategies.zones, kind=st.sampled_from(KINDS))
def test_segments_are_the_metrics_of_their_payments(payments, zone, kind):
    found = rows(
        segments(native(kind, table_of(payments)), by=["country", "status"], timezone=zone.key)
    )
    groups = {}
    for payment in payments:
        group = (payment.currency, payment.country, payment.status.value)
        groups[group] = groups.get(group, Rollup()) + rollup_of(payment, zone)
    assert {
        (row["currency"], row["country"], row["status"]): {name: row[name] for name in SEGMENTS}
        for row in found
    } == {
        group: {
            name: value
            for name, value in rows_of([core.metrics(rollup, currency=group[0])])[0].items()
            if name in SEGMENTS
        }
        for group, rollup in groups.items()
    }
    assert len(found) == len(groups)
