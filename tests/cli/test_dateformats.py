"""A format of --date-format is used as a whole, or refused before the first row."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from financeops.cli.importing.dateformats import check_format
from financeops.cli.importing.times import instant_of
from financeops.core.errors import InvalidValue

ZONES = [ZoneInfo(name) for name in ("UTC", "Europe/Berlin", "Asia/Kathmandu", "America/New_York")]


@pytest.mark.parametrize(
    "date_format",
    [
        "%Q",
        "%d.%m.%Y %",
        "%-d.%m.%Y",
        "",
        "yesterday",
        "%m/%d/%Y %H:%M %p",
        "%m/%d/%Y %p",
        "%m/%d/%Y %I:%M",
        "%m/%d/%Y %I:%M PM",
        "%m/%d/%Y %I:%M p.m.",
        "%Y-%U",
        "%Y-%W",
        "%Y-%V",
        "%Y-%V-%u",
        "%G-%V",
        "%Y-%m-%d %U",
        "%Y-%j %m-%d",
        "%Y",
        "%Y-%m",
        "%d.%m. %H:%M",
        "%a %H:%M",
        "%H:%M",
        "%Y-%m-%d %Y",
        "%y %Y-%m-%d",
        "%b %Y-%m-%d",
        "%Y-%m-%d %H %I %p",
        "%c %H",
        "%Y-%m-%d %M:%S",
        "%Y-%m-%d %H:%S",
        "%Y-%m-%d %H:%M CEST",
        "%Y-%m-%d %H:%M pst",
        "%Y-%m-%d %H:%M MEZ",
        "%Y-%m-%d %H:%M Europe/Berlin",
        "%Y-%m-%dT%H:%M:%S+00:00",
        "%Y-%m-%dT%H:%M:%S-0500",
        "%Y-%m-%d %H:%M UTC+2",
    ],
)
def test_a_format_whose_parts_would_be_ignored_is_refused(date_format):
    with pytest.raises(InvalidValue, match=r"^--date-format: "):
        check_format(date_format)


@pytest.mark.parametrize("zone", ZONES, ids=str)
@pytest.mark.parametrize(
    ("date_format", "text"),
    [
        ("%Y-%m-%d %H:%M:%S %Z", "2026-07-03 10:00:00 UTC"),
        ("%Y-%m-%d %H:%M:%S %Z", "2026-07-03 10:00:00 gmt"),
        ("%Y-%m-%dT%H:%M:%S%Z", "2026-07-03T10:00:00Z"),
        ("%d.%m.%Y %H:%M:%SZ", "03.07.2026 10:00:00Z"),
        ("%d.%m.%Y %H:%M:%Sz", "03.07.2026 10:00:00Z"),
        ("%d.%m.%Y %H:%M UTC", "03.07.2026 10:00 UTC"),
        ("UTC %d.%m.%Y %H:%M", "utc 03.07.2026 10:00"),
        ("%d.%m.%Y %H:%M (GMT)", "03.07.2026 10:00 (GMT)"),
        ("%d.%m.%Y %H:%M %z", "03.07.2026 12:00 +0200"),
        ("%d.%m.%Y %H:%M%z", "03.07.2026 10:00Z"),
        ("%a %b %d %Y %H:%M:%S GMT%z", "Fri Jul 03 2026 12:00:00 GMT+0200"),
        ("%d.%m.%Y %H:%M %z (CEST)", "03.07.2026 12:00 +0200 (CEST)"),
    ],
)
def test_a_zone_in_the_text_is_used_whatever_the_timezone(zone, date_format, text):
    check_format(date_format)
    instant = instant_of(text, field="refundedAt", zone=zone, date_format=date_format)
    assert instant == datetime(2026, 7, 3, 10, tzinfo=UTC)


@pytest.mark.parametrize("name", ["CEST", "PST", "EST", "IST", "Local", "", "+0200"])
def test_a_name_that_stands_for_several_zones_is_refused(name):
    with pytest.raises(
        InvalidValue, match=r"^createdAt: must be a time in the form .*, not '2026-07-03 10:00 ?.*'"
    ):
        instant_of(
            f"2026-07-03 10:00 {name}",
            field="createdAt",
            zone=ZONES[1],
            date_format=check_format("%Y-%m-%d %H:%M %Z"),
        )


@pytest.mark.parametrize(
    ("date_format", "text", "moment"),
    [
        ("%m/%d/%Y %I:%M %p", "05/03/2026 02:15 PM", "2026-05-03T14:15:00"),
        ("%m/%d/%Y %I:%M %p", "05/03/2026 12:15 AM", "2026-05-03T00:15:00"),
        ("%Y-%U-%w", "2026-18-1", "2026-05-04T00:00:00"),
        ("%Y-%W-%a", "2026-17-Mon", "2026-04-27T00:00:00"),
        ("%G-W%V-%u", "2026-W18-5", "2026-05-01T00:00:00"),
        ("%Y-%j", "2026-121", "2026-05-01T00:00:00"),
        ("%A, %d %B %Y", "Friday, 01 May 2026", "2026-05-01T00:00:00"),
        (
            "%d de %m de %Y a las %H:%M h",
            "1 de 5 de 2026 a las 14:15 h",
            "2026-05-01T14:15:00",
        ),
        ("%d.%m.%y %H Uhr", "01.05.26 14 Uhr", "2026-05-01T14:00:00"),
        (
            "%Y-%m-%dT%H:%M:%S.%f",
            "2026-05-01T14:15:16.250",
            "2026-05-01T14:15:16.250000",
        ),
        ("%c", "Fri May  1 14:15:16 2026", "2026-05-01T14:15:16"),
        ("%x %X", "05/01/26 14:15:16", "2026-05-01T14:15:16"),
        ("100%% %d.%m.%Y", "100% 01.05.2026", "2026-05-01T00:00:00"),
    ],
)
@pytest.mark.parametrize("zone", ZONES, ids=str)
def test_accepted_formats_are_right_in_any_zone(date_format, text, moment, zone):
    instant = instant_of(text, field="createdAt", zone=zone, date_format=check_format(date_format))
    assert instant == datetime.fromisoformat(moment).replace(tzinfo=zone)
