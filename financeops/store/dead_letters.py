"""Dead letters: what verified but could not be recorded, kept with the reason until it is replayed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from bson import ObjectId
from msgspec import Struct
from pymongo import UpdateOne

from financeops.core.card_numbers import without_card_numbers
from financeops.core.contract.texts import CONTROL
from financeops.core.errors import NotFound
from financeops.store.database.connection import Database, Document, Session, driver_errors
from financeops.store.documents import derived_payment_id, object_id

MAX_REASON = 500
"""Characters of a reason that are kept."""

MAX_KIND = 100
"""Characters of a kind that are kept."""


class Letter(Struct, frozen=True, kw_only=True):
    """What a provider said: its `event`, named by the provider, of a `kind`, and the text that said it."""

    provider: str
    event: str
    kind: str | None
    body: str


class DeadLetter(Struct, frozen=True, kw_only=True):
    """A letter of which something could not be recorded, why, and since when that is known."""

    id: str
    letter: Letter
    reason: str
    at: datetime


def dead_letter(tenant_id: str, letter: Letter, reason: str, at: datetime) -> DeadLetter:
    """The letter as it is kept: once, however often it comes."""
    key = ("letter", f"{letter.provider}\0{letter.event}")
    return DeadLetter(
        id=derived_payment_id(tenant_id, key),
        letter=letter,
        reason=shown(reason)[:MAX_REASON],
        at=at,
    )


async def keep_letters(
    db: Database, tenant_id: str, letters: Iterable[DeadLetter], session: Session | None = None
) -> None:
    """Keep letters; of one that is kept already the reason is replaced."""
    writes = [
        UpdateOne(
            {"_id": ObjectId(each.id), "tenantId": tenant_id},
            {
                "$set": {"reason": each.reason},
                "$setOnInsert": {"at": each.at, **letter_document(each.letter)},
            },
            upsert=True,
        )
        for each in letters
    ]
    if not writes:
        return
    with driver_errors(session=session):
        await db.deadLetters.bulk_write(writes, ordered=False, session=session)


async def list_letters(
    db: Database, tenant_id: str, *, limit: int, before: str | None = None
) -> list[DeadLetter]:
    """Return a tenant's dead letters, newest first; `before` is the id of the last one of a page.

    Raises
    ------
    NotFound
        There is no letter `before`.
    """
    query: Document = {"tenantId": tenant_id}
    if before is not None:
        last = await find_letter(db, tenant_id, before)
        older = [{"at": {"$lt": last.at}}, {"at": last.at, "_id": {"$lt": ObjectId(last.id)}}]
        query["$or"] = older
    with driver_errors():
        found = db.deadLetters.find(query).sort([("at", -1), ("_id", -1)]).limit(limit)
        return [_letter_from(each) for each in await found.to_list()]


async def find_letter(db: Database, tenant_id: str, letter_id: str) -> DeadLetter:
    """Return one dead letter of a tenant; raises `NotFound`."""
    named = object_id(letter_id)
    with driver_errors():
        document = await db.deadLetters.find_one({"_id": named, "tenantId": tenant_id})
    if named is None or document is None:
        raise NotFound(f"{tenant_id} has no dead letter {letter_id}")
    return _letter_from(document)


async def forget_letter(db: Database, tenant_id: str, letter_id: str) -> None:
    """Forget a letter: all that it says is recorded."""
    with driver_errors():
        await db.deadLetters.delete_one({"_id": ObjectId(letter_id), "tenantId": tenant_id})


def letter_document(letter: Letter) -> Document:
    """Stored form of a letter, without card numbers."""
    document = {
        "provider": letter.provider,
        "event": shown(letter.event),
        "body": without_card_numbers(letter.body),
    }
    return document if letter.kind is None else {**document, "kind": shown(letter.kind)[:MAX_KIND]}


def shown(text: str) -> str:
    """A provider's text as people may be shown it: nothing in it steers a terminal, or is a card number."""
    return without_card_numbers(CONTROL.sub("\N{REPLACEMENT CHARACTER}", text))


def letter_from(document: Document) -> Letter:
    """Letter from its stored form."""
    return Letter(
        provider=document["provider"],
        event=document["event"],
        kind=document.get("kind"),
        body=document["body"],
    )


def _letter_from(document: Document) -> DeadLetter:
    return DeadLetter(
        id=str(document["_id"]),
        letter=letter_from(document),
        reason=document["reason"],
        at=document["at"],
    )
