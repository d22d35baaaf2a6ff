"""Exchange rates: record and list them. They are of no tenant, for all know them."""

from __future__ import annotations

from collections.abc import Container
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query, Request

from financeops.core.contract import paths
from financeops.core.contract.agreements import JSON, MAX_RATE_DAYS, NDJSON
from financeops.core.contract.rates import (
    RatesAnswer,
    RatesRecomputed,
    RatesRecorded,
    RatesRequest,
)
from financeops.core.errors import InvalidValue
from financeops.core.numbers import number_in
from financeops.core.periods import Window
from financeops.core.rates import (
    DayRates,
    check_currency_of_rate,
    check_pair,
    check_rate,
    check_source,
    day_in,
)
from financeops.core.reading import read_rates_request
from financeops.store.rates import read_rates, record_rates
from server.dependencies import Here
from server.http import examples
from server.http.bodies import read_elements, refuse_body
from server.http.description import answers, body, header, schema_of
from server.http.parameters import RatesParameters, RecomputeParameters, RecordRatesParameters
from server.http.responses import Json

router = APIRouter(tags=["rates"], default_response_class=Json)

_LINK = header('The next page, if there is one: `</api/rates?…>; rel="next"`')
_BODIES = {
    JSON: {"type": "array", "maxItems": MAX_RATE_DAYS, "items": schema_of(RatesRequest)},
    NDJSON: {
        "type": "string",
        "description": "One day per line, as JSON; lines end with LF or CRLF",
    },
}
_AHEAD = timedelta(days=1)
"""The clock of some place is already at the next day."""


@router.get(
    paths.RATES,
    summary="List Exchange Rates",
    responses=answers(list[RatesAnswer], 503, headers={"Link": _LINK}),
)
async def rates(services: Here, params: Annotated[RatesParameters, Query()]) -> Json:
    """Rates by day, newest first; the `Link` header leads to the next page."""
    if params.start is not None and params.end is not None and params.start >= params.end:
        raise InvalidValue("to", "must be a later day than from")
    found = await read_rates(
        services.db,
        **params.model_dump(exclude={"limit"}),
        limit=params.limit + 1,
    )
    headers = {}
    if len(found) > params.limit:
        found.pop()
        query = params.model_dump(mode="json", by_alias=True, exclude_none=True)
        following = urlencode({**query, "before": found[-1].id})
        headers["Link"] = f'<{paths.RATES}?{following}>; rel="next"'
    return Json(
        [
            RatesAnswer(date=day.date, base=day.base, source=day.source, rates=day.rates)
            for day in found
        ],
        headers=headers,
    )


@router.post(
    paths.RATES,
    summary="Record Exchange Rates",
    responses=answers(RatesRecorded, 409, 415, 503),
    openapi_extra={"requestBody": body(_BODIES, example=examples.RATES)},
)
async def record(
    services: Here, request: Request, params: Annotated[RecordRatesParameters, Query()]
) -> Json:
    """Record rates of up to 1,000 days: all of them, or none if one is wrong.

    Rates that are known count once. Another rate of the same day, pair and source is refused with 409
    unless `replace` says that the new one is right.
    """
    texts = await read_elements(request, services)
    if len(texts) > MAX_RATE_DAYS:
        raise InvalidValue("body", f"must hold at most {MAX_RATE_DAYS} days: send it in parts")
    latest = services.now().date() + _AHEAD
    days: dict[str, DayRates] = {}
    for place, text in enumerate(texts):
        try:
            day = _day_of(text, latest, known=days)
        except InvalidValue as error:
            raise InvalidValue(f"[{place}].{error.field}", error.problem) from None
        days[day.id] = day
    recorded = await record_rates(
        services.db, [*days.values()], replace=params.replace, check=params.check
    )
    if not params.check:
        services.converter.wake()
    return Json(
        RatesRecorded(
            added=recorded.added, replaced=recorded.replaced, unchanged=recorded.unchanged
        )
    )


@router.post(
    paths.RECOMPUTE,
    summary="Convert Payments Again",
    responses=answers(RatesRecomputed, 404, 409, 503),
    dependencies=[Depends(refuse_body)],
)
async def recompute(services: Here, params: Annotated[RecomputeParameters, Query()]) -> Json:
    """Convert a tenant's payments of some days again, by the rates that are known now.

    Each payment that this corrects is a change with its `seq`. Others, and those in the tenant's own
    currency, stay as they are.
    """
    tenant = await services.tenants.existing(params.tenant_id)
    zone = ZoneInfo(tenant.timezone)
    start, end = (
        datetime.combine(day, time(), zone).astimezone(UTC) for day in (params.start, params.end)
    )
    if start >= end:
        raise InvalidValue("to", "must be a later day than from")
    done = await services.converter.recompute(tenant.id, Window(start, end))
    return Json(RatesRecomputed(checked=done.checked, changed=done.changed))


def _day_of(text: bytes, latest: date, *, known: Container[str]) -> DayRates:
    request = read_rates_request(text)
    date_of = day_in(request.date)
    if date_of > latest:
        raise InvalidValue("date", "must not be in the future")
    check_currency_of_rate(request.base, "base")
    found = {}
    for quote, number in request.rates.items():
        field = f"rates.{quote[:3]}"
        check_currency_of_rate(quote, field)
        check_pair(request.base, quote, field)
        found[quote] = check_rate(number_in(number, field), field)
    source = check_source(request.source)
    day = DayRates(date=date_of, base=request.base, source=source, rates=found)
    if day.id in known:
        raise InvalidValue("date", "is that of rates before, with the same base and source")
    return day
