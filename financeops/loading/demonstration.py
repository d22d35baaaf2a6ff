"""A simulated shop to try things on: the same payments for everybody, and their incidents."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np
import pyarrow as pa
from msgspec.structs import replace

from financeops.arrow.tables import check_frame, framed
from financeops.client import Client
from financeops.core.errors import FinanceOpsError, NotFound
from financeops.core.payments import Source
from financeops.core.periods import Window
from financeops.loading.background import Background
from financeops.loading.patience import patiently
from financeops.loading.progress import progress_bar
from financeops.loading.simulated import table_of
from financeops.loading.telling import tell
from financeops.simulation.incidents import Incident, incidents_between
from financeops.simulation.scenario import SimulationConfig, profiles
from financeops.simulation.simulate import simulate_columns

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

PAYMENTS = 16_000
DAYS = Window(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 9, tzinfo=UTC))
"""A Sunday and the week after it."""


def _shop() -> SimulationConfig:
    """Most customers pay by card, and nine attempts in ten succeed, so incidents are visible."""
    shares = {"card": 0.85, "paypal": 0.07, "bank_transfer": 0.05, "crypto": 0.03}
    methods = tuple(replace(each, weight=shares[each.name]) for each in profiles(shares))
    return SimulationConfig(
        tenant_id="demo", methods=methods, success_rate=0.92, seed=8, source=Source.IMPORT.value
    )


SHOP = _shop()
"""The shop whose payments `demo` records."""


def demo(url: str | None = None, *, token: str | None = None, progress: bool = True) -> str:
    """Record eight days of payments of a simulated shop on the server, for their own tenant.

    They are the same for everybody, and contain incidents to find. When they are already recorded,
    it records nothing.

    Parameters
    ----------
    url : str, optional
        Default: ``FINANCEOPS_URL``, else ``http://localhost:3001``.
    token : str, optional
        For a proxy in front of the server that requires one.
    progress : bool
        Whether to show a progress bar while they are recorded, for about ten seconds.

    Returns
    -------
    str
        The tenant: ``"demo"``. Its currency is US dollars, its time zone UTC.

    Raises
    ------
    FinanceOpsError
        The tenant has other payments.
    Unavailable
        The server, or its database, cannot be reached now.

    Examples
    --------
    >>> payments = fo.connect(tenant=demo()).payments()  # doctest: +SKIP
    """
    background = Background()
    try:
        # Its references make sending again harmless.
        patiently(lambda: background.run(_record(url, token=token, progress=progress)))
    finally:
        background.close()
    return SHOP.tenant_id


def demo_incidents() -> list[Incident]:
    """The incidents in the payments of `demo`, oldest first.

    Returns
    -------
    list of Incident
        Country and window: in the `window`, nine in ten card payments from the `country` failed
        with ``issuer_unavailable``.

    Examples
    --------
    >>> [(incident.country, str(incident.window.start)) for incident in demo_incidents()]
    [('GB', '2026-03-04 16:52:00+00:00'), ('US', '2026-03-06 17:39:00+00:00')]
    """
    return simulated_incidents(since=DAYS.start, until=DAYS.end)


@overload
def simulated(
    count: int,
    *,
    since: datetime,
    until: datetime,
    business: SimulationConfig = ...,
    frame: Literal["polars"],
) -> pl.DataFrame: ...
@overload
def simulated(
    count: int,
    *,
    since: datetime,
    until: datetime,
    business: SimulationConfig = ...,
    frame: Literal["pandas"],
) -> pd.DataFrame: ...
@overload
def simulated(
    count: int,
    *,
    since: datetime,
    until: datetime,
    business: SimulationConfig = ...,
    frame: Literal["pyarrow"],
) -> pa.Table: ...
@overload
def simulated(
    count: int,
    *,
    since: datetime,
    until: datetime,
    business: SimulationConfig = ...,
    frame: str | None = None,
) -> Any: ...
def simulated(
    count: int,
    *,
    since: datetime,
    until: datetime,
    business: SimulationConfig = SHOP,
    frame: str | None = None,
) -> Any:
    """Simulated payments as a data frame, without a server.

    Parameters
    ----------
    count : int
        How many payments.
    since, until : datetime
        Aware: the payments lie between them and vary by hour and weekday.
    business : SimulationConfig
        The simulated business; its `seed` determines the payments. Default: the shop of `demo`.
    frame : {"polars", "pandas", "pyarrow"}, optional
        Library of the data frame; by default Polars, else pandas, else PyArrow.

    Returns
    -------
    polars.DataFrame, pandas.DataFrame or pyarrow.Table
        Canonical columns (`financeops.arrow.tables`), oldest first: whole lives of payments, with
        orders and their attempts, fees, settlements, refunds and disputes. What would happen after
        `until` is not in it.

    Raises
    ------
    InvalidValue
        `frame` is not one of the three.
    ValueError
        `since` is not before `until`.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> payments = simulated(
    ...     5, since=datetime(2026, 3, 1, tzinfo=UTC), until=datetime(2026, 3, 2, tzinfo=UTC),
    ...     frame="pyarrow",
    ... )
    >>> payments.num_rows, payments["currency"].to_pylist() == ["USD"] * 5
    (5, True)
    """
    kind = check_frame(frame)
    rng = np.random.default_rng(business.seed)
    return framed(table_of(simulate_columns(business, rng, until, count=count, since=since)), kind)


def simulated_incidents(
    *, since: datetime, until: datetime, business: SimulationConfig = SHOP
) -> list[Incident]:
    """The incidents in the payments of `simulated`, oldest first.

    Parameters
    ----------
    since, until : datetime
        Aware: the incidents begin between them.
    business : SimulationConfig
        The simulated business. Default: the shop of `demo`.

    Returns
    -------
    list of Incident
        Country and window: in the `window`, nine in ten card payments from the `country` failed
        with ``issuer_unavailable``.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> day = datetime(2026, 3, 4, tzinfo=UTC), datetime(2026, 3, 5, tzinfo=UTC)
    >>> [incident.country for incident in simulated_incidents(since=day[0], until=day[1])]
    ['GB']
    """
    return [
        incident
        for incident in incidents_between(business, since, until)
        if since <= incident.window.start < until
    ]


async def _record(url: str | None, *, token: str | None, progress: bool) -> None:
    async with Client(url, token=token) as client:
        already = await _recorded(client)
        if already == PAYMENTS:
            return
        if already > PAYMENTS or (already and not await _only_the_shops(client)):
            raise _others()
        rng = np.random.default_rng(SHOP.seed)
        columns = await asyncio.to_thread(
            simulate_columns, SHOP, rng, DAYS.end, count=PAYMENTS, since=DAYS.start
        )
        with progress_bar(PAYMENTS, shown=progress) as arrived:
            await tell(client, columns, arrived=arrived)
        if await _recorded(client) != PAYMENTS:
            raise _others()


def _others() -> FinanceOpsError:
    return FinanceOpsError(f"tenant {SHOP.tenant_id} has payments that are not the shop's")


async def _recorded(client: Client) -> int:
    """Number of payments of the tenant; 0 also when it does not exist yet."""
    try:
        return (await client.metrics(SHOP.tenant_id)).total_payments
    except NotFound:
        return 0


async def _only_the_shops(client: Client) -> bool:
    """Whether all payments of the tenant are the shop's: none are recorded beside others."""
    async for payment in client.payments(SHOP.tenant_id):
        if not (payment.reference or "").startswith(f"{SHOP.tenant_id}-"):
            return False
    return True
