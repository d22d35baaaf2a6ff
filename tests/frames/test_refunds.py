from datetime import UTC, datetime, timedelta
from fractions import Fraction
from math import log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from scipy.stats import norm
from statsmodels.duration.survfunc import SurvfuncRight

from financeops.core.acts import GivenBack, in_order
from financeops.core.errors import InvalidValue
from financeops.core.payments import Payment, Status
from financeops.frames.refunds import refund_curve
from financeops.frames.statistics.survival import kaplan_meier
from financeops.simulation.drafts import aftermath_of, drafts_of
from financeops.simulation.scenario import SimulationConfig
from financeops.simulation.simulate import simulate_columns
from tests.builders import at, payment
from tests.frames.conftest import native, rows, table_of
from tests.strategies import payments as any_payments

AS_OF = at("2026-03-11T00:00:00Z")


def paid(days_ago, refunded_after=None, **fields):
    """A payment a number of days before `AS_OF`, refunded after a number of days."""
    created = AS_OF - timedelta(days=days_ago)
    if refunded_after is None:
        return payment(created_at=created, **fields)
    return payment(
        created_at=created,
        status="refunded",
        refunded_at=created + timedelta(days=refunded_after),
        **fields,
    )


EXAMPLE = [
    paid(4.5, 0.5),
    paid(4.5),
    paid(4),
    paid(3, 2),
    paid(3, -0.1),  # the clock that refunded it was behind
    paid(2.9, 2.5),  # refunded in its third day, which is not over
    paid(1.5),
    paid(1, 3),  # refunded later than is known
    payment(created_at=AS_OF - timedelta(days=4), status="failed"),
    payment(created_at=AS_OF + timedelta(days=1)),
    payment(created_at=AS_OF - timedelta(days=2), status="refunded", refunded_at=None),
    paid(2, 1, currency="EUR"),
]


def test_each_payment_counts_as_long_as_it_was_observed(kind, frame_of):
    table = rows(refund_curve(frame_of(kind, EXAMPLE), as_of=AS_OF))
    usd = [row for row in table if row["currency"] == "USD"]
    assert [(row["age"], row["at_risk"], row["refunded"]) for row in usd] == [
        (0, 8, 0),
        (1, 8, 2),
        (2, 4, 1),
        (3, 2, 0),
        (4, 2, 0),
    ]
    # 1 - 6/8, then 1 - 6/8 x 3/4.
    assert [row["refunded_share"] for row in usd] == [0, 25, 43.75, 43.75, 43.75]
    assert all(row["undated"] == 1 for row in usd)
    assert all(row["low"] < row["refunded_share"] < row["high"] for row in usd[1:])
    assert [row["refunded_share"] for row in table if row["currency"] == "EUR"] == [0, 100]


def in_parts(days_ago, *days, whole=False):
    """A payment refunded in parts, each after a number of days."""
    created = AS_OF - timedelta(days=days_ago)
    refunds = in_order(
        GivenBack(at=created + timedelta(days=after), id=f"{n}", amount=100)
        for n, after in enumerate(days)
    )
    given = {"status": "refunded", "refunded_at": refunds[-1].at} if whole else {}
    amount = 100 * len(days) + (not whole)
    return payment(
        created_at=created,
        amount=amount,
        refunded_amount=100 * len(days),
        refunds=refunds,
        **given,
    )


def test_a_payment_is_refunded_when_a_part_of_it_first_is(kind, frame_of):
    given = [
        in_parts(4, 1.5),
        in_parts(4, 3, 0.5, whole=True),
        in_parts(4, 3.5, 5),  # the second one is later than is known
        in_parts(4, 6),
        paid(4, 1),
        paid(4),
        payment(created_at=AS_OF - timedelta(days=4), refunded_amount=1),  # nobody knows when
    ]
    found = rows(refund_curve(frame_of(kind, given), as_of=AS_OF))
    assert [(row["age"], row["refunded"], row["undated"]) for row in found] == [
        (0, 0, 1),
        (1, 2, 1),
        (2, 1, 1),
        (3, 0, 1),
        (4, 1, 1),
    ]


def test_the_unit_of_age_and_groups_are_what_is_asked_for(kind, frame_of):
    given = [
        paid(0.5, 0.1, country="DE"),
        paid(0.5, country="DE"),
        paid(0.25, 0.2, method="paypal"),
    ]
    table = rows(
        refund_curve(
            frame_of(kind, given), as_of=AS_OF, step=timedelta(hours=3), by=["country", "method"]
        )
    )
    assert [
        (row["country"], row["method"], row["age"], row["refunded_share"])
        for row in table
        if row["age"] in {1, 2}
    ] == [
        ("DE", "card", 1, 50),
        ("DE", "card", 2, 50),
        (None, "paypal", 1, 0),
        (None, "paypal", 2, 100),
    ]


def test_without_succeeded_payments_there_is_no_curve(kind, frame_of):
    assert rows(refund_curve(frame_of(kind, []))) == []
    assert rows(refund_curve(frame_of(kind, EXAMPLE[8:9]))) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"step": timedelta(0)}, "step: must be longer than 0"),
        ({"confidence": 95}, "confidence: must lie between 0 and 1, not 95"),
        ({"by": "created_at"}, "created_at: must be text, integers, booleans or dates"),
    ],
)
def test_invalid_parameters_are_refused(frame_of, options, message):
    with pytest.raises(InvalidValue, match=message):
        refund_curve(frame_of("polars", EXAMPLE), **options)


START = datetime(2020, 1, 1, tzinfo=UTC)


def first_refund(one):
    """When anything was first given back of a payment, if it is known."""
    return one.refunds[0].at if one.refunds else one.refunded_at


@settings(max_examples=40)
@given(
    st.lists(
        any_payments(currencies=st.just("USD"), created=st.just(START)), min_size=1, max_size=20
    )
)
def test_when_all_were_observed_long_enough_it_is_the_plain_share(history):
    curve = rows(
        refund_curve(native("polars", table_of(history)), as_of=START + timedelta(days=100))
    )
    kept = [one for one in history if one.status is Status.SUCCESS and not one.returned]
    dated = kept + [one for one in history if first_refund(one)]
    if not dated:
        assert curve == []
        return
    for row in curve:
        limit = START + timedelta(days=row["age"])
        gone = sum(bool(at := first_refund(one)) and at <= limit for one in dated)
        # Nothing happens at age 0: an immediate refund belongs to age 1.
        share = round(float(100 * Fraction(gone, len(dated))), 6) if row["age"] else 0
        assert row["refunded_share"] == pytest.approx(share, abs=1e-6)
        assert 0 <= row["low"] <= row["refunded_share"] <= row["high"] <= 100


def test_estimate_and_variance_are_those_of_statsmodels():
    rng = np.random.default_rng(3)
    ages, happened = rng.integers(1, 30, 400), rng.random(400) < 0.4
    events = {age: int(((ages == age) & happened).sum()) for age in range(1, 30)}
    censored = {age: int(((ages == age) & ~happened).sum()) for age in range(1, 30)}
    reference = SurvfuncRight(ages, happened)

    steps = {step.age: step for step in kaplan_meier(events, censored, confidence=0.9)}
    for age, surviving, error in zip(
        reference.surv_times, reference.surv_prob, reference.surv_prob_se, strict=True
    ):
        step = steps[age]
        assert float(1 - step.share) == pytest.approx(surviving)
        # Delta method: the error of log(-log S) is that of S over S log S.
        width = norm.ppf(0.95) * error / (surviving * log(surviving))
        bounds = sorted(surviving ** np.exp([width, -width]))
        assert (1 - step.high, 1 - step.low) == pytest.approx(bounds)


def test_an_age_without_events_leaves_share_and_bounds_as_they_were():
    one, two, three, four = kaplan_meier({1: 5, 4: 2}, {2: 7, 5: 40}, confidence=0.9)[1:5]
    assert 0 < one.low < one.share < one.high < 1
    assert two[2:] == three[2:] == (0, *one[3:])
    assert (two.at_risk, three.at_risk) == (49, 42)
    assert four.share == 1 - Fraction(49, 54) * Fraction(40, 42)
    assert four.low > three.low


def test_bounds_are_given_where_the_formula_is_undefined():
    nothing = kaplan_meier({}, {3: 50}, confidence=0.95)
    assert nothing[3].low == 0
    assert nothing[3].high == pytest.approx(1 - 0.025 ** (1 / 50))
    everything = kaplan_meier({1: 50}, {}, confidence=0.95)
    assert everything[1].high == 1
    assert everything[1].low == pytest.approx(0.025 ** (1 / 50))
    assert kaplan_meier({}, {}, confidence=0.95) == []


def test_young_payments_do_not_make_refunds_look_rare(frame_of):
    now = AS_OF
    config = SimulationConfig(tenant_id="tenant_1", refund_rate=0.3)
    columns = simulate_columns(
        config, np.random.default_rng(2), now, count=20_000, since=now - timedelta(days=20)
    )
    made = [
        Payment(
            id=f"{number:024x}",
            updated_at=draft.refunded_at or draft.created_at,
            **{name: getattr(draft, name) for name in draft.__struct_fields__},
        )
        for number, draft in enumerate(drafts_of(columns))
    ]
    for place, told in aftermath_of(columns).items():
        if (back := told.part_back) is not None:
            given = (GivenBack(at=back.at, id="part", amount=back.amount),)
            made[place] = replace(made[place], refunded_amount=back.amount, refunds=given)
    curve = rows(refund_curve(frame_of("polars", made), as_of=now, confidence=0.99))
    # The simulator refunds 30 % in the end, half of these within three days.
    inside = [
        row["low"] <= 30 * norm.cdf(log(row["age"] / 3)) <= row["high"]
        for row in curve
        if 1 <= row["age"] <= 18
    ]
    assert all(inside)
    succeeded = [one for one in made if one.status is not Status.FAILED]
    plain = 100 * sum(one.status is Status.REFUNDED for one in succeeded) / len(succeeded)
    late = next(row for row in curve if row["age"] == 18)
    assert plain < late["low"]
