"""A simulated shop to try things on: the same payments for everybody, and their incidents."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np
import pyarrow as pa
from msgspec.structs import replace

from financeops.arrow.tables import SCHEMA, check_frame, framed
from financeops.client import Client
from financeops.core.contract.agreements import MAX_BATCH
from financeops.core.errors import FinanceOpsError, NotFound
from financeops.core.fields import Kind
from financeops.core.money import to_major
from financeops.core.payments import OPTIONAL, Draft, Source, Status, explained
from financeops.core.periods import Window
from financeops.loading.background import Background
from financeops.loading.patience import patiently
from financeops.loading.progress import progress_bar
from financeops.simulation.incidents import Incident, incidents_between
from financeops.simulation.scenario import SimulationConfig, profiles
from financeops.simulation.simulate import simulate

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
        Canonical columns (`financeops.arrow.tables`), oldest first. A payment is refunded only if
        its refund lies before `until`.

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
    made = simulate(business, np.random.default_rng(business.seed), until, count=count, since=since)
    drafts = [explained(draft) for draft in made]
    columns: dict[str, list[Any]] = {
        # What the ledger sets.
        **{name: [None] * count for name in SCHEMA.names},
        **{name: [getattr(draft, name) for draft in drafts] for name in Draft.__struct_fields__},
        "id": [f"{place:024x}" for place in range(count)],
        "status": [draft.status.value for draft in drafts],
        "updated_at": [draft.refunded_at or draft.created_at for draft in drafts],
        "fee_amount": [0] * count,
        "revision": [0] * count,
        "refunded_amount": [
            draft.amount if draft.status is Status.REFUNDED else 0 for draft in drafts
        ],
    }
    return framed(pa.table({name: columns[name] for name in SCHEMA.names}, schema=SCHEMA), kind)


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
        drafts = simulate(SHOP, rng, DAYS.end, count=PAYMENTS, since=DAYS.start)
        documents = [_document(draft, place) for place, draft in enumerate(drafts)]
        parts = [documents[start : start + MAX_BATCH] for start in range(0, PAYMENTS, MAX_BATCH)]
        with progress_bar(PAYMENTS, shown=progress) as arrived:
            for part in parts:
                await _send(client, part)
                arrived(len(part))
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


async def _send(client: Client, part: list[dict[str, Any]]) -> None:
    answer = await client.post_batch(part, source=SHOP.source)
    refused = next((item.problem for item in answer.items if item.problem is not None), None)
    if refused is not None:
        raise FinanceOpsError(f"the demonstration's payments were refused: {refused.detail}")


def _document(draft: Draft, place: int) -> dict[str, Any]:
    """JSON of a payment; its reference makes sending it again harmless."""
    document = {
        "tenantId": draft.tenant_id,
        "amount": to_major(draft.amount, draft.currency),
        "currency": draft.currency,
        "method": draft.method,
        "status": draft.status.value,
        "createdAt": draft.created_at,
        **{
            field.json: getattr(draft, field.name)
            for field in OPTIONAL
            if field.kind is not Kind.INTEGER
        },
        "reference": f"{SHOP.tenant_id}-{place}",
    }
    return {name: value for name, value in document.items() if value is not None}
