"""Exchange rates: a document for each day, base and source; public knowledge, so of no tenant."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from msgspec import Struct, structs
from pymongo import UpdateOne
from pymongo.errors import BulkWriteError

from financeops.core.errors import Busy, Conflict
from financeops.core.rates import DayRates
from financeops.store.database.connection import Database, Document, driver_errors

_TRIES = 5
_ALREADY_THERE = 11000
_PART = 200
"""Days that are written at once, so that none of the requests to the database takes long."""

_AFTER = "~"
"""Sorts after everything that an id has after its date."""


class Recorded(Struct, frozen=True, kw_only=True):
    """How many rates are new, replace others, and were known."""

    added: int = 0
    replaced: int = 0
    unchanged: int = 0


async def record_rates(
    db: Database, days: Sequence[DayRates], *, replace: bool = False, check: bool = False
) -> Recorded:
    """Record rates; those that are known change nothing.

    It needs no transaction: a day is written only if it is still as it was read, and sending the same
    again completes what was interrupted.

    Parameters
    ----------
    replace : bool
        Whether rates may replace others of the same day, pair and source.
    check : bool
        Whether only to tell what would be recorded.

    Raises
    ------
    Conflict
        Another rate is known, and `replace` is not set: nothing is recorded.
    Busy
        Others write the same days.
    """
    total: Recorded | None = None
    for _ in range(_TRIES):
        with driver_errors():
            known = await _known(db, days)
        if not replace:
            _refuse_others(days, known)
        counts, changed = _compare(days, known)
        total = total or counts
        if check:
            return total
        written = [
            await _write(db, changed[at : at + _PART], known)
            for at in range(0, len(changed), _PART)
        ]
        if all(written):
            # Also where nothing is new: that may complete what was interrupted before this.
            await note_recorded(db, {(day.source, day.base) for day in days})
            return total
    raise Busy("the same rates are being recorded by others: try again")


async def read_rates(
    db: Database,
    *,
    base: str | None = None,
    quote: str | None = None,
    source: str | None = None,
    start: date | None = None,
    end: date | None = None,
    before: str | None = None,
    limit: int,
) -> list[DayRates]:
    """Rates, newest days first; `before` is the id of the last one that is known already."""
    ids: dict[str, str] = {}
    if start is not None:
        ids["$gte"] = str(start)
    if end is not None or before is not None:
        ids["$lt"] = min(each for each in (str(end or _AFTER), before) if each is not None)
    query: dict[str, Any] = {"_id": ids} if ids else {}
    query |= {name: value for name, value in (("base", base), ("source", source)) if value}
    fields = None
    if quote is not None:
        query[f"rates.{quote}"] = {"$exists": True}
        fields = {"date": 1, "base": 1, "source": 1, f"rates.{quote}": 1}
    with driver_errors():
        found = db.rates.find(query, fields).sort("_id", -1).limit(limit)
        return [_from(document) for document in await found.to_list()]


NOTE = "rates"
"""Id of the document of `schema` that counts how often rates were recorded (`reporting_rates`)."""


async def note_recorded(db: Database, kinds: Iterable[tuple[str, str]]) -> None:
    """Note that rates of these sources and bases were recorded: what is remembered is outdated."""
    said = sorted(f"{source}/{base}" for source, base in kinds)
    noted = {"$inc": {"version": 1}, "$addToSet": {"kinds": {"$each": said}}}
    with driver_errors():
        await db.schema.update_one({"_id": NOTE}, noted, upsert=True)


async def _known(db: Database, days: Sequence[DayRates]) -> dict[str, dict[str, Decimal]]:
    """What is known of these days; read as a range, for the days of a file follow each other.

    The embedded database needs seconds to look up a thousand ids one by one.
    """
    ids = sorted(day.id for day in days)
    if not ids:
        return {}
    found = await db.rates.find({"_id": {"$gte": ids[0], "$lte": ids[-1]}}).to_list()
    wanted = set(ids)
    return {each["_id"]: _from(each).rates for each in found if each["_id"] in wanted}


def _refuse_others(days: Iterable[DayRates], known: Mapping[str, Mapping[str, Decimal]]) -> None:
    for day in days:
        of_day = known.get(day.id, {})
        for quote, rate in day.rates.items():
            if of_day.get(quote, rate) != rate:
                raise Conflict(
                    f"{day.base} in {quote} on {day.date} is {of_day[quote]:f} by {day.source} as it is "
                    f"recorded, and {rate:f} as it was sent: say that it is to be replaced",
                    "rates",
                )


def _compare(
    days: Iterable[DayRates], known: Mapping[str, Mapping[str, Decimal]]
) -> tuple[Recorded, list[DayRates]]:
    """How many rates are new, and the days with what of them is not known yet."""
    added = replaced = unchanged = 0
    changed = []
    for day in days:
        of_day = known.get(day.id, {})
        new = {quote: rate for quote, rate in day.rates.items() if of_day.get(quote) != rate}
        others = new.keys() & of_day.keys()
        added += len(new) - len(others)
        replaced += len(others)
        unchanged += len(day.rates) - len(new)
        if new:
            changed.append(structs.replace(day, rates=new))
    return Recorded(added=added, replaced=replaced, unchanged=unchanged), changed


async def _write(
    db: Database, days: Sequence[DayRates], known: Mapping[str, Mapping[str, Decimal]]
) -> bool:
    """Write days that are as they were read; return False if others wrote one of them meanwhile."""
    new = [_document(day) for day in days if day.id not in known]
    updates = [_update(day, known[day.id]) for day in days if day.id in known]
    alone = True
    with driver_errors():
        if new:
            try:
                await db.rates.insert_many(new, ordered=False)
            except BulkWriteError as error:
                if any(each["code"] != _ALREADY_THERE for each in error.details["writeErrors"]):
                    raise
                alone = False
        if updates:
            result = await db.rates.bulk_write(updates, ordered=False)
            alone = alone and result.matched_count == len(updates)
    return alone


def _document(day: DayRates) -> Document:
    return {
        "_id": day.id,
        "date": str(day.date),
        "base": day.base,
        "source": day.source,
        "rates": {quote: f"{rate:f}" for quote, rate in day.rates.items()},
    }


def _update(day: DayRates, known: Mapping[str, Decimal]) -> UpdateOne:
    as_read = {
        f"rates.{quote}": f"{known[quote]:f}" if quote in known else {"$exists": False}
        for quote in day.rates
    }
    new = {f"rates.{quote}": f"{rate:f}" for quote, rate in day.rates.items()}
    return UpdateOne({"_id": day.id, **as_read}, {"$set": new})


def _from(document: Document) -> DayRates:
    return DayRates(
        date=date.fromisoformat(document["date"]),
        base=document["base"],
        source=document["source"],
        rates={quote: Decimal(text) for quote, text in sorted(document["rates"].items())},
    )
