"""Whole days as people choose them: from one date through another."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

from msgspec import Struct

from financeops.core.errors import InvalidValue
from financeops.core.periods import DAY, EPOCH, LATEST, Window, start_of_day

EARLIEST_DAY = EPOCH.date()
LATEST_DAY = LATEST.date() - DAY


class Days(Struct, frozen=True):
    """The days from `since` through `through`, both included.

    Raises
    ------
    InvalidValue
        If `since` lies after `through`, or one of them beyond every payment.
    """

    since: date
    through: date

    def __post_init__(self) -> None:
        for name, day in (("since", self.since), ("through", self.through)):
            if not EARLIEST_DAY <= day <= LATEST_DAY:
                raise InvalidValue(name, f"must be from {EARLIEST_DAY} through {LATEST_DAY}")
        if self.since > self.through:
            raise InvalidValue("since", "must not be after through")

    def __str__(self) -> str:
        return f"{self.since}--{self.through}"  # as ISO 8601 writes an interval in file names

    def __len__(self) -> int:
        return (self.through - self.since).days + 1

    def window(self, zone: ZoneInfo) -> Window:
        """From the start of the first day to the end of the last one, in `zone`."""
        return Window(start_of_day(self.since, zone), start_of_day(self.through + DAY, zone))
