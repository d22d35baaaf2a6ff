"""Keep a copy of a tenant's payments up to date: counts by month, and changes."""

from __future__ import annotations

from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query

from financeops.core.contract import paths
from financeops.core.contract.forms import Instant
from financeops.core.contract.payments import ChangesAnswer, MonthAnswer, MonthsAnswer
from financeops.core.periods import day_of
from financeops.core.wire import change_document
from financeops.store.changes import changes_after, last_seq
from financeops.store.reading.months import read_months
from server.dependencies import Here
from server.http.description import answers
from server.http.parameters import ChangesParameters, OfTenant
from server.http.responses import Json

router = APIRouter(tags=["payments"], default_response_class=Json)


@router.get(
    paths.MONTHS, summary="Count Payments by Month", responses=answers(MonthsAnswer, 404, 503)
)
async def months(services: Here, params: Annotated[OfTenant, Query()]) -> Json:
    """Numbers of payments and of refunded payments in each month, in the tenant's time zone.

    While `takenBack`, the number of payments and refunds that were taken back with an import, stays
    the same, all numbers only grow: a month whose numbers are unchanged holds the same payments.
    `history` changes when the database is emptied and filled again.
    """
    record, found = await read_months(services.db, params.tenant_id)
    zone = ZoneInfo(record.tenant.timezone)
    return Json(
        MonthsAnswer(
            tenant_id=record.tenant.id,
            currency=record.tenant.currency,
            timezone=record.tenant.timezone,
            seq=record.tenant.seq,
            history=record.history,
            taken_back=record.taken_back,
            months=[
                MonthAnswer(
                    month=f"{day_of(month.start, zone):%Y-%m}",
                    start=Instant.of(month.start),
                    end=Instant.of(month.end),
                    payments=month.payments,
                    refunded=month.refunded,
                    returned=month.returned,
                    revised=month.revised,
                    renumbered=month.renumbered,
                )
                for month in found
            ],
        )
    )


@router.get(paths.CHANGES, summary="Read Changes", responses=answers(ChangesAnswer, 404, 503))
async def changes(services: Here, params: Annotated[ChangesParameters, Query()]) -> Json:
    """The changes after a `seq`, in order and without gaps, in the form of the stream.

    `complete` is false, with no changes, if the log no longer reaches back that far or if the
    sequence never got that far: load the payments again. There are more changes if the last one is
    below `seq`.
    """
    seq = await last_seq(services.db, params.tenant_id)
    found = await changes_after(services.db, params.tenant_id, params.after, limit=params.limit)
    complete = found is not None and params.after <= seq
    listed = (found or []) if complete else []
    return Json(
        ChangesAnswer(
            seq=max([seq, *(change.seq for change in listed[-1:])]),
            complete=complete,
            changes=[change_document(change) for change in listed],
        )
    )
