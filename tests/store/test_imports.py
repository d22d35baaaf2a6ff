"""Rows that are recognised, and imports that are undone."""

from __future__ import annotations

from datetime import timedelta

import pytest

from financeops.core.errors import Conflict, NotFound
from financeops.core.payments import Source, Status
from financeops.core.questions import Question
from financeops.store.reading.reader import Reader
from financeops.store.tenants import find_record, payments_by_source
from financeops.store.verifying.verify import verify
from financeops.store.writing.imports import (
    ImportState,
    acts_left,
    find_import,
    finish_import,
    forget_acts,
    list_imports,
    read_acts,
    start_import,
)
from financeops.store.writing.ledger import commit
from financeops.store.writing.operations import ImportRow, Refund, Result
from financeops.store.writing.rows import forget_rows
from financeops.store.writing.undo import begin_undo, finish_undo, operations_of
from tests.builders import NOON, draft, tenant
from tests.store.recorded import check_ledger, insert, record, stored_payments

LATER = NOON + timedelta(hours=1)


@pytest.fixture
async def importing(db):
    """Begin an import."""

    async def start(file="a.csv", **options):
        found, _ = await start_import(
            db, "tenant_1", file=file, size=None, options=options, now=NOON
        )
        return found

    return start


def row(found, name, *, meaning=None, base=None, content=None, export_id=None, **fields):
    """A row of a file; `name` stands for its content."""
    reference = fields.get("reference")
    return ImportRow(
        draft=draft(source=Source.IMPORT, **fields),
        key=("reference", reference or meaning or f"row:{name}:1"),
        import_id=found.id,
        base=base or f"{name}:1",
        content=content or name,
        export_id=export_id,
    )


async def send(db, *operations, now=NOON):
    return await commit(db, tenant(), operations, now=now)


def results(outcomes):
    return [outcome.result for outcome in outcomes]


async def take_back(db, found, *, now=LATER):
    """Undo all of an import, without a server."""
    await begin_undo(db, found)
    for acts_id in await acts_left(db, found):
        acts = await read_acts(db, found, acts_id)
        outcomes = await send(db, *operations_of(acts), now=now)
        assert {outcome.error for outcome in outcomes} <= {None}
        await forget_rows(db, found.tenant_id, found.id, acts.rows)
        await forget_acts(db, found, acts)
    await finish_undo(db, found, now=now)


async def test_a_row_is_recognised_by_its_content_however_it_was_read(db, importing):
    first = await importing()
    await send(db, row(first, "a"), row(first, "b"))
    again = await importing("b.csv")
    known, differs, new = await send(
        db,
        row(again, "a", meaning="row:other:1"),
        row(again, "b", meaning="row:else:1", customer_id="ada"),
        row(again, "c"),
    )
    assert results([known, differs, new]) == [Result.DUPLICATE, Result.CONFLICT, Result.CREATED]
    assert isinstance(differs.error, Conflict)
    assert differs.error.field == "customerId"
    assert str(differs.error) == "customerId: is recorded as nothing, the row says 'ada'"
    await check_ledger(db)


async def test_a_row_that_differs_only_in_its_status_is_a_conflict(db, importing):
    found = await importing()
    await send(db, row(found, "a success", base="a:1"))
    (moved,) = await send(db, row(found, "a refunded", base="a:1", status="refunded"))
    assert (moved.result, moved.error.field) == (Result.CONFLICT, "status")
    # Recognised by its meaning, whichever of the equal ones it is.
    same, second = await send(
        db,
        row(found, "a success", base="a:2", meaning="row:a success:1"),
        row(found, "a failed", base="a:3", status="failed"),
    )
    assert results([same, second]) == [Result.DUPLICATE, Result.CREATED]
    assert len(await stored_payments(db)) == 2


async def test_a_refund_is_imported_once_and_older_rows_change_nothing(db, importing):
    found = await importing()
    await record(db, insert("r", country="DE"))
    moved = row(found, "r refunded", reference="r", status="refunded", refunded_at=LATER)
    old = row(found, "r success", reference="r")
    failed = row(found, "r failed", reference="r", status="failed")
    outcomes = await send(db, old, moved, moved, old, failed, now=LATER)
    assert results(outcomes) == [
        *(Result.DUPLICATE, Result.UPDATED, Result.DUPLICATE, Result.DUPLICATE, Result.CONFLICT)
    ]
    (payment,) = await stored_payments(db)
    assert (payment.status, payment.refunded_at) == (Status.REFUNDED, LATER)
    assert (await find_import(db, found.id)).counts.updated == 1
    await check_ledger(db)


async def test_an_id_of_an_export_is_recognised_in_its_tenant(db, importing):
    (payment,) = await record(db, insert())
    found = await importing()
    export = {"export_id": payment.id, "meaning": "row:x:1"}
    assert results(await send(db, row(found, "x", **export))) == [Result.DUPLICATE]
    # From then on the row is recognised without it.
    assert results(await send(db, row(found, "x"))) == [Result.DUPLICATE]
    assert len(await stored_payments(db)) == 1


async def test_undoing_an_import_numbers_the_attempts_that_are_left(db, importing):
    """The first attempt came with it, and the one that brought the order about."""
    order = {"order_id": "o", "decline_code": None}
    await record(db, insert(created_at=NOON - timedelta(days=1), status="failed", **order))
    before = await stored_payments(db)
    found = await importing()
    await send(
        db,
        row(found, "a", created_at=NOON - timedelta(days=40), status="failed", **order),
        row(found, "b", created_at=NOON, **order),
        row(found, "c", created_at=NOON, order_id="p", decline_code=None),
    )
    payments = sorted(await stored_payments(db), key=lambda each: each.created_at)
    numbers = [(each.attempt, each.recovered_by) for each in payments if each.order_id == "o"]
    assert numbers == [(1, 3), (2, None), (3, None)]
    await take_back(db, found)
    (left,) = await stored_payments(db)
    assert (left.id, left.attempt, left.recovered_by) == (before[0].id, 1, None)
    report = await verify(db, "tenant_1", as_of=LATER)
    assert (report.differing, report.shown, report.misnumbered) == (0, [], [])
    await check_ledger(db)


async def test_undoing_an_import_restores_the_state_before_it(db, importing):
    await record(
        db, insert("kept"), insert("moved"), insert(status="failed", decline_code="expired_card")
    )
    before = await find_record(db, "tenant_1")
    payments = {each.id: each for each in await stored_payments(db)}
    found = await importing()
    outcomes = await send(
        db,
        row(found, "a", created_at=NOON - timedelta(days=400), currency="EUR"),
        row(found, "b", status="failed", decline_code="brand_new"),
        row(found, "c", status="refunded", created_at=NOON + timedelta(seconds=5)),
        row(found, "d", reference="moved", status="refunded"),
        row(found, "e", reference="kept"),
        now=LATER,
    )
    assert results(outcomes) == [*[Result.CREATED] * 3, Result.UPDATED, Result.DUPLICATE]
    during = await find_record(db, "tenant_1")
    assert (sorted(during.currencies), during.first_at) == (
        ["EUR", "USD"],
        NOON - timedelta(days=400),
    )
    await take_back(db, found)

    after = await find_record(db, "tenant_1")
    assert (after.currencies, after.decline_codes) == (before.currencies, before.decline_codes)
    assert (after.first_at, after.last_at) == (before.first_at, before.last_at)
    assert (after.tenant.seq, after.taken_back) == (before.tenant.seq + 8, 4)
    assert (await payments_by_source(db))["import"] == 0
    left = {each.id: each for each in await stored_payments(db)}
    assert {key: (each.status, each.refunded_at) for key, each in left.items()} == {
        key: (each.status, each.refunded_at) for key, each in payments.items()
    }
    assert (await verify(db, "tenant_1", as_of=LATER)).differences == []
    await check_ledger(db)
    assert await db.importRows.count_documents({}) == 0
    assert (await find_import(db, found.id)).state is ImportState.UNDONE
    # It can be imported again.
    again = await importing("again.csv")
    assert results(await send(db, row(again, "a"), row(again, "e", reference="kept"))) == [
        *(Result.CREATED, Result.DUPLICATE)
    ]


async def test_undoing_the_only_import_leaves_a_tenant_without_payments(db, importing):
    found = await importing()
    await send(db, row(found, "a"), row(found, "b", status="failed"))
    await take_back(db, found)
    record = await find_record(db, "tenant_1")
    assert (record.currencies, record.decline_codes, record.first_at) == ([], [], None)
    assert await db.rollups.count_documents({}) == 0
    await check_ledger(db)


async def test_payments_refunded_since_are_named_and_nothing_is_undone(db, importing):
    found, later = await importing(), await importing("later.csv")
    payments = [each.payment for each in await send(db, row(found, "a"), row(found, "b"))]
    await send(db, Refund(payment_id=payments[0].id), now=LATER)
    await send(db, row(later, "b", reference=None, status="refunded", content="b"), now=LATER)
    with pytest.raises(Conflict) as refused:
        await begin_undo(db, found)
    assert f"payment {payments[0].id} was refunded since" in str(refused.value)
    assert f"payment {payments[1].id} was refunded by the import {later.id}" in str(refused.value)
    assert (await find_import(db, found.id)).state is ImportState.RUNNING
    assert len(await stored_payments(db)) == 2
    await take_back(db, later)
    with pytest.raises(Conflict, match="refunded since"):
        await begin_undo(db, found)
    await check_ledger(db)


async def test_an_import_that_is_being_undone_accepts_no_changes(db, importing):
    found, other = await importing(), await importing("other.csv")
    (created,) = await send(db, row(found, "a"))
    await begin_undo(db, found)
    outcomes = await send(
        db, Refund(payment_id=created.payment.id), row(found, "b"), row(other, "a")
    )
    assert results(outcomes) == [Result.REJECTED, Result.REJECTED, Result.CONFLICT]
    assert all("taken back" in str(each.error) or "no more" in str(each.error) for each in outcomes)
    with pytest.raises(Conflict):
        await finish_import(db, found.id, duplicate=0, conflict=0, rejected=0, now=NOON)
    await take_back(db, found)
    assert results(await send(db, row(other, "a"))) == [Result.CREATED]
    await check_ledger(db)


async def test_a_row_of_a_removed_payment_is_new(db, importing):
    found, other = await importing(), await importing("other.csv")
    await send(db, row(found, "a"))
    acts = await read_acts(db, found, (await acts_left(db, found))[0])
    await begin_undo(db, found)
    await send(db, *operations_of(acts))  # killed before its rows were forgotten
    assert results(await send(db, row(other, "a"))) == [Result.CREATED]
    await take_back(db, found)
    assert len(await stored_payments(db)) == 1
    assert results(await send(db, row(other, "a", meaning="row:z:1"))) == [Result.DUPLICATE]
    await check_ledger(db)


async def test_the_newest_payments_move_up_when_one_is_removed(db, importing):
    reader = Reader(db)
    await record(db, insert("old", created_at=NOON - timedelta(hours=2)))
    found = await importing()
    await send(db, *(row(found, str(n), created_at=NOON - timedelta(minutes=n)) for n in range(3)))

    async def newest():
        question = Question()
        answer = await reader.answer("tenant_1", question, as_of=LATER, payments=2)
        return [each.created_at for each in answer.payments], answer.currencies

    assert await newest() == ([NOON, NOON - timedelta(minutes=1)], ["USD"])
    await take_back(db, found)
    assert await newest() == ([NOON - timedelta(hours=2)], ["USD"])


async def test_an_interrupted_import_is_resumed(db, importing):
    first = await importing("a.csv", currency="USD")
    assert (await importing("a.csv", currency="USD")).id == first.id
    other = await importing("a.csv", currency="EUR")
    assert other.id != first.id
    await finish_import(db, first.id, duplicate=1, conflict=2, rejected=3, now=LATER)
    assert (await importing("a.csv", currency="USD")).id != first.id
    found = await list_imports(db, "tenant_1")
    assert {each.state for each in found} == {ImportState.RUNNING, ImportState.DONE}
    with pytest.raises(NotFound):
        await find_import(db, first.id, "tenant_2")
