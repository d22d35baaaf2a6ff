"""Acts told by reference: in any order with their payment, each once, and none waits beside it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from financeops.core.act_terms import DisputeTerms, FeesTerms, SettlementTerms
from financeops.core.disputes import DisputeStatus
from financeops.core.errors import NotFound, Unavailable
from financeops.core.fees import FeeKind
from financeops.core.payments import Status
from financeops.store.dead_letters import (
    Letter,
    dead_letter,
    find_letter,
    forget_letter,
    keep_letters,
    list_letters,
)
from financeops.store.tenants import find_record
from financeops.store.verifying.verify import verify
from financeops.store.writing.decisions import Marks, Stored
from financeops.store.writing.disputing import disputed
from financeops.store.writing.imports import start_import
from financeops.store.writing.ledger import commit
from financeops.store.writing.operations import (
    Fees,
    ImportRow,
    Refund,
    Result,
    Settlement,
    await_payment,
    keyed,
    payment_named,
    refund_id_of,
)
from tests.builders import NOON, draft, payment, tenant
from tests.store.recorded import insert, stored_changes, stored_payments, stored_rollups
from tests.store.test_act_laws import MADE, PAID, RULES, operation, present, stories, without_name


def awaiting(shop, reference, act, *, name="once", at=NOON, currency=None, event="evt"):
    letter = Letter(provider="standard", event=event, kind=None, body="{}")
    return await_payment(act, shop.id, name=name, at=at, letter=letter, currency=currency)


def refund_of(shop, reference, amount, *, key="k", at=NOON):
    payment_id = payment_named(shop.id, reference)
    name = refund_id_of(shop.id, payment_id, key)
    act = Refund(payment_id=payment_id, amount=Decimal(amount), at=at, refund_id=name, keyed=True)
    return awaiting(shop, reference, act, name=key, at=at)


def fee_of(shop, reference, amount, key):
    terms = FeesTerms(fees=((FeeKind.PROCESSING, Decimal(amount), None),), at=NOON)
    act = keyed(Fees(payment_id=payment_named(shop.id, reference), terms=terms), shop.id, key)
    return awaiting(shop, reference, act, name=key)


def paid(shop, reference, number=0, **fields):
    made = MADE + number * timedelta(minutes=15)
    return insert(reference, tenant_id=shop.id, **{"amount": PAID, "created_at": made, **fields})


class Named:
    """What `operation` wants to know of a payment."""

    def __init__(self, payment_id):
        self.id = payment_id


def told_early(shop, number, acts):
    """The story of a payment, told by its reference."""
    payment = Named(payment_named(shop.id, f"r{number}"))
    for place, (kind, key, terms) in enumerate(acts):
        act = operation(shop, payment, (kind, key, terms))
        at = terms[1] if kind is Refund else getattr(terms, "at", None) or terms.settled_at
        yield awaiting(shop, f"r{number}", act, name=f"act {place}", at=at)


@RULES
@given(told=st.lists(stories(), min_size=1, max_size=3), data=st.data())
async def test_any_order_of_payments_and_acts_gives_the_same(db, other_db, told, data):
    """In order, each in a transaction; and mixed, repeated, in pieces that two send at once."""
    one, two = (tenant(f"t-{uuid4().hex[:8]}", timezone="Asia/Kathmandu") for _ in range(2))
    order = data.draw(st.none() | st.just("an order"))
    for number, acts in enumerate(told):
        for act in (
            paid(one, f"r{number}", number, order_id=order),
            *told_early(one, number, acts),
        ):
            (outcome,) = await commit(db, one, [act], now=NOON)
            assert outcome.error is None, outcome
    mixed = [paid(two, f"r{number}", number, order_id=order) for number in range(len(told))]
    mixed += [act for number, acts in enumerate(told) for act in told_early(two, number, acts)]
    mixed = data.draw(st.permutations(mixed + data.draw(st.lists(st.sampled_from(mixed)))))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(mixed)), max_size=3)))
    pieces = [mixed[start:end] for start, end in zip([0, *cuts], [*cuts, len(mixed)], strict=True)]
    answers = await asyncio.gather(
        *(commit((db, other_db)[n % 2], two, some, now=NOON) for n, some in enumerate(pieces))
    )
    assert all(each.error is None for part in answers for each in part)
    same = list(map(without_name, await present(db, one)))
    assert list(map(without_name, await present(db, two))) == same
    assert await stored_rollups(db, one.id) == await stored_rollups(db, two.id)
    assert await db.waitingActs.find({}).to_list() == []
    assert (await find_record(db, two.id)).waiting_acts == 0
    assert await list_letters(db, two.id, limit=9) == []


async def test_what_its_payment_refuses_is_kept_and_the_payment_recorded(db):
    """In the order of events, whatever the order of arrival; a repetition waits once."""
    shop = tenant()
    later = refund_of(shop, "r", "7", key="later")
    sooner = refund_of(shop, "r", "8", key="sooner", at=NOON - timedelta(days=1))
    foreign = awaiting(shop, "r", fee_of(shop, "r", "1", "f").act, currency="EUR", event="foreign")
    for _ in range(2):
        for act in (later, sooner, foreign):
            (outcome,) = await commit(db, shop, [act], now=NOON)
            assert (outcome.result, outcome.payment) == (Result.WAITING, None)
    (other,) = await commit(db, shop, [refund_of(shop, "r", "3", key="later")], now=NOON)
    assert "used before" in str(other.error)
    assert (await find_record(db, shop.id)).waiting_acts == await db.waitingActs.count_documents({})
    assert await stored_payments(db) == []
    (outcome,) = await commit(db, shop, [paid(shop, "r")], now=NOON)
    assert (outcome.result, outcome.payment.refunded_amount) == (Result.CREATED, 800)
    assert [each.type for each in await stored_changes(db)] == [
        "payment_received",
        "payment_refunded",
    ]
    letters = {each.letter.event: each for each in await list_letters(db, shop.id, limit=9)}
    assert "at most 2" in letters["evt"].reason
    assert "that of the payment is USD" in letters["foreign"].reason
    assert await db.waitingActs.count_documents({}) == 0
    await present(db, shop)
    for act in (later, sooner):
        (outcome,) = await commit(db, shop, [act], now=NOON)
    assert outcome.result is Result.DUPLICATE


async def test_a_row_of_a_file_brings_what_waits_and_other_tenants_none(db):
    shop, other = tenant(), tenant("other")
    await commit(db, other, [fee_of(other, "r", "2", "k")], now=NOON)
    await commit(db, shop, [fee_of(shop, "r", "0.5", "k")], now=NOON)
    begun, _ = await start_import(db, shop.id, file="f", size=1, options={}, now=NOON)
    said = draft(amount=PAID, created_at=MADE, reference="r")
    row = ImportRow(draft=said, key=("reference", "r"), import_id=begun.id, base="b", content="c")
    both = [row, fee_of(shop, "r", "0.25", "k2")]
    await commit(db, shop, both, now=NOON)
    (stored,) = await present(db, shop)
    assert (stored.fee_amount, stored.revision) == (75, 2)
    assert await db.waitingActs.distinct("tenantId") == ["other"]


async def test_what_is_interrupted_waits_on_and_a_tenant_without_pays_nothing(proxy, proxied_db):
    db, shop = proxied_db, tenant()
    proxy.seen.clear()
    await commit(db, shop, [paid(shop, "before")], now=NOON)
    assert not any("waitingActs" in each.values() for each in proxy.seen)
    await commit(db, shop, [fee_of(shop, "r", "0.5", "k")], now=NOON)

    async def cut(command):
        if command.get("delete") == "waitingActs":
            proxy.fail("insert", "commitTransaction", times=float("inf"), code=91)

    proxy.before = cut
    with pytest.raises(Unavailable):
        await commit(db, shop, [paid(shop, "r", 1)], now=NOON)
    proxy.before = None
    proxy.heal()
    assert len(await stored_payments(db)) == await db.waitingActs.count_documents({}) == 1
    await commit(db, shop, [paid(shop, "r", 1)], now=NOON)
    assert [each.fee_amount for each in await present(db, shop)] == [None, 50]


async def test_verifying_finds_what_waits_beside_its_payment(db):
    shop = tenant()
    await commit(db, shop, [paid(shop, "r", status=Status.FAILED)], now=NOON)
    elsewhere = tenant("elsewhere")
    terms = SettlementTerms(payout_id="po", settled_at=NOON)
    settlement = Settlement(payment_id=payment_named(shop.id, "r"), terms=terms)
    early = [fee_of(shop, "r", "0.5", "k"), awaiting(shop, "r", settlement)]
    waiting = [fee_of(shop, "never", "1", "k")]
    await commit(db, elsewhere, [*early, *waiting], now=NOON)
    await db.waitingActs.update_many({}, {"$set": {"tenantId": shop.id}})
    await db.tenants.update_one({"_id": shop.id}, {"$set": {"waitingActs": 3}})
    found = await verify(db, shop.id, as_of=NOON, repair=True)
    assert (found.overdue, found.repaired) == ([payment_named(shop.id, "r")], True)
    after = await verify(db, shop.id, as_of=NOON)
    assert (after.overdue, after.differences, after.shown) == ([], [], [])
    (stored,) = await present(db, shop)
    assert stored.fee_amount == 50
    assert await db.waitingActs.count_documents({}) == 1
    assert (await find_record(db, shop.id)).waiting_acts == 1
    (letter,) = await list_letters(db, shop.id, limit=9)
    assert "failed payment" in letter.reason


async def test_dead_letters_are_a_tenants_own_and_listed_in_pages(db):
    card = "4111 1111 1111 1111"
    for tenant_id in ("a", "b"):
        letters = [
            dead_letter(
                tenant_id,
                Letter(provider="stripe", event=f"evt{n}", kind="k", body=f"{n} {card}"),
                f"why {card}",
                NOON + timedelta(minutes=n // 2),
            )
            for n in range(5)
        ]
        for _ in range(2):
            await keep_letters(db, tenant_id, letters)
    listed, last = [], None
    while page := await list_letters(db, "a", limit=2, before=last):
        listed += page
        last = page[-1].id
    assert len({each.id for each in listed}) == 5
    assert [each.at for each in listed] == sorted((each.at for each in listed), reverse=True)
    assert {card in each.letter.body or card in each.reason for each in listed} == {False}
    with pytest.raises(NotFound):
        await find_letter(db, "b", listed[0].id)
    await forget_letter(db, "b", listed[0].id)
    await forget_letter(db, "a", listed[1].id)
    assert len(await list_letters(db, "a", limit=9)) == 4
    assert len(await list_letters(db, "b", limit=9)) == 5


@given(
    opened=st.lists(st.integers(0, 4), unique=True),
    ended=st.dictionaries(st.integers(4, 9), st.sampled_from(["won", "lost"]).map(DisputeStatus)),
    data=st.data(),
)
def test_a_dispute_told_by_events_is_the_same_in_any_order(opened, ended, data):
    """The earliest opening and the latest end count, each event once or twice."""

    def after(events):
        stored = Stored(payment(amount=PAID, created_at=MADE), Marks())
        for status, day in events:
            terms = DisputeTerms(id="dp", status=status, at=MADE + timedelta(days=day))
            stored = disputed(terms, stored, NOON, by_event=True)
        return stored.payment.dispute

    told = [(DisputeStatus.OPEN, day) for day in opened] + [(ended[day], day) for day in ended]
    if not told:
        return
    mixed = data.draw(st.permutations(told + data.draw(st.lists(st.sampled_from(told)))))
    found = after(mixed)
    days = [min(opened, default=None), max(ended, default=None)]
    moments = [None if day is None else MADE + timedelta(days=day) for day in days]
    assert [found.opened_at, found.closed_at] == moments
    assert found.status == (ended[max(ended)] if ended else DisputeStatus.OPEN)
