"""Values for tests: pass what matters, the rest is ordinary."""

from datetime import UTC, datetime, timedelta

from financeops.core.payments import Change, Draft, Payment, Source, Status, Tenant
from financeops.core.wire import instant_of

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
"""An ordinary Tuesday."""


def at(moment):
    """``at("2024-12-09T14:05:00Z")``: a datetime in UTC; datetimes pass through."""
    return instant_of(moment) if isinstance(moment, str) else moment


def tenant(tenant_id="tenant_1", *, currency="USD", timezone="UTC", seq=0):
    return Tenant(id=tenant_id, currency=currency, timezone=timezone, seq=seq)


def draft(**fields):
    """A successful card payment of 18.50 USD; ``draft(status="failed")`` has a decline code."""
    return Draft(**_fields(fields))


def payment(**fields):
    """A recorded payment; `updated_at` is when it was last changed."""
    complete = _fields(fields)
    complete.setdefault("id", "69b00b40a1b2c3d4e5f60001")
    if complete["status"] is Status.REFUNDED:
        complete.setdefault("refunded_amount", complete["amount"])
    last = complete.get("refunded_at") or complete["created_at"]
    complete["updated_at"] = at(complete.get("updated_at", last))
    return Payment(**complete)


def change(seq=1, *, previous_status=None, moment=None, removed=False, **fields):
    """A change to ``payment(**fields)``; a refund is ``change(status="refunded")``.

    A payment that is new and already refunded (seeded, imported) is recognised by its source.
    """
    changed = payment(**fields)
    if (
        previous_status is None
        and not removed
        and changed.status is Status.REFUNDED
        and changed.source in {Source.API, Source.SIMULATION}
    ):
        previous_status = Status.SUCCESS
    return Change(
        seq=seq,
        at=at(moment) if moment else changed.updated_at,
        payment=changed,
        previous_status=previous_status and Status(previous_status),
        removed=removed,
    )


def _fields(fields):
    complete = {
        "tenant_id": "tenant_1",
        "amount": 1850,
        "currency": "USD",
        "method": "card",
        "created_at": NOON,
        "source": Source.API,
        **fields,
    }
    complete["status"] = Status(complete.get("status", "success"))
    complete["created_at"] = at(complete["created_at"])
    if complete["status"] is Status.FAILED:
        complete.setdefault("decline_code", "insufficient_funds")
    if complete["status"] is Status.REFUNDED:
        complete.setdefault("refunded_at", complete["created_at"] + timedelta(hours=1))
    if complete.get("refunded_at"):
        complete["refunded_at"] = at(complete["refunded_at"])
    return complete
