"""Compare the kept rollups with those counted, and replace those that are wrong.

One cursor reads all rollups once. Those that seem to differ, or were written meanwhile, are read
again by name, a piece at a time, in short transactions that tell their `seq`. Repairs are written
in such a transaction for each piece, so that the rollups stay right wherever the repair ends.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from msgspec import Struct

from financeops.core.errors import Unavailable
from financeops.core.periods import Grain
from financeops.core.rollup import Place, Rollup, at_hour, from_document
from financeops.store.changes import last_seq
from financeops.store.database.connection import Database, Document, Session, driver_errors
from financeops.store.database.transactions import in_transaction
from financeops.store.documents import holds_details, place_of
from financeops.store.rollups import replace_rollups, rollups_at
from financeops.store.tenants import COUNTED, TenantRecord, find_record, list_values
from financeops.store.verifying.counting import (
    Count,
    OnProgress,
    Progress,
    Step,
    catch_up,
    ignore_progress,
)
from financeops.store.waiting import RATES_AWAITED

MAX_TOLD = 1000
"""Most differences that are listed; the others are only counted."""

_CHUNK = 1000
_PIECE = 500
"""Most rollups that one transaction reads or writes."""
_PATIENCE_SECONDS = 60.0
MOVED = "the tenant was given another time zone meanwhile: verify again"


class Difference(Struct, frozen=True, kw_only=True):
    """A rollup that differs from what its payments add up to."""

    currency: str
    grain: Grain
    start: datetime
    kept: Rollup
    counted: Rollup

    @property
    def place(self) -> Place:
        """The place of the rollup."""
        return self.currency, self.grain, self.start


class Comparison(Struct, frozen=True, kw_only=True):
    """Result: `differing` of `checked` rollups were wrong; the first of these are `differences`."""

    checked: int
    differing: int
    differences: list[Difference]


async def compare(
    db: Database,
    record: TenantRecord,
    count: Count,
    *,
    found: Callable[[list[Difference]], Awaitable[None]] | None = None,
    progress: OnProgress = ignore_progress,
) -> Comparison:
    """Compare the kept rollups of a tenant with those counted.

    Parameters
    ----------
    record : TenantRecord
        The tenant, in whose zone the rollups are kept.
    found : callable, optional
        Called with the differences of each piece, before the next one is read.
    """
    checked, doubtful = await _look_through(db, record, count, progress)
    differing = 0
    differences: list[Difference] = []
    pieces = list(_pieces(sorted(doubtful)))
    for number, piece in enumerate(pieces):
        progress(Progress(Step.DIFFERENCES, number * _PIECE, len(doubtful)))
        kept = await _read(db, record, count, piece)
        checked |= {place for place in piece if place in kept or count.at(place)}
        wrong = [
            each
            for place in piece
            if (each := _difference(place, kept.get(place, Rollup()), count.at(place))) is not None
        ]
        differing += len(wrong)
        differences += wrong[: MAX_TOLD - len(differences)]
        if wrong and found is not None:
            await found(wrong)
    return Comparison(checked=len(checked), differing=differing, differences=differences)


async def put_right(
    db: Database, record: TenantRecord, count: Count, wrong: Collection[Place] = ()
) -> None:
    """Write the rollups of a piece as counted, and have every process forget them."""
    await _write(db, record, count, set(wrong))


async def finish(db: Database, record: TenantRecord, count: Count) -> None:
    """Note that all changes are counted as this version counts them.

    What was written since the comparison is written as counted, whoever wrote it.
    """
    await _write(db, record, count, set(), finished=True)


async def cut_anew(
    db: Database, record: TenantRecord, count: Count, wrong: Collection[Place]
) -> None:
    """Give the tenant the zone of the count, and write all that this changes at once.

    Quarter hours are the same in every zone.
    """
    await _write(db, record, count, set(wrong), zone=count.zone)


async def _write(
    db: Database,
    record: TenantRecord,
    count: Count,
    wrong: set[Place],
    *,
    zone: ZoneInfo | None = None,
    finished: bool = False,
) -> None:
    """Write rollups as counted, in one transaction, while nobody else writes."""
    tenant_id = record.tenant.id
    as_compared = {"_id": tenant_id, "timezone": record.tenant.timezone}
    change: Document = {"$inc": {"repairs": 1}}
    if zone is not None:
        # Another day may have a rate for what waits: it is looked for again.
        change |= {"$set": {"timezone": zone.key}, "$min": {RATES_AWAITED: 0}}

    async def transaction(session: Session) -> None:
        # Do this first: the document is the tenant's lock. It counts as a repair, so that every
        # process forgets the rollups that it remembers.
        result = await db.tenants.update_one(as_compared, change, session=session)
        if not result.matched_count:
            raise Unavailable(MOVED)
        now = await find_record(db, tenant_id, session=session)
        await catch_up(db, tenant_id, count, now.tenant.seq, session=session)
        count.listed = await list_values(db, now, count.values(), session)
        if finished:
            done: Document = {"$set": {COUNTED: now.tenant.seq}}
            if (acted_until := count.acted_until) is not None:
                done["$max"] = {"lastActAt": acted_until}
            await db.tenants.update_one({"_id": tenant_id}, done, session=session)
        places = set(wrong) | (count.touched if finished else set())
        if zone is not None:
            # Writes since the comparison went to the places of the old zone, too.
            places |= {place for place in count.touched if place[1] is not Grain.QUARTER}
        await replace_rollups(db, tenant_id, {place: count.at(place) for place in places}, session)

    # Do as much as possible without the lock, for which others wait.
    await catch_up(db, tenant_id, count, await last_seq(db, tenant_id))
    await in_transaction(db, transaction, locks=tenant_id, seconds=_PATIENCE_SECONDS)


async def _look_through(
    db: Database, record: TenantRecord, count: Count, progress: OnProgress
) -> tuple[set[Place], set[Place]]:
    """Places of all rollups, and those of them that must be read again.

    A rollup is right if it was not written since the cursor was opened and equals the count now.
    """
    tenant_id = record.tenant.id
    # Ids begin with the tenant's and "|"; the sign after that is "}".
    named = {"_id": {"$gte": f"{tenant_id}|", "$lt": f"{tenant_id}}}"}, "tenantId": tenant_id}
    places: set[Place] = set()
    doubtful: set[Place] = set()
    count.touched.clear()
    detailed: set[Place] = set()
    with driver_errors(seconds=None):
        async with db.rollups.find(named, batch_size=_CHUNK) as cursor:
            while chunk := await cursor.to_list(_CHUNK):
                await catch_up(db, tenant_id, count, await last_seq(db, tenant_id))
                for document in chunk:
                    place = place_of(document)
                    details = holds_details(document)
                    (detailed if details else places).add(place)
                    counted = count.at(place)
                    part = counted.details if details else counted.without_details
                    if _difference(place, from_document(document), part) is not None:
                        doubtful.add(place)
                expected = max(len(places), len(count.rollups))
                progress(Progress(Step.TOTALS, len(places), expected))
    missing = {place for place, rollup in count.rollups.items() if rollup} - places
    missing |= {place for place, rollup in count.rollups.items() if rollup.details} - detailed
    places |= detailed
    return places | missing, doubtful | missing | count.touched


async def _read(
    db: Database, record: TenantRecord, count: Count, piece: Sequence[Place]
) -> dict[Place, Rollup]:
    """Read rollups at one moment, and move the count on to it."""

    async def transaction(session: Session) -> tuple[TenantRecord, dict[Place, Rollup]]:
        now = await find_record(db, record.tenant.id, session=session)
        kept = await rollups_at(db, record.tenant.id, piece, session=session)
        details = await rollups_at(db, record.tenant.id, piece, details=True, session=session)
        both = {
            place: kept.get(place, Rollup()) + details.get(place, Rollup())
            for place in kept.keys() | details.keys()
        }
        return now, both

    now, kept = await in_transaction(db, transaction)
    if now.tenant.timezone != record.tenant.timezone:
        raise Unavailable(MOVED)
    await catch_up(db, record.tenant.id, count, now.tenant.seq)
    return kept


def _difference(place: Place, stored: Rollup, counted: Rollup) -> Difference | None:
    currency, grain, start = place
    if grain is Grain.QUARTER:
        # Kept without hours, which its start tells.
        stored, counted = at_hour(stored, 0), at_hour(counted, 0)
    if stored == counted:
        return None
    return Difference(currency=currency, grain=grain, start=start, kept=stored, counted=counted)


def _pieces(places: Sequence[Place]) -> Iterator[Sequence[Place]]:
    for first in range(0, len(places), _PIECE):
        yield places[first : first + _PIECE]
