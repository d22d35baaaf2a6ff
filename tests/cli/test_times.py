from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from financeops.cli.importing.times import instant_of
from financeops.core.errors import InvalidValue

BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime(2024, 7, 1, 12, tzinfo=UTC)


def instant(value, date_format=None):
    return instant_of(value, field="createdAt", zone=BERLIN, date_format=date_format)


@pytest.mark.parametrize(
    "value",
    [
        "2024-07-01T12:00:00Z",
        "2024-07-01 14:00",
        "2024-07-01T14:00:00+02:00",
        "20240701140000",
        "1719835200",
        "1719835200.000",
        "1719835200000",
        "1719835200000000",
        1719835200,
        1719835200000,
        Decimal("1.7198352E+9"),
        Decimal("1719835200.0"),
        datetime(2024, 7, 1, 14),  # noqa: DTZ001
        NOON,
    ],
)
def test_one_moment_in_many_forms(value):
    assert instant(value) == NOON


@pytest.mark.parametrize("value", ["20240701", "2024-07-01", date(2024, 7, 1)])
def test_a_day_is_its_first_moment_in_the_zone(value):
    assert instant(value) == datetime(2024, 6, 30, 22, tzinfo=UTC)


def test_any_other_form_can_be_described():
    assert instant("01.07.2024 14h", "%d.%m.%Y %Hh") == NOON
    assert instant("12:00 +0000 Jul 1 24", "%H:%M %z %b %d %y") == NOON


@pytest.mark.parametrize(
    "value", ["", "noon", "2024-13-01", "99999999", "1", True, [], "0001-01-01", 10**30]
)
def test_an_invalid_time_is_refused(value):
    with pytest.raises(InvalidValue, match=r"createdAt: must be .*, not"):
        instant(value)


@pytest.mark.parametrize(
    ("zone", "value", "why"),
    [
        ("Europe/Berlin", "2025-03-30 02:30", "skip 2025-03-30 02:30:00"),
        ("Europe/Berlin", datetime(2025, 3, 30, 2), "skip 2025-03-30 02:00:00"),  # noqa: DTZ001
        (
            "Europe/Berlin",
            "20251026023000",
            "show 2025-10-26 02:30:00 twice: .*[+]02:00 or [+]01:00",
        ),
        ("Australia/Lord_Howe", "2025-04-06 01:45", "twice: .*[+]11:00 or [+]10:30"),
        ("America/Havana", "2025-11-02 00:30", "twice: .*-04:00 or -05:00"),
    ],
)
def test_a_time_that_clocks_skip_or_show_twice_needs_an_offset(zone, value, why):
    with pytest.raises(InvalidValue, match=f"createdAt: clocks in {zone} .*{why}"):
        instant_of(value, field="createdAt", zone=ZoneInfo(zone), date_format=None)


@pytest.mark.parametrize(
    ("zone", "value", "moment"),
    [
        ("Europe/Berlin", "2025-10-26 02:30+01:00", (2025, 10, 26, 1, 30)),
        ("Europe/Berlin", "2025-10-26 03:00", (2025, 10, 26, 2)),
        ("Europe/Berlin", "2025-10-26 01:59:59", (2025, 10, 25, 23, 59, 59)),
        ("Europe/Berlin", "2025-03-30 03:00", (2025, 3, 30, 1)),
        ("America/Havana", "2025-11-02", (2025, 11, 2, 4)),  # midnight comes twice
        ("America/Sao_Paulo", "2018-11-04", (2018, 11, 4, 3)),  # there is no midnight
    ],
)
def test_the_hours_around_a_change_of_the_clock_are_right(zone, value, moment):
    found = instant_of(value, field="createdAt", zone=ZoneInfo(zone), date_format=None)
    assert found == datetime(*moment, tzinfo=UTC)
