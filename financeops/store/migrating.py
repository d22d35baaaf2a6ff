"""Recount the rollups of tenants whose payments were not all counted as this version counts them.

Failures of a version that knew no stages get theirs first, by the decline codes' table, payments the
times of what happened to them, those in other currencies that they wait for a rate, and attempts of
orders their numbers.

Each transaction that counts changes as this version does adds them to the tenant's `COUNTED`, too. So
it lags behind `seq` where an earlier version wrote: before, or since, while it still ran.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from zoneinfo import ZoneInfo

from pymongo import UpdateOne

from financeops.core.declines import meaning_of
from financeops.core.payments import Status
from financeops.store.database.connection import Database, Document, Session, driver_errors
from financeops.store.database.transactions import in_transaction
from financeops.store.tenants import COUNTED, find_record
from financeops.store.verifying.comparing import Difference, compare, finish, put_right
from financeops.store.verifying.counting import Count, count_all
from financeops.store.verifying.times import give_times
from financeops.store.waiting import RATES_AWAITED, awaiting, note_reported
from financeops.store.writing.numbering import number_all

_CHUNK = 500


async def migrate(db: Database, *, announce: Callable[[str], None] | None = None) -> None:
    """Recount what an earlier version counted; the others may keep writing meanwhile.

    A tenant is done in one step at the end, under its lock. Where this was interrupted before that, the
    next start begins again with that tenant.

    Parameters
    ----------
    announce : callable, optional
        Called with the id of each tenant before it is recounted.

    Raises
    ------
    Unavailable
    """
    for tenant_id in await _behind(db):
        if announce is not None:
            announce(tenant_id)
        await _recount(db, tenant_id)


async def _recount(db: Database, tenant_id: str) -> None:
    await _give_stages(db, tenant_id)
    await _have_wait(db, tenant_id)
    await give_times(db, tenant_id)
    await number_all(db, tenant_id)
    record = await find_record(db, tenant_id)
    count = Count(ZoneInfo(record.tenant.timezone), record.tenant.seq)
    await count_all(db, record, count)
    # Before anything is written: decide which values of dimensions are counted by themselves.
    await put_right(db, record, count)

    async def mend(wrong: list[Difference]) -> None:
        await put_right(db, record, count, {each.place for each in wrong})

    await compare(db, record, count, found=mend)
    await finish(db, record, count)


async def _give_stages(db: Database, tenant_id: str) -> None:
    """Say of failures without a stage what is said today when they are recorded.

    Copies of these payments are out of date then, as after something was taken back.
    """
    copies = {"$inc": {"takenBack": 1}}
    without = {"tenantId": tenant_id, "status": Status.FAILED.value, "failureStage": None}
    with driver_errors(seconds=None):
        async with db.payments.find(without, {"tenantId": 1, "declineCode": 1}) as cursor:
            while chunk := await cursor.to_list(_CHUNK):
                writes = [_explained(each) for each in chunk]

                async def write(session: Session, writes: list[UpdateOne] = writes) -> None:
                    await db.tenants.update_one({"_id": tenant_id}, copies, session=session)
                    await db.payments.bulk_write(writes, ordered=False, session=session)

                await in_transaction(db, write, locks=tenant_id)


def _explained(document: Document) -> UpdateOne:
    stage, kind = meaning_of(document.get("declineCode"))
    said = {"failureStage": stage.value} | ({"declineKind": kind.value} if kind else {})
    named = {"_id": document["_id"], "tenantId": document["tenantId"]}
    return UpdateOne(named, {"$set": said})


async def _have_wait(db: Database, tenant_id: str) -> None:
    """Have payments in other currencies than the tenant's wait for a rate, if nothing is said of them."""
    currency = (await find_record(db, tenant_id)).tenant.currency
    named = {"tenantId": tenant_id}
    silent = {**named, "currency": {"$ne": currency}, "reportingCurrency": None}
    with driver_errors(seconds=None):
        async with db.payments.find(silent, {"currency": 1, "createdAt": 1}) as cursor:
            while chunk := await cursor.to_list(_CHUNK):
                # Copies are out of date then, as of payments that are converted later.
                months = Counter(f"renumbered.{each['createdAt']:%Y-%m}" for each in chunk)
                copies: Document = {"$inc": months, "$min": {RATES_AWAITED: 0}}
                writes = [
                    UpdateOne(
                        {"_id": each["_id"], **named, "reportingCurrency": None},
                        {
                            "$set": {
                                "reportingCurrency": currency,
                                **awaiting(tenant_id, each["currency"]),
                            }
                        },
                    )
                    for each in chunk
                ]

                async def write(
                    session: Session, writes: list[UpdateOne] = writes, copies: Document = copies
                ) -> None:
                    await db.tenants.update_one({"_id": tenant_id}, copies, session=session)
                    await db.payments.bulk_write(writes, ordered=False, session=session)

                await in_transaction(db, write, locks=tenant_id)
    if (await find_record(db, tenant_id)).reports_in is None:
        await note_reported(db, tenant_id, currency)


async def _behind(db: Database) -> list[str]:
    with driver_errors():
        found = await db.tenants.find({}, {"seq": 1, COUNTED: 1}).to_list()
    return [each["_id"] for each in found if each.get(COUNTED, 0) != each["seq"]]
