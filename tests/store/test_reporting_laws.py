"""Payments in other currencies: converted exactly, in whatever order they, their acts and rates arrive."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4
from zoneinfo import ZoneInfo

from bson import ObjectId
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from financeops.core.act_terms import DisputeTerms, FeesTerms
from financeops.core.disputes import DisputeStatus
from financeops.core.fees import Fee, FeeKind
from financeops.core.rates import Rate, Rates, by_day
from financeops.core.windows import ALL_TIME
from financeops.store.documents import derived_payment_id
from financeops.store.rates import note_recorded, record_rates
from financeops.store.reading.reader import Reader
from financeops.store.tenants import find_record
from financeops.store.verifying.verify import set_timezone, verify
from financeops.store.writing.ledger import commit
from financeops.store.writing.operations import Dispute, Fees, Refund, Result, keyed, refund_id_of
from server.converting import Converter
from server.intake import Intake
from server.monitoring import Meters
from server.settings import Settings
from server.tenants import Tenants
from tests.builders import NOON, tenant
from tests.store.recorded import check_ledger, insert, record, stored_payments, stored_rollups

ZONE = "Asia/Kathmandu"
FIRST = NOON - timedelta(days=30)
moments = st.integers(0, 60 * 24 * 20).map(lambda minutes: FIRST + timedelta(minutes=minutes))
foreign = st.sampled_from(["USD", "EUR", "JPY", "KWD"])
payments = st.lists(
    st.tuples(foreign, moments, st.sampled_from([0, 1, 7, 1850, 999_999])), min_size=1, max_size=4
)
acts = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.sampled_from(["refund", "fees", "dispute"]),
        st.sampled_from([1, 2, 3]),
        moments.map(lambda at: at + timedelta(days=21)),
    ),
    max_size=3,
    unique_by=lambda act: act[:3],
)
days = st.lists(
    st.tuples(
        st.integers(-3, 20),
        st.dictionaries(
            st.sampled_from(["USD", "JPY", "KWD"]),
            st.integers(1, 10**7).map(lambda n: Decimal(n) / 10_000),
            min_size=1,
        ),
    ),
    max_size=4,
    unique_by=lambda day: day[0],
)
RULES = settings(
    max_examples=5,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def rates_of(day, rates):
    quoted = {"base": "EUR", "source": "ours", "date": (FIRST + timedelta(days=day)).date()}
    return by_day(Rate(quote=quote, rate=rate, **quoted) for quote, rate in rates.items())


def act_of(shop, payment, act):
    """An act that never contradicts another: of amounts that payments of any size can bear."""
    _, kind, number, at = act
    if kind == "refund":
        name = refund_id_of(shop.id, payment.id, str(number))
        part = Decimal(max(payment.amount // 4, 1)).scaleb(-payment_decimals(payment))
        return Refund(payment_id=payment.id, amount=part, at=at, refund_id=name, keyed=True)
    if kind == "fees":
        terms = FeesTerms(fees=((FeeKind.OTHER, Decimal(number * 13), at),))
        return keyed(Fees(payment_id=payment.id, terms=terms), shop.id, f"fee {number}")
    status = [DisputeStatus.OPEN, DisputeStatus.OPEN, DisputeStatus.LOST][number - 1]
    terms = DisputeTerms(id="dp", status=status, amount=None)
    return Dispute(payment_id=payment.id, terms=terms)


def payment_decimals(payment):
    return {"JPY": 0, "KWD": 3}.get(payment.currency, 2)


def converter_of(db):
    """What converts in a server on this database."""
    known = Settings(mongodb_uri="mongodb://localhost", simulate=False)
    intake = Intake(
        db, now=lambda: NOON, max_waiting=1000, committed=lambda _: None, meters=Meters()
    )
    return Converter(db, tenants=Tenants(db, known), intake=intake)


def without_name(payment):
    return replace(payment, id="", tenant_id="", reference=None, updated_at=FIRST, refunds=None)


@RULES
@given(drawn=st.data())
async def test_any_order_of_payments_acts_and_rates_gives_the_same(db, other_db, drawn):
    await db.rates.delete_many({})
    await note_recorded(db, [])
    made, told, known = drawn.draw(payments), drawn.draw(acts), drawn.draw(days)
    shops = [tenant(f"t-{uuid4().hex[:8]}", timezone=ZONE) for _ in range(2)]
    steps = [("payment", n) for n in range(len(made))] + [("rates", n) for n in range(len(known))]

    async def pay(client, shop, n):
        currency, at, amount = made[n]
        operation = insert(
            f"p{n}", tenant_id=shop.id, amount=amount, currency=currency, created_at=at
        )
        (outcome,) = await commit(client, shop, [operation], now=NOON)
        assert outcome.result is Result.CREATED
        for act in told:
            if act[0] == n:
                stored = await find(shop, n)
                await commit(client, shop, [act_of(shop, stored, act)], now=NOON)

    async def find(shop, n):
        named = derived_payment_id(shop.id, ("reference", f"p{n}"))
        return next(each for each in await stored_payments(db, shop.id) if each.id == named)

    for client, shop in zip((db, other_db), shops, strict=True):
        order = drawn.draw(st.permutations(steps))
        at_once = [
            pay(client, shop, n) if kind == "payment" else record_rates(client, rates_of(*known[n]))
            for kind, n in order
        ]
        if drawn.draw(st.booleans()):
            await asyncio.gather(*at_once)
        else:
            for each in at_once:
                await each
    converter = converter_of(other_db)
    await converter.convert_all()
    rates = Rates(rate for day in known for each in rates_of(*day) for rate in each.each())
    zone = (await find_record(db, shops[0].id)).tenant.timezone
    for shop in shops:
        await check_ledger(db, shop.id)
        for payment in await stored_payments(db, shop.id):
            waits = payment.reporting_currency and payment.reporting_amount is None
            if waits:
                day = local_day(payment, zone)
                assert rates.conversion(payment.currency, "USD", day) is None
        await converter.recompute(shop.id, ALL_TIME)
        await check_ledger(db, shop.id)
        report = await verify(db, shop.id, as_of=NOON, reader=Reader(db))
        assert (report.differences, report.shown, report.mistimed) == ([], [], [])
    one, two = [
        sorted(map(without_name, await stored_payments(db, shop.id)), key=repr) for shop in shops
    ]
    assert one == two
    rollups = [await stored_rollups(db, shop.id) for shop in shops]
    assert rollups[0] == rollups[1]
    for payment in one:
        if payment.currency == "USD":
            assert payment.reporting_currency is None
            continue
        conversion = rates.conversion(payment.currency, "USD", local_day(payment, zone))
        expected = None if conversion is None else conversion.of(payment.amount)
        assert payment.reporting_amount == expected


async def test_what_is_neither_converted_nor_waits_is_found_and_mended(db):
    one, other = await record(db, insert(currency="EUR"), insert(currency="JPY"))
    lost = {"reportingCurrency": "", "awaitsRate": ""}
    await db.payments.update_one({"_id": ObjectId(one.id)}, {"$unset": lost})
    await db.payments.update_one({"_id": ObjectId(other.id)}, {"$unset": {"awaitsRate": ""}})
    report = await verify(db, "tenant_1", as_of=NOON, repair=True)
    assert (report.unreported, report.mistimed) == ([one.id], [other.id])
    assert report.repaired
    again = await verify(db, "tenant_1", as_of=NOON)
    assert (again.differing, again.shown, again.unreported, again.mistimed) == (0, [], [], [])


async def test_what_would_be_too_much_to_count_when_converted_waits_and_stops_nobody(db):
    absurd = Rate(
        date=NOON.date(), base="EUR", quote="USD", rate=Decimal(999_999_999_999), source="ours"
    )
    charged = {"fees": (Fee(at=NOON, kind=FeeKind.TAX, amount=10**12),), "fee_amount": 10**12}
    credit = Fee(at=NOON, kind=FeeKind.OTHER, amount=-(10**12))
    balanced = {"fees": (*charged["fees"], credit), "fee_amount": 0}
    before = [insert(currency="EUR", amount=1, **told) for told in (charged, balanced)]
    await record(db, *before, insert(currency="EUR", amount=5))
    await record_rates(db, by_day([absurd]))
    await note_recorded(db, [("ours", "EUR")])
    await converter_of(db).convert_all()
    waits, also, converted = await stored_payments(db, "tenant_1")
    assert waits.reporting_amount is also.reporting_amount is None
    assert converted.reporting_amount == 5 * 999_999_999_999
    (answer,) = await record(db, insert(currency="EUR", amount=1, **charged))
    assert answer.reporting_amount is None
    terms = FeesTerms(fees=((FeeKind.OTHER, Decimal(10**10), None),))
    (told,) = await commit(db, tenant(), [Fees(payment_id=converted.id, terms=terms)], now=NOON)
    assert (told.result, told.error.field) == (Result.REJECTED, "fees")
    await check_ledger(db, "tenant_1")


async def test_what_waits_looks_again_when_its_day_becomes_another(db):
    rate = Rate(date=NOON.date(), base="EUR", quote="USD", rate=Decimal(2), source="ours")
    await record_rates(db, by_day([rate]))
    await note_recorded(db, [("ours", "EUR")])
    (paid,) = await record(db, insert(currency="EUR", created_at=NOON - timedelta(hours=13)))
    assert paid.reporting_amount is None
    converter = converter_of(db)
    for zone, amount in (("UTC", None), ("Asia/Karachi", 2 * paid.amount)):
        await set_timezone(db, "tenant_1", zone)
        await converter.convert_all()
        (paid,) = await stored_payments(db, "tenant_1")
        assert paid.reporting_amount == amount
    await check_ledger(db, "tenant_1")


def local_day(payment, zone):
    return payment.created_at.astimezone(ZoneInfo(zone)).date()
