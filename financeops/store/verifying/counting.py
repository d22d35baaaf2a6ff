"""Count a tenant's rollups from its payments, and update the count by the change log.

Payments may keep coming in meanwhile: changes since the reading began are accounted for exactly.
The payments are read in pieces, and other requests are served in between.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from msgspec import Struct

from financeops.core.breakdown import listed_only, values_in
from financeops.core.dimensions import EVERY_VALUE, Listed
from financeops.core.errors import Unavailable
from financeops.core.payments import Change, Payment
from financeops.core.periods import QUARTER, Grain
from financeops.core.reporting import is_unreported
from financeops.core.rollup import Place, Rollup, deltas, total
from financeops.store.changes import MAX_BATCH, changes_after, last_seq, read_changes
from financeops.store.database.connection import Database, Session, driver_errors
from financeops.store.documents import payment_from
from financeops.store.schema import BY_TIME
from financeops.store.tenants import TenantRecord, find_record
from financeops.store.verifying.numbers import OrderNumbers
from financeops.store.verifying.shown import ShownCount
from financeops.store.verifying.times import is_mistimed

CLOCK_MARGIN = timedelta(hours=1)
"""Payments changed less than this before the reading began are remembered individually: the clocks
of the processes that change them may differ by as much."""

_CHUNK = 1000
_SLICE = 100
"""Payments that are counted before yielding to other tasks: about 10 ms."""
_TRIES = 3
_LOG_TOO_SHORT = "the change log does not reach back to where verifying began"


class Step(StrEnum):
    """The steps of a verification."""

    PAYMENTS = "payments"
    TOTALS = "totals"
    DIFFERENCES = "differences"
    FIGURES = "figures"


class Progress(Struct, frozen=True):
    """Progress of a step; `of` is an estimate while others write."""

    step: Step
    done: int
    of: int


OnProgress = Callable[[Progress], None]
"""A function that is called with the progress."""


def ignore_progress(_progress: Progress) -> None:
    """Do nothing with the progress."""


class Count:
    """Rollups counted from the payments as of `seq`; with `as_of` also the figures shown then.

    Parameters
    ----------
    zone : ZoneInfo
        Time zone of the rollups.
    seq : int
    as_of : datetime, optional
        Decides which periods are running; aware.
    kept_zone : ZoneInfo, optional
        Time zone of the kept rollups, if it is another one.

    Attributes
    ----------
    touched : set of Place
        Places of the changes that `move_on` was given, in both zones.
    orders : OrderNumbers
        How the attempts of orders are numbered, as of `seq`.
    unreported : list of str
        Payments in other currencies than the tenant's that were neither converted nor waited for a rate,
        when they were read.
    mistimed : list of str
        Payments whose acts would not be found where a window cuts a quarter hour, when they were read.
    listed : mapping of dimension to values
        The values that are counted by themselves, as of `seq`. Until it is known, all are.
    """

    def __init__(
        self,
        zone: ZoneInfo,
        seq: int,
        as_of: datetime | None = None,
        *,
        kept_zone: ZoneInfo | None = None,
    ) -> None:
        self.zone = zone
        self.listed: Listed = {}
        self._as_of = as_of
        self._zones = {zone, kept_zone or zone}
        self.begin_anew(seq)

    def begin_anew(self, seq: int) -> None:
        """Discard the count, and begin again at `seq`."""
        self.seq = seq
        self.shown = ShownCount(self.zone, self._as_of) if self._as_of is not None else None
        self.rollups: dict[Place, Rollup] = {}
        self.orders = OrderNumbers()
        self.mistimed: list[str] = []
        self.unreported: list[str] = []
        self.touched: set[Place] = set()
        self._seen: dict[str, Payment] = {}

    def at(self, place: Place) -> Rollup:
        """The rollup counted at a place."""
        return listed_only(self._of(place), self.listed)

    def values(self) -> list[tuple[str, str]]:
        """The dimensions and values of the payments, the most frequent first."""
        totals = (
            rollup.details for place, rollup in self.rollups.items() if place[1] is Grain.TOTAL
        )
        return values_in(total(totals))

    @property
    def acted_until(self) -> datetime | None:
        """The end of the last quarter hour in which something happened to a payment."""
        acted = (
            place[2]
            for place, rollup in self.rollups.items()
            if place[1] is Grain.QUARTER and rollup.part("activity")
        )
        last = max(acted, default=None)
        return None if last is None else last + QUARTER

    def count(self, payments: Iterable[Payment], *, remembered_since: datetime) -> None:
        """Count payments as they are read: some may be newer than `seq`."""
        payments = list(payments)
        self._add(_counted(payments, self.zone))
        if self.shown is not None:
            self.shown.add(payments)
        for payment in payments:
            self.orders.put(payment)
            if payment.updated_at >= remembered_since:
                self._seen[payment.id] = payment

    def move_on(self, changes: list[Change]) -> None:
        """Account for the changes after `seq`, some of which were already read."""
        for zone in self._zones:
            self.touched.update(deltas(changes, zone))
        for change in changes:
            before = self._seen.pop(change.payment.id, change.previous)
            now = [] if change.removed else [change.payment]
            (self.orders.drop if change.removed else self.orders.put)(change.payment)
            self._add(_counted(now, self.zone))
            if self.shown is not None:
                self.shown.add(now)
                self.shown.subtract([] if before is None else [before])
            if before is not None:
                counted = _counted([before], self.zone)
                self._add({place: -rollup for place, rollup in counted.items()})
            self.seq = change.seq

    def _add(self, more: Mapping[Place, Rollup]) -> None:
        for place, rollup in more.items():
            self.rollups[place] = self._of(place) + rollup

    def _of(self, place: Place) -> Rollup:
        return self.rollups.get(place, Rollup())


async def count_all(
    db: Database, record: TenantRecord, count: Count, *, progress: OnProgress = ignore_progress
) -> None:
    """Count a tenant's payments; begin again if some were removed meanwhile.

    It cannot be known whether removed payments had already been counted.
    """
    tenant_id = record.tenant.id
    for _ in range(_TRIES):
        await _count_payments(db, record, count, progress)
        seq = await last_seq(db, tenant_id)
        while count.seq < seq:
            changes = await _following(db, tenant_id, count.seq, seq)
            if any(change.removed for change in changes):
                break
            await _move_on(count, changes)
        else:
            await _look_up_listed(db, tenant_id, count)
            return
        count.begin_anew(await last_seq(db, tenant_id))
    raise Unavailable("an import is being taken back: verify again afterwards")


async def catch_up(
    db: Database, tenant_id: str, count: Count, seq: int, *, session: Session | None = None
) -> None:
    """Move a count on to a number of the sequence, one piece of the change log after the other."""
    if count.seq < seq:
        while count.seq < seq:
            await _move_on(count, await _following(db, tenant_id, count.seq, seq, session=session))
        await _look_up_listed(db, tenant_id, count, session=session)


async def _look_up_listed(
    db: Database, tenant_id: str, count: Count, *, session: Session | None = None
) -> None:
    """Look up which values are listed; a later list says the same of what was counted before."""
    count.listed = (await find_record(db, tenant_id, session=session)).listed


async def _count_payments(
    db: Database, record: TenantRecord, count: Count, progress: OnProgress
) -> None:
    expected, done = sum(record.sources.values()), 0
    with driver_errors(seconds=None):
        hello = await db.client.admin.command("hello")
        since = hello["localTime"].replace(tzinfo=UTC) - CLOCK_MARGIN
        # Read all payments without the help of the rollups, which are in doubt, and by an index in
        # which a refund does not move a payment to where the reading has already been.
        cursor = db.payments.find({"tenantId": record.tenant.id}, batch_size=_CHUNK).hint(BY_TIME)
        async with cursor:
            while chunk := await cursor.to_list(_CHUNK):
                for first in range(0, len(chunk), _SLICE):
                    documents = chunk[first : first + _SLICE]
                    payments = list(map(payment_from, documents))
                    count.count(payments, remembered_since=since)
                    count.mistimed += [
                        payment.id
                        for document, payment in zip(documents, payments, strict=True)
                        if is_mistimed(document, payment)
                    ]
                    if record.reports_in == record.tenant.currency:
                        count.unreported += [
                            payment.id
                            for payment in payments
                            if is_unreported(payment, record.tenant.currency)
                        ]
                    await asyncio.sleep(0)
                done += len(chunk)
                progress(Progress(Step.PAYMENTS, done, max(done, expected)))


async def _following(
    db: Database, tenant_id: str, after: int, seq: int, *, session: Session | None = None
) -> list[Change]:
    """The next changes up to `seq`, which is known to be committed."""
    found: list[Change] | None
    if session is None:
        found = await changes_after(db, tenant_id, after)
    else:
        found = await read_changes(db, tenant_id, after, limit=MAX_BATCH, session=session)
    changes = [change for change in found or () if change.seq <= seq]
    if not changes or changes[-1].seq - after != len(changes):
        raise Unavailable(_LOG_TOO_SHORT)
    return changes


async def _move_on(count: Count, changes: list[Change]) -> None:
    for first in range(0, len(changes), _SLICE):
        count.move_on(changes[first : first + _SLICE])
        await asyncio.sleep(0)


def _counted(payments: Iterable[Payment], zone: ZoneInfo) -> dict[Place, Rollup]:
    return deltas(map(_as_new, payments), zone, EVERY_VALUE)


def _as_new(payment: Payment) -> Change:
    """A payment as a change that records it, so that it can be counted."""
    return Change(seq=0, at=payment.updated_at, payment=payment)
