"""Figures of payments with some values: counted while others write, and not all at once."""

from __future__ import annotations

import asyncio

import pytest

from financeops.core.errors import Busy
from financeops.core.metrics import attempts
from financeops.core.periods import DAY
from financeops.core.questions import Question
from financeops.core.selection import Selection
from financeops.store.reading import newest
from financeops.store.reading import reader as module
from financeops.store.reading.queries import list_payments
from financeops.store.reading.reader import Reader
from tests.builders import NOON
from tests.store.recorded import insert, record, refund, stored_payments

GERMAN = Question(facets=(("country", "DE"),))


async def counted(reader, question=GERMAN):
    answer = await reader.answer("tenant_1", question, as_of=NOON)
    return attempts(answer.rollup), answer.tenant.seq


async def test_what_is_recorded_meanwhile_counts_once(db, proxied_db, proxy):
    """In the transaction that counts, and between two of them: at a moment that the answer names."""
    german, other = insert(country="DE", created_at=NOON - DAY), insert(country="FR")
    older = insert(country="DE", created_at=NOON - 100 * DAY)
    paid, *_ = await record(db, german, german, other, older)
    begun = 0

    async def write(command):
        nonlocal begun
        if "aggregate" in command and command["aggregate"] == "payments":
            begun += 1
            if begun <= 3:
                new = insert(country="DE", created_at=NOON - begun * 40 * DAY)
                await record(db, new, other, *([refund(paid)] if begun == 1 else []))

    reader = Reader(proxied_db)
    proxy.before = write
    answers = await asyncio.gather(*(counted(reader) for _ in range(3)))
    for n, seq in answers:
        assert n == 3 + (seq - 4) // 2  # of each two changes one is another German payment
    proxy.before = None
    proxy.seen.clear()
    german = [each for each in await stored_payments(db) if each.country == "DE"]
    assert (await counted(reader))[0] == len(german) == 6
    assert "aggregate" not in str(proxy.seen)  # nothing is counted twice


async def test_a_count_that_takes_too_long_goes_on_where_it_was(db, monkeypatch):
    made = [NOON - n * 16 * DAY for n in range(4)]
    await record(db, *(insert(country="DE", created_at=at) for at in made))
    monkeypatch.setattr(module, "COUNTING_SECONDS", 0.0)
    monkeypatch.setattr(module, "_PIECE_SECONDS", 0.0)
    monkeypatch.setattr(module, "_WAITING_SECONDS", 20.0)
    reader = Reader(db)
    for _ in made:
        with pytest.raises(Busy, match="ask again"):
            await counted(reader)
    assert (await counted(reader))[0] == 4


async def test_the_few_payments_of_a_filter_are_read_only_where_they_are(
    db, proxied_db, proxy, monkeypatch
):
    """Others have one of the values each; in two currencies. Counting goes on when it is asked for again."""
    monkeypatch.setattr(newest, "_FEW_READS", 0)
    few = {"country": "DE", "channel": "phone"}
    others = [
        insert(**{name: few[name]}, created_at=NOON - n * 7 * DAY)
        for n in range(60)
        for name in few
    ]
    sold = [
        insert(**few, currency=currency, created_at=NOON - n * DAY)
        for n, currency in ((33, "USD"), (210, "EUR"), (211, "USD"))
    ]
    await record(db, *others, *sold)
    reader = Reader(proxied_db)
    chosen = Selection(facets=tuple(few.items()))

    async def listed(limit=9):
        page = await list_payments(proxied_db, "tenant_1", chosen, limit=limit, reader=reader)
        return [(NOON - each.created_at).days for each in page.payments]

    monkeypatch.setattr(module, "COUNTING_SECONDS", 0.0)
    monkeypatch.setattr(module, "_PIECE_SECONDS", 0.0)
    asked = 0
    while True:
        asked += 1
        try:
            assert await listed() == [33, 210, 211]
            break
        except Busy:
            assert asked < 100
    assert asked > 3
    counts = [each for each in proxy.seen if "'channel': 'phone'" in str(each.get("pipeline"))]
    assert len(counts) <= 420 // 16 + 4  # of both currencies at once
    monkeypatch.undo()
    monkeypatch.setattr(newest, "_FEW_READS", 0)
    reads = lambda: [each for each in proxy.seen if each.get("aggregate") == "payments"]  # noqa: E731
    for limit, n in ((9, 2), (1, 1)):  # two days are adjacent
        proxy.seen.clear()
        assert await listed(limit) == [33, 210, 211][:limit]
        assert len(reads()) == n
    new = insert(**few, created_at=NOON - 100 * DAY)
    await record(db, new, insert(country="DE", created_at=NOON))
    assert await listed() == [33, 100, 210, 211]
    proxy.seen.clear()
    question = Question(facets=chosen.facets, period="day")
    answer = await reader.answer("tenant_1", question, as_of=NOON, payments=100)
    assert [(NOON - each.created_at).days for each in answer.payments] == [33, 100, 210, 211]
    nothing = Selection(facets=(("country", "DE"), ("channel", "web")))
    proxy.seen.clear()
    found = await list_payments(proxied_db, "tenant_1", nothing, limit=9, reader=reader)
    assert (found.payments, reads()) == ([], [])  # no payment has such a value
