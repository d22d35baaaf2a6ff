"""Every answer equals a recomputation from the payments, whoever writes meanwhile."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from itertools import pairwise
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from financeops.core.act_terms import DisputeTerms, FeesTerms
from financeops.core.disputes import DisputeStatus
from financeops.core.errors import InvalidValue, NotFound
from financeops.core.fees import FeeKind
from financeops.core.metrics import attempts, peak_hour
from financeops.core.money import to_major
from financeops.core.payments import Status
from financeops.core.periods import (
    DAY,
    EPOCH,
    HOUR,
    MILLISECOND,
    Period,
    Window,
)
from financeops.core.questions import Question
from financeops.core.rollup import Rollup, rollup_of, total
from financeops.core.windows import ends_of, window_between
from financeops.store.reading import book
from financeops.store.reading import reader as reading
from financeops.store.reading.reader import Reader
from financeops.store.schema import prepare
from financeops.store.verifying.verify import set_timezone, verify
from financeops.store.writing.ledger import commit
from financeops.store.writing.operations import Dispute, Fees, Refund, Result
from tests import borders, plain
from tests.acts import acts_in
from tests.builders import NOON, at, tenant
from tests.questions import question as a_question
from tests.store.recorded import insert, record, refund, stored_payments
from tests.strategies import METHODS

ZONE = "Asia/Kathmandu"
KATHMANDU = tenant(timezone=ZONE)


def some_payments(rng, count, *, until=NOON):
    """Insertions: half of them of the last two days, the others of the last two years."""
    for _ in range(count):
        reach = rng.choice([2 * DAY, 730 * DAY])
        yield insert(
            amount=rng.randrange(10_000),
            currency=rng.choice(["USD", "USD", "EUR"]),
            method=rng.choice(METHODS),
            status=rng.choice(["success", "success", "failed"]),
            created_at=until - MILLISECOND * rng.randrange(reach // MILLISECOND),
        )


def a_payment(rng, tenant_id, at):
    """An insertion of any amount, method and outcome."""
    return insert(
        tenant_id=tenant_id,
        amount=rng.randrange(10_000),
        currency=rng.choice(["USD", "USD", "EUR"]),
        method=rng.choice(METHODS),
        status=rng.choice(["success", "success", "failed"]),
        created_at=at,
    )


def some_acts(rng, zone, payment):
    """Refunds of parts, fees and a dispute of a payment, at boundaries of time; some are refused."""

    def later(since):
        latest = max(since + MILLISECOND, borders.present_of(zone))
        found = rng.choice([since, borders.border(rng, zone, since, latest), latest])
        return min(max(found, since), latest)

    first = later(payment.created_at)
    drawn = rng.choice(["nothing", "refunds", "fees", "dispute", "end", "all"])
    if drawn in ("refunds", "all"):
        for number in range(rng.choice([1, 2, 3])):
            part = to_major(payment.amount // 3, payment.currency)
            name = f"{number:024}"
            at = later(payment.created_at)
            yield Refund(payment_id=payment.id, amount=part, at=at, refund_id=name, keyed=True)
    if drawn in ("fees", "all"):
        fees = tuple((kind, Decimal(rng.randint(-9, 99)), None) for kind in (FeeKind.TAX,) * 2)
        yield Fees(payment_id=payment.id, terms=FeesTerms(fees=fees, at=first))
    if drawn in ("dispute", "all"):
        terms = DisputeTerms(id="dp", status=DisputeStatus.OPEN, at=first)
        yield Dispute(payment_id=payment.id, terms=terms)
    if drawn in ("end", "all"):
        status = rng.choice([DisputeStatus.WON, DisputeStatus.LOST])
        terms = DisputeTerms(id="dp", status=status, at=later(first))
        yield Dispute(payment_id=payment.id, terms=terms)


def recompute(payments, window, zone, *, currency, method):
    chosen = [
        payment
        for payment in payments
        if payment.currency == currency and method in (None, payment.method)
    ]
    made = [rollup_of(payment, zone) for payment in chosen if payment.created_at in window]
    return total([*made, acts_in(chosen, window)])


def newest(payments, count, *, currency, method):
    chosen = [
        each
        for each in payments
        if currency in (None, each.currency) and method in (None, each.method)
    ]
    return sorted(chosen, key=lambda each: (each.created_at, each.id), reverse=True)[:count]


async def check(db, reader, question, *, of="tenant_1", as_of=NOON, payments=0):
    """Ask with everything that the question allows, and compare with a recomputation."""
    closed = question.period is not None or None not in ends_of(question.window)
    answer = await reader.answer(
        of, question, as_of=as_of, in_buckets=closed, compare=closed, payments=payments
    )
    stored = await stored_payments(db, of)
    zone = ZoneInfo(question.timezone or answer.tenant.timezone)
    chosen = {"currency": question.currency or answer.tenant.currency, "method": question.method}
    if question.period is not None:
        cuts = plain.period_cuts(question.period, as_of, zone)
        window = Window(cuts[0], cuts[-1])
        before = Window(*plain.period_before(question.period, as_of, zone))
    elif closed:
        window = question.window
        cuts = plain.window_cuts(window.start, window.end, zone)
        before = Window(*plain.window_before(window.start, window.end, as_of, zone))
    else:
        window, cuts, before = question.window, [], None
    cut = tuple(Window(*ends) for ends in pairwise(cuts))
    assert answer.window == window
    assert answer.rollup == recompute(stored, window, zone, **chosen)
    assert answer.buckets == cut
    assert answer.bucket_rollups == [recompute(stored, each, zone, **chosen) for each in cut]
    assert answer.previous_window == before
    if before:
        assert answer.previous == recompute(stored, before, zone, **chosen)
    feed = {"currency": question.currency, "method": question.method}
    assert answer.payments == newest(stored, payments, **feed)
    assert answer.currencies == sorted({each.currency for each in stored})
    return answer


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    zone=st.sampled_from(list(borders.PRESENTS)).map(ZoneInfo),
    seed=st.integers(0, 2**32),
    feed=st.sampled_from([0, 3, 30]),
)
async def test_answers_are_recomputations(db, other_db, *, zone, seed, feed):
    # One reader per database: what it remembers of one example is there for the next, and each
    # example changes the payments behind its back. Another one remembers nothing.
    warm, cold = readers.setdefault(db.name, Reader(db)), Reader(db)
    one = tenant(zone.key.replace("/", "-"), timezone=zone.key)
    rng = Random(seed)
    moments = borders.times(rng, zone, 40, borders.present_of(zone))
    new = await record(other_db, *(a_payment(rng, one.id, at) for at in moments), of=one)
    paid = [payment for payment in new if payment.status is Status.SUCCESS]
    if paid:
        await record(other_db, refund(rng.choice(paid)), of=one)
    happened = [act for payment in new for act in some_acts(rng, zone, payment)]
    told = await commit(other_db, one, happened, now=borders.present_of(zone))
    assert {Result.UPDATED, Result.REFUNDED} <= {each.result for each in told}
    for asked in [a_question(rng, zone) for _ in range(4)]:
        question = Question(
            currency=asked.currency,
            method=asked.method,
            timezone=asked.timezone,
            period=asked.period and Period(asked.period),
            window=window_between(asked.start, asked.end),
        )
        for reader in (warm, cold):
            await check(db, reader, question, of=one.id, as_of=asked.as_of, payments=feed)


readers = {}


async def ask_about(db, zone, *createds, start, end, as_of=NOON, timezone=None):
    """Record payments of 1, 2, 4, … cents and check a window and all periods about them."""
    amounts = [insert(amount=2**n, created_at=at) for n, at in enumerate(createds)]
    await record(db, *amounts, of=tenant(timezone=zone))
    for reader in (shared := Reader(db), shared, Reader(db)):
        for period in Period:
            await check(db, reader, Question(period=period), as_of=as_of)
        question = Question(window=Window(start, end), timezone=timezone)
        answer = await check(db, reader, question, as_of=as_of)
    return answer


PAGE = EPOCH + 324 * 64 * DAY  # 2026-10-10T00:00Z


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo", "Pacific/Chatham", "UTC"])
@pytest.mark.parametrize("beside", [-HOUR, -MILLISECOND, 0 * HOUR, MILLISECOND, HOUR])
async def test_a_day_on_a_page_border_counts_once(db, zone, beside):
    around = {"start": PAGE - 40 * DAY, "end": PAGE + 10 * DAY, "as_of": PAGE + 8 * DAY}
    answer = await ask_about(db, zone, PAGE - 38 * DAY, PAGE + beside, PAGE + 5 * DAY, **around)
    assert attempts(answer.rollup) == 3


async def test_a_day_whose_payments_all_lie_beyond_a_page_border_counts(db):
    """It starts on the page before them, which no payment reaches back to."""
    around = {"start": PAGE - 5 * DAY, "end": PAGE + 9 * DAY, "as_of": PAGE + 8 * DAY}
    answer = await ask_about(db, "America/New_York", PAGE + HOUR, PAGE + 5 * DAY, **around)
    assert attempts(answer.rollup) == 2


@pytest.mark.parametrize("timezone", [None, "America/New_York"])
async def test_hours_of_a_quarter_hour_in_which_the_clock_changes(db, timezone):
    """At 3:31 UTC 0:01 became 1:01 in Newfoundland: most payments of that quarter are at 1."""
    change = at("2011-03-13T03:31:00Z")
    zone = "America/St_Johns"
    await record(
        db,
        *(insert(created_at=change + n * 10 * MILLISECOND) for n in range(-1, 3)),
        of=tenant(timezone=timezone or zone),
    )
    question = Question(window=Window(change - HOUR, change + HOUR), timezone=zone)
    assert peak_hour((await check(db, Reader(db), question)).rollup) == 1


async def test_more_pages_than_are_remembered(db, monkeypatch):
    """One answer may need them all, old ones too, and a page for which there is no room."""
    monkeypatch.setattr(book, "MAX_PAGES", 3)
    payments = (PAGE - n * 16 * DAY for n in range(20))
    around = {"start": PAGE - 90 * DAY, "end": PAGE + HOUR, "as_of": PAGE + 8 * DAY}
    answer = await ask_about(db, "Europe/Berlin", *payments, **around)
    assert attempts(answer.rollup) == 6


@pytest.fixture
async def reader(db):
    """A reader that remembers all kinds of figures of thirty payments."""
    await record(db, *some_payments(Random(1), 30), of=KATHMANDU)
    reader = Reader(db)
    for question in EVERYTHING:
        await check(db, reader, question, payments=5)
    return reader


EVERYTHING = [
    Question(),
    *(Question(period=period) for period in Period),
    Question(window=Window(NOON - 90 * DAY, NOON - 2 * DAY)),
]


async def check_everything(db, reader):
    for question in EVERYTHING:
        await check(db, reader, question, payments=5)


async def test_remembered_figures_follow_what_others_commit(db, other_db, reader):
    for seed in range(3):
        await record(other_db, *some_payments(Random(seed), 5), of=KATHMANDU)
        await check_everything(db, reader)


async def test_figures_are_of_one_moment_while_others_write(db, other_db, reader):
    """With n payments of one unit each, every part of an answer must show the same n."""
    one = tenant("busy")
    await record(db, insert(tenant_id="busy", amount=1), of=one)
    writing = True

    async def write():
        while writing:
            await record(other_db, insert(tenant_id="busy", amount=1), of=one)

    async def ask():
        seqs = []
        for period in [*Period, *Period, *Period]:
            answer = await reader.answer(
                "busy", Question(period=period), as_of=NOON, in_buckets=True, payments=200
            )
            n = answer.tenant.seq
            assert answer.rollup.cells == {("card", Status.SUCCESS): (n, n)}
            assert len(answer.payments) == min(n, 200)
            seqs.append(n)
        return seqs

    writer = asyncio.create_task(write())
    seqs, more = await asyncio.gather(ask(), ask())
    writing = False
    await writer
    assert seqs == sorted(seqs)
    assert seqs[-1] > seqs[0], "something was written between the answers"
    assert more == sorted(more)


async def test_remembered_figures_are_forgotten_after_a_repair(db, other_db, reader):
    await db.rollups.update_many({}, {"$inc": {"methods.card.success.n": 1}})
    # From memory: still right.
    assert (await reader.answer("tenant_1", EVERYTHING[0], as_of=NOON)).rollup
    assert (await verify(other_db, "tenant_1", as_of=NOON, repair=True)).repaired
    await check_everything(db, reader)


async def test_remembered_figures_are_recomputed_in_another_time_zone(db, other_db, reader):
    await set_timezone(other_db, "tenant_1", "America/New_York")
    await check_everything(db, reader)


async def test_a_stored_zone_that_is_no_longer_accepted_is_still_read(db):
    await record(db, insert(), of=tenant(timezone="Factory"))
    answer = await Reader(db).answer("tenant_1", Question(period=Period.DAY), as_of=NOON)
    assert (attempts(answer.rollup), answer.timezone) == (1, "Factory")


async def test_figures_are_read_again_when_the_change_log_has_expired(db, other_db, reader):
    await record(other_db, *some_payments(Random(7), 5), of=KATHMANDU)
    await db.changes.delete_many({})
    await check_everything(db, reader)


async def test_figures_are_read_again_when_far_behind(db, other_db, reader, monkeypatch):
    monkeypatch.setattr(reading, "FOLDED_AT_MOST", 3)
    await record(other_db, *some_payments(Random(7), 10), of=KATHMANDU)
    await check_everything(db, reader)


async def test_newest_payments_follow_refunds(db, other_db, reader):
    paid = (await reader.answer("tenant_1", EVERYTHING[0], as_of=NOON, payments=30)).payments
    chosen = next(payment for payment in paid if payment.status is Status.SUCCESS)
    await record(other_db, refund(chosen), of=KATHMANDU)
    answer = await check(db, reader, EVERYTHING[0], payments=30)
    assert Status.REFUNDED in {payment.status for payment in answer.payments}


async def test_more_tenants_than_are_remembered(db, monkeypatch):
    monkeypatch.setattr(reading, "MAX_BOOKS", 2)
    reader = Reader(db)
    names = [f"t{n}" for n in range(5)]
    for name in names:
        await record(db, insert(tenant_id=name), of=tenant(name))
    asked = [reader.answer(name, Question(period=Period.DAY), as_of=NOON) for name in names * 2]
    answers = await asyncio.gather(*asked)
    assert all(answer.rollup for answer in answers)


async def test_an_unknown_tenant_is_not_found(db):
    with pytest.raises(NotFound):
        await Reader(db).answer("nobody", Question(), as_of=NOON)


async def test_a_tenant_without_payments_has_empty_figures(db):
    await prepare(db, [KATHMANDU])
    answer = await Reader(db).answer(
        "tenant_1", Question(period=Period.MONTH), as_of=NOON, compare=True, payments=5
    )
    assert (answer.rollup, answer.previous, answer.payments) == (Rollup(), Rollup(), [])


@pytest.mark.parametrize(
    "asked",
    [
        {"period": Period.MONTH},
        {"window": Window(NOON - 8 * DAY, NOON)},
        {"window": window_between(NOON, None)},
        {},
    ],
)
async def test_long_windows_in_another_zone_are_refused(db, reader, asked):
    question = Question(timezone="Europe/Berlin", **asked)
    with pytest.raises(InvalidValue, match="7 days"):
        await reader.answer("tenant_1", question, as_of=NOON)


def many_codes(rng, tenant_id="tenant_1"):
    """Failures of two days, each for a reason of its own."""
    for place in range(300):
        yield insert(
            tenant_id=tenant_id,
            status="failed",
            decline_code=f"code_{place % 150}",
            created_at=NOON - HOUR * rng.randrange(48),
        )


async def test_a_book_stays_within_its_bytes_and_answers_beyond_them(db, other_db, monkeypatch):
    reader = Reader(db)
    await record(db, *many_codes(Random(2)), of=KATHMANDU)
    for question in EVERYTHING:
        await check(db, reader, question, payments=5)
    kept = reader.books["tenant_1"]
    assert 100_000 < kept.bytes < 1_000_000
    monkeypatch.setattr(book, "MAX_BYTES", 40_000)
    for seed in range(2):
        await record(other_db, *many_codes(Random(seed)), of=KATHMANDU)
        for question in EVERYTHING:
            await check(db, reader, question, payments=5)
            assert reader.books["tenant_1"].bytes <= 40_000


async def test_a_book_updated_by_changes_takes_as_many_bytes_as_one_read_again(
    db, other_db, reader
):
    """Bytes are counted when changes are added, too."""
    question = Question(period=Period.MONTH)
    reader.books.clear()
    await check(db, reader, question)
    before = reader.books["tenant_1"].bytes
    await record(other_db, *many_codes(Random(3)), of=KATHMANDU)
    await check(db, reader, question)
    grown = reader.books.pop("tenant_1").bytes
    await check(db, reader, question)
    assert before < reader.books["tenant_1"].bytes == grown


async def test_all_books_together_stay_within_their_bytes(db, monkeypatch):
    reader = Reader(db)
    names = [f"t{n}" for n in range(4)]
    for name in names:
        await record(db, *many_codes(Random(1), name), of=tenant(name))
        await reader.answer(name, Question(period=Period.WEEK), as_of=NOON)
    taken = [kept.bytes for kept in reader.books.values()]
    assert len(taken) == len(names)
    monkeypatch.setattr(reading, "MAX_BYTES", sum(taken) - 1)
    for name in names:  # the least recently used one makes room
        await reader.answer(name, Question(period=Period.WEEK), as_of=NOON)
        assert sum(kept.bytes for kept in reader.books.values()) < sum(taken)
        assert name in reader.books
