"""Payments in one currency: on every kind of frame what the core converts one by one."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from zoneinfo import ZoneInfo

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from financeops.arrow.rates import rates_table
from financeops.core.errors import InvalidValue
from financeops.core.rates import Rate, Rates
from financeops.frames.convert import convert
from tests.builders import payment
from tests.frames.conftest import KINDS, duckdb_in_new_york, native, rows, table_of
from tests.rates import RATE_TEXTS

NOON = datetime(1999, 1, 4, 12, tzinfo=UTC)
MONDAY = NOON.date()
CODES = ["USD", "JPY", "BHD", "EUR", "GBP", "CHF"]
ADDED = ("reporting_amount", "rate", "rate_date", "rate_source")
BERLIN = ZoneInfo("Europe/Berlin")
BORDERS = [0, 1, 2, 3, 5, 10**12 - 1, 10**12, 2**31 - 1, 2**31]
amounts = st.one_of(st.sampled_from(BORDERS), st.integers(0, 10**12))


def rate(day, quote, text, source="ecb"):
    return Rate(date=day, base="EUR", quote=quote, rate=Decimal(text), source=source)


RATES = [
    rate(MONDAY, "USD", "1.1789"),
    rate(MONDAY, "JPY", "133.73"),
    rate(MONDAY, "GBP", "0.5"),  # halves
    rate(MONDAY, "BHD", "0.444312345678"),
    rate(MONDAY + timedelta(1), "USD", "1.17900012345"),
    rate(MONDAY + timedelta(2), "JPY", "131.42"),
    rate(MONDAY + timedelta(12), "USD", "1.2"),
]


def one_by_one(payments, rates, to, zone=UTC):
    """The four values of each payment, by the core."""
    found = Rates(rates)
    values = []
    for each in payments:
        day = each.created_at.astimezone(zone).date()
        conversion = found.conversion(each.currency, to, day)
        if conversion is None:
            values.append((None,) * 4)
        else:
            amount = conversion.of(each.amount)
            values.append((amount, conversion.rate, conversion.date, conversion.source))
    return values


def added(frame):
    """What was added to each payment, by id."""
    found = sorted(rows(frame), key=lambda row: row["id"])
    return [tuple(_value(row[name]) for name in ADDED) for row in found]


def _value(value):
    return value.date() if isinstance(value, datetime) else value


def test_every_payment_is_converted_as_the_core_does(kind, frame_of):
    random = Random(7)
    payments = [
        payment(
            id=f"{n:04}",
            amount=random.choice([*BORDERS, random.randrange(10**12), random.randrange(10**5)]),
            currency=random.choice(CODES),
            created_at=NOON + timedelta(minutes=random.randrange(-3000, 40_000)),
        )
        for n in range(300)
    ]
    frame = frame_of(kind, payments)
    for to, zone in (("USD", BERLIN), ("BHD", UTC), ("EUR", UTC)):
        found = convert(frame, rates_table(RATES), to=to, timezone=getattr(zone, "key", "UTC"))
        assert type(found) is type(frame)
        wanted = one_by_one(payments, RATES, to, zone)
        assert sum(value[0] is None for value in wanted) > 20
        assert added(found) == wanted


@settings(max_examples=30)
@given(
    texts=st.tuples(RATE_TEXTS, RATE_TEXTS),
    minor=st.lists(amounts, min_size=1, max_size=5),
    pair=st.permutations(["USD", "JPY", "BHD", "EUR"]),
    kind=st.sampled_from(KINDS),
)
def test_any_amount_at_any_rate_is_exact(texts, minor, pair, kind):
    of, to, *_ = pair
    rates = [
        rate(MONDAY, code, text)
        for code, text in zip((of, to), texts, strict=True)
        if code != "EUR"
    ]
    payments = [
        payment(id=str(n), amount=amount, currency=of, created_at=NOON)
        for n, amount in enumerate(minor)
    ]
    conversion = Rates(rates).conversion(of, to, MONDAY)
    frame = native(kind, table_of(payments))
    exact = max(conversion.numerator, conversion.denominator) < 2**60
    if exact and conversion.of(max(minor)) < 2**63 and conversion.rate < 10**12:
        assert added(convert(frame, rates_table(rates), to=to)) == one_by_one(payments, rates, to)
    else:
        with pytest.raises(InvalidValue, match=r"too many digits|does not fit 64 bits"):
            convert(frame, rates_table(rates), to=to)


def test_columns_rows_and_order_stay_as_they_were(kind, native_of):
    table = table_of(
        [
            payment(id=str(n), currency=code, created_at=NOON, amount=100 * n)
            for n, code in enumerate(["USD", "EUR", "USD", "CHF"])
        ]
    ).select(["currency", "created_at", "amount", "id"])
    table = table.append_column('Other "name.`', pa.array([1.5, None, 2.5, 3.5]))
    table = table.append_column("reporting_currency", pa.array(["SEK", None, "SEK", "SEK"]))
    table = table.append_column("rate", pa.array(["a", "b", "c", "d"]))
    frame = native_of(kind, table)
    found = rows(convert(frame, rates_table(RATES), to="EUR"))
    ordered = kind not in {"duckdb", "spark"}
    found = found if ordered else sorted(found, key=lambda row: row["id"])
    kept = ["currency", "created_at", "amount", "id", 'Other "name.`', "reporting_currency"]
    assert [*found[0]] == [*kept, *ADDED]
    assert {row["reporting_currency"] for row in found} == {"EUR"}
    assert [row["id"] for row in found] == ["0", "1", "2", "3"]
    assert [row["reporting_amount"] for row in found] == [0, 100, 170, None]
    assert [row["rate"] for row in found][1:] == [1, Decimal("0.848248367122"), None]
    assert [row["rate_source"] for row in found] == ["ecb", None, "ecb", None]
    empty = native_of(kind, table.slice(0, 0))
    assert rows(convert(empty, rates_table(RATES), to="EUR")) == []


def test_a_frame_in_pandas_keeps_its_index_and_gets_integers():
    table = table_of([payment(id=code, currency=code, created_at=NOON) for code in ("USD", "EUR")])
    frame = table.to_pandas().set_index(pd.Index([7, 3]))
    found = convert(frame, rates_table(RATES), to="USD")
    assert [*found.index] == [7, 3]
    assert str(found["reporting_amount"].dtype) == "int64"
    assert found["reporting_amount"].sum() == 1850 + 2181
    assert str(convert(frame, rates_table(RATES), to="JPY")["reporting_amount"].dtype) == "int64"
    assert str(convert(frame, rates_table(RATES), to="CHF")["reporting_amount"].dtype) == "Int64"


@pytest.mark.parametrize("form", ["polars", "pandas", "pandas-pyarrow", "duckdb", "texts"])
def test_rates_may_be_in_a_frame_of_another_library(form):
    table = rates_table(RATES)
    texts = [str(each.rate) for each in sorted(RATES, key=lambda each: (each.date, each.quote))]
    rates = {
        "polars": lambda: pl.from_arrow(table).lazy(),
        "pandas": table.to_pandas,
        "pandas-pyarrow": lambda: table.to_pandas(types_mapper=pd.ArrowDtype),
        "duckdb": lambda: duckdb_in_new_york().from_arrow(table),
        "texts": lambda: pl.from_arrow(table).with_columns(
            pl.Series("rate", texts),
            pl.col("date").cast(pl.String),
            pl.col("quote").cast(pl.Categorical),
        ),
    }[form]()
    payments = [payment(amount=12345, currency="JPY", created_at=NOON)]
    assert added(convert(table_of(payments), rates, to="BHD")) == one_by_one(payments, RATES, "BHD")


def test_what_is_wrong_or_ambiguous_is_named():
    payments = table_of([payment(created_at=NOON)])
    table = rates_table(RATES)
    more = rates_table([*RATES, rate(MONDAY, "USD", "9", "ours")])
    with pytest.raises(InvalidValue, match="source: must be named: there are rates of ecb, ours"):
        convert(payments, more, to="EUR")
    assert added(convert(payments, more, to="EUR", source="ours"))[0][3] == "ours"
    without = table.drop_columns(["source"])
    with pytest.raises(InvalidValue, match="source: must be named: the rates have no such column"):
        convert(payments, without, to="EUR")
    assert added(convert(payments, without, to="EUR", source="mine"))[0][3] == "mine"
    floats = pl.from_arrow(table).with_columns(pl.col("rate").cast(pl.Float64))
    for changed, problem in (
        (floats, "rate: must be decimals or text, not floats"),
        (floats.with_columns(rate=pl.lit("x")), "rate: must be a number such as 1.0523, not 'x'"),
        (floats.with_columns(rate=pl.lit(0)), "rate: must be a number above 0"),
        (floats.drop("base"), "base: is missing"),
        (floats.with_columns(rate=1, date=pl.lit("4.1.1999")), "date: must be a day"),
        (
            floats.with_columns(rate=1, date=pl.lit(NOON)),
            "date: must be days, not 1999-01-04 12:00",
        ),
        (floats.with_columns(rate=1, base=pl.lit("XXQ")), "base: must be an ISO 4217 code"),
        (floats.with_columns(rate=None), "rate: must be decimals or text, not None"),
        (pl.concat([pl.from_arrow(table)] * 2), "rate: of EUR in USD on 1999-01-04 is given twice"),
        (7, "must be a data frame"),
    ):
        with pytest.raises(InvalidValue, match=problem):
            convert(payments, changed, to="EUR")
    with pytest.raises(InvalidValue, match="to: must be an ISO 4217 code"):
        convert(payments, table, to="euro")
    with pytest.raises(InvalidValue, match="created_at: is missing"):
        convert(payments.drop_columns(["created_at"]), table, to="EUR")
    long = rates_table([rate(MONDAY, "USD", "123456789012.123456789012")])
    with pytest.raises(InvalidValue, match="rate: of USD in EUR on 1999-01-04 has too many digits"):
        convert(payments, long, to="EUR")
    small = rates_table([rate(MONDAY, "USD", "0.000000001")])
    large = table_of([payment(amount=10**12, created_at=NOON)])
    with pytest.raises(
        InvalidValue, match="amount: does not fit 64 bits in EUR: 1000000000000 of USD"
    ):
        convert(large, small, to="EUR")
