"""A fictitious business: the shape of its history in every period, whenever it is generated."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest

import financeops as fo
from financeops.core.periods import DAY, HOUR, Period, Window, buckets, previous_window
from financeops.dashboard.state.course import Course, course_of
from financeops.simulation.business import (
    AGE,
    DENSE,
    MOST,
    PACE,
    episodes,
    first_history,
    time_to_next,
)
from financeops.simulation.drafts import drafts_of
from financeops.simulation.scenario import SimulationConfig, profiles

NOW = datetime(2026, 11, 25, 19, 17, tzinfo=UTC)
MOMENTS = [
    NOW,
    datetime(2027, 1, 4, 8, 59, 59, 999000, tzinfo=UTC),
]


def made(now=NOW, *, seed=1, pace=PACE, **config):
    chosen = SimulationConfig(tenant_id="t", source="seed", **config)
    return drafts_of(first_history(chosen, np.random.default_rng(seed), now, pace=pace))


@cache
def usual(now=NOW):
    """A history that several tests share, made once."""
    return tuple(made(now))


def frame_of(drafts):
    names = ("currency", "status", "created_at", "amount", "method", "country", "decline_code")
    return pl.DataFrame({name: [getattr(draft, name) for draft in drafts] for name in names})


def figures(history, window):
    """Key figures of a window as the dashboard would show them, volumes in cents."""
    (row,) = fo.metrics(history, window=(window.start, window.end)).iter_rows(named=True)
    return SimpleNamespace(**row)


def periods(period, now):
    """The window of a period and that of the one before it."""
    cut = buckets(period, now, ZoneInfo("UTC"))
    return Window(cut[0].start, cut[-1].end), previous_window(period, now, ZoneInfo("UTC"))


def most_frequent_declines(history, window):
    return fo.declines(history, window=(window.start, window.end))["decline_code"].to_list()


def ages(drafts, now=NOW):
    return np.array([(now - draft.created_at) / DAY for draft in drafts])


@pytest.fixture(scope="module", params=MOMENTS, ids=str)
def history(request):
    """A moment, and the history generated at it."""
    drafts = usual(request.param)
    return request.param, drafts, frame_of(drafts)


def test_it_is_a_function_of_seed_and_moment():
    again = tuple(made())
    assert again == usual()
    assert again != tuple(made(seed=2))


def test_no_payment_and_no_refund_is_later_than_now_or_older_than_the_business(history):
    now, drafts, _ = history
    assert all(now - AGE <= draft.created_at <= now for draft in drafts)
    refunds = [draft.refunded_at for draft in drafts if draft.refunded_at is not None]
    assert refunds
    assert max(refunds) <= now
    assert [draft.created_at for draft in drafts] == sorted(draft.created_at for draft in drafts)


def test_there_are_no_more_payments_than_can_be_recorded_in_a_minute(history):
    _, drafts, _ = history
    assert 0.85 * MOST < len(drafts) < 1.03 * MOST


def test_the_last_two_days_are_as_dense_as_the_simulation():
    # Tuesday and Wednesday are ordinary days; the pace is that of the week's average.
    dense = np.count_nonzero(ages(usual()) < DENSE / DAY)
    assert dense == pytest.approx(DENSE / PACE, rel=0.06)


@pytest.mark.parametrize("seconds", [2.0, 10.0, 300.0])
def test_another_pace_is_kept_and_leaves_the_rest_to_the_time_before(seconds):
    drafts = made(pace=timedelta(seconds=seconds))
    age = ages(drafts)
    dense = np.count_nonzero(age < DENSE / DAY)
    assert dense == pytest.approx(min(2 * 86_400 / seconds, 0.75 * MOST), rel=0.06)
    assert len(drafts) <= 1.03 * MOST
    for start, end in ((2, 7), (7, 14), (14, 60), (60, 365), (365, 730)):
        assert np.count_nonzero((age >= start) & (age < end)) > 20


@pytest.mark.parametrize("period", Period)
def test_each_period_resembles_the_one_before_it(history, period):
    now, _, frame = history
    current, previous = (figures(frame, window) for window in periods(period, now))
    # The year holds most of the growth.
    assert 0.6 < current.total_volume / previous.total_volume < (3 if period is Period.YEAR else 2)
    assert 0.2 < current.average_amount / previous.average_amount < 1.7
    assert abs(current.success_rate - previous.success_rate) < 12


@pytest.mark.parametrize("period", [Period.WEEK, Period.MONTH, Period.YEAR])
def test_no_bucket_of_a_period_towers_over_the_one_before_it(history, period):
    now, _, frame = history
    volumes = [
        figures(frame, bucket).total_volume / (bucket.end - bucket.start).total_seconds()
        for bucket in buckets(period, now, ZoneInfo("UTC"))[:-1]
    ]
    assert max(after / before for before, after in pairwise(volumes)) < 2.6
    assert max(volumes) / min(volumes) < 9


def test_days_and_weeks_have_their_rhythm():
    drafts = made(timezone="Asia/Kolkata")
    zone = ZoneInfo("Asia/Kolkata")
    local = [draft.created_at.astimezone(zone) for draft in drafts]
    hours = Counter(moment.hour for moment in local)
    assert min(hours[hour] for hour in range(17, 21)) > 2.2 * max(hours[hour] for hour in (3, 4))
    days = Counter(moment.weekday() for moment in local if timedelta(days=14) < NOW - moment < AGE)
    assert days[4] > 1.3 * days[6]


def test_live_payments_continue_the_pace_and_rhythm_of_history():
    config = SimulationConfig(tenant_id="t", timezone="America/New_York")
    begin = NOW.replace(hour=0, minute=0)
    moment, live = begin, []
    while moment < begin + 7 * DAY:
        moment += time_to_next(config, moment)
        live.append(moment)
    assert len(live) == pytest.approx(7 * DAY / PACE, rel=0.02)

    recorded = made(begin, timezone="America/New_York")
    for hour in (4, 20):
        start = begin + (hour + 5) * HOUR  # of Wednesday in New York
        window = Window(start, start + HOUR)
        today = sum(at in window for at in live)
        earlier = Window(start - 2 * DAY, start + HOUR - 2 * DAY)
        before = sum(draft.created_at in earlier for draft in recorded)
        assert today == pytest.approx(before, rel=0.35)


def test_the_last_day_was_worse_than_the_one_before_and_shows_why(history):
    now, _, frame = history
    current, previous = (figures(frame, window) for window in periods(Period.DAY, now))
    assert course_of(current, previous) is Course.BELOW
    day, _ = periods(Period.DAY, now)
    assert most_frequent_declines(frame, day)[0] == "issuer_unavailable"


def test_the_month_was_better_than_the_one_before(history):
    now, _, frame = history
    current, previous = (figures(frame, window) for window in periods(Period.MONTH, now))
    assert course_of(current, previous) is Course.ABOVE
    _, before = periods(Period.MONTH, now)
    assert "suspected_fraud" in most_frequent_declines(frame, before)[:2]


def test_the_outage_of_the_last_day_is_found_as_an_anomaly():
    config = SimulationConfig(tenant_id="t")
    frame = frame_of([draft for draft in usual() if NOW - draft.created_at < 40 * DAY])
    hours = fo.anomalies(frame, window=(NOW - DAY, NOW)).filter(
        pl.col("success_rate_anomaly") == "low"
    )
    outage = episodes(config, NOW)[-1].window
    assert [hour for hour in hours["hour"] if hour in outage] == [
        outage.start + n * HOUR for n in range(3)
    ]


def test_a_business_without_cards_has_no_card_episodes():
    config = SimulationConfig(tenant_id="t", methods=profiles(["paypal", "cash"]))
    assert episodes(config, NOW) == []
    drafts = drafts_of(first_history(config, np.random.default_rng(1), NOW))
    assert {draft.method for draft in drafts} == {"paypal", "cash"}


def test_amounts_of_a_currency_without_decimals_stay_plausible():
    drafts = [draft for draft in made(currency="JPY") if NOW - draft.created_at < DENSE]
    average = figures(frame_of(drafts), Window(NOW - DENSE, NOW)).average_amount
    assert 5_000 < average < 60_000
