"""Read what the database holds, and compute what it should hold, in a slow and obvious way."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from financeops.core.dimensions import EVERY_VALUE
from financeops.core.payments import earlier_of
from financeops.core.periods import Grain, grain_start
from financeops.core.rollup import Rollup, from_document, rollup_of, total
from financeops.store.changes import changes_after
from financeops.store.documents import payment_from, place_of
from financeops.store.tenants import find_tenant
from financeops.store.writing.ledger import commit
from financeops.store.writing.operations import Insert, Refund, Result
from tests import reported
from tests.acts import acts_of
from tests.builders import NOON, draft, tenant


def insert(reference=None, *, request_hash=None, **fields):
    """An operation that records ``draft(**fields)``, once per reference."""
    key = None if reference is None else ("reference", reference)
    return Insert(
        draft=draft(reference=reference, **fields),
        key=key,
        request_hash=request_hash or (key and "asked like this"),
    )


def refund(payment):
    """An operation that refunds a payment or an id."""
    return Refund(payment_id=payment if isinstance(payment, str) else payment.id)


async def record(db, *operations, of=None, now=NOON):
    """Commit operations, all of which must succeed, and return the payments."""
    outcomes = await commit(db, of or tenant(), operations, now=now)
    assert {outcome.result for outcome in outcomes} <= {Result.CREATED, Result.REFUNDED}, outcomes
    return [outcome.payment for outcome in outcomes]


async def stored_payments(db, tenant_id="tenant_1"):
    """Every payment of a tenant, as it is stored."""
    return [
        payment_from(each) for each in await db.payments.find({"tenantId": tenant_id}).to_list()
    ]


async def stored_rollups(db, tenant_id="tenant_1"):
    """Every rollup of a tenant, as it is stored; those that became empty are left out."""
    found = {}
    for each in await db.rollups.find({"tenantId": tenant_id}).to_list():
        place = place_of(each)
        found[place] = found.get(place, Rollup()) + from_document(each)
    return {place: rollup for place, rollup in found.items() if rollup}


async def stored_changes(db, tenant_id="tenant_1"):
    """The whole change log of a tenant."""
    changes, more = [], True
    while more:
        more = await changes_after(db, tenant_id, changes[-1].seq if changes else 0)
        changes += more
    return changes


def recomputed(payments, timezone, listed=EVERY_VALUE):
    """The rollups that payments make, each summed up on its own."""
    zone = ZoneInfo(timezone)
    members = {}
    for payment in payments:
        counted = [(payment.created_at, rollup_of(payment, zone, listed))]
        for act in acts_of(payment):
            part = {"activity": {(payment.method, act.kind): (1, act.amount)}}
            counted.append((act.at, Rollup(further=part)))
        counted = [(payment.currency, *each) for each in counted]
        counted += reported.counted(payment, zone, listed)
        for grain in Grain:
            for currency, moment, rollup in counted:
                place = (currency, grain, grain_start(grain, moment, zone))
                members.setdefault(place, []).append(without_hours(rollup, place))
    return {place: total(inside) for place, inside in members.items()}


def without_hours(rollup, place):
    """A rollup as it is kept: quarter hours without hours of day."""
    if place[1] is not Grain.QUARTER:
        return rollup
    return Rollup(rollup.cells, rollup.declines, None, rollup.further)


def replayed(changes):
    """Payments by id after all changes in the log."""
    payments = {}
    for change in changes:
        before = payments.get(change.payment.id)
        assert (before and before.status) == change.previous_status
        assert (before and before.refunded_amount) == change.previous_refunded
        if before is not None:
            assert earlier_of(before, change.payment) == change.earlier
        if change.removed:
            assert payments.pop(change.payment.id) == change.payment
        else:
            payments[change.payment.id] = change.payment
    return payments


async def check_ledger(db, tenant_id="tenant_1"):
    """Assert that payments, rollups, numbers and change log of a tenant agree."""
    known = await find_tenant(db, tenant_id)
    payments = await stored_payments(db, tenant_id)
    changes = await stored_changes(db, tenant_id)
    assert [change.seq for change in changes] == list(range(1, known.seq + 1))
    assert replayed(changes) == {payment.id: payment for payment in payments}
    assert await stored_rollups(db, tenant_id) == recomputed(payments, known.timezone)
