from collections import defaultdict
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from financeops.core.declines import DeclineKind
from financeops.core.errors import InvalidValue
from financeops.core.metrics import attempts as attempted
from financeops.core.metrics import succeeded
from financeops.core.payments import Payment, Status
from financeops.core.rollup import rollup_of, total
from financeops.frames.retries import retries
from financeops.simulation.retries import RETRIED, RETRY_LATEST
from financeops.simulation.scenario import SimulationConfig
from financeops.simulation.simulate import simulate
from tests.builders import at, payment
from tests.frames.conftest import native, rows, table_of
from tests.strategies import payments as any_payments

NIGHT = at("2026-03-20T00:00:00Z")


def tries(*steps, customer="ada", day=10, **fields):
    """Attempts of a customer at minutes of a day: ``tries((0, "failed", 900), …)``."""
    start = datetime(2026, 3, day, 12, tzinfo=UTC)
    return [
        payment(
            id=f"{customer}-{day}-{number}",
            customer_id=customer,
            created_at=start + timedelta(minutes=minute),
            status=status,
            amount=amount,
            **fields,
        )
        for number, (minute, status, amount) in enumerate(steps)
    ]


EXAMPLE = [
    # Fails twice, finally pays less: 600 of 900 recovered after 30 minutes.
    *tries((0, "failed", 900), (10, "failed", 900), (30, "success", 600)),
    # Pays more than the failed amount: only 500 could be recovered; refunded later, but paid.
    *tries((0, "failed", 500), (15, "refunded", 800), (20, "success", 50), customer="bob"),
    # Retries without success.
    *tries((0, "failed", 100), (60, "failed", 100), customer="cyd", decline_code="expired_card"),
    # Retries too late.
    *tries((0, "failed", 70), (61, "success", 70), customer="dan"),
    # Never fails.
    *tries((0, "success", 7), (1, "success", 7), customer="eve"),
    # Pays in another currency.
    *tries((0, "failed", 30), customer="fay"),
    *tries((1, "success", 30), customer="fay", currency="EUR", day=11),
    # Without a customer.
    *tries((0, "failed", 40), (1, "success", 40), customer=None),
    # Fails less than an hour before the end.
    *tries((719, "failed", 20), (720, "success", 20), customer="gil", day=19),
]


def test_a_purchase_that_fails_is_followed_until_it_is_paid(kind, frame_of):
    (row,) = rows(retries(frame_of(kind, EXAMPLE), within=timedelta(hours=1), as_of=NIGHT))
    assert row == {
        "currency": "USD",
        "failures": 5,
        "retried": 3,
        "retry_rate": 60.0,
        "attempts": 4,
        "recovered": 2,
        "recovery_rate": 40.0,
        "failed_volume": 900 + 500 + 100 + 70 + 30,
        "recovered_volume": 600 + 500,
        "volume_recovery_rate": 68.75,
        "minutes_to_recovery": 22.5,
        "pending": 1,
        "without_customer": 1,
    }


def test_with_the_same_amount_only_equal_attempts_belong_together(kind, frame_of):
    frame = frame_of(kind, EXAMPLE)
    (row,) = rows(retries(frame, within=timedelta(minutes=90), as_of=NIGHT, same_amount=True))
    assert (row["failures"], row["retried"], row["recovered"]) == (5, 3, 1)
    assert row["recovered_volume"] == 70


def test_failures_are_grouped_by_the_first_decline_code(kind, frame_of):
    given = [
        *EXAMPLE,
        *tries((0, "failed", 1), customer="hal", decline_code=None),
        *tries((0, "failed", 2), customer="ida", decline_code="a", decline_group="other"),
    ]
    table = rows(retries(frame_of(kind, given), within=timedelta(hours=1), by="decline_code"))
    assert [(row["decline_code"], row["failures"], row["recovered"]) for row in table] == [
        ("expired_card", 1, 0),
        ("insufficient_funds", 4, 2),
        ("other", 1, 0),
        ("unknown", 1, 0),
    ]


def test_nulls_in_other_columns_are_a_group_of_their_own(kind, frame_of):
    given = [
        *tries((0, "failed", 1), (1, "success", 1), country="DE"),
        *tries((0, "failed", 2), customer="bob"),
        *tries((0, "failed", 4), customer=None),
    ]
    table = rows(retries(frame_of(kind, given), by=["country", "method"], as_of=NIGHT))
    assert [
        (row["country"], row["method"], row["failures"], row["without_customer"]) for row in table
    ] == [("DE", "card", 1, 0), (None, "card", 1, 1)]


def test_failures_are_grouped_by_columns_added_by_the_user(kind, native_of):
    given = [
        *tries((0, "failed", 1), (1, "success", 1)),
        *tries((0, "failed", 2), customer="bob"),
        *tries((0, "failed", 4), customer="cyd"),
    ]
    table = table_of(given).append_column("trial", pa.array([True, False, False, True]))
    table = table.append_column("days since", pa.array([1, 2, 1, 3]))
    found = rows(retries(native_of(kind, table), by=["trial", "days since"], as_of=NIGHT))
    assert [(row["trial"], row["days since"], row["recovered"]) for row in found] == [
        (False, 1, 0),
        (True, 1, 1),
        (True, 3, 0),
    ]


def test_without_failures_there_are_no_rows(kind, frame_of):
    assert rows(retries(frame_of(kind, []))) == []
    assert rows(retries(frame_of(kind, tries((0, "success", 1))))) == []


def test_what_is_not_over_has_no_rate(frame_of):
    (row,) = rows(retries(frame_of("polars", tries((0, "failed", 1)))))
    assert (row["failures"], row["pending"]) == (0, 1)
    assert row["recovery_rate"] is None
    assert row["minutes_to_recovery"] is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"within": timedelta(0)}, "within: must be longer than 0"),
        ({"by": "created_at"}, "created_at: must be text, integers, booleans or dates"),
        ({"by": "colour"}, "colour: is missing"),
    ],
)
def test_invalid_parameters_are_refused(frame_of, options, message):
    with pytest.raises(InvalidValue, match=message):
        retries(frame_of("polars", EXAMPLE), **options)


@st.composite
def histories(draw):
    """Attempts of three customers within hours, some at the same instant."""
    start = draw(st.datetimes(datetime(2020, 1, 1), datetime(2026, 1, 1)))  # noqa: DTZ001
    drawn = draw(
        st.lists(
            st.tuples(
                any_payments(currencies=st.sampled_from(["USD", "JPY"])),
                st.sampled_from(["ada", "bob", None]),
                st.integers(0, 40),
                st.sampled_from([5, 8]),
            ),
            max_size=14,
            unique_by=lambda entry: entry[0].id,
        )
    )
    return [
        replace(
            one,
            customer_id=customer,
            created_at=start.replace(tzinfo=UTC, microsecond=0) + timedelta(minutes=minutes),
            amount=amount,
        )
        for one, customer, minutes, amount in drawn
    ]


@settings(max_examples=30)
@given(histories(), st.integers(1, 20), st.booleans())
def test_it_equals_a_walk_through_the_attempts(history, minutes, same_amount):
    within = timedelta(minutes=minutes)
    for kind in ("polars", "pyarrow"):
        table = rows(
            retries(native(kind, table_of(history)), within=within, same_amount=same_amount)
        )
        expected = by_hand(history, within, same_amount)
        names = ("failures", "retried", "attempts", "recovered", "recovered_volume", "pending")
        assert {
            row["currency"]: tuple(row[name] for name in names)
            for row in table
            if row["failures"] + row["pending"]
        } == expected
        assert all(row["recovered"] <= row["retried"] <= row["failures"] for row in table)
        assert all(row["recovered_volume"] <= row["failed_volume"] for row in table)


def by_hand(history, within, same_amount):
    """Counts by currency, computed attempt by attempt."""
    as_of = max((one.created_at for one in history), default=None)
    chains = {}
    for one in sorted(history, key=lambda one: (one.created_at, one.id)):
        if one.customer_id is not None:
            key = (one.currency, one.customer_id, one.amount if same_amount else None)
            chains.setdefault(key, []).append(one)
    counts = {}
    for (currency, *_), chain in chains.items():
        runs = []
        for one in chain:
            last = runs[-1][-1] if runs else None
            if (
                last is not None
                and last.status is Status.FAILED
                and one.created_at - last.created_at <= within
            ):
                runs[-1].append(one)
            else:
                runs.append([one])
        for first, *others in runs:
            if first.status is not Status.FAILED:
                continue
            sums = counts.setdefault(currency, [0] * 6)
            if first.created_at > as_of - within:
                sums[5] += 1
                continue
            soon = [one for one in others if one.created_at - first.created_at <= within]
            paid = [one for one in soon if one.status is not Status.FAILED]
            sums[0] += 1
            sums[1] += bool(soon)
            sums[2] += len(soon)
            sums[3] += bool(paid)
            sums[4] += sum(min(one.amount, first.amount) for one in paid)
    return {currency: tuple(sums) for currency, sums in counts.items()}


def test_as_many_simulated_failures_are_tried_again_as_were_told(frame_of):
    now = NIGHT
    config = SimulationConfig(tenant_id="tenant_1", success_rate=0.7)
    drafts = simulate(
        config, np.random.default_rng(5), now, count=20_000, since=now - timedelta(days=200)
    )
    made = [
        Payment(
            id=f"{number:024x}",
            updated_at=draft.created_at,
            **{name: getattr(draft, name) for name in draft.__struct_fields__},
        )
        for number, draft in enumerate(drafts)
    ]
    (row,) = rows(retries(frame_of("polars", made), within=2 * RETRY_LATEST, same_amount=True))
    # Nearly all declines are soft.
    soft = 100 * RETRIED[DeclineKind.SOFT]
    assert soft - 5 < row["retry_rate"] < soft
    # Attempts of one purchase are those of one order.
    orders = defaultdict(list)
    for one in made:
        orders[one.order_id].append(one.status is Status.FAILED)
    began_badly = [attempts for attempts in orders.values() if attempts[0]]
    recovered = sum(not attempts[-1] for attempts in began_badly)
    assert row["recovery_rate"] == pytest.approx(100 * recovered / len(began_badly), abs=1)
    everything = total(rollup_of(one, UTC) for one in made)
    assert row["failures"] < attempted(everything) - succeeded(everything)
