"""Real purchases: CDs bought by 23,570 customers at CDNOW."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

import pyarrow as pa

from financeops.arrow.tables import SCHEMA, check_frame, framed
from financeops.core.errors import Misconfigured
from financeops.core.payments import Status

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

_PACKAGE, _FILE = "lifetimes", "CDNOW_master.txt"


@overload
def cdnow(*, frame: Literal["polars"]) -> pl.DataFrame: ...
@overload
def cdnow(*, frame: Literal["pandas"]) -> pd.DataFrame: ...
@overload
def cdnow(*, frame: Literal["pyarrow"]) -> pa.Table: ...
@overload
def cdnow(*, frame: str | None = None) -> Any: ...
def cdnow(*, frame: str | None = None) -> Any:
    """Purchases at CDNOW until June 1998 by all customers whose first one was in early 1997.

    There are 69,659 purchases by 23,570 customers. Each line of the file is one purchase: its day,
    customer and amount.

    Parameters
    ----------
    frame : {"polars", "pandas", "pyarrow"}, optional
        Library of the data frame; by default Polars, else pandas, else PyArrow.

    Returns
    -------
    polars.DataFrame, pandas.DataFrame or pyarrow.Table
        The canonical columns (`financeops.arrow.tables`) ``customer_id``, ``created_at`` (midnight UTC of
        the day), ``amount`` (US cents), ``currency`` and ``status``: every purchase succeeded.

    Raises
    ------
    InvalidValue
        `frame` is not one of the three.
    Misconfigured
        The package that ships the file is not installed.

    Notes
    -----
    Fader and Hardie published the data: *Forecasting Repeat Sales at CDNOW*, Interfaces 31 (2001).
    The package lifetimes (MIT) ships them; it is not imported.

    Examples
    --------
    >>> purchases = cdnow(frame="pyarrow")
    >>> purchases.num_rows, purchases["amount"][0].as_py()
    (69659, 1177)
    """
    kind = check_frame(frame)
    with _path().open(encoding="ascii") as lines:
        next(lines)
        rows = [line.split() for line in lines]
    days = {row[1] for row in rows}
    midnights = {day: datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC) for day in days}
    columns = {
        "customer_id": [row[0] for row in rows],
        "created_at": [midnights[row[1]] for row in rows],
        # Every line has two decimals: without the point, the number is cents.
        "amount": [int(row[3].replace(".", "")) for row in rows],
        "currency": ["USD"] * len(rows),
        "status": [Status.SUCCESS.value] * len(rows),
    }
    schema = pa.schema([SCHEMA.field(name) for name in columns])
    return framed(pa.table(columns, schema=schema), kind)


def _path() -> Path:
    try:
        found = [file for file in files(_PACKAGE) or () if file.name == _FILE]
    except PackageNotFoundError:
        raise Misconfigured(
            "the CDNOW purchases come with the package lifetimes: pip install lifetimes"
        ) from None
    return Path(str(found[0].locate()))
