"""Buckets of time on every kind of frame."""

import itertools
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from financeops.core.errors import InvalidValue
from financeops.core.periods import Period, buckets, window_buckets
from financeops.frames.trends import Every, stretches, trends
from tests import strategies
from tests.builders import NOON, payment
from tests.frames.conftest import rows, table_of

BERLIN = ZoneInfo("Europe/Berlin")
SUNDAY = datetime(2026, 3, 29, 12, tzinfo=UTC)  # clocks go forward in Berlin


def test_every_bucket_is_there_and_empty_ones_have_no_rate(kind, frame_of):
    frame = frame_of(
        kind,
        [
            payment(amount=5, created_at=SUNDAY),
            payment(amount=7, created_at=SUNDAY - timedelta(days=2), status="failed"),
            payment(amount=11, created_at=SUNDAY - timedelta(days=7)),
        ],
    )
    found = rows(trends(frame, period="week", timezone="Europe/Berlin"))
    wanted = buckets(Period.WEEK, SUNDAY, BERLIN)
    assert [(row["start"], row["end"]) for row in found] == [
        (bucket.start, bucket.end) for bucket in wanted
    ]
    assert found[-1]["end"] - found[-1]["start"] == timedelta(hours=23)
    assert [row["count"] for row in found] == [0, 0, 0, 0, 1, 0, 1]
    assert [row["amount"] for row in found] == [0, 0, 0, 0, 0, 0, 5]
    assert [row["success_rate"] for row in found] == [None] * 4 + [0.0, None, 100.0]


def test_each_currency_has_all_buckets(kind, frame_of):
    frame = frame_of(kind, [payment(currency="JPY"), payment(created_at=NOON - timedelta(hours=3))])
    found = rows(trends(frame, every="hour"))
    assert [(row["currency"], row["count"]) for row in found] == [
        *(("JPY", n) for n in (0, 0, 0, 1)),
        *(("USD", n) for n in (1, 0, 0, 0)),
    ]


@pytest.mark.parametrize(
    ("every", "starts"),
    [
        ("hour", ["2026-03-10T12:00", "2026-03-10T13:00", "2026-03-10T14:00"]),
        ("day", ["2026-03-09T23:00"]),
        ("week", ["2026-03-08T23:00"]),
        ("month", ["2026-02-28T23:00"]),
    ],
)
def test_without_a_window_buckets_are_whole(every, starts):
    frame = pl.from_arrow(
        table_of([payment(created_at=NOON + timedelta(minutes=n)) for n in (5, 150)])
    )
    found = rows(trends(frame, every=every, timezone="Europe/Berlin"))
    assert [row["start"].isoformat()[:16] for row in found] == starts
    assert sum(row["count"] for row in found) == 2


def test_a_window_cuts_its_first_and_last_bucket(kind, frame_of):
    moments = [NOON + timedelta(minutes=n) for n in range(0, 180, 15)]
    frame = frame_of(kind, [payment(created_at=moment) for moment in moments])
    window = (NOON + timedelta(minutes=15, milliseconds=1), NOON + timedelta(minutes=130))
    found = rows(trends(frame, window=window))
    assert [row["count"] for row in found] == [2, 4, 1]
    assert (found[0]["start"], found[-1]["end"]) == window


def test_no_payments_no_rows(kind, frame_of):
    empty = frame_of(kind, [])
    assert rows(trends(empty)) == rows(trends(empty, period="day")) == []
    assert rows(trends(frame_of(kind, [payment()]), window=(NOON, NOON))) == []


@given(window=strategies.windows(), zone=strategies.zones)
@settings(max_examples=50)
def test_the_length_is_chosen_as_in_the_api(window, zone):
    wanted = window_buckets(window, zone)
    frame = pl.from_arrow(table_of([payment(created_at=window.start)]))
    found = rows(trends(frame, window=window, timezone=zone.key))
    assert [(row["start"], row["end"]) for row in found] == [
        (bucket.start, bucket.end) for bucket in wanted
    ]
    assert found[0]["count"] == 1


@given(window=strategies.windows(), every=st.sampled_from(Every), zone=strategies.zones)
@settings(max_examples=50)
def test_stretches_are_consecutive_and_begin_in_the_time_zone(window, every, zone):
    if every is Every.HOUR:
        window = type(window)(window.start, min(window.end, window.start + timedelta(days=40)))
    cut = stretches(window, every, zone)
    assert (cut[0].start, cut[-1].end) == (window.start, window.end)
    assert all(one.end == other.start for one, other in itertools.pairwise(cut))
    assert all(bucket.start < bucket.end for bucket in cut)
    if every is Every.WEEK:
        days = [bucket.start.astimezone(zone).weekday() for bucket in cut[1:]]
        assert set(days) <= {0, 1}  # Tuesday where the zone left a Monday out
    if every is Every.MONTH:
        assert {bucket.start.astimezone(zone).day for bucket in cut[1:]} <= {1}


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"period": "day", "every": "hour"}, "period: must not be given together"),
        ({"every": "minute"}, "every: must be one of 'hour'"),
        ({"as_of": NOON}, "as_of: needs a period"),
    ],
)
def test_contradicting_parameters_are_named(params, message):
    with pytest.raises(InvalidValue, match=message):
        trends(pl.from_arrow(table_of([payment()])), **params)
