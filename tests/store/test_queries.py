from __future__ import annotations

from datetime import timedelta
from random import Random

import pytest

from financeops.core.errors import InvalidValue, NotFound
from financeops.core.facets import NO_VALUE
from financeops.core.payments import Status
from financeops.core.periods import DAY, MILLISECOND, Window
from financeops.core.selection import Selection
from financeops.core.windows import window_between
from financeops.store.reading import newest, queries, sought
from financeops.store.reading.queries import export_payments, find_payment, list_payments
from financeops.store.reading.reader import Reader
from financeops.store.schema import prepare
from tests.builders import NOON, tenant
from tests.store.recorded import insert, record, stored_payments
from tests.strategies import METHODS

ODD_ZONE = tenant(timezone="Asia/Kathmandu")

SPREADS = {
    "all in one millisecond": lambda _: NOON,
    "packed into a second": lambda rng: NOON - MILLISECOND * rng.randrange(1000),
    "dense with a late crowd": lambda rng: (
        NOON - MILLISECOND * min(rng.randrange(100_000) for _ in range(4))
    ),
    "spread over two years": lambda rng: (
        NOON - MILLISECOND * rng.randrange(730 * DAY // MILLISECOND)
    ),
    "one a month": lambda rng: NOON - 30 * DAY * rng.randrange(60),
}
FILTERS = [
    Selection(),
    Selection(status=Status.FAILED),
    Selection(status=Status.REFUNDED),
    Selection(method="card"),
    Selection(method="no_such_method"),
    Selection(currency="EUR", method="paypal"),
    Selection(currency="JPY"),
    Selection(window=Window(NOON - 40 * DAY, NOON - timedelta(milliseconds=200))),
    Selection(
        status=Status.SUCCESS, window=window_between(None, NOON - timedelta(milliseconds=500))
    ),
    Selection(window=window_between(NOON + DAY, None)),
    Selection(order_id="one"),
    Selection(facets=(("country", "DE"),)),
    Selection(facets=(("country", "FR"), ("channel", NO_VALUE)), status=Status.FAILED),
    Selection(facets=(("country", "DE"), ("channel", "web")), currency="EUR"),
    Selection(
        facets=(("country", "DE"), ("channel", NO_VALUE)),
        method="card",
        window=Window(NOON - 400 * DAY, NOON - timedelta(milliseconds=300)),
    ),
    Selection(order_id="two", status=Status.FAILED, window=window_between(None, NOON - DAY)),
]


def matches(chosen, payment):
    return (
        chosen.status in (None, payment.status)
        and chosen.method in (None, payment.method)
        and chosen.currency in (None, payment.currency)
        and payment.created_at in chosen.window
        and chosen.order_id in (None, payment.order_id)
        and all(
            getattr(payment, name) == (None if value == NO_VALUE else value)
            for name, value in chosen.facets
        )
    )


def oldest_first(payments):
    return sorted(payments, key=lambda payment: (payment.created_at, payment.id))


@pytest.fixture(params=SPREADS)
async def recorded(request, db):
    """A hundred and twenty payments in one of many shapes."""
    rng = Random(request.param)
    await record(
        db,
        *(
            insert(
                amount=rng.randrange(1000),
                currency=rng.choice(["USD", "EUR"]),
                method=rng.choice(METHODS),
                status=rng.choice(["success", "failed"]),
                order_id=rng.choice([None, None, "one", "two"]),
                country=rng.choice([None, "DE", "DE", "DE", "FR"]),
                channel=rng.choice([None, None, "web"]),
                created_at=SPREADS[request.param](rng),
            )
            for _ in range(120)
        ),
        of=ODD_ZONE,
    )
    return await stored_payments(db)


@pytest.mark.parametrize("limit", [7, 60])
async def test_pages_are_all_payments_once_and_in_order(db, recorded, limit, monkeypatch):
    """Also where a filter's book tells where they are, by days and by quarter hours."""
    if limit == 7:
        monkeypatch.setattr(newest, "_FEW_READS", 0)
        monkeypatch.setattr(sought, "_DENSE", 5)
    reader = Reader(db)
    for chosen in FILTERS:
        pages, cursor = [], None
        while True:
            page = await list_payments(
                db, "tenant_1", chosen, limit=limit, before=cursor, reader=reader
            )
            pages.append(page.payments)
            assert len(page.payments) == limit or page.following is None
            if page.following is None:
                break
            cursor = page.following
        expected = oldest_first(payment for payment in recorded if matches(chosen, payment))
        assert [payment for page in pages for payment in page] == expected[::-1], chosen


@pytest.mark.parametrize("chunk", [10, 2000])
async def test_an_export_is_all_payments_once_oldest_first(db, recorded, chunk, monkeypatch):
    monkeypatch.setattr(queries, "CHUNK", chunk)
    for chosen in FILTERS:
        found = [each async for part in export_payments(db, "tenant_1", chosen) for each in part]
        assert found == oldest_first(each for each in recorded if matches(chosen, each)), chosen


async def test_an_export_of_a_dense_quarter_hour_comes_in_small_parts(db, monkeypatch):
    monkeypatch.setattr(queries, "CHUNK", 50)
    await record(db, *(insert(created_at=NOON + n * timedelta(seconds=1)) for n in range(800)))
    parts = [len(part) async for part in export_payments(db, "tenant_1", Selection())]
    assert sum(parts) == 800
    assert max(parts) <= 100


async def test_a_payment_recorded_in_between_moves_no_other_to_another_page(db):
    await record(db, *(insert(created_at=NOON - n * timedelta(seconds=1)) for n in range(10)))
    before = oldest_first(await stored_payments(db))[::-1]
    first = await list_payments(db, "tenant_1", Selection(), limit=5)
    await record(db, insert(created_at=NOON + DAY))
    second = await list_payments(db, "tenant_1", Selection(), limit=5, before=first.following)
    assert first.payments + second.payments == before


async def test_a_filter_that_nothing_matches_reads_no_payments(db, recorded):
    """The rollups tell that there are none, so that no payments are searched."""
    await db.payments.update_many({}, {"$set": {"method": "uncounted"}})
    page = await list_payments(db, "tenant_1", Selection(method="uncounted"), limit=10)
    assert page.payments == []


async def test_a_payment_is_found_in_its_tenant_only(db):
    (mine,) = await record(db, insert())
    await record(db, insert(tenant_id="b"), of=tenant("b"))
    assert await find_payment(db, "tenant_1", mine.id) == mine
    for tenant_id, payment_id in [("b", mine.id), ("tenant_1", "x"), ("nobody", mine.id)]:
        with pytest.raises(NotFound):
            await find_payment(db, tenant_id, payment_id)


@pytest.mark.parametrize(
    "cursor", ["", "x", "1-2", "-69b00b40a1b2c3d4e5f60001", "9" * 14 + "-" + "0" * 24]
)
async def test_a_malformed_cursor_is_refused(db, cursor):
    await record(db, insert())
    with pytest.raises(InvalidValue, match="before"):
        await list_payments(db, "tenant_1", Selection(), limit=5, before=cursor)


async def test_a_tenant_without_payments_has_an_empty_page_and_export(db):
    await prepare(db, [tenant()])
    page = await list_payments(db, "tenant_1", Selection(), limit=5)
    assert (page.payments, page.following) == ([], None)
    assert [part async for part in export_payments(db, "tenant_1", Selection())] == []
    with pytest.raises(NotFound):
        await list_payments(db, "nobody", Selection(), limit=5)
