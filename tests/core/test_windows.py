from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from financeops.core.errors import InvalidValue
from financeops.core.instants import bound
from financeops.core.periods import EPOCH, LATEST, Window
from financeops.core.windows import ALL_TIME, check_order, ends_of, window_between, window_from
from tests.strategies import instants

ends = st.none() | st.sampled_from([EPOCH, LATEST]) | instants(EPOCH, LATEST)
NAMES = ("--from", "--to")


@given(ends, ends)
def test_a_window_has_the_ends_that_it_was_given(start, end):
    """Even the first and last permitted moments are not mistaken for ends that are left out."""
    assert ends_of(window_between(start, end)) == (start, end)


@given(instants(EPOCH, LATEST))
def test_all_time_holds_every_permitted_moment(moment):
    assert bound(moment) in ALL_TIME


def test_a_date_begins_in_the_zone_and_an_end_may_be_left_out():
    berlin = ZoneInfo("Europe/Berlin")
    window = window_from("2026-03-29", "2026-03-30T12:00:00Z", berlin)
    assert window.start.isoformat() == "2026-03-28T23:00:00+00:00"
    assert window.end.isoformat() == "2026-03-30T12:00:00+00:00"
    assert ends_of(window_from(None, window.end, berlin)) == (None, window.end)
    assert window_from(None, None, berlin) == ALL_TIME


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "Pacific/Kiritimati", "America/New_York"])
def test_the_first_date_is_taken_everywhere_and_begins_no_earlier_than_payments_may(zone):
    window = window_from("1970-01-01", "1970-01-03", ZoneInfo(zone))
    assert EPOCH <= window.start < window.end
    with pytest.raises(InvalidValue, match="between 1970 and"):
        window_from("1969-12-31", None, ZoneInfo("Asia/Tokyo"))


@pytest.mark.parametrize(("start", "end", "field"), [("soon", None, "--from"), (None, "x", "--to")])
def test_an_invalid_moment_is_refused_under_its_sender_s_name(start, end, field):
    with pytest.raises(InvalidValue) as raised:
        window_from(start, end, ZoneInfo("UTC"), names=NAMES)
    assert raised.value.field == field


@given(instants(), instants())
def test_an_empty_window_is_refused(start, end):
    if start < end:
        check_order(Window(start, end), names=NAMES)
    else:
        with pytest.raises(InvalidValue, match="--from: must be before --to"):
            check_order(Window(start, end), names=NAMES)
