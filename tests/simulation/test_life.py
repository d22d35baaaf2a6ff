"""What becomes of simulated payments: how they are paid, what they cost, what is disputed.

Functions of their seeds, as in test_simulate.py; tolerances are at least five standard deviations.
"""

from collections import Counter, defaultdict
from datetime import timedelta
from statistics import median

import numpy as np
import pytest
from msgspec.structs import replace

from financeops.core.card_numbers import without_card_numbers
from financeops.core.declines import Authentication, FailureStage, meaning_of
from financeops.core.disputes import DisputeStatus
from financeops.core.fees import FeeKind, fees_in_order
from financeops.core.payments import Status
from financeops.core.periods import DAY
from financeops.simulation.aftermath import PROTECTED, UNPROTECTED, WON
from financeops.simulation.drafts import aftermath_of, drafts_of
from financeops.simulation.instruments import EUROPE, NETWORKS
from financeops.simulation.live import pick_dispute, pick_part, pick_retry
from financeops.simulation.scenario import SimulationConfig
from financeops.simulation.simulate import simulate, simulate_columns
from tests.builders import NOON

CONFIG = SimulationConfig(tenant_id="tenant_1", source="seed")
YEAR = 365 * DAY
SAFE = {Authentication.AUTHENTICATED, Authentication.ATTEMPTED}
BROKEN = {Authentication.FAILED, Authentication.REJECTED, Authentication.ABANDONED}


def rng(seed=1):
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def life():
    return simulate_columns(CONFIG, rng(), NOON, count=150_000, since=NOON - YEAR)


@pytest.fixture(scope="module")
def payments(life):
    return drafts_of(life)


@pytest.fixture(scope="module")
def told(life):
    return aftermath_of(life)


def share(part, whole):
    return sum(map(part, whole)) / len(whole)


def test_cards_have_networks_issuers_and_digits_and_other_methods_have_none_of_it(payments):
    for each in payments:
        card = each.method == "card"
        assert card == all((each.funding, each.issuer_country, each.bin, each.last4))
        assert card == (each.authentication is not None)
        assert (each.network is None) == (each.method == "paypal")
        assert each.network in {None, *NETWORKS}
        assert each.processor
        assert each.channel in {"web", "app", "phone"}
    assert all(without_card_numbers(each.order_id) == each.order_id for each in payments[:20_000])
    own = defaultdict(set)
    for each in payments:
        if each.method == "card":
            own[each.customer_id].add((each.network, each.bin, each.last4, each.funding))
    assert {len(cards) for cards in own.values()} == {1}
    assert len({each.last4 for each in payments}) > 5000


def test_europe_mostly_authenticates_and_the_us_mostly_do_not(payments):
    cards = [each for each in payments if each.method == "card" and each.status != Status.FAILED]
    europe = [each for each in cards if each.issuer_country in EUROPE]
    america = [each for each in cards if each.issuer_country == "US"]
    assert share(lambda each: each.authentication in SAFE, europe) == pytest.approx(0.76, abs=0.02)
    assert share(lambda each: each.authentication == "none", america) == pytest.approx(
        0.94, abs=0.02
    )


def test_failures_agree_with_what_3d_secure_said(payments):
    for each in payments:
        stage = meaning_of(each.decline_code)[0] if each.status is Status.FAILED else None
        if each.method == "card":
            there = stage is FailureStage.AUTHENTICATION
            assert (each.authentication in BROKEN) == there


def test_fees_are_a_share_and_a_fixed_part_and_never_zero(payments, life):
    by_kind = defaultdict(list)
    for each in payments:
        assert (each.fees is not None) == (each.status is not Status.FAILED)
        if each.fees is None:
            continue
        assert each.fee_amount == sum(fee.amount for fee in each.fees)
        assert each.fees == fees_in_order(each.fees)
        assert all(fee.amount > 0 and each.created_at <= fee.at <= NOON for fee in each.fees)
        kinds = [fee.kind for fee in each.fees if fee.kind is not FeeKind.DISPUTE]
        card = ["interchange", "processing", "scheme"]
        assert kinds == (card if each.method == "card" else ["processing"])
        by_kind[each.method].append(each.fee_amount / each.amount)
        if each.method == "paypal" and kinds == list(each.fees):
            assert each.fee_amount == round(each.amount * 0.0299 + 1e-9) + 49
    assert median(by_kind["bank_transfer"]) < 0.005 < median(by_kind["card"])
    assert median(by_kind["card"]) < 0.03 < median(by_kind["paypal"])
    assert (life.fee_amounts[life.declines >= 0] == 0).all()


def test_the_money_arrives_with_a_payout_some_days_later(payments):
    payouts = defaultdict(set)
    for each in payments:
        if each.payout_id is None:
            assert each.settled_at is each.settled_amount is None
            recent = NOON - each.created_at < 5 * DAY
            assert recent or each.status is Status.FAILED
            continue
        assert timedelta(hours=6) <= each.settled_at - each.created_at <= 5 * DAY
        assert each.settled_at <= NOON
        at_once = sum(fee.amount for fee in each.fees if fee.kind is not FeeKind.DISPUTE)
        assert each.settled_amount == each.amount - at_once
        payouts[each.payout_id].add((each.settled_at, each.processor))
    assert {len(of) for of in payouts.values()} == {1}
    assert len(payouts) > 4 * 355


def test_disputes_come_weeks_later_and_are_fewer_where_the_issuer_is_liable(payments, told):
    disputes = {place: each.dispute for place, each in told.items() if each.dispute}
    counts = Counter()
    for place, dispute in disputes.items():
        payment = payments[place]
        assert payment.status is Status.SUCCESS
        assert payment.method != "crypto"
        assert payment.created_at < dispute.opened_at <= NOON
        back = told[place].part_back
        assert dispute.amount == payment.amount - (back.amount if back else 0)
        assert (dispute.closed_at is None) == (dispute.status is DisputeStatus.OPEN)
        if dispute.closed_at:
            assert dispute.opened_at < dispute.closed_at <= NOON
        assert payment.fees[-1].kind is FeeKind.DISPUTE
        assert payment.fees[-1].at == dispute.opened_at
        counts[dispute.status] += 1
    assert min(counts[each] for each in DisputeStatus) > 30
    waits = [each.opened_at - payments[place].created_at for place, each in disputes.items()]
    assert timedelta(days=20) < median(waits) < timedelta(days=28)
    old = [
        (place, each)
        for place, each in enumerate(payments)
        if each.method == "card"
        and each.status is Status.SUCCESS
        and NOON - each.created_at > 120 * DAY
    ]
    for safe, rate in ((True, PROTECTED), (False, UNPROTECTED)):
        of = [place for place, each in old if (each.authentication in SAFE) == safe]
        assert share(disputes.__contains__, of) == pytest.approx(rate, abs=0.0025)
    closed = [each for each in disputes.values() if each.reason == "fraudulent" and each.closed_at]
    won = share(lambda each: each.status is DisputeStatus.WON, closed)
    assert won == pytest.approx(WON["fraudulent"], abs=0.1)


@pytest.mark.parametrize(("currency", "fixed"), [("JPY", 74), ("KWD", 147)])
def test_fixed_fees_are_of_the_currency(currency, fixed):
    drafts = simulate(
        replace(CONFIG, currency=currency), rng(), NOON, count=500, since=NOON - 30 * DAY
    )
    for each in drafts:
        if each.method == "paypal" and each.fees and len(each.fees) == 1:
            assert each.fee_amount - each.amount * 0.0299 == pytest.approx(fixed, abs=0.51)


def test_live_payments_cost_what_those_of_history_do(payments):
    generator = rng()
    live = [simulate(CONFIG, generator, NOON)[0] for _ in range(40)]
    assert all(each.order_id and each.payout_id is None for each in live)
    assert all((each.fees is None) == (each.status is Status.FAILED) for each in live)
    # A second attempt of what was paid at once costs the same.
    paid = next(each for each in payments if each.method == "card" and each.fees)
    failed = replace(
        paid, status=Status.FAILED, decline_code="do_not_honor", fees=None, fee_amount=None
    )
    made = (
        pick_retry(CONFIG, generator, paid.created_at + timedelta(minutes=3), [failed])
        for _ in range(1000)
    )
    retries = {each.status: each for each in made if each is not None}
    again = retries[Status.SUCCESS]
    assert [(fee.kind, fee.amount) for fee in again.fees] == [
        (fee.kind, fee.amount) for fee in paid.fees if fee.kind is not FeeKind.DISPUTE
    ]
    assert again.fee_amount == sum(fee.amount for fee in again.fees)
    assert {fee.at for fee in again.fees} == {again.created_at}
    assert retries[Status.FAILED].fees is retries[Status.FAILED].fee_amount is None


def test_live_disputes_and_parts_are_about_as_many_as_in_history(payments):
    generator = rng()
    paid = [each for each in payments if each.status is Status.SUCCESS][:300]
    config = replace(CONFIG, dispute_factor=20.0)
    picked = [pick_dispute(config, generator, paid) for _ in range(4000)]
    chances = [
        {"card": PROTECTED if each.authentication in SAFE else UNPROTECTED, "paypal": 0.005}.get(
            each.method, 0.0
        )
        for each in paid
    ]
    expected = 20 * CONFIG.success_rate * sum(chances) / len(chances)
    assert share(lambda each: each is not None, picked) == pytest.approx(expected, abs=0.03)
    assert {reason for _, reason in filter(None, picked)} <= set(WON)
    assert pick_dispute(config, generator, []) is None
    parts = [pick_part(generator, 1000) for _ in range(2000)]
    assert share(lambda each: each is not None, parts) == pytest.approx(0.25, abs=0.06)
    assert all(0 < each < 1000 for each in parts if each is not None)
    assert pick_part(generator, 1) is None
