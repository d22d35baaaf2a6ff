"""Local time by integer arithmetic equals that of zoneinfo, in every library."""

from bisect import bisect_right
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from financeops.core.errors import InvalidValue
from financeops.core.periods import MILLISECOND, Period, Window, buckets, zone_of
from financeops.frames.engine.clock import (
    DAY_US,
    cut_at,
    hour_of_day,
    instant,
    local,
    micros,
    offsets,
    span,
    window_of,
    within,
)
from financeops.frames.engine.given import checked, payments_of
from financeops.frames.engine.results import collected
from tests import strategies
from tests.frames.conftest import KINDS


def created(moments):
    return pa.table({"created_at": pa.array(moments, pa.timestamp("us", tz="UTC"))})


def around(change):
    """Instants around a clock change, to the microsecond."""
    return [change + n * timedelta(microseconds=1) for n in (-1, 0, 1)] + [
        change + timedelta(minutes=n) for n in (-90, -30, 30, 90)
    ]


@pytest.mark.parametrize("name", strategies.ZONES)
def test_offsets_are_those_of_zoneinfo(name):
    zone = ZoneInfo(name)
    start, end = datetime(2005, 1, 1, tzinfo=UTC), datetime(2012, 1, 1, tzinfo=UTC)
    steps = offsets(zone, start, end)
    at = start
    while at < end:
        offset = steps[bisect_right([since for since, _ in steps], micros(at)) - 1][1]
        assert timedelta(microseconds=offset) == at.astimezone(zone).utcoffset(), at
        at += timedelta(minutes=97)


@pytest.mark.parametrize("name", ["America/New_York", "America/St_Johns", "Australia/Lord_Howe"])
def test_hours_and_days_around_clock_changes(kind, native_of, name):
    zone = ZoneInfo(name)
    year = offsets(zone, datetime(2010, 1, 2, tzinfo=UTC), datetime(2011, 1, 2, tzinfo=UTC))
    moments = [moment for since, _ in year[1:] for moment in around(instant(since))]
    frame = checked(payments_of(native_of(kind, created(moments)), "created_at"))
    between = span(frame)
    assert between == Window(min(moments), max(moments))
    found = collected(
        frame.select(
            hour=hour_of_day("created_at", zone, between),
            day=local("created_at", zone, between) // DAY_US - 1,
        )
    )
    walls = [moment.astimezone(zone) for moment in moments]
    assert found["hour"] == [wall.hour for wall in walls]
    epoch = datetime(1970, 1, 1, tzinfo=UTC).date()
    assert found["day"] == [(wall.date() - epoch).days for wall in walls]


@settings(max_examples=25)
@given(zone=strategies.zones, moments=st.lists(strategies.instants(), max_size=8), data=st.data())
def test_hours_of_any_instants_in_any_zone(zone, moments, data):
    from tests.frames.conftest import native

    kind = data.draw(st.sampled_from(KINDS))
    frame = checked(payments_of(native(kind, created(moments)), "created_at"))
    found = collected(frame.select(hour=hour_of_day("created_at", zone, span(frame))))
    assert found["hour"] == [moment.astimezone(zone).hour for moment in moments]


def test_the_first_hours_of_1970_west_of_greenwich(kind, native_of):
    zone = ZoneInfo("America/New_York")
    frame = checked(payments_of(native_of(kind, created([instant(0)])), "created_at"))
    assert collected(frame.select(h=hour_of_day("created_at", zone, span(frame))))["h"] == [19]


@settings(max_examples=25)
@given(
    zone=strategies.zones,
    period=st.sampled_from(Period),
    as_of=strategies.instants(),
    share=st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=5),
)
def test_a_cut_puts_instants_where_the_buckets_are(zone, period, as_of, share):
    wanted = buckets(period, as_of, zone)
    cut = cut_at([bucket.start for bucket in wanted])
    length = wanted[-1].end - wanted[0].start
    moments = [wanted[0].start + int(part * (length / MILLISECOND)) * MILLISECOND for part in share]
    moments += [bucket.start for bucket in wanted] + [bucket.end - MILLISECOND for bucket in wanted]
    from tests.frames.conftest import native

    frame = checked(payments_of(native("polars", created(moments)), "created_at"))
    units = collected(frame.select(unit=cut.unit_of("created_at")))["unit"]
    for moment, unit in zip(moments, units, strict=True):
        assert moment in wanted[cut.place(unit)]


def test_within_is_half_open_to_the_microsecond(kind, native_of):
    start = datetime(2026, 3, 10, 12, tzinfo=UTC)
    end = start + timedelta(hours=1)
    step = timedelta(microseconds=1)
    frame = checked(
        payments_of(native_of(kind, created([start - step, start, end - step, end])), "created_at")
    )
    found = collected(frame.filter(within("created_at", Window(start, end))))
    assert found["created_at"] == [micros(start), micros(end - step)]


def test_span_of_nothing_is_none(kind, native_of):
    assert span(checked(payments_of(native_of(kind, created([])), "created_at"))) is None


@pytest.mark.parametrize("name", ["Europe/Atlantis", "", "../x", 3])
def test_an_unknown_zone_is_refused(name):
    with pytest.raises(InvalidValue, match="timezone: must be an IANA time zone"):
        zone_of(name)


@pytest.mark.parametrize(
    "window",
    [
        (datetime(2026, 1, 1), datetime(2026, 1, 2)),  # noqa: DTZ001 - naive on purpose
        ("2026-01-01", "2026-01-02"),
        (datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)),
        (datetime(2026, 1, 2, tzinfo=UTC),),
        None,
    ],
)
def test_a_wrong_window_is_named(window):
    with pytest.raises(InvalidValue, match="against: "):
        window_of(window, "against")
