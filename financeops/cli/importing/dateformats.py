"""`--date-format`: accept only formats of which every part counts; `strptime` ignores some."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from itertools import combinations
from zoneinfo import ZoneInfo, available_timezones

from financeops.core.errors import InvalidValue

OPTION = "--date-format"
EXCEL = "excel"
"""In place of a format: the days that a spreadsheet counts."""

_PART = re.compile(r"%(.?)", re.DOTALL)
_WORD = re.compile(r"[^\W\d_]+")
_HALF = re.compile(r"(?<![^\W\d_])[ap]\.?m(?![^\W\d_])", re.IGNORECASE)
_OFFSET = re.compile(r"\+\d|-\d\d:?\d\d|(UTC|GMT) ?[+-] ?\d", re.IGNORECASE)

# What each directive gives. Two that give the same may contradict each other silently.
_GIVES = {
    "a": {"weekday"},
    "A": {"weekday"},
    "w": {"weekday"},
    "u": {"weekday"},
    "d": {"day"},
    "b": {"month"},
    "B": {"month"},
    "m": {"month"},
    "y": {"year"},
    "Y": {"year"},
    "H": {"hour"},
    "I": {"hour", "half"},
    "p": {"am or pm"},
    "M": {"minute"},
    "S": {"second"},
    "f": {"fraction"},
    "z": {"offset"},
    "Z": {"zone"},
    "j": {"day of the year"},
    "U": {"week"},
    "W": {"week"},
    "G": {"ISO year"},
    "V": {"ISO week"},
    "c": {"weekday", "day", "month", "year", "hour", "minute", "second"},
    "x": {"day", "month", "year"},
    "X": {"hour", "minute", "second"},
    "%": set[str](),
}
_DAYS = (
    {"year", "month", "day"},
    {"year", "day of the year"},
    {"year", "week", "weekday"},
    {"ISO year", "ISO week", "weekday"},
)
_NEEDS = {"minute": "hour", "second": "minute", "fraction": "second"}
_UTC = ("UTC", "GMT", "Z")


def check_format(date_format: str) -> str:
    """Return a format if every part of it helps to say when a payment was made.

    Raises
    ------
    InvalidValue
        Naming ``--date-format``: for a directive that does not exist, that `strptime` ignores, or
        that contradicts another; without a day; for the name of a zone other than UTC.
    """
    if date_format == EXCEL:
        return date_format
    directives = _PART.findall(date_format)
    for directive in directives:
        if directive not in _GIVES:
            _refuse(f"has no directive %{directive}")
    for one, other in combinations(directives, 2):
        if twice := _GIVES[one] & _GIVES[other]:
            _refuse(f"gives the {min(twice)} twice: %{one} and %{other}")
    given = set[str]().union(*(_GIVES[directive] for directive in directives))
    if "half" in given and "am or pm" not in given:
        _refuse("has %I, an hour of 1 to 12, without %p for AM or PM: %H is the hour of the day")
    if "am or pm" in given and "half" not in given:
        _refuse("has %p, which has no effect unless %I is the hour: '%I:%M %p'")
    day = given & set[str]().union(*_DAYS)
    if day - {"weekday"} not in [whole - {"weekday"} for whole in _DAYS] or (
        "weekday" not in day and day & {"week", "ISO week"}
    ):
        _refuse("must name the day in one way: %Y-%m-%d, %Y-%j, %Y-%U-%w or %G-%V-%u")
    for part, whole in _NEEDS.items():
        if part in given and whole not in given:
            _refuse(f"gives the {part} without the {whole}")
    _check_words(_PART.sub(" ", date_format), given)
    return date_format


def parsed(text: str, date_format: str) -> datetime:
    """Parse a text in a format that `check_format` accepted; naive if it has no zone.

    ``%Z`` reads ``UTC``, ``GMT`` and ``Z``; other abbreviations are ambiguous.

    Raises
    ------
    ValueError
        When the text has another form.
    """
    for variant, utc in _variants(date_format):
        try:
            moment = datetime.strptime(text, variant)  # noqa: DTZ007 - the zone follows
        except ValueError:
            continue
        return moment.replace(tzinfo=UTC) if utc else moment
    raise ValueError


def _refuse(problem: str) -> None:
    raise InvalidValue(OPTION, problem)


def _check_words(literal: str, given: set[str]) -> None:
    """Refuse literal text that looks meaningful but would be ignored."""
    words = {word.upper(): word for word in _WORD.findall(literal)}
    if half := _HALF.search(literal):
        _refuse(f"has {half[0]!r} as literal text: %p reads AM and PM, with %I")
    if "offset" in given:
        return
    if offset := _OFFSET.search(literal):
        _refuse(f"has {offset[0]!r} as literal text: %z reads an offset")
    if zones := words.keys() & _abbreviations():
        _refuse(f"has {words[min(zones)]!r}, a zone that would be ignored: use --timezone")
    for zone in available_timezones():
        if "/" in zone and zone in literal:
            _refuse(f"has {zone!r}, a zone that would be ignored: use --timezone")


@lru_cache(maxsize=1)
def _abbreviations() -> frozenset[str]:
    """Abbreviations of zones other than UTC: CEST, PST, MESZ."""
    moments = (datetime(2026, 7, 1), datetime(2026, 1, 1))  # noqa: DTZ001 - of any zone
    names = {
        str(moment.replace(tzinfo=ZoneInfo(zone)).tzname()).upper()
        for zone in available_timezones()
        for moment in moments
    }
    return frozenset(names | {"MEZ", "MESZ"}) - {"UTC", "GMT", "Z"}


@lru_cache(maxsize=8)
def _variants(date_format: str) -> tuple[tuple[str, bool], ...]:
    """Return the formats to try, each with whether it means UTC."""
    directives = _PART.findall(date_format)
    if "z" in directives:
        return ((date_format, False),)
    if "Z" in directives:
        return tuple((_with_zone(date_format, name), True) for name in _UTC)
    words = {word.upper() for word in _WORD.findall(_PART.sub(" ", date_format))}
    return ((date_format, not words.isdisjoint(_UTC)),)


def _with_zone(date_format: str, name: str) -> str:
    return _PART.sub(lambda part: name if part[1] == "Z" else part[0], date_format)
