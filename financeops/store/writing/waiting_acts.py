"""Acts that wait for their payment: one document for each, applied when the payment is recorded.

A provider names a payment by its own id, our `reference`, from which the payment's id follows: so an act
can name a payment that is not recorded yet. "It is not there" and "it came meanwhile" exclude one another,
because whoever writes either has the tenant's lock. A tenant notes how many acts wait (`waitingActs`), so that
others look for none.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import msgspec
from bson import ObjectId
from pymongo.errors import BulkWriteError

from financeops.store.database.connection import MAX_IDS, Database, Document, Session, driver_errors
from financeops.store.dead_letters import DeadLetter, keep_letters, letter_document, letter_from
from financeops.store.tenants import TenantRecord
from financeops.store.writing.errors import OutdatedError, RefusedError
from financeops.store.writing.operations import (
    Act,
    Await,
    Dispute,
    Fees,
    Refund,
    Settlement,
    kind_of,
)

_DUPLICATE_KEY = 11000

_KINDS: tuple[type[Act], ...] = (Refund, Dispute, Fees, Settlement)
_DECODERS = {kind_of(each): msgspec.json.Decoder(each) for each in _KINDS}


async def read_waiting(
    db: Database, tenant_id: str, payment_ids: Iterable[str], session: Session | None = None
) -> dict[str, dict[str, Await]]:
    """Acts that wait for these payments, by payment and by their own id."""
    found: dict[str, dict[str, Await]] = {}
    wanted = [ObjectId(each) for each in dict.fromkeys(payment_ids) if ObjectId.is_valid(each)]
    for start in range(0, len(wanted), MAX_IDS):
        # First what has the index.
        named = {"paymentId": {"$in": wanted[start : start + MAX_IDS]}, "tenantId": tenant_id}
        with driver_errors(session=session):
            documents = await db.waitingActs.find(named, session=session).to_list()
        for each in documents:
            act = _act_from(each)
            found.setdefault(act.act.payment_id, {})[act.id] = act
    return found


async def write_waiting(
    db: Database,
    record: TenantRecord,
    created: Collection[str],
    *,
    new: Mapping[str, Await],
    applied: Collection[str],
    dead: Collection[DeadLetter],
    session: Session,
) -> None:
    """Write what a plan says of acts that wait, with the tenant's lock.

    Parameters
    ----------
    record : TenantRecord
        As this transaction has changed it.
    created : collection of str
        The payments that this transaction records: nothing else may wait for them than what is applied.
    new, applied : collection
        Acts that begin to wait, and those that no longer do.

    Raises
    ------
    OutdatedError
        One of the payments came meanwhile, or something else waits.
    RefusedError
        One of the acts cannot be stored.
    """
    tenant_id = record.tenant.id
    before = record.waiting_acts - len(new) + len(applied)
    if before and created:
        found = await read_waiting(db, tenant_id, created, session)
        if not {each for acts in found.values() for each in acts} <= set(applied):
            raise OutdatedError
    for some in _pieces(applied):
        gone = {"_id": {"$in": [ObjectId(each) for each in some]}, "tenantId": tenant_id}
        result = await db.waitingActs.delete_many(gone, session=session)
        if result.deleted_count != len(some):
            raise OutdatedError
    if new:
        await _refuse_recorded(
            db, tenant_id, {each.act.payment_id for each in new.values()}, session
        )
        documents = [_document(tenant_id, each) for each in new.values()]
        try:
            await db.waitingActs.insert_many(documents, session=session)
        except BulkWriteError as error:
            if _DUPLICATE_KEY in {each["code"] for each in error.details["writeErrors"]}:
                raise OutdatedError from None
            raise RefusedError from error
    await keep_letters(db, tenant_id, dead, session)


async def _refuse_recorded(
    db: Database, tenant_id: str, payment_ids: Collection[str], session: Session
) -> None:
    for some in _pieces(payment_ids):
        named = {"_id": {"$in": [ObjectId(each) for each in some]}, "tenantId": tenant_id}
        if await db.payments.find_one(named, {"_id": 1}, session=session) is not None:
            raise OutdatedError


def _pieces(ids: Collection[str]) -> Iterable[list[str]]:
    ordered = sorted(ids)
    return (ordered[start : start + MAX_IDS] for start in range(0, len(ordered), MAX_IDS))


def said(early: Await) -> str:
    """What is told, as text: the same for acts that mean the same."""
    return msgspec.json.encode(early.act, order="sorted").decode()


def _document(tenant_id: str, early: Await) -> Document:
    document = {
        "_id": ObjectId(early.id),
        "tenantId": tenant_id,
        "paymentId": ObjectId(early.act.payment_id),
        "kind": kind_of(type(early.act)),
        "said": said(early),
        "at": early.at,
        "letter": letter_document(early.letter),
    }
    return document if early.currency is None else {**document, "currency": early.currency}


def _act_from(document: Document) -> Await:
    act: Act = _DECODERS[document["kind"]].decode(document["said"])
    return Await(
        id=str(document["_id"]),
        act=act,
        at=document["at"],
        currency=document.get("currency"),
        letter=letter_from(document["letter"]),
    )
