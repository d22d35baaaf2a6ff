"""Fill an empty database with realistic payments."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Depends, Query
from msgspec.structs import replace
from starlette.responses import HTMLResponse

from financeops.core.contract import paths
from financeops.core.contract.agreements import DEFAULT_TENANT
from financeops.core.contract.payments import SeedAnswer
from financeops.core.errors import NotFound
from financeops.core.payments import Source
from financeops.simulation.columns import Columns
from financeops.simulation.simulate import simulate_columns
from financeops.store.documents import Key
from financeops.store.tenants import find_record, payments_by_source
from financeops.store.writing.operations import Result
from server.aftermath import inserts_of
from server.dependencies import Here, Services
from server.http.bodies import refuse_body
from server.http.description import answers, page
from server.http.pages import SEED_PAGE
from server.http.parameters import SeedParameters, refuse_all
from server.http.responses import Json
from server.simulation import simulation_config

router = APIRouter(tags=["payments"], default_response_class=Json)

_PART = 500
"""Operations of one transaction: half of what one may hold, because payments with an order and fees take longer,
and on a busy computer the database would be taken for one that has stalled."""


@router.post(
    paths.SEED,
    summary="Seed the Database",
    responses=answers(SeedAnswer, 503),
    dependencies=[Depends(refuse_body)],
)
async def seed(services: Here, params: Annotated[SeedParameters, Query()]) -> Json:
    """Record realistic payments of the past, unless there are other than simulated ones."""
    async with services.seeding:
        if not _recorded(await payments_by_source(services.db)):
            columns = await _history(services, params)
            if created := await _record(services, columns):
                return Json(SeedAnswer(message="Seeded successfully", count=created))
    return Json(SeedAnswer(message="Already seeded", count=await _recorded_here(services)))


@router.get(
    paths.SEED,
    summary="Show the Page That Seeds",
    dependencies=[Depends(refuse_all)],
    response_class=HTMLResponse,
    responses=page("text/html; charset=utf-8"),
)
async def seed_page() -> HTMLResponse:
    """A page with a button that seeds the database, for people without curl."""
    return HTMLResponse(SEED_PAGE)


def _recorded(counts: Mapping[str, int]) -> int:
    """Return the number of payments that were not simulated."""
    return sum(n for source, n in counts.items() if source != Source.SIMULATION)


async def _recorded_here(services: Services) -> int:
    """Return how many of them the seeded tenant has; those of other tenants are private."""
    try:
        return _recorded((await find_record(services.db, DEFAULT_TENANT)).sources)
    except NotFound:
        return 0


async def _history(services: Services, params: SeedParameters) -> Columns:
    config = replace(simulation_config(services.settings), source=Source.SEED.value)
    rng = np.random.default_rng(services.settings.simulate_seed)
    now = services.now()
    since = now - timedelta(days=params.days)
    # A million payments take seconds, during which other requests must be answered.
    return await asyncio.to_thread(
        simulate_columns, config, rng, now, count=params.count, since=since
    )


async def _record(services: Services, columns: Columns) -> int:
    """Record the payments with what became of them, and return how many were new."""
    tenant = await services.tenants.existing_or_new(DEFAULT_TENANT)
    # The key makes each payment count once, even if two server processes seed at the same time.
    inserts = await asyncio.to_thread(inserts_of, columns, _key)
    created = 0
    for start in range(0, len(inserts), _PART):
        outcomes = await services.intake.submit(tenant, inserts[start : start + _PART])
        created += sum(outcome.result is Result.CREATED for outcome in outcomes)
    return created


def _key(place: int) -> Key:
    return ("seed", str(place))
