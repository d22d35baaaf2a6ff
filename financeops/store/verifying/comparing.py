"""The kept rollups beside those that were counted, and writing them as they were counted.

Only which rollups there are is read as a whole, by one cursor. What looks different there, or was
written meanwhile, is read again by name, a piece at a time, in short transactions that tell their
`seq`. What is repaired is written in such a transaction for each piece, so that it stays right
wherever that ends.
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
from financeops.store.documents import place_of
from financeops.store.rollups import replace_rollups, rollups_at
from financeops.store.tenants import TenantRecord, find_record
from financeops.store.verifying.counting import Count, Progress, Step, Told, catch_up, untold

MAX_TOLD = 1000
"""How many differences are told one by one; the others are counted."""

_CHUNK = 1000
_PIECE = 500
"""How many rollups one transaction reads or writes."""
_PATIENCE_SECONDS = 60.0
MOVED = "the tenant was given another time zone meanwhile: verify again"


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


class Comparison(Struct, frozen=True, kw_only=True):
    """What was found: of `checked` rollups `differing` were wrong, of which the first are here."""

    checked: int
    differing: int
    differences: list[Difference]


async def compare(
    db: Database,
    record: TenantRecord,
    count: Count,
    *,
    found: Callable[[list[Difference]], Awaitable[None]] | None = None,
    told: Told = untold,
) -> Comparison:
    """Compare the kept rollups of a tenant with those that were counted.

    Parameters
    ----------
    record : TenantRecord
        The tenant; in its zone the rollups are kept.
    found : callable, optional
        Called with the differences of each piece, before the next one is read.
    """
    there, doubtful = await _look_through(db, record, count, told)
    differing = 0
    differences: list[Difference] = []
    pieces = list(_pieces(sorted(doubtful)))
    for number, piece in enumerate(pieces):
        told(Progress(Step.DIFFERENCES, number * _PIECE, len(doubtful)))
        kept = await _read(db, record, count, piece)
        there |= {place for place in piece if place in kept or count.at(place)}
        wrong = [each for place in piece if (each := _difference(place, kept, count)) is not None]
        differing += len(wrong)
        differences += wrong[: MAX_TOLD - len(differences)]
        if wrong and found is not None:
            await found(wrong)
    return Comparison(checked=len(there), differing=differing, differences=differences)


async def put_right(
    db: Database, record: TenantRecord, count: Count, wrong: Collection[Place] = ()
) -> None:
    """Write rollups as they are counted, those of a piece; have every process forget them."""
    await _write(db, record, count, set(wrong))


async def cut_anew(
    db: Database, record: TenantRecord, count: Count, wrong: Collection[Place]
) -> None:
    """Give the tenant the zone in which was counted, and write what that changes, all at once.

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
) -> None:
    """Write rollups as they are counted in one transaction, while nobody else writes."""
    tenant_id = record.tenant.id
    as_compared = {"_id": tenant_id, "timezone": record.tenant.timezone}
    change: Document = {"$inc": {"repairs": 1}}
    if zone is not None:
        change["$set"] = {"timezone": zone.key}

    async def transaction(session: Session) -> None:
        # First of all, for this document is the tenant's lock. Counts as a repair, so that every
        # process forgets the rollups it remembers.
        result = await db.tenants.update_one(as_compared, change, session=session)
        if not result.matched_count:
            raise Unavailable(MOVED)
        seq = (await find_record(db, tenant_id, session=session)).tenant.seq
        await catch_up(db, tenant_id, count, seq, session=session)
        places = set(wrong)
        if zone is not None:
            # What was written since the comparison went to the places of the old zone as well.
            places |= {place for place in count.touched if place[1] is not Grain.QUARTER}
        await replace_rollups(db, tenant_id, {place: count.at(place) for place in places}, session)

    # As far as that goes without the lock, for others wait for it.
    await catch_up(db, tenant_id, count, await last_seq(db, tenant_id))
    await in_transaction(db, transaction, locks=tenant_id, seconds=_PATIENCE_SECONDS)


async def _look_through(
    db: Database, record: TenantRecord, count: Count, told: Told
) -> tuple[set[Place], set[Place]]:
    """Places of the rollups that there are, and which of all places are to be looked at again.

    A rollup that was not written since the cursor was opened, and is what is counted now, is right.
    """
    tenant_id = record.tenant.id
    # Ids begin with the tenant's and "|"; the sign after that is "}".
    named = {"_id": {"$gte": f"{tenant_id}|", "$lt": f"{tenant_id}}}"}, "tenantId": tenant_id}
    there: set[Place] = set()
    doubtful: set[Place] = set()
    count.touched.clear()
    with driver_errors(seconds=None):
        async with db.rollups.find(named, batch_size=_CHUNK) as cursor:
            while chunk := await cursor.to_list(_CHUNK):
                await catch_up(db, tenant_id, count, await last_seq(db, tenant_id))
                for document in chunk:
                    place = place_of(document)
                    there.add(place)
                    if _difference(place, {place: from_document(document)}, count) is not None:
                        doubtful.add(place)
                told(Progress(Step.TOTALS, len(there), max(len(there), len(count.rollups))))
    missing = {place for place, rollup in count.rollups.items() if rollup} - there
    return there | missing, doubtful | missing | count.touched


async def _read(
    db: Database, record: TenantRecord, count: Count, piece: Sequence[Place]
) -> dict[Place, Rollup]:
    """Read rollups at one moment, to which the count is moved on."""

    async def transaction(session: Session) -> tuple[TenantRecord, dict[Place, Rollup]]:
        now = await find_record(db, record.tenant.id, session=session)
        return now, await rollups_at(db, record.tenant.id, piece, session=session)

    now, kept = await in_transaction(db, transaction)
    if now.tenant.timezone != record.tenant.timezone:
        raise Unavailable(MOVED)
    await catch_up(db, record.tenant.id, count, now.tenant.seq)
    return kept


def _difference(place: Place, kept: dict[Place, Rollup], count: Count) -> Difference | None:
    currency, grain, start = place
    here, there = kept.get(place, Rollup()), count.at(place)
    if grain is Grain.QUARTER:
        # Kept without hours, which its start tells.
        here, there = at_hour(here, 0), at_hour(there, 0)
    if here == there:
        return None
    return Difference(currency=currency, grain=grain, start=start, kept=here, counted=there)


def _pieces(places: Sequence[Place]) -> Iterator[Sequence[Place]]:
    for first in range(0, len(places), _PIECE):
        yield places[first : first + _PIECE]
