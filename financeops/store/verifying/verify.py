"""Are the kept rollups, and the figures that are shown, what the payments say? Making them so."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from msgspec import Struct

from financeops.core.errors import Conflict, Unavailable
from financeops.core.periods import Grain
from financeops.core.questions import Question
from financeops.core.rollup import Place
from financeops.store.database.connection import Database
from financeops.store.reading.reader import Reader
from financeops.store.tenants import TenantRecord, find_record
from financeops.store.verifying.comparing import MOVED, Difference, compare, cut_anew, put_right
from financeops.store.verifying.counting import (
    Count,
    Progress,
    Step,
    Told,
    catch_up,
    count_all,
    untold,
)
from financeops.store.verifying.shown import PERIODS, ShownDifference

MOST_CUT = 20_000
"""How many days and months are written or removed at once when a zone changes: 27 years with
payments on every day in one currency. Whoever pays waits meanwhile, on the embedded database about
ten seconds for as many."""


class Report(Struct, frozen=True, kw_only=True):
    """What a verification found, as of `seq`.

    `checked` rollups were compared with the payments, of which `differing` were wrong: the first of
    them are `differences`. `asked` figures were compared as readers answer them: `shown` holds
    those that differed, after a repair if there was one of rollups. `repaired` says that rollups
    were put right, or forgotten where only what a process remembered was wrong.
    """

    tenant_id: str
    seq: int
    checked: int
    differing: int
    differences: list[Difference]
    repaired: bool
    asked: int = 0
    shown: list[ShownDifference] = []


async def verify(
    db: Database,
    tenant_id: str,
    *,
    as_of: datetime,
    reader: Reader | None = None,
    repair: bool = False,
    told: Told = untold,
) -> Report:
    """Recompute a tenant's rollups and figures from its payments and compare.

    Readers are asked, in each currency, for all time, each period, its buckets and the period
    before: one that remembers nothing and, if given, the one that a process answers from.

    Parameters
    ----------
    as_of : datetime
        Decides which periods run; aware.
    reader : Reader, optional
        Asked too, with what it remembers.
    repair : bool
        Replace the rollups that differ, in a transaction for each piece of them. Where only
        remembered figures differ, have every process forget them.
    told : callable, optional
        Hears how far it is.

    Raises
    ------
    NotFound
        The tenant does not exist.
    Unavailable
        Also when the change log does not reach back to where the reading began, and when the tenant
        gets another zone.
    """
    record = await find_record(db, tenant_id)
    count = Count(ZoneInfo(record.tenant.timezone), record.tenant.seq, as_of)
    await count_all(db, record, count, told=told)

    async def mend(wrong: list[Difference]) -> None:
        await put_right(db, record, count, {each.place for each in wrong})

    compared = await compare(db, record, count, found=mend if repair else None, told=told)
    readers = [reader, Reader(db)] if reader is not None else [Reader(db)]
    asked, shown = await _ask_all(db, record, count, readers, remembering=reader, told=told)
    # What is read anew wrongly, too, no forgetting mends.
    lasting = {each.figure for each in shown if not each.remembered}
    forget = repair and any(each.figure not in lasting for each in shown)
    if forget:
        await put_right(db, record, count)
    return Report(
        tenant_id=tenant_id,
        seq=count.seq,
        checked=compared.checked,
        differing=compared.differing,
        differences=compared.differences,
        repaired=forget or (repair and compared.differing > 0),
        asked=asked,
        shown=shown,
    )


async def set_timezone(db: Database, tenant_id: str, timezone: str) -> Report:
    """Give a tenant another time zone and cut its rollups anew.

    Quarter hours are kept in UTC. What is not, days, months and all time, changes in one
    transaction together with the zone: a tenant is never half in another one.

    Raises
    ------
    NotFound
        The tenant does not exist.
    Conflict
        It has more days and months than can be cut anew at once.
    Unavailable
    """
    record = await find_record(db, tenant_id)
    kept_zone, zone = ZoneInfo(record.tenant.timezone), ZoneInfo(timezone)
    count = Count(zone, record.tenant.seq, kept_zone=kept_zone)
    await count_all(db, record, count)
    differing: set[Place] = set()

    async def mend(wrong: list[Difference]) -> None:
        differing.update(each.place for each in wrong if each.grain is not Grain.QUARTER)
        if quarters := {each.place for each in wrong if each.grain is Grain.QUARTER}:
            await put_right(db, record, count, quarters)

    compared = await compare(db, record, count, found=mend)
    if len(differing) > MOST_CUT:
        raise Conflict(
            f"{tenant_id} has payments on too many days: {len(differing)} totals would have to be "
            f"cut anew at once, at most {MOST_CUT} can be"
        )
    if differing or zone.key != kept_zone.key:
        await cut_anew(db, record, count, differing)
    return Report(
        tenant_id=tenant_id,
        seq=count.seq,
        checked=compared.checked,
        differing=compared.differing,
        differences=compared.differences,
        repaired=compared.differing > 0 or zone.key != kept_zone.key,
    )


async def _ask_all(
    db: Database,
    record: TenantRecord,
    count: Count,
    readers: list[Reader],
    *,
    remembering: Reader | None,
    told: Told,
) -> tuple[int, list[ShownDifference]]:
    """Ask readers for what is shown: how many figures were compared, and which differ."""
    shown = count.shown
    assert shown is not None, "what is shown was counted"
    currencies = sorted({record.tenant.currency, *record.currencies, *shown.currencies})
    questions = [
        (each, one, period) for each in readers for one in currencies for period in PERIODS
    ]
    compared = 0
    differing: list[ShownDifference] = []
    for number, (reader, currency, period) in enumerate(questions):
        told(Progress(Step.FIGURES, number, len(questions)))
        answer = await reader.answer(
            record.tenant.id,
            Question(currency=currency, period=period),
            as_of=shown.as_of,
            in_buckets=period is not None,
            compare=period is not None,
        )
        if answer.timezone != record.tenant.timezone:
            raise Unavailable(MOVED)
        await catch_up(db, record.tenant.id, count, answer.tenant.seq)
        parts = shown.compared(answer, period)
        compared += len(parts)
        differing += [
            ShownDifference(
                currency=currency,
                period=period,
                previous=previous,
                window=window,
                remembered=reader is remembering,
                shown=here,
                counted=there,
            )
            for previous, window, here, there in parts
            if here != there
        ]
    return compared, differing
