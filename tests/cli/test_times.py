from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from financeops.cli.times import instant_of
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
def test_what_is_no_time_is_refused(value):
    with pytest.raises(InvalidValue, match=r"createdAt: .* is no time"):
        instant(value)
