"""Exchange rates as data frames: of a file, or of a server."""

from __future__ import annotations

from datetime import date, datetime
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, overload

import pyarrow as pa

from financeops.arrow.rates import rates_table
from financeops.arrow.tables import check_frame, framed
from financeops.client import RatesAnswer
from financeops.core.errors import InvalidValue, NotFound
from financeops.core.rate_files import read_rates as rates_in
from financeops.core.rates import DayRates, day_in
from financeops.loading.remote import Remote

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

Day: TypeAlias = date | str
"""A day, or its ISO 8601 text."""


@overload
def read_rates(
    path: str | PathLike[str], *, source: str | None = None, frame: Literal["polars"]
) -> pl.DataFrame: ...
@overload
def read_rates(
    path: str | PathLike[str], *, source: str | None = None, frame: Literal["pandas"]
) -> pd.DataFrame: ...
@overload
def read_rates(
    path: str | PathLike[str], *, source: str | None = None, frame: Literal["pyarrow"]
) -> pa.Table: ...
@overload
def read_rates(
    path: str | PathLike[str], *, source: str | None = None, frame: str | None = None
) -> Any: ...
def read_rates(
    path: str | PathLike[str],
    *,
    source: str | None = None,
    frame: str | None = None,
) -> Any:
    r"""Exchange rates of a file as a data frame, for `convert`.

    Parameters
    ----------
    path : path
        The European Central Bank's published history, unpacked (columns ``Date``, ``USD``, ``JPY``, …), or a
        CSV file with the columns ``date``, ``base``, ``quote``, ``rate``, perhaps ``source``.
    source : str, optional
        Who says so. It must be named for a plain file without a column ``source``; default for the other
        form: ``"ecb"``.
    frame : {"polars", "pandas", "pyarrow"}, optional
        Library of the data frame; by default Polars, else pandas, else PyArrow.

    Returns
    -------
    polars.DataFrame, pandas.DataFrame or pyarrow.Table
        One row per rate, oldest first: one unit of ``base`` is ``rate`` units of ``quote``. ``date`` is a date,
        ``rate`` a decimal with all its digits.

    Raises
    ------
    InvalidValue
        Naming line and column of the first thing that is wrong.
    NotFound
        The file does not exist.

    Examples
    --------
    >>> import tempfile
    >>> import financeops as fo
    >>> path = Path(tempfile.mkdtemp()) / "eurofxref-hist.csv"
    >>> _ = path.write_text("Date,USD,JPY,\n1999-01-05,1.1790,130.96,\n1999-01-04,1.1789,133.73,\n")
    >>> fo.read_rates(path, frame="polars").select("date", "quote", "rate").rows()[0]
    (datetime.date(1999, 1, 4), 'JPY', Decimal('133.730000000000'))
    """
    kind = check_frame(frame)
    path = Path(path)
    if not path.is_file():
        raise NotFound(f"there is no file {path}")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return framed(rates_table(rates_in(file, source=source)), kind)
    except UnicodeDecodeError:
        raise InvalidValue("path", f"{path} is not text in UTF-8") from None


def rates_of(
    remote: Remote,
    since: Day | None,
    until: Day | None,
    **chosen: str | None,
) -> pa.Table:
    """The rates that a server has from one day until before another one."""

    async def read() -> list[RatesAnswer]:
        days = remote.client.rates(start=_day("since", since), end=_day("until", until), **chosen)
        return [day async for day in days]

    found = remote.ask(read)
    return rates_table(
        rate
        for day in found
        for rate in DayRates(
            date=day.date, base=day.base, source=day.source, rates=day.rates
        ).each()
    )


def _day(name: str, day: Day | None) -> date | None:
    if day is None:
        return None
    if isinstance(day, datetime) or not isinstance(day, date | str):
        raise InvalidValue(name, f"must be a day such as 2026-11-27, not {day!r}")
    return day_in(str(day), name)
