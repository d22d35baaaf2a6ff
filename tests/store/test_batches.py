"""Payments as canonical tables, compared with the payments themselves."""

import asyncio
from contextlib import aclosing
from datetime import timedelta
from random import Random

import pytest

from financeops.arrow.tables import SCHEMA
from financeops.core.act_texts import ACT_TEXTS
from financeops.core.errors import NotFound
from financeops.core.payments import Status
from financeops.core.periods import DAY, Window
from financeops.core.selection import Selection
from financeops.core.windows import window_between
from financeops.store.reading import batches
from financeops.store.reading.batches import ahead, payment_tables
from tests.builders import NOON
from tests.store.recorded import insert, record, refund, stored_payments

FILTERS = [
    Selection(),
    Selection(status=Status.REFUNDED),
    Selection(method="paypal", currency="EUR"),
    Selection(window=Window(NOON - 40 * DAY, NOON - timedelta(seconds=5))),
    Selection(window=window_between(NOON + DAY, None)),
]


@pytest.fixture
async def various(db):
    """Payments of two years and of one crowded minute, some of them refunded."""
    rng = Random(1)
    moments = [NOON - DAY * rng.randrange(730) for _ in range(60)]
    moments += [NOON - timedelta(milliseconds=rng.randrange(60_000)) for _ in range(240)]
    payments = await record(
        db,
        *(
            insert(
                f"order {n} ü" if n % 3 else None,
                created_at=moment,
                amount=rng.randrange(10**12),
                method=rng.choice(["card", "paypal"]),
                currency=rng.choice(["USD", "EUR"]),
                status="failed" if n % 5 == 0 else "success",
                country=rng.choice(["DE", None]),
            )
            for n, moment in enumerate(moments)
        ),
    )
    await record(db, *(refund(each) for each in payments[::7] if each.status is Status.SUCCESS))
    return await stored_payments(db)


SUMS = ("fee_amount", "settled_amount", "revision")


def row_of(each):
    row = {name: getattr(each, name) for name in SCHEMA.names}
    told = {name: text for name, text in ACT_TEXTS.items() if row[name]}
    return row | {
        "refunded_amount": each.returned,
        **{name: getattr(each, name) or 0 for name in SUMS},
        **{name: text.write(getattr(each, name)) for name, text in told.items()},
    }


def fits(chosen, each):
    return (
        chosen.status in (None, each.status)
        and chosen.method in (None, each.method)
        and chosen.currency in (None, each.currency)
        and each.created_at in chosen.window
    )


@pytest.mark.parametrize("size", [20, 10_000])
async def test_tables_hold_every_payment_once_oldest_first(db, various, size, monkeypatch):
    monkeypatch.setattr(batches, "TABLE_SIZE", size)
    for chosen in FILTERS:
        tables = [table async for table in payment_tables(db, "tenant_1", chosen)]
        expected = sorted(
            (each for each in various if fits(chosen, each)),
            key=lambda each: (each.created_at, each.id),
        )
        rows = [row for table in tables for row in table.to_pylist()]
        assert rows == [row_of(each) for each in expected], chosen
        assert all(table.schema == SCHEMA for table in tables)


async def test_some_columns_in_any_order(db, various):
    wanted = ["status", "customer_id", "id"]
    for chosen in FILTERS[:3]:
        found = payment_tables(db, "tenant_1", chosen, wanted)
        rows = [row for table in [each async for each in found] for row in table.to_pylist()]
        assert all(list(row) == wanted for row in rows)
        assert {(row["id"], row["status"]) for row in rows} == {
            (each.id, each.status) for each in various if fits(chosen, each)
        }


async def test_many_payments_come_in_many_tables(db, various, monkeypatch):
    monkeypatch.setattr(batches, "TABLE_SIZE", 20)
    chosen = Selection(window=window_between(None, NOON - DAY))
    sizes = [len(table) async for table in payment_tables(db, "tenant_1", chosen)]
    assert sum(sizes) >= 50
    assert max(sizes) <= 20


async def test_stopping_early_leaves_nothing_open(db, various, monkeypatch):
    monkeypatch.setattr(batches, "TABLE_SIZE", 10)
    before = asyncio.all_tasks()
    async with aclosing(payment_tables(db, "tenant_1", Selection())) as tables:
        assert len(await anext(tables)) > 0
    assert asyncio.all_tasks() == before


async def test_an_unknown_tenant_is_named(db):
    with pytest.raises(NotFound, match="nobody"):
        await anext(payment_tables(db, "nobody", Selection()))


async def test_the_next_item_is_fetched_while_one_is_used():
    asked = []

    async def numbers():
        for number in range(3):
            asked.append(number)
            yield number

    used = []
    async with aclosing(ahead(numbers())) as items:
        async for item in items:
            await asyncio.sleep(0)
            used.append((item, list(asked)))
    assert used == [(0, [0, 1]), (1, [0, 1, 2]), (2, [0, 1, 2])]


async def test_an_error_ahead_is_raised_in_its_turn():
    async def numbers():
        yield 1
        raise NotFound("the second")

    items = ahead(numbers())
    assert await anext(items) == 1
    with pytest.raises(NotFound, match="the second"):
        await anext(items)
