from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from financeops.core.errors import InvalidValue
from financeops.core.periods import (
    DAY,
    EPOCH,
    HOUR,
    MILLISECOND,
    QUARTER,
    Grain,
    Period,
    Window,
    buckets,
    cover,
    day_of,
    floor_hour,
    floor_millisecond,
    floor_quarter,
    grain_end,
    grain_start,
    grain_starts,
    previous_window,
    start_of_day,
    start_of_month,
    window_before,
    window_buckets,
    zone_of,
)
from tests.builders import at
from tests.strategies import ZONES, instants, windows, zones

COUNTS = {Period.DAY: 24, Period.WEEK: 7, Period.MONTH: 30, Period.YEAR: 12}
MONTH_DAY_QUARTER = (Grain.MONTH, Grain.DAY, Grain.QUARTER)

periods = st.sampled_from(Period)


def exists(wall, zone):
    """Whether a clock in the zone ever shows this time."""
    return wall.replace(tzinfo=zone).astimezone(UTC).astimezone(zone).replace(tzinfo=None) == wall


def test_there_are_twenty_zones():
    assert len(set(ZONES)) == 20


@given(periods, instants(), zones)
def test_buckets_partition_the_period_and_the_last_one_is_running(period, as_of, zone):
    cut = buckets(period, as_of, zone)
    assert len(cut) == COUNTS[period]
    assert all(earlier.end == later.start for earlier, later in pairwise(cut))
    # Only a day that the zone skipped is empty.
    assert all(bucket.start < bucket.end or zone.key == "Pacific/Apia" for bucket in cut)
    assert as_of in cut[-1]


@given(st.sampled_from([Period.WEEK, Period.MONTH]), instants(), zones)
def test_daily_buckets_are_the_days_of_the_calendar(period, as_of, zone):
    cut = buckets(period, as_of, zone)
    today = day_of(as_of, zone)
    for back, bucket in enumerate(reversed(cut)):
        assume(bucket.start < bucket.end)
        last = bucket.end - MILLISECOND
        assert day_of(bucket.start, zone) == day_of(last, zone) == today - back * DAY


@given(instants(), zones)
def test_monthly_buckets_are_the_months_of_the_calendar(as_of, zone):
    for bucket in buckets(Period.YEAR, as_of, zone):
        first, last = day_of(bucket.start, zone), day_of(bucket.end - MILLISECOND, zone)
        assert first.day == 1
        assert (first.year, first.month) == (last.year, last.month)
        assert day_of(bucket.end, zone).day == 1


@given(instants(), zones)
def test_hourly_buckets_are_24_hours_that_begin_on_the_hour(as_of, zone):
    cut = buckets(Period.DAY, as_of, zone)
    assert {bucket.end - bucket.start for bucket in cut} == {HOUR}
    offset = as_of.astimezone(zone).utcoffset()
    assert (cut[-1].start + offset).minute == 0


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("UTC", "2026-03-29", 24),
        ("Europe/Berlin", "2026-03-29", 23),
        ("Europe/Berlin", "2026-10-25", 25),
        ("America/New_York", "2026-03-08", 23),
        ("America/New_York", "2026-11-01", 25),
        ("Australia/Lord_Howe", "2026-04-05", 24.5),
        ("Australia/Lord_Howe", "2026-10-04", 23.5),
        ("Pacific/Chatham", "2026-04-05", 25),
        ("Asia/Kathmandu", "2026-04-05", 24),
        ("Asia/Kolkata", "2026-04-05", 24),
        ("America/Havana", "2025-03-09", 23),  # midnight is skipped
        ("America/Havana", "2025-11-02", 25),  # midnight comes twice
        ("Asia/Beirut", "2025-03-30", 23),
        ("Asia/Beirut", "2025-10-25", 25),
        ("America/Sao_Paulo", "2018-11-04", 23),
        ("America/Sao_Paulo", "2018-02-17", 25),
        ("America/Caracas", "2016-05-01", 23.5),
        ("America/St_Johns", "2009-10-31", 24),
        ("America/St_Johns", "2009-11-01", 25),  # at 0:01 back to 23:01 of the day before
        ("Pacific/Apia", "2011-12-29", 24),
        ("Pacific/Apia", "2011-12-30", 0),  # skipped
        ("Pacific/Apia", "2011-12-31", 24),
    ],
)
def test_the_length_of_a_day_follows_the_clock(zone, day, hours):
    zone, day = ZoneInfo(zone), date.fromisoformat(day)
    assert start_of_day(day + DAY, zone) - start_of_day(day, zone) == hours * HOUR


def test_a_day_without_midnight_begins_when_the_clock_jumps():
    start = start_of_day(date(2018, 11, 4), ZoneInfo("America/Sao_Paulo"))
    assert start.astimezone(ZoneInfo("America/Sao_Paulo")).hour == 1
    assert start == at("2018-11-04T03:00:00Z")


def test_a_clock_set_back_over_midnight_does_not_resume_the_day_before():
    zone = ZoneInfo("America/St_Johns")
    again = at("2009-11-01T02:45:00Z")
    assert again.astimezone(zone).date() == date(2009, 10, 31)
    assert day_of(again, zone) == date(2009, 11, 1)
    assert grain_start(Grain.MONTH, again, zone) == start_of_month(2009, 11, zone)


@given(st.integers(1990, 2030), st.integers(-30, 30), zones)
def test_months_outside_the_year_carry(year, month, zone):
    carried = start_of_month(year, month, zone)
    assert carried == start_of_month(year + 1, month - 12, zone)
    assert carried < start_of_month(year, month + 1, zone)


@given(instants(), st.integers(0, 999), zones)
def test_a_floor_is_the_last_boundary_not_after_the_moment(instant, microseconds, zone):
    finer = instant + timedelta(microseconds=microseconds)
    assert floor_millisecond(finer) == instant
    quarter, hour = floor_quarter(finer), floor_hour(finer, zone)
    assert timedelta() <= finer - quarter < QUARTER
    assert timedelta() <= finer - hour < HOUR
    assert (quarter - EPOCH) % QUARTER == timedelta()
    assert (hour + finer.astimezone(zone).utcoffset()).strftime("%M:%S.%f") == "00:00.000000"


@given(st.sampled_from(Grain), instants(), instants(), zones)
def test_a_grain_holds_its_moments_and_keeps_their_order(grain, one, other, zone):
    start = grain_start(grain, one, zone)
    assert start <= one
    assert grain_start(grain, start, zone) == start
    if one <= other:
        assert start <= grain_start(grain, other, zone)


@given(st.sampled_from([Grain.QUARTER, Grain.DAY, Grain.MONTH]), instants(), zones)
def test_a_grain_ends_where_the_next_one_starts(grain, instant, zone):
    end = grain_end(grain, instant, zone)
    assert instant < end
    assert grain_start(grain, end, zone) == end
    assert grain_start(grain, end - MILLISECOND, zone) == grain_start(grain, instant, zone)


@given(st.sampled_from(Grain), windows(timedelta(days=40)), zones)
def test_the_grains_that_overlap_a_window_follow_each_other(grain, window, zone):
    starts = grain_starts(grain, window, zone)
    assert starts[0] == grain_start(grain, window.start, zone)
    assert starts[-1] == grain_start(grain, window.end - MILLISECOND, zone)
    assert all(grain_end(grain, one, zone) == following for one, following in pairwise(starts))


@given(periods, instants(), zones)
def test_the_previous_period_ends_where_the_clock_stood_as_it_does_now(period, as_of, zone):
    wall = floor_quarter(as_of).astimezone(zone).replace(tzinfo=None)
    days = {Period.DAY: 1, Period.WEEK: 7, Period.MONTH: 30}
    if period in days:
        earlier = wall - days[period] * DAY
    else:
        assume((wall.month, wall.day) != (2, 29))
        earlier = wall.replace(year=wall.year - 1)
    assume(exists(earlier, zone))
    end = previous_window(period, as_of, zone).end
    assert end.astimezone(zone).replace(tzinfo=None) == earlier


@given(st.sampled_from([Period.WEEK, Period.MONTH, Period.YEAR]), instants(), zones)
def test_the_previous_period_begins_where_its_own_buckets_do(period, as_of, zone):
    previous = previous_window(period, as_of, zone)
    # In Apia the moment itself may have been skipped.
    assume(not (zone.key == "Pacific/Apia" and previous.end.year in {2011, 2012}))
    # A wall clock that was set back over midnight stands for the day before.
    assume(zone.key != "America/St_Johns" or as_of.year > 2013)
    assert previous.start == buckets(period, previous.end, zone)[0].start


@given(periods, instants(), zones)
def test_the_previous_period_comes_before_the_running_one(period, as_of, zone):
    previous = previous_window(period, as_of, zone)
    assert previous.start < previous.end <= as_of
    assert previous.start < buckets(period, as_of, zone)[0].start


@pytest.mark.parametrize(
    ("period", "zone", "as_of", "start", "end"),
    [
        ("day", "UTC", "2026-03-10T14:05:00Z", "2026-03-08T15:00:00Z", "2026-03-09T14:00:00Z"),
        ("week", "UTC", "2026-03-10T14:20:00Z", "2026-02-25T00:00:00Z", "2026-03-03T14:15:00Z"),
        # 29 February is compared with 28 February.
        ("year", "UTC", "2024-02-29T10:00:00Z", "2022-03-01T00:00:00Z", "2023-02-28T10:00:00Z"),
        # The clock changed in between: 10:00 is compared with 10:00.
        (
            *("week", "Europe/Berlin"),
            *("2026-04-01T08:00:00Z", "2026-03-18T23:00:00Z", "2026-03-25T09:00:00Z"),
        ),
        # The running week begins with a day without midnight, the previous one with a whole day.
        (
            *("week", "America/Sao_Paulo"),
            *("2018-11-10T12:00:00Z", "2018-10-28T03:00:00Z", "2018-11-03T13:00:00Z"),
        ),
    ],
)
def test_previous_periods_of_the_calendar(period, zone, as_of, start, end):
    window = previous_window(Period(period), at(as_of), ZoneInfo(zone))
    assert window == Window(at(start), at(end))


@given(periods, instants(), zones)
def test_whole_days_that_run_are_compared_as_their_period_is(period, as_of, zone):
    """A week or a month is so many whole days; both are cut where the clock showed the same."""
    cut = buckets(period, as_of, zone)
    before = window_before(Window(cut[0].start, cut[-1].end), as_of, zone)
    if period in {Period.WEEK, Period.MONTH}:
        assert before == previous_window(period, as_of, zone)


def test_a_window_of_days_over_a_change_of_the_clock_is_cut_by_the_clock():
    window = Window(at("2026-10-28T23:00:00Z"), at("2026-11-27T23:00:00Z"))
    before = window_before(window, at("2026-11-27T19:00:00Z"), ZoneInfo("Europe/Berlin"))
    assert before == Window(at("2026-09-28T22:00:00Z"), at("2026-10-28T19:00:00Z"))


@given(
    windows(),
    zones,
    st.sampled_from([MONTH_DAY_QUARTER, (Grain.DAY, Grain.QUARTER), (Grain.QUARTER,)]),
)
def test_a_cover_is_the_window_in_whole_rollups_as_coarse_as_can_be(window, zone, grains):
    spans = cover(window, zone, grains)
    assert (spans[0].start, spans[-1].end) == (window.start, window.end)
    assert all(earlier.end == later.start for earlier, later in pairwise(spans))
    for span in spans:
        assert span.start < span.end
        if span.grain is not None:
            assert span.grain in grains
            assert grain_start(span.grain, span.start, zone) == span.start
            assert grain_start(span.grain, span.end, zone) == span.end
        coarser = grains if span.grain is None else grains[: grains.index(span.grain)]
        for grain in coarser:
            last = grain_start(grain, span.end, zone)
            assert grain_start(grain, last - MILLISECOND, zone) < span.start


@given(windows(), zones)
def test_edges_that_no_rollup_fits_are_short_and_at_the_ends(window, zone):
    spans = cover(window, zone)
    if any(span.grain for span in spans):
        assert all(span.end - span.start < QUARTER for span in spans if span.grain is None)
        assert all(span.grain for span in spans[1:-1])
    else:
        assert len(spans) == 1
        assert window.end - window.start < 2 * QUARTER


def test_an_empty_window_needs_no_rollup():
    assert cover(Window(EPOCH, EPOCH), ZoneInfo("UTC")) == []


@given(periods, instants(), zones)
def test_buckets_of_a_period_are_covered_by_whole_rollups(period, as_of, zone):
    for bucket in buckets(period, as_of, zone):
        assert all(span.grain is not None for span in cover(bucket, zone))


@given(windows(), zones)
def test_window_buckets_partition_the_window(window, zone):
    cut = window_buckets(window, zone)
    assert (cut[0].start, cut[-1].end) == (window.start, window.end)
    assert all(earlier.end == later.start for earlier, later in pairwise(cut))
    assert all(bucket.start < bucket.end for bucket in cut)


@given(windows(), zones)
def test_window_buckets_are_hours_days_or_months_by_the_windows_length(window, zone):
    length = window.end - window.start
    for start in [bucket.start for bucket in window_buckets(window, zone)[1:]]:
        if length <= 2 * DAY:
            assert floor_hour(start - MILLISECOND, zone) == start - HOUR
        elif length <= 92 * DAY:
            assert grain_start(Grain.DAY, start, zone) == start
        else:
            assert grain_start(Grain.MONTH, start, zone) == start


def test_a_window_holds_its_start_and_not_its_end():
    window = Window(EPOCH, EPOCH + DAY)
    assert EPOCH in window
    assert EPOCH + DAY not in window
    assert "1970-01-01" not in window


def test_all_times_are_utc():
    zone = ZoneInfo("Asia/Kathmandu")
    as_of = datetime(2026, 3, 10, 12, 5, tzinfo=zone)
    times = [
        floor_quarter(as_of),
        floor_hour(as_of, zone),
        *[
            end
            for period in Period
            for window in (*buckets(period, as_of, zone), previous_window(period, as_of, zone))
            for end in (window.start, window.end)
        ],
    ]
    assert {time.utcoffset() for time in times} == {timedelta()}


def test_the_running_bucket_holds_the_moment_though_its_clock_was_set_back_over_midnight():
    as_of = at("2009-11-01T02:45:00Z")
    for period in Period:
        assert as_of in buckets(period, as_of, ZoneInfo("America/St_Johns"))[-1]


def test_a_day_begins_at_the_jump_when_the_clock_jumps_over_midnight():
    # From 23:30 to 0:30.
    start = start_of_day(date(1919, 3, 31), ZoneInfo("America/Toronto"))
    assert start == at("1919-03-31T04:30:00Z")


@pytest.mark.parametrize(("length", "count"), [(2 * DAY, 48), (3 * DAY, 3), (92 * DAY, 92)])
def test_two_days_are_shown_in_hours_and_92_in_days(length, count):
    start = at("2026-01-01T00:00:00Z")
    assert len(window_buckets(Window(start, start + length), ZoneInfo("UTC"))) == count


def test_a_longer_window_is_shown_in_months():
    start = at("2026-01-01T00:00:00Z")
    assert len(window_buckets(Window(start, start + 93 * DAY), ZoneInfo("UTC"))) == 4


@pytest.mark.parametrize(
    "name",
    [
        *("localtime", "Factory", "posixrules", "right/UTC", "posix/Europe/Berlin"),
        *("Europe/Bonn", "europe/berlin", "", "../UTC", "Europe", "UTC\0"),
    ],
)
def test_an_invalid_zone_is_refused_under_the_name_of_its_field(name):
    with pytest.raises(InvalidValue, match="IANA") as caught:
        zone_of(name, field="--timezone")
    assert caught.value.field == "--timezone"
    assert zone_of("Europe/Berlin").key == "Europe/Berlin"
