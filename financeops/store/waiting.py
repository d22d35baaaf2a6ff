"""Payments that wait to be converted: how they are found, and how far this has been done.

A tenant notes by which rates it has looked whether they convert what waits (`ratesAwaited`), and into
which currency its payments are converted (`reportsIn`). Both lag behind where something is left to do,
also after an interruption.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime

from msgspec import Struct

from financeops.core.payments import Payment
from financeops.core.periods import Window
from financeops.core.reporting import awaits_rate
from financeops.core.windows import ALL_TIME
from financeops.store.database.connection import Database, Document, Session, driver_errors
from financeops.store.database.transactions import in_transaction
from financeops.store.tenants import TenantRecord

RATES_AWAITED = "ratesAwaited"
"""Name of the field in which a tenant notes by which rates it has looked."""

AWAITS = "awaitsRate"
"""Name of the field beside a stored payment that waits for a rate; most have none."""

_CHUNK = 250


class Waiting(Struct, frozen=True):
    """A payment that may have to be converted."""

    id: str
    currency: str
    created_at: datetime


def awaiting(tenant_id: str, currency: str) -> Document:
    """Stored form of what payments of a tenant in a currency wait for, by which they are found."""
    return {AWAITS: f"{tenant_id}|{currency}"}


def awaited(payment: Payment) -> Document:
    """Stored form of what a payment waits for, if it does."""
    return awaiting(payment.tenant_id, payment.currency) if awaits_rate(payment) else {}


async def tenants_to_convert(db: Database, version: int) -> list[str]:
    """Tenants of which payments may have to be converted, by these rates or into another currency."""
    fields = {"currency": 1, "reportsIn": 1, RATES_AWAITED: 1}
    with driver_errors():
        found = await db.tenants.find({}, fields).to_list()
    return [
        each["_id"]
        for each in found
        if each.get(RATES_AWAITED, version) < version or each.get("reportsIn") != each["currency"]
    ]


async def fence(db: Database, tenant_id: str) -> None:
    """Have transactions that began with older rates begin again: they write the same document."""
    await _note(db, {"_id": tenant_id}, {"$inc": {"fences": 1}})


async def note_tried(db: Database, tenant_id: str, version: int) -> None:
    """Note that these rates convert nothing more of what waits."""
    older = {"_id": tenant_id, RATES_AWAITED: {"$lt": version}}
    await _note(db, older, {"$set": {RATES_AWAITED: version}})


async def note_reported(db: Database, tenant_id: str, currency: str) -> None:
    """Note that all payments are converted into the tenant's own currency, or wait for it."""
    same = {"_id": tenant_id, "currency": currency}
    await _note(db, same, {"$set": {"reportsIn": currency}})


async def _note(db: Database, named: Document, change: Document) -> None:
    """Change what a tenant notes, as soon as no other transaction has its lock."""

    async def write(session: Session) -> None:
        await db.tenants.update_one(named, change, session=session)

    await in_transaction(db, write, locks=named["_id"])


async def read_waiting(db: Database, record: TenantRecord) -> AsyncGenerator[list[Waiting], None]:
    """Payments that wait for a rate, some at a time."""
    tenant_id = record.tenant.id
    for currency in record.currencies:
        # First what has the index.
        named = {**awaiting(tenant_id, currency), "tenantId": tenant_id}
        async with aclosing(_read(db, named)) as pieces:
            async for some in pieces:
                yield some


async def read_foreign(
    db: Database, record: TenantRecord, window: Window = ALL_TIME
) -> AsyncGenerator[list[Waiting], None]:
    """Payments of a window in other currencies than the tenant's, or converted from it into one."""
    made = {"$gte": window.start, "$lt": window.end}
    other = [{"currency": {"$ne": record.tenant.currency}}, {"reportingCurrency": {"$ne": None}}]
    query: Document = {"tenantId": record.tenant.id, "createdAt": made}
    async with aclosing(_read(db, {**query, "$or": other})) as pieces:
        async for some in pieces:
            yield some


async def _read(db: Database, query: Document) -> AsyncGenerator[list[Waiting], None]:
    fields = {"currency": 1, "createdAt": 1}
    with driver_errors(seconds=None):
        async with db.payments.find(query, fields, batch_size=_CHUNK) as cursor:
            while chunk := await cursor.to_list(_CHUNK):
                yield [
                    Waiting(str(each["_id"]), each["currency"], each["createdAt"]) for each in chunk
                ]
