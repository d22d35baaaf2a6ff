"""Read payments: one, a page of them, or all."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from datetime import datetime

from bson import ObjectId
from msgspec import Struct
from msgspec.structs import replace

from financeops.core.errors import InvalidValue, NotFound
from financeops.core.payments import Payment
from financeops.core.periods import EPOCH, MILLISECOND, Window
from financeops.core.selection import Selection
from financeops.store.database.connection import Database, driver_errors
from financeops.store.documents import object_id, payment_from
from financeops.store.reading.filters import payments_between
from financeops.store.reading.newest import newest_payments, payments_by_time
from financeops.store.reading.reader import Reader
from financeops.store.tenants import TenantRecord, find_record

CHUNK = 2000
"""Approximate number of payments that an export reads at a time."""


_MILLISECONDS = re.compile(r"[0-9]{1,13}")


class PaymentPage(Struct, frozen=True):
    """Payments, newest first, and the cursor of the next page; None at the end."""

    payments: list[Payment]
    following: str | None


async def find_payment(db: Database, tenant_id: str, payment_id: str) -> Payment:
    """Return one payment of a tenant; raises `NotFound`."""
    await find_record(db, tenant_id)
    key = object_id(payment_id)
    if key is not None:
        with driver_errors():
            document = await db.payments.find_one({"_id": key, "tenantId": tenant_id})
        if document is not None:
            return payment_from(document)
    raise NotFound(f"tenant {tenant_id!r} has no payment {payment_id!r}")


async def list_payments(
    db: Database,
    tenant_id: str,
    chosen: Selection,
    *,
    limit: int,
    before: str | None = None,
    reader: Reader | None = None,
) -> PaymentPage:
    """Return a page of payments, newest first, at equal times by descending id.

    Parameters
    ----------
    before : str, optional
        `following` of the page before. A payment recorded meanwhile does not move others from one
        page to another.
    reader : Reader, optional
        Remembers where the payments of facets are.

    Raises
    ------
    NotFound
        The tenant does not exist.
    InvalidValue
        `before` is not a cursor, or the currency does not exist.
    Unavailable
        Also while it is still being counted where the payments of facets are.
    """
    record = await find_record(db, tenant_id)
    record.check_currency(chosen.currency)
    found: list[Payment] = []
    if before is not None:
        instant, key = _position(before)
        if instant in chosen.window:
            found = await payments_between(
                db,
                record,
                Window(instant, instant + MILLISECOND),
                chosen,
                newest_first=True,
                limit=limit,
                before=key,
            )
        until = min(instant, chosen.window.end)
        chosen = replace(chosen, window=Window(chosen.window.start, until))
    if len(found) < limit:
        found += await _newest(db, record, chosen, limit - len(found), reader or Reader(db))
    return PaymentPage(found, _cursor(found[-1]) if len(found) == limit else None)


async def _newest(
    db: Database, record: TenantRecord, chosen: Selection, limit: int, reader: Reader
) -> list[Payment]:
    if chosen.order_id is not None or chosen.counts_exactly(record.listed):
        return await newest_payments(db, record, chosen, limit=limit)
    return await reader.newest(record, chosen, limit=limit)


async def export_payments(
    db: Database, tenant_id: str, chosen: Selection
) -> AsyncGenerator[list[Payment], None]:
    """Yield all selected payments, oldest first, some thousands at a time.

    Raises
    ------
    NotFound
        The tenant does not exist.
    InvalidValue
        The currency does not exist.
    """
    record = await find_record(db, tenant_id)
    record.check_currency(chosen.currency)
    async for payments in payments_by_time(db, record, chosen, size=CHUNK):
        yield payments


def _cursor(payment: Payment) -> str:
    return f"{(payment.created_at - EPOCH) // MILLISECOND}-{payment.id}"


def _position(cursor: str) -> tuple[datetime, ObjectId]:
    milliseconds, _, payment_id = cursor.partition("-")
    key = object_id(payment_id)
    if key is None or not _MILLISECONDS.fullmatch(milliseconds):
        raise InvalidValue("before", "must be the cursor of a Link header, unchanged")
    return EPOCH + int(milliseconds) * MILLISECOND, key
