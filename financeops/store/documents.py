"""Payments, changes and rollups as stored in the database. Raw documents go no further."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from itertools import chain
from operator import attrgetter
from typing import Any

from bson import ObjectId
from bson.errors import InvalidId
from msgspec.structs import asdict

from financeops.core.act_texts import ACT_TEXTS
from financeops.core.fields import Kind
from financeops.core.pairs import pairs_from, pairs_text
from financeops.core.payments import (
    FIELDS,
    NOT_SAID,
    SELDOM,
    Change,
    Earlier,
    EventType,
    Payment,
    Status,
    seldom_of,
    values_in,
)
from financeops.core.periods import Grain
from financeops.core.rollup import DIMENSIONS, Place, Rollup, as_document
from financeops.store.database.connection import Document

Key = tuple[str, str]
"""What makes a payment unique for its sender: "key", "reference" or "seed", and the value."""


def new_payment_id() -> str:
    """A new id, for a payment that its sender gave no key."""
    return str(ObjectId())


def derived_payment_id(tenant_id: str, key: Key) -> str:
    """The id that always follows from a key, so that the index on `_id` keeps it unique.

    This holds in a sharded cluster too, whose shards each have such an index, as long as the shard
    key is made of tenant and id alone (`sharding.SHARD_KEYS`).
    """
    digest = hashlib.sha256("\0".join((tenant_id, *key)).encode()).hexdigest()
    return digest[:24]


def object_id(payment_id: str) -> ObjectId | None:
    """The database's form of an id; None for a text that is not an id."""
    try:
        return ObjectId(payment_id)
    except InvalidId:
        return None


def payment_document(payment: Payment) -> Document:
    """Stored form of a payment."""
    document: Document = dict(zip(_REQUIRED_NAMES, _required_values(payment), strict=True))
    document["_id"] = ObjectId(payment.id)
    # The driver cannot encode enumerations, and pairs may have names that it refuses.
    for name in _WORDS:
        document[name] = str(document[name])
    # All at once: most payments have few of them.
    optional: Iterator[tuple[str, Any]]
    optional = zip(_NULLABLE_NAMES, _nullable_values(payment), strict=True)
    if (seldom := seldom_of(payment)) != NOT_SAID:
        optional = chain(optional, zip(_SELDOM_NAMES, seldom, strict=True))
    for name, value in optional:
        if value is not None:
            document[name] = _TEXTS[name](value) if name in _TEXTS else value
    return document


def payment_from(document: Document) -> Payment:
    """Payment from its stored form."""
    values = values_in(document)
    values["id"] = str(values["id"])
    for attribute, choices in _CHOICES:
        if attribute in values:
            values[attribute] = choices(values[attribute])
    for attribute, _ in _PAIRS:
        if attribute in values:
            values[attribute] = pairs_from(values[attribute])
    for attribute, text in ACT_TEXTS.items():
        if attribute in values:
            values[attribute] = text.read(values[attribute])
    if values["status"] is Status.REFUNDED:  # before version 3 of the data model it was not stored
        values.setdefault("refunded_amount", values["amount"])
    return Payment(**values)


_REQUIRED = [name for name, field in FIELDS.items() if not field.nullable]
_REQUIRED_NAMES = [FIELDS[name].json for name in _REQUIRED]
_required_values = attrgetter(*_REQUIRED)
_SELDOM_NAMES = [FIELDS[name].json for name in SELDOM]
_NULLABLE = [name for name, field in FIELDS.items() if field.nullable and name not in SELDOM]
_NULLABLE_NAMES = [FIELDS[name].json for name in _NULLABLE]
_nullable_values = attrgetter(*_NULLABLE)
_CHOICES = [(name, field.choices) for name, field in FIELDS.items() if field.choices is not None]
_PAIRS = [(name, field.json) for name, field in FIELDS.items() if field.kind is Kind.PAIRS]
_WORDS = ["source", *(FIELDS[name].json for name, _ in _CHOICES if name in _REQUIRED)]
_TEXTS: dict[str, Callable[[Any], str]] = {
    **{FIELDS[name].json: str for name, _ in _CHOICES},
    **{name: pairs_text for _, name in _PAIRS},
    **{FIELDS[name].json: text.write for name, text in ACT_TEXTS.items()},
}


def change_document(tenant_id: str, changes: list[Change]) -> Document:
    """Stored form of the changes of one transaction."""
    return {
        "_id": f"{tenant_id}|{changes[0].seq}",
        "tenantId": tenant_id,
        "firstSeq": changes[0].seq,
        "lastSeq": changes[-1].seq,
        "at": changes[0].at,
        "events": [
            {
                "type": change.type.value,
                "payment": payment_document(change.payment),
                "previousStatus": change.previous_status and change.previous_status.value,
                **_previously(change),
            }
            for change in changes
        ],
    }


def _previously(change: Change) -> Document:
    before = change.previous_refunded
    document: Document = {} if before is None else {"previousRefunded": before}
    if change.earlier is not None:
        values = {FIELDS[name].json: value for name, value in asdict(change.earlier).items()}
        document["earlier"] = {
            name: _TEXTS[name](value) if name in _TEXTS else value
            for name, value in values.items()
            if value is not None
        }
    return document


def _earlier_from(document: Document) -> Earlier:
    values: dict[str, Any] = {}
    for name in Earlier.__struct_fields__:
        if (value := document.get(FIELDS[name].json)) is not None:
            values[name] = ACT_TEXTS[name].read(value) if name in ACT_TEXTS else value
    return Earlier(**values)


def changes_from(document: Document) -> list[Change]:
    """Changes from their stored form, in `seq` order."""
    return [
        Change(
            seq=seq,
            at=document["at"],
            payment=payment_from(event["payment"]),
            previous_status=event["previousStatus"] and Status(event["previousStatus"]),
            previous_refunded=event.get("previousRefunded"),
            earlier=_earlier_from(event["earlier"]) if "earlier" in event else None,
            removed=event["type"] == EventType.REMOVED,
        )
        for seq, event in enumerate(document["events"], document["firstSeq"])
    ]


def rollup_id(tenant_id: str, place: Place, *, details: bool = False) -> str:
    """`_id` of a rollup, or of its details by dimension, which are a document of their own.

    Every read names the ones that it wants, so no other index is needed.
    """
    currency, grain, start = place
    name = f"{tenant_id}|{currency}|{grain.value}|{start:%Y-%m-%dT%H:%M:%S}"
    return f"{name}|{_DETAILS}" if details else name


_DETAILS = "details"


def holds_details(document: Document) -> bool:
    """Whether a stored rollup is one of details."""
    return str(document["_id"]).endswith(f"|{_DETAILS}")


def place_of(document: Document) -> Place:
    """Place of a stored rollup."""
    return document["currency"], Grain(document["grain"]), document["start"]


def place_fields(place: Place) -> Document:
    """Fields of a stored rollup that tell its place."""
    currency, grain, start = place
    return {"currency": currency, "grain": grain.value, "start": start}


def rollup_document(rollup: Rollup, place: Place) -> Document:
    """Stored counts of a rollup without details, or of details alone.

    Quarter hours keep no hours: their start tells it in any zone.
    """
    document = as_document(rollup, hours=place[1] is not Grain.QUARTER)
    if DIMENSIONS in document:
        return {DIMENSIONS: document[DIMENSIONS]}
    return document


def increments(delta: Rollup, place: Place) -> dict[str, int]:
    """`$inc` that adds a rollup to the stored one; a zero creates the field."""
    return dict(_leaves(rollup_document(delta, place)))


def _leaves(document: Document, prefix: str = "") -> Iterator[tuple[str, int]]:
    for name, value in document.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
