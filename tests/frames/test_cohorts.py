from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from financeops.core.errors import InvalidValue
from financeops.core.metrics import total_volume
from financeops.core.payments import Status
from financeops.core.periods import Grain, grain_start
from financeops.core.rollup import rollup_of, total
from financeops.frames.cohorts import cohorts
from tests.builders import at, payment
from tests.frames.conftest import native, rows, table_of
from tests.strategies import instants, payments, zones

JANUARY, FEBRUARY, APRIL = "2026-01-31T23:30:00Z", "2026-02-10T12:00:00Z", "2026-04-01T09:00:00Z"

EXAMPLE = [
    payment(customer_id="ada", amount=1000, created_at=JANUARY),
    payment(customer_id="bob", amount=3001, created_at=JANUARY, status="refunded"),
    payment(customer_id="ada", amount=500, created_at=FEBRUARY),
    payment(customer_id="ada", amount=70, created_at=FEBRUARY),
    payment(customer_id="cyd", amount=40, created_at=FEBRUARY),
    payment(customer_id="bob", amount=9, created_at=APRIL),
    payment(customer_id="dan", amount=9999, created_at=JANUARY, status="failed"),
    payment(customer_id=None, amount=8888, created_at=JANUARY),
    payment(customer_id="ada", amount=7, currency="JPY", created_at=APRIL),
]


def test_a_cohort_is_followed_month_by_month_on_every_kind_of_frame(kind, frame_of):
    table = rows(cohorts(frame_of(kind, EXAMPLE)))

    usd = [row for row in table if row["currency"] == "USD"]
    assert [
        (row["cohort"], row["month"], row["customers"], row["active"], row["retention"])
        for row in usd
    ] == [
        ("2026-01", 0, 2, 2, 100.0),
        ("2026-01", 1, 2, 1, 50.0),
        ("2026-01", 2, 2, 0, 0.0),
        ("2026-01", 3, 2, 1, 50.0),
        ("2026-02", 0, 1, 1, 100.0),
        ("2026-02", 1, 1, 0, 0.0),
        ("2026-02", 2, 1, 0, 0.0),
    ]
    assert [row["volume"] for row in usd] == [4001, 570, 0, 9, 40, 0, 0]
    assert [row["cumulative_volume"] for row in usd] == [4001, 4571, 4571, 4580, 40, 40, 40]
    assert [row["cumulative_value"] for row in usd[:4]] == [20.005, 22.855, 22.855, 22.9]
    assert [row["complete"] for row in usd[:4]] == [True, True, True, False]
    assert [row["cumulative_value"] for row in table if row["currency"] == "JPY"] == [7.0]


def test_months_begin_in_the_time_zone(kind, frame_of):
    table = rows(cohorts(frame_of(kind, EXAMPLE), timezone="Europe/Berlin"))
    # Half past eleven at night in London is February in Berlin.
    assert {row["cohort"] for row in table if row["currency"] == "USD"} == {"2026-02"}


def test_later_payments_are_ignored(kind, frame_of):
    table = rows(cohorts(frame_of(kind, EXAMPLE), as_of=at("2026-02-28T23:59:59.999999Z")))
    assert [(row["cohort"], row["month"], row["complete"]) for row in table] == [
        ("2026-01", 0, True),
        ("2026-01", 1, True),
        ("2026-02", 0, True),
    ]


@pytest.mark.parametrize("given", [[], EXAMPLE[6:7], EXAMPLE[7:8]])
def test_without_paying_customers_there_are_no_rows_but_all_columns(kind, frame_of, given):
    assert rows(cohorts(frame_of(kind, given))) == []


def test_a_naive_moment_is_refused(frame_of):
    with pytest.raises(InvalidValue, match="as_of: must be a datetime with a time zone"):
        cohorts(frame_of("polars", EXAMPLE), as_of=at(APRIL).replace(tzinfo=None))


@st.composite
def histories(draw):
    """Payments of few customers over up to three years, each with a customer."""
    start = draw(instants())
    customers = st.sampled_from(["ada", "bob", "cyd"])
    created = instants(start, start + timedelta(days=draw(st.sampled_from([3, 100, 1000]))))
    drawn = draw(
        st.lists(
            st.tuples(
                payments(currencies=st.sampled_from(["USD", "JPY"]), created=created), customers
            ),
            max_size=12,
        )
    )
    return [(one, customer) for one, customer in drawn]


@settings(max_examples=40)
@given(histories(), zones)
def test_volumes_add_up_and_customers_come_once(drawn, zone):
    from msgspec.structs import replace

    known = [replace(one, customer_id=customer) for one, customer in drawn]
    table = rows(cohorts(native("polars", table_of(known)), timezone=zone.key))

    for currency in ("USD", "JPY"):
        mine = [row for row in table if row["currency"] == currency]
        paid = [one for one in known if one.currency == currency and one.status != Status.FAILED]
        everything = total(rollup_of(one, zone) for one in paid)
        assert sum(row["volume"] for row in mine) == total_volume(everything)
        firsts = [row for row in mine if row["month"] == 0]
        assert sum(row["customers"] for row in firsts) == len({one.customer_id for one in paid})
        assert all(row["active"] == row["customers"] for row in firsts)
        assert all(0 <= row["active"] <= row["customers"] for row in mine)
        assert {row["cohort"] for row in firsts} == _cohorts_by_hand(paid, zone)


def _cohorts_by_hand(paid, zone: ZoneInfo):
    first = {}
    for one in paid:
        first[one.customer_id] = min(one.created_at, first.get(one.customer_id, one.created_at))
    starts = {grain_start(Grain.MONTH, moment, zone) for moment in first.values()}
    return {start.astimezone(zone).strftime("%Y-%m") for start in starts}
