"""Are the kept rollups, and the figures that are shown, what the payments say? Making them so.

All of it goes on while payments come in: what changed since the reading began is told by the change
log and accounted for exactly.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct, structs

from financeops.core.errors import Unavailable
from financeops.core.payments import Change, Payment
from financeops.core.periods import Grain
from financeops.core.rollup import Place, Rollup, at_hour, deltas, from_document
from financeops.store.changes import changes_after, last_seq, read_changes
from financeops.store.connection import Database, Session, driver_errors
from financeops.store.documents import payment_from, place_of
from financeops.store.questions import Question
from financeops.store.reading import Reader
from financeops.store.rollups import replace_rollups
from financeops.store.schema import BY_TIME
from financeops.store.shown import PERIODS, ShownCount, ShownDifference
from financeops.store.tenants import TenantRecord, find_record
from financeops.store.transactions import in_transaction

CLOCK_MARGIN = timedelta(hours=1)
"""Payments changed this shortly before the reading began are remembered one by one: the clocks of
the processes that change them may differ by as much."""

_CHUNK = 1000
_TRIES = 3
_PATIENCE_SECONDS = 3600.0
_LOG_TOO_SHORT = "the change log does not reach back to where verifying began"


class Difference(Struct, frozen=True, kw_only=True):
    """A rollup that is not what its payments add up to."""

    currency: str
    grain: Grain
    start: datetime
    kept: Rollup
    counted: Rollup

    @property
    def place(self) -> Place:
        """Where the rollup is kept."""
        return self.currency, self.grain, self.start


class Report(Struct, frozen=True, kw_only=True):
    """What a verification found, as of `seq`.

    `checked` rollups were compared with the payments, and `asked` figures as readers answer them:
    `shown` holds those that differed, after a repair if there was one of rollups. `repaired` says
    that rollups were put right, or forgotten where only what a process remembered was wrong.
    """

    tenant_id: str
    seq: int
    checked: int
    differences: list[Difference]
    repaired: bool
    asked: int = 0
    shown: list[ShownDifference] = []


class _Count:
    """Rollups as counted from the payments, true at `seq`; with `as_of` also what is shown then."""

    def __init__(self, zone: ZoneInfo, seq: int, as_of: datetime | None = None) -> None:
        self.zone = zone
        self._as_of = as_of
        self.begin_anew(seq)

    def begin_anew(self, seq: int) -> None:
        """Forget all that was counted."""
        self.seq = seq
        self.shown = ShownCount(self.zone, self._as_of) if self._as_of is not None else None
        self.rollups: dict[Place, Rollup] = {}
        self._seen: dict[str, Payment] = {}

    def count(self, payments: Iterable[Payment], *, remembered_since: datetime) -> None:
        """Count payments as they are read: some may be newer than `seq`."""
        payments = list(payments)
        self._add(deltas(map(_as_new, payments), self.zone))
        if self.shown is not None:
            self.shown.add(payments)
        for payment in payments:
            if payment.updated_at >= remembered_since:
                self._seen[payment.id] = payment

    def move_on(self, changes: list[Change]) -> None:
        """Account for what happened after `seq`, some of which was already read."""
        for change in changes:
            before = self._seen.pop(change.payment.id, change.previous)
            now = [] if change.removed else [change.payment]
            self._add(deltas(map(_as_new, now), self.zone))
            if self.shown is not None:
                self.shown.add(now)
                self.shown.subtract([] if before is None else [before])
            if before is not None:
                counted = deltas([_as_new(before)], self.zone)
                self._add({place: -rollup for place, rollup in counted.items()})
            self.seq = change.seq

    def _add(self, more: Mapping[Place, Rollup]) -> None:
        for place, rollup in more.items():
            self.rollups[place] = self.rollups.get(place, Rollup()) + rollup


async def verify(
    db: Database,
    tenant_id: str,
    *,
    as_of: datetime,
    reader: Reader | None = None,
    repair: bool = False,
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
        Replace the rollups that differ, in one transaction. Where only remembered figures differ,
        have every process forget them.

    Raises
    ------
    NotFound
        The tenant does not exist.
    Unavailable
        Also when the change log does not reach back to where the reading began.
    """
    record = await find_record(db, tenant_id)
    count = _Count(ZoneInfo(record.tenant.timezone), record.tenant.seq, as_of)
    report = await _verify(db, record, count, repair=repair)
    asked = 0
    differing: list[ShownDifference] = []
    for each in [reader, Reader(db)] if reader is not None else [Reader(db)]:
        compared, found = await _ask(db, record, count, each, remembered=each is reader)
        asked += compared
        differing += found
    # What is read anew wrongly, too, no forgetting mends.
    lasting = {each.figure for each in differing if not each.remembered}
    mend = repair and any(each.figure not in lasting for each in differing)
    if mend:
        await _repair(db, record, count, set())
    return structs.replace(
        report, seq=count.seq, repaired=report.repaired or mend, asked=asked, shown=differing
    )


async def set_timezone(db: Database, tenant_id: str, timezone: str) -> Report:
    """Give a tenant another time zone and cut its rollups anew, in one transaction."""
    record = await find_record(db, tenant_id)
    count = _Count(ZoneInfo(timezone), record.tenant.seq)
    return await _verify(db, record, count, repair=True)


async def _verify(db: Database, record: TenantRecord, count: _Count, *, repair: bool) -> Report:
    tenant_id = record.tenant.id
    await _count_all(db, tenant_id, count)
    now, kept = await _read_kept(db, tenant_id)
    await _catch_up(db, tenant_id, count, now.tenant.seq)
    differences = _differences(kept, count.rollups)
    mend = repair and (bool(differences) or count.zone.key != now.tenant.timezone)
    if mend:
        await _repair(db, now, count, {each.place for each in differences})
    return Report(
        tenant_id=tenant_id,
        seq=count.seq,
        checked=len(kept.keys() | count.rollups.keys()),
        differences=differences,
        repaired=mend,
    )


async def _ask(
    db: Database,
    record: TenantRecord,
    count: _Count,
    reader: Reader,
    *,
    remembered: bool,
) -> tuple[int, list[ShownDifference]]:
    """Ask a reader for what is shown: how many figures were compared, and which differ."""
    shown = count.shown
    assert shown is not None, "what is shown was counted"
    tenant = record.tenant
    currencies = {tenant.currency, *record.currencies, *shown.currencies}
    compared = 0
    differing: list[ShownDifference] = []
    for currency in sorted(currencies):
        for period in PERIODS:
            answer = await reader.answer(
                Question(tenant_id=tenant.id, currency=currency, period=period),
                as_of=shown.as_of,
                in_buckets=period is not None,
                compare=period is not None,
            )
            if answer.timezone != tenant.timezone:
                raise Unavailable("the tenant was given another time zone meanwhile")
            await _catch_up(db, tenant.id, count, answer.tenant.seq)
            parts = shown.compared(answer, period)
            compared += len(parts)
            differing += [
                ShownDifference(
                    currency=currency,
                    period=period,
                    previous=previous,
                    window=window,
                    remembered=remembered,
                    shown=here,
                    counted=there,
                )
                for previous, window, here, there in parts
                if here != there
            ]
    return compared, differing


async def _count_all(db: Database, tenant_id: str, count: _Count) -> None:
    """Count a tenant's payments; again where some were removed meanwhile.

    Of those it cannot be told whether they had been counted.
    """
    for _ in range(_TRIES):
        await _count_payments(db, tenant_id, count)
        seq = await last_seq(db, tenant_id)
        changes = await changes_after(db, tenant_id, count.seq, limit=seq - count.seq)
        if changes is None:
            raise Unavailable(_LOG_TOO_SHORT)
        if not any(change.removed for change in changes):
            return
        count.begin_anew(seq)
    raise Unavailable("an import is being taken back: verify again afterwards")


async def _count_payments(db: Database, tenant_id: str, count: _Count) -> None:
    with driver_errors(seconds=None):
        hello = await db.client.admin.command("hello")
        since = hello["localTime"].replace(tzinfo=UTC) - CLOCK_MARGIN
        # All of them, not by way of the rollups: it is the rollups that are in doubt. By an index
        # in which a refund does not move a payment to where the reading has already been.
        cursor = db.payments.find({"tenantId": tenant_id}, batch_size=_CHUNK).hint(BY_TIME)
        async with cursor:
            while chunk := await cursor.to_list(_CHUNK):
                count.count(map(payment_from, chunk), remembered_since=since)


async def _read_kept(db: Database, tenant_id: str) -> tuple[TenantRecord, dict[Place, Rollup]]:
    # Ids begin with the tenant's and "|"; the sign after that is "}".
    named = {"_id": {"$gte": f"{tenant_id}|", "$lt": f"{tenant_id}}}"}, "tenantId": tenant_id}

    async def transaction(session: Session) -> tuple[TenantRecord, dict[Place, Rollup]]:
        record = await find_record(db, tenant_id, session=session)
        documents = await db.rollups.find(named, session=session).to_list()
        return record, {place_of(each): from_document(each) for each in documents}

    return await in_transaction(db, transaction, seconds=_PATIENCE_SECONDS)


async def _catch_up(db: Database, tenant_id: str, count: _Count, seq: int) -> None:
    while count.seq < seq:
        changes = await changes_after(db, tenant_id, count.seq, limit=seq - count.seq)
        if not changes:  # none at all: the database was emptied meanwhile
            raise Unavailable(_LOG_TOO_SHORT)
        count.move_on([change for change in changes if change.seq <= seq])


async def _repair(db: Database, compared: TenantRecord, count: _Count, wrong: set[Place]) -> None:
    """Write the rollups that are wrong as they are counted, while nobody else writes."""
    tenant_id = compared.tenant.id

    async def transaction(session: Session) -> None:
        # Takes the tenant's lock. Counts as a repair, so that every process forgets the rollups
        # it remembers.
        await db.tenants.update_one(
            {"_id": tenant_id},
            {"$set": {"timezone": count.zone.key}, "$inc": {"repairs": 1}},
            session=session,
        )
        seq = (await find_record(db, tenant_id, session=session)).tenant.seq
        changes = await read_changes(
            db, tenant_id, count.seq, limit=seq - count.seq, session=session
        )
        if len(changes) != seq - count.seq:
            raise Unavailable(_LOG_TOO_SHORT)
        # What was written since the comparison went to the places of the old zone as well.
        kept_zone = ZoneInfo(compared.tenant.timezone)
        wrong.update(deltas(changes, kept_zone), deltas(changes, count.zone))
        count.move_on(changes)
        counted = {place: count.rollups.get(place, Rollup()) for place in wrong}
        await replace_rollups(db, tenant_id, counted, session)

    await in_transaction(db, transaction, locks=tenant_id, seconds=_PATIENCE_SECONDS)


def _differences(kept: Mapping[Place, Rollup], counted: Mapping[Place, Rollup]) -> list[Difference]:
    differences = []
    for place in sorted(kept.keys() | counted.keys()):
        currency, grain, start = place
        here, there = kept.get(place, Rollup()), counted.get(place, Rollup())
        if grain is Grain.QUARTER:
            # Kept without hours, which its start tells.
            here, there = at_hour(here, 0), at_hour(there, 0)
        if here != there:
            differences.append(
                Difference(currency=currency, grain=grain, start=start, kept=here, counted=there)
            )
    return differences


def _as_new(payment: Payment) -> Change:
    """A payment as if it had just been recorded, for counting it."""
    return Change(seq=0, at=payment.updated_at, payment=payment)
