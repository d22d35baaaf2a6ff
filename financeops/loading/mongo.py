"""Read payments as a data frame directly from MongoDB."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Unpack, overload
from zoneinfo import ZoneInfo

import pyarrow as pa
from msgspec.structs import replace

from financeops.arrow.tables import SCHEMA, check_columns, check_frame, framed
from financeops.core.choices import choice_of
from financeops.core.contract.agreements import DEFAULT_TENANT
from financeops.core.instants import Moment
from financeops.core.payments import Status
from financeops.core.selection import Selection
from financeops.core.windows import check_order, window_from
from financeops.store.database.connection import close, connect
from financeops.store.reading.batches import payment_tables
from financeops.store.tenants import find_tenant

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl


class MongoParams(TypedDict, total=False):
    """Which payments are read; see `from_mongo`."""

    tenant: str
    since: Moment | None
    until: Moment | None
    status: str | None
    method: str | None
    currency: str | None
    columns: Iterable[str] | None


@overload
def from_mongo(
    uri: str, *, frame: Literal["polars"], **params: Unpack[MongoParams]
) -> pl.DataFrame: ...
@overload
def from_mongo(
    uri: str, *, frame: Literal["pandas"], **params: Unpack[MongoParams]
) -> pd.DataFrame: ...
@overload
def from_mongo(
    uri: str, *, frame: Literal["pyarrow"], **params: Unpack[MongoParams]
) -> pa.Table: ...
@overload
def from_mongo(uri: str, *, frame: str | None = None, **params: Unpack[MongoParams]) -> Any: ...
def from_mongo(
    uri: str,
    *,
    tenant: str = DEFAULT_TENANT,
    since: Moment | None = None,
    until: Moment | None = None,
    status: str | None = None,
    method: str | None = None,
    currency: str | None = None,
    columns: Iterable[str] | None = None,
    frame: str | None = None,
) -> Any:
    """Payments of a tenant as a data frame, read directly from MongoDB.

    It needs access to the database; without it, use `connect`. It only reads, so the role ``read``
    suffices. BSON is converted directly to Arrow (pymongoarrow), one part of the time after
    another, and no query is unbounded.

    Parameters
    ----------
    uri : str
        ``mongodb://`` or ``mongodb+srv://``; its path names the database, by default
        ``financeops``.
    tenant : str
    since, until : datetime, date or str, optional
        Only payments created at or after `since` and before `until`: an aware datetime, a date
        (its first moment in the tenant's time zone) or either as ISO 8601 text.
    status : {"success", "failed", "refunded"}, optional
    method, currency : str, optional
        Only these payments.
    columns : iterable of str, optional
        Which columns, in this order; all by default.
    frame : {"polars", "pandas", "pyarrow"}, optional
        Library of the data frame; by default Polars, else pandas, else PyArrow.

    Returns
    -------
    polars.DataFrame, pandas.DataFrame or pyarrow.Table
        One row per payment, oldest first, equal times by id, in the canonical columns
        (`financeops.arrow.tables`): amounts are Int64 minor units, times UTC with milliseconds.
        Without payments it has the same columns and no rows.

    Raises
    ------
    InvalidValue
        A parameter is wrong, or a stored value is one that no payment can have; the error names it.
    NotFound
        The tenant does not exist.
    Misconfigured, Unavailable
        The database is not configured as needed, or cannot be reached now.

    Examples
    --------
    >>> import financeops as fo
    >>> fo.from_mongo("mongodb://db1/financeops?replicaSet=rs0", status="failed")  # doctest: +SKIP
    """
    kind = check_frame(frame)
    names = check_columns(columns)
    chosen = Selection(
        status=None if status is None else choice_of(Status, status, field="status"),
        method=method,
        currency=currency,
    )
    # In its own thread, because a notebook's event loop already runs in this one.
    with ThreadPoolExecutor(1, thread_name_prefix="financeops-mongo") as thread:
        work = _read(uri, tenant, chosen, (since, until), names)
        return framed(thread.submit(asyncio.run, work).result(), kind)


async def _read(
    uri: str,
    tenant_id: str,
    chosen: Selection,
    between: tuple[Moment | None, Moment | None],
    columns: list[str],
) -> pa.Table:
    db = await connect(uri)
    try:
        zone = ZoneInfo((await find_tenant(db, tenant_id)).timezone)
        window = window_from(*between, zone)
        check_order(window, names=("since", "until"))
        chosen = replace(chosen, window=window)
        async with aclosing(payment_tables(db, tenant_id, chosen, columns)) as tables:
            found = [table async for table in tables]
    finally:
        await close(db)
    empty = SCHEMA.empty_table().select(columns)
    return pa.concat_tables([empty, *found]).combine_chunks()
