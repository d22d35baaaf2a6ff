"""Times as files write them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from typing import Any

from financeops.cli.importing.dateformats import EXCEL, parsed
from financeops.cli.importing.floats import digits_of
from financeops.core.errors import InvalidValue
from financeops.core.periods import zone_of

_UNIX = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = re.compile(r"\d{8}")
_SECOND = re.compile(r"\d{14}")
_EPOCH = re.compile(r"\d{9,10}(\.\d+)?|\d{12,13}|\d{15,16}")
_OFFSET = re.compile(r"([+-])(\d{2}):(\d{2})")
_BEFORE_EXCEL = datetime(1899, 12, 30)  # noqa: DTZ001 - its days have no zone
_LAST_DAY = Decimal(2_958_465)  # 9999-12-31
_KNOWN = "ISO 8601, YYYYMMDD, YYYYMMDDHHMMSS or Unix time, or set --date-format"


def instant_of(value: Any, *, field: str, zone: tzinfo, date_format: str | None) -> datetime:
    """Convert a value of a file to an aware UTC datetime.

    Parameters
    ----------
    value : str, int, Decimal, date or datetime
        Numbers are Unix time: seconds, milliseconds or microseconds by their size.
    field : str
        Field to name in errors.
    zone : tzinfo
        Zone of times without an offset. Midnight means the beginning of its day, even if clocks
        skip or repeat it.
    date_format : str, optional
        `strptime` format of texts, which `dateformats.check_format` has accepted; ``excel`` for the
        days that a spreadsheet counts.

    Raises
    ------
    InvalidValue
        When it is not a time, or a local time that clocks skip or show twice.
    """
    try:
        moment = moment_of(value, date_format)
        aware = moment.replace(tzinfo=zone) if moment.tzinfo is None else moment
        instant = aware.astimezone(UTC)
    except (ValueError, OverflowError, ArithmeticError):
        expected = _KNOWN
        if date_format:
            expected = f"a time in the form {date_format!r}"
        if date_format == EXCEL:
            expected = "a day as a spreadsheet counts it, such as 46143.5"
        raise InvalidValue(field, f"must be {expected}, not {str(value)[:50]!r}") from None
    if moment.tzinfo is None and moment.time() != time():
        _check_once(aware, instant, field=field, zone=zone)
    return instant


def _check_once(local: datetime, instant: datetime, *, field: str, zone: tzinfo) -> None:
    """Refuse a local time that clocks skip or show twice, which is ambiguous."""
    first, second = local.replace(fold=0), local.replace(fold=1)
    if first.utcoffset() == second.utcoffset():
        return
    shown = local.replace(tzinfo=None)
    if instant.astimezone(zone).replace(tzinfo=None) != shown:
        raise InvalidValue(
            field, f"clocks in {zone} skip {shown}: write it with its offset from UTC"
        )
    offsets = " or ".join(each.isoformat()[len(shown.isoformat()) :] for each in (first, second))
    raise InvalidValue(
        field, f"clocks in {zone} show {shown} twice: write it with its offset, {offsets}"
    )


def moment_of(value: Any, date_format: str | None = None) -> datetime:
    """Convert a value of a file to a datetime, naive if it has no offset.

    Raises
    ------
    ValueError, OverflowError, ArithmeticError
        When it is not a time.
    """
    match value:
        case datetime():
            return value
        case date():
            return datetime.combine(value, time())
        case bool():
            raise ValueError
        case int():
            text = str(value)
        case Decimal():
            text = digits_of(value)
        case str():
            text = value.strip()
        case _:
            raise ValueError
    if date_format == EXCEL:
        return _of_days(Decimal(text))
    if date_format is not None:
        return parsed(text, date_format)
    if _DAY.fullmatch(text):
        return datetime.strptime(text, "%Y%m%d")  # noqa: DTZ007
    if _SECOND.fullmatch(text):
        return datetime.strptime(text, "%Y%m%d%H%M%S")  # noqa: DTZ007
    if _EPOCH.fullmatch(text):
        whole = len(text.partition(".")[0])
        scale = 1 if whole <= 10 else 1_000 if whole <= 13 else 1_000_000
        return _UNIX + timedelta(microseconds=int(Decimal(text) * (1_000_000 // scale)))
    return datetime.fromisoformat(text)


def _of_days(days: Decimal) -> datetime:
    """The moment of a spreadsheet's day, to the millisecond: its fraction is that of a double."""
    if not 0 < days <= _LAST_DAY:
        raise ValueError
    milliseconds = int((days * 86_400_000).to_integral_value())
    return _BEFORE_EXCEL + timedelta(milliseconds=milliseconds)


def zone_in(text: str, *, field: str) -> tzinfo:
    """The zone that a file names: an IANA name, ``UTC`` or an offset such as ``-05:00``.

    Raises
    ------
    InvalidValue
        Naming `field`.
    """
    if offset := _OFFSET.fullmatch(text):
        sign = -1 if offset[1] == "-" else 1
        return timezone(sign * timedelta(hours=int(offset[2]), minutes=int(offset[3])))
    try:
        return zone_of(text, field=field)
    except InvalidValue:
        raise InvalidValue(
            field,
            f"is in the zone {text[:50]!r}, which is not known: name it in a preset of your own",
        ) from None
