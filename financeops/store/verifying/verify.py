"""Verify kept rollups and the figures shown against the payments, and repair them."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from msgspec import Struct

from financeops.core.errors import Conflict, Unavailable
from financeops.core.periods import Grain
from financeops.core.questions import Question
from financeops.core.reporting import REPORTING
from financeops.core.rollup import Place
from financeops.store.database.connection import Database
from financeops.store.reading.reader import Reader
from financeops.store.tenants import TenantRecord, find_record
from financeops.store.verifying.comparing import MOVED, Difference, compare, cut_anew, put_right
from financeops.store.verifying.counting import (
    Count,
    OnProgress,
    Progress,
    Step,
    catch_up,
    count_all,
    ignore_progress,
)
from financeops.store.verifying.overdue import find_overdue
from financeops.store.verifying.shown import PERIODS, ShownDifference
from financeops.store.verifying.times import give_times
from financeops.store.writing.ledger import commit
from financeops.store.writing.numbering import number_orders
from financeops.store.writing.operations import Convert, Operation, Overdue

MOST_CUT = 20_000
"""Most days and months written or removed at once when a zone changes: 27 years with payments on
every day in one currency. Recording waits meanwhile, about ten seconds for as many on the embedded
database."""

_TOGETHER = 250
"""Payments that one transaction converts, or for which it applies what waits."""


class Report(Struct, frozen=True, kw_only=True):
    """Result of a verification, as of `seq`.

    `checked` rollups were compared with the payments, of which `differing` were wrong;
    `differences` lists the first of them. `asked` figures of readers were compared; `shown` lists
    those that differed, after the rollups were repaired if they were. `misnumbered` are the orders
    whose attempts had wrong numbers, `mistimed` the payments whose acts were not found by their time,
    or not as waiting for a rate, `unreported` those in other currencies that were neither converted nor waited,
    `overdue` those beside which acts still waited for them. `repaired` tells whether rollups were replaced, attempts numbered
    again, or rollups forgotten where only a process's memory was wrong.
    """

    tenant_id: str
    seq: int
    checked: int
    differing: int
    differences: list[Difference]
    repaired: bool
    asked: int = 0
    shown: list[ShownDifference] = []
    misnumbered: list[str] = []
    mistimed: list[str] = []
    unreported: list[str] = []
    overdue: list[str] = []


async def verify(
    db: Database,
    tenant_id: str,
    *,
    as_of: datetime,
    reader: Reader | None = None,
    repair: bool = False,
    progress: OnProgress = ignore_progress,
) -> Report:
    """Recompute a tenant's rollups and figures from its payments and compare.

    Readers are asked in each currency for all time, each period, its buckets and the period before:
    one that remembers nothing and, if given, the one that serves this process.

    Parameters
    ----------
    as_of : datetime
        Decides which periods are running; aware.
    reader : Reader, optional
        Asked too, with what it remembers.
    repair : bool
        Replace the rollups that differ, in a transaction for each piece of them, number attempts
        again that are numbered wrong, say again when acts were where that is wrong, convert what is
        neither converted nor waits, and apply what waits beside its payment. If only remembered figures differ, have every process forget them.
    progress : callable, optional
        Called with the progress of each step.

    Raises
    ------
    NotFound
        The tenant does not exist.
    Unavailable
        Also when the change log does not reach back to where the reading began, or when the tenant
        is given another zone.
    """
    record = await find_record(db, tenant_id)
    count = Count(ZoneInfo(record.tenant.timezone), record.tenant.seq, as_of)
    await count_all(db, record, count, progress=progress)
    misnumbered, mistimed = count.orders.wrong(), count.mistimed
    unreported = count.unreported
    overdue = await find_overdue(db, tenant_id)
    if repair:
        await number_orders(db, tenant_id, misnumbered, now=as_of)
        await give_times(db, tenant_id, mistimed)
        mended: list[Operation] = [Convert(payment_id=each) for each in unreported]
        mended += [Overdue(payment_id=each) for each in overdue]
        for first in range(0, len(mended), _TOGETHER):
            await commit(db, record.tenant, mended[first : first + _TOGETHER], now=as_of)

    async def mend(wrong: list[Difference]) -> None:
        await put_right(db, record, count, {each.place for each in wrong})

    compared = await compare(db, record, count, found=mend if repair else None, progress=progress)
    readers = [reader, Reader(db)] if reader is not None else [Reader(db)]
    asked, shown = await _ask_all(db, record, count, readers, remembering=reader, progress=progress)
    # Forgetting does not help figures that are also wrong when read again.
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
        repaired=forget
        or (
            repair and bool(compared.differing or misnumbered or mistimed or unreported or overdue)
        ),
        asked=asked,
        shown=shown,
        misnumbered=misnumbered,
        mistimed=mistimed,
        unreported=unreported,
        overdue=overdue,
    )


async def set_timezone(db: Database, tenant_id: str, timezone: str) -> Report:
    """Give a tenant another time zone and recompute its rollups.

    Quarter hours are kept in UTC. All others (days, months and all time) change in one transaction
    together with the zone: a tenant is never half in another one.

    Raises
    ------
    NotFound
        The tenant does not exist.
    Conflict
        It has more days and months than can be recomputed at once.
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
            f"recomputed at once, the limit is {MOST_CUT}"
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
    progress: OnProgress,
) -> tuple[int, list[ShownDifference]]:
    """Ask readers for the figures shown: return how many were compared, and which differ."""
    shown = count.shown
    assert shown is not None, "a count with as_of has the figures shown"
    currencies = sorted({record.tenant.currency, *record.currencies, *shown.currencies})
    if shown.reporting and record.reports_in == record.tenant.currency:
        currencies.append(REPORTING)
    questions = [
        (each, one, period) for each in readers for one in currencies for period in PERIODS
    ]
    compared = 0
    differing: list[ShownDifference] = []
    for number, (reader, currency, period) in enumerate(questions):
        progress(Progress(Step.FIGURES, number, len(questions)))
        answer = await reader.answer(
            record.tenant.id,
            Question(currency=currency, period=period),
            as_of=shown.as_of,
            in_buckets=period is not None,
            compare=period is not None,
            details=True,
        )
        if answer.timezone != record.tenant.timezone:
            raise Unavailable(MOVED)
        await catch_up(db, record.tenant.id, count, answer.tenant.seq)
        parts = shown.compared(answer, period, count.listed)
        compared += len(parts)
        differing += [
            ShownDifference(
                currency=currency,
                period=period,
                previous=previous,
                window=window,
                remembered=reader is remembering,
                shown=answered,
                counted=counted,
            )
            for previous, window, answered, counted in parts
            if answered != counted
        ]
    return compared, differing
