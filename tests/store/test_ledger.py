from __future__ import annotations

import asyncio

import pytest

from financeops.core.errors import Conflict, InvalidValue, NotFound
from financeops.core.metrics import declines
from financeops.core.payments import Status
from financeops.core.periods import EPOCH, Grain
from financeops.store import changes as change_log
from financeops.store.documents import derived_payment_id
from financeops.store.tenants import MAX_DECLINE_CODES, find_tenant, payments_by_source
from financeops.store.writing.ledger import commit
from financeops.store.writing.operations import Insert, Result
from tests.builders import NOON, draft, tenant
from tests.store.recorded import (
    check_ledger,
    insert,
    record,
    refund,
    stored_changes,
    stored_payments,
    stored_rollups,
)


def results(outcomes):
    return [outcome.result for outcome in outcomes]


async def send(db, *operations, of=None):
    return await commit(db, of or tenant(), operations, now=NOON)


async def test_first_payment_creates_its_tenant_with_currency_and_zone(db):
    await record(
        db, insert(tenant_id="shop"), of=tenant("shop", currency="EUR", timezone="Europe/Berlin")
    )
    assert await find_tenant(db, "shop") == tenant(
        "shop", currency="EUR", timezone="Europe/Berlin", seq=1
    )


async def test_a_draft_of_another_tenant_is_refused(db):
    with pytest.raises(ValueError, match="tenant_1"):
        await send(db, insert(tenant_id="b"))


async def test_no_operations_are_no_transaction(db):
    assert await send(db) == []
    with pytest.raises(NotFound):
        await find_tenant(db, "tenant_1")


async def test_a_payment_of_zero_counts(db):
    await record(db, insert(amount=0))
    await check_ledger(db)
    (total,) = (
        rollup for place, rollup in (await stored_rollups(db)).items() if place[1] is Grain.TOTAL
    )
    assert total.cells == {("card", Status.SUCCESS): (1, 0)}


async def test_the_same_key_counts_once_within_and_across_batches(db):
    first = await send(db, insert("a"), insert("b"), insert("a"))
    again = await send(db, insert("b"), insert("c"), insert("a"))
    assert results(first) == [Result.CREATED, Result.CREATED, Result.DUPLICATE]
    assert results(again) == [Result.DUPLICATE, Result.CREATED, Result.DUPLICATE]
    assert again[2].payment == first[0].payment
    assert len(await stored_payments(db)) == 3
    await check_ledger(db)


async def test_another_request_under_the_same_key_is_refused_and_the_others_are_kept(db):
    await send(db, insert("a"))
    refused, created = await send(db, insert("a", request_hash="other", amount=1), insert("b"))
    assert refused.result is Result.REJECTED
    assert isinstance(refused.error, Conflict)
    assert created.result is Result.CREATED
    await check_ledger(db)


async def test_a_key_and_a_reference_of_the_same_text_differ(db):
    by_key = Insert(draft=draft(), key=("key", "a"), request_hash="asked like this")
    assert results(await send(db, insert("a"), by_key)) == [Result.CREATED, Result.CREATED]


async def test_the_same_reference_of_another_tenant_is_another_payment(db):
    (mine,) = await record(db, insert("a"))
    (theirs,) = await record(db, insert("a", tenant_id="b"), of=tenant("b"))
    assert mine.id != theirs.id
    outcome = (await send(db, refund(theirs)))[0]
    assert isinstance(outcome.error, NotFound), "nothing of one tenant reaches another"


async def test_refund_moves_the_payment_and_is_a_change_of_its_own(db):
    (paid,) = await record(db, insert())
    (refunded,) = await record(db, refund(paid))
    assert (refunded.status, refunded.refunded_at) == (Status.REFUNDED, NOON)
    log = await stored_changes(db)
    assert [(change.seq, change.previous_status) for change in log] == [
        (1, None),
        (2, Status.SUCCESS),
    ]
    await check_ledger(db)


async def test_a_repeated_refund_returns_the_same_answer_and_counts_once(db):
    (paid,) = await record(db, insert())
    outcomes = await send(db, refund(paid), refund(paid))
    (later,) = await send(db, refund(paid))
    assert results([*outcomes, later]) == [Result.REFUNDED, Result.DUPLICATE, Result.DUPLICATE]
    assert later.payment == outcomes[0].payment
    await check_ledger(db)


async def test_payment_and_its_refund_in_one_batch(db):
    payment_id = derived_payment_id("tenant_1", ("reference", "a"))
    created, refunded = await send(db, insert("a"), refund(payment_id))
    assert (created.result, refunded.result) == (Result.CREATED, Result.REFUNDED)
    await check_ledger(db)


@pytest.mark.parametrize("payment_id", ["69b00b40a1b2c3d4e5f60001", "x", ""])
async def test_refund_of_a_payment_that_does_not_exist(db, payment_id):
    (outcome,) = await send(db, refund(payment_id))
    assert outcome.result is Result.REJECTED
    assert isinstance(outcome.error, NotFound)


async def test_refund_of_a_failed_payment_is_a_conflict(db):
    (failed,) = await record(db, insert(status="failed"))
    (outcome,) = await send(db, refund(failed))
    assert isinstance(outcome.error, Conflict)
    await check_ledger(db)


async def test_an_id_in_capitals_is_the_same_id(db):
    (paid,) = await record(db, insert())
    (outcome,) = await send(db, refund(paid.id.upper()))
    assert outcome.result is Result.REFUNDED


async def test_concurrent_refunds_of_one_payment_count_once(db, other_db):
    (paid,) = await record(db, insert())
    answers = await asyncio.gather(
        *(send(client, refund(paid)) for client in (db, other_db) for _ in range(3))
    )
    told = results(outcome for outcomes in answers for outcome in outcomes)
    assert sorted(told) == [*[Result.DUPLICATE] * 5, Result.REFUNDED]
    await check_ledger(db)


async def test_two_clients_create_the_same_tenant_at_once(db, other_db):
    answers = await asyncio.gather(
        *(send(client, insert(f"{n}")) for n in range(3) for client in (db, other_db))
    )
    told = results(outcome for outcomes in answers for outcome in outcomes)
    assert sorted(told) == [*[Result.CREATED] * 3, *[Result.DUPLICATE] * 3]
    await check_ledger(db)


async def test_a_payment_that_the_database_refuses_fails_alone(db):
    operations = [insert(f"{n}", method="Not A Method" if n == 5 else "card") for n in range(9)]
    outcomes = await send(db, *operations)
    assert [outcome.result is Result.REJECTED for outcome in outcomes] == [n == 5 for n in range(9)]
    assert isinstance(outcomes[5].error, InvalidValue)
    assert len(await stored_payments(db)) == 8
    await check_ledger(db)


async def test_decline_codes_beyond_the_limit_are_counted_as_other(db):
    codes = [f"code_{n}" for n in range(MAX_DECLINE_CODES + 5)]
    await record(db, *(insert(status="failed", decline_code=code) for code in codes))
    (late,) = await record(db, insert(status="failed", decline_code=codes[-1]))
    (early,) = await record(db, insert(status="failed", decline_code=codes[0]))
    assert (late.decline_code, late.decline_group) == (codes[-1], "other")
    assert early.decline_group is None
    everything = (await stored_rollups(db))["USD", Grain.TOTAL, EPOCH]
    counts = {row.decline_code: row.count for row in declines(everything)}
    assert counts.pop("other") == 6
    assert counts == {**dict.fromkeys(codes[:MAX_DECLINE_CODES], 1), codes[0]: 2}
    await check_ledger(db)


async def test_a_thousand_payments_are_one_transaction(db):
    await record(db, *(insert(amount=n) for n in range(1000)))
    assert await db.changes.count_documents({}) == 1
    assert (await find_tenant(db, "tenant_1")).seq == 1000


async def test_payments_are_counted_by_their_source(db):
    await record(db, insert(), insert(source="simulation"))
    await record(db, insert(tenant_id="b"), of=tenant("b"))
    assert await payments_by_source(db) == {"api": 2, "simulation": 1}


async def test_change_log_is_read_in_order_from_any_number(db):
    for n in range(3):
        await record(db, insert(amount=n), insert(amount=10 + n))
    seqs = [change.seq for change in await change_log.changes_after(db, "tenant_1", 3)]
    assert seqs == [4, 5, 6]
    assert await change_log.changes_after(db, "tenant_1", 6) == []
    assert await change_log.last_seq(db, "tenant_1") == 6


@pytest.mark.parametrize("expired", [1, 3])
async def test_a_gap_in_the_change_log_is_noticed(db, expired):
    for n in range(3):
        await record(db, insert(amount=n), insert(amount=10 + n))
    await db.changes.delete_one({"firstSeq": expired})
    assert await change_log.changes_after(db, "tenant_1", 0) is None
    assert await change_log.changes_after(db, "tenant_1", 4) is not None
