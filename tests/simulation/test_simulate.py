"""The stream is a function of its seeds, so the statistics below cannot vary from run to run.

Tolerances are at least five standard deviations all the same: another seed would pass as well.
"""

from collections import Counter, defaultdict
from datetime import timedelta
from itertools import pairwise
from math import log
from statistics import fmean, stdev
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from financeops.core.declines import DeclineKind, meaning_of
from financeops.core.money import MAX_MINOR
from financeops.core.payments import Status
from financeops.core.periods import DAY, MILLISECOND, floor_millisecond, floor_quarter
from financeops.simulation.aftermath import REFUND_PARTS
from financeops.simulation.drafts import aftermath_of, drafts_of, partial_refunds
from financeops.simulation.incidents import incidents_between
from financeops.simulation.live import pick_refund, pick_retry
from financeops.simulation.retries import RETRIED, RETRY_LATEST, RETRY_SOONEST, chances
from financeops.simulation.rhythm import milliseconds
from financeops.simulation.scenario import SimulationConfig, profiles, success_rates
from financeops.simulation.simulate import decline_codes, simulate, simulate_columns
from tests.builders import NOON, draft
from tests.strategies import ZONES, currencies, instants

CONFIG = SimulationConfig(tenant_id="tenant_1", timezone="America/New_York")
DAYS = 56


def rng(seed=1):
    return np.random.default_rng(seed)


def history(config=CONFIG, *, count=20_000, seed=1, days=DAYS):
    return simulate(config, rng(seed), NOON, count=count, since=NOON - days * DAY)


@pytest.fixture(scope="module")
def life():
    """Eight weeks with 3,000 payments a day, in columns."""
    since = NOON - DAYS * DAY
    return simulate_columns(CONFIG, rng(), NOON, count=DAYS * 3000, since=since)


@pytest.fixture(scope="module")
def weeks(life):
    """The same one by one."""
    return drafts_of(life)


def share(part, whole):
    return sum(map(part, whole)) / len(whole)


def of_method(payments, method):
    return [payment for payment in payments if payment.method == method]


def failed(payment):
    return payment.status is Status.FAILED


# --- the stream ---------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_history():
    assert history(count=500) == history(count=500)
    assert history(count=500) != history(count=500, seed=2)


def test_the_same_seed_gives_the_same_live_payments():
    def live():
        generator = rng()
        return [simulate(CONFIG, generator, NOON + n * timedelta(seconds=2)) for n in range(50)]

    assert live() == live()


@given(
    currencies,
    st.sampled_from(ZONES),
    instants(),
    st.integers(1, 60 * DAY // MILLISECOND),
    st.integers(0, 40),
    st.integers(0, 2**32),
)
def test_every_simulated_payment_is_one_that_may_be_recorded(  # noqa: PLR0917 - drawn values
    currency, zone, now, length, count, seed
):
    config = SimulationConfig(
        tenant_id="tenant_9",
        currency=currency,
        timezone=zone,
        methods=profiles(["card", "cheque", "crypto"]),
        refund_rate=0.5,
        seed=seed,
        source="seed",
    )
    now += timedelta(microseconds=999)
    since = now - length * MILLISECOND
    drafts = simulate(config, rng(seed), now, count=count, since=since)
    assert len(drafts) == count
    assert drafts == sorted(drafts, key=lambda each: each.created_at)
    for each in drafts:
        assert (each.tenant_id, each.currency, each.source) == ("tenant_9", currency, "seed")
        assert 1 <= each.amount <= MAX_MINOR
        assert floor_millisecond(since) <= each.created_at <= now
        assert each.created_at == floor_millisecond(each.created_at)
        assert (each.decline_code is not None) == failed(each)
        assert (each.refunded_at is not None) == (each.status is Status.REFUNDED)
        if each.refunded_at:
            assert each.created_at <= each.refunded_at <= now
            assert each.refunded_at == floor_millisecond(each.refunded_at)


def test_live_payments_happen_now_and_are_not_refunded():
    now = NOON + timedelta(microseconds=1234)
    drafts = simulate(replace(CONFIG, refund_rate=1.0), rng(), now, count=1000)
    assert {each.created_at for each in drafts} == {NOON + MILLISECOND}
    assert {each.status for each in drafts} == {Status.SUCCESS, Status.FAILED}
    assert {each.source for each in drafts} == {"simulation"}


def test_one_live_payment_is_the_default():
    assert len(simulate(CONFIG, rng(), NOON)) == 1


def test_history_must_begin_before_now():
    with pytest.raises(ValueError, match="before now"):
        simulate(CONFIG, rng(), NOON, since=NOON)


def test_extreme_amounts_stay_within_the_limits_of_payments():
    huge = replace(CONFIG, amount_factor=1e12)
    tiny = replace(CONFIG, amount_factor=1e-9)
    assert MAX_MINOR in {each.amount for each in simulate(huge, rng(), NOON, count=100)}
    assert min(each.amount for each in simulate(tiny, rng(), NOON, count=100)) == 1


# --- outcomes -----------------------------------------------------------------------------------


def test_success_rates_are_as_configured(weeks):
    # Incidents cost less than 0.2 points.
    assert 1 - share(failed, weeks) == pytest.approx(0.8, abs=0.006)
    for method, rate in success_rates(CONFIG).items():
        assert 1 - share(failed, of_method(weeks, method)) == pytest.approx(rate, abs=0.02)


@pytest.mark.parametrize("rate", [0.3, 0.97])
def test_another_success_rate(rate):
    drafts = history(replace(CONFIG, success_rate=rate))
    assert 1 - share(failed, drafts) == pytest.approx(rate, abs=0.02)


def test_a_success_rate_of_zero_or_one_is_kept_exactly():
    assert all(map(failed, history(replace(CONFIG, success_rate=0.0), count=1000)))
    sure = replace(CONFIG, success_rate=1.0, methods=profiles(["paypal", "crypto"]))
    assert not any(map(failed, history(sure, count=1000)))


def test_decline_codes_follow_their_weights(weeks):
    for profile in CONFIG.methods:
        failures = [each for each in of_method(weeks, profile.name) if failed(each)]
        codes = Counter(each.decline_code for each in failures)
        total = sum(weight for _, weight in profile.declines)
        assert set(codes) == {code for code, _ in profile.declines}
        for code, weight in profile.declines:
            # Incidents add issuer_unavailable to cards.
            assert codes[code] / len(failures) == pytest.approx(weight / total, abs=0.04)


def test_refunds_are_as_many_as_configured_come_later_and_some_give_back_a_part(life, weeks):
    # In the first four weeks nearly all eventual refunds have happened.
    old = (life.moments < milliseconds(NOON - 28 * DAY)) & (life.declines < 0)
    refunded, parts = old & (life.refunds.amounts > 0), old & partial_refunds(life)
    assert refunded.sum() / old.sum() == pytest.approx(CONFIG.refund_rate, abs=0.005)
    assert parts.sum() / refunded.sum() == pytest.approx(REFUND_PARTS, abs=0.06)
    waits = (life.refunds.moments - life.moments)[refunded] * MILLISECOND
    assert timedelta(days=2.5) < np.median(waits) < timedelta(days=3.5)
    given = [each for each in weeks if each.status is Status.REFUNDED]
    assert len(given) == ((life.refunds.amounts > 0) & ~partial_refunds(life)).sum()
    told = aftermath_of(life)
    assert sum(each.part_back is not None for each in told.values()) == partial_refunds(life).sum()


# --- who and how much ---------------------------------------------------------------------------


def test_methods_follow_their_weights(weeks):
    weights = {profile.name: profile.weight for profile in CONFIG.methods}
    for method, weight in weights.items():
        expected = weight / sum(weights.values())
        assert len(of_method(weeks, method)) / len(weeks) == pytest.approx(expected, abs=0.035)


@pytest.mark.parametrize(("currency", "level"), [("USD", 100), ("JPY", 150), ("KWD", 300)])
def test_amounts_are_log_normal_at_the_currencys_level(currency, level):
    drafts = history(replace(CONFIG, currency=currency))
    for profile in CONFIG.methods:
        logs = [log(each.amount) for each in of_method(drafts, profile.name)]
        # Charm prices round small amounts up.
        assert fmean(logs) == pytest.approx(log(profile.median * level), abs=0.25)
        assert stdev(logs) == pytest.approx(profile.spread, abs=0.12)


@pytest.mark.parametrize(
    ("currency", "step", "end"),
    [("USD", 100, 99), ("JPY", 100, 99), ("KWD", 1000, 990), ("KRW", 1000, 990)],
)
def test_many_prices_lie_a_little_below_a_round_one(currency, step, end):
    drafts = history(replace(CONFIG, currency=currency), count=5000)
    charming = share(lambda each: each.amount % step == end, of_method(drafts, "card"))
    assert charming == pytest.approx(0.6, abs=0.06)
    assert share(lambda each: each.amount % step == end, of_method(drafts, "crypto")) < 0.1


def test_customers_return_and_none_dominates_the_business(weeks):
    visits = Counter(each.customer_id for each in weeks)
    assert sum(n for n in visits.values() if n > 1) > 0.8 * len(weeks)
    assert visits.most_common(1)[0][1] < 0.01 * len(weeks)
    assert all(len(name) == 10 and name.startswith("cus_") for name in visits)


def test_a_customer_keeps_country_and_mostly_method(weeks):
    by_customer = defaultdict(list)
    for each in weeks:
        by_customer[each.customer_id].append(each)
    assert all(len({each.country for each in own}) == 1 for own in by_customer.values())
    regular = [own for own in by_customer.values() if len(own) >= 20]
    favourite = [Counter(each.method for each in own).most_common(1)[0][1] for own in regular]
    assert sum(favourite) / sum(map(len, regular)) > 0.85


def test_history_and_live_have_the_same_customers(weeks):
    country = {each.customer_id: each.country for each in weeks}
    live = simulate(CONFIG, rng(99), NOON, count=500)
    known = [each for each in live if each.customer_id in country]
    assert len(known) > 400
    assert all(country[each.customer_id] == each.country for each in known)


def test_countries_have_weights(weeks):
    counts = Counter(each.country for each in weeks)
    assert counts.most_common(1)[0][0] == "US"
    assert counts["US"] / len(weeks) == pytest.approx(82 / 160, abs=0.035)
    assert len(counts) == 17


def test_failures_are_retried_minutes_later_soft_ones_more_often_and_with_more_success(weeks):
    orders = defaultdict(list)
    for each in weeks:
        orders[each.order_id].append(each)
    failures, again, recovered = Counter(), Counter(), Counter()
    for attempts in orders.values():
        # Only the last attempt may succeed, and the purchase stays the same.
        assert all(map(failed, attempts[:-1]))
        assert (
            len({(each.customer_id, each.amount, each.method, each.bin) for each in attempts}) == 1
        )
        assert len(attempts) <= 3
        for place, each in enumerate(attempts[:2]):
            if failed(each):
                kind = meaning_of(each.decline_code)[1]
                failures[kind] += 1
                again[kind] += place + 1 < len(attempts)
        for first, second in pairwise(attempts):
            assert RETRY_SOONEST <= second.created_at - first.created_at <= RETRY_LATEST
            recovered[meaning_of(first.decline_code)[1]] += not failed(second)
    for kind, share_retried in failures.items():
        assert again[kind] / share_retried == pytest.approx(RETRIED[kind], abs=0.02)
    shares = {kind: recovered[kind] / again[kind] for kind in failures}
    assert shares[DeclineKind.SOFT] == pytest.approx(0.62, abs=0.05)
    assert shares[DeclineKind.HARD] == pytest.approx(0.14, abs=0.09)


def test_the_last_failure_of_a_short_history_has_no_retry():
    hopeless = replace(CONFIG, success_rate=0.0)
    for seed in range(30):
        assert len(history(hopeless, count=2, seed=seed)) == 2


# --- when ---------------------------------------------------------------------------------------


def test_days_have_a_rhythm_on_the_tenants_clock(weeks):
    zone = ZoneInfo(CONFIG.timezone)
    hours = Counter(each.created_at.astimezone(zone).hour for each in weeks)
    assert max(hours, key=hours.get) in {18, 19, 20}
    assert min(hours, key=hours.get) in {2, 3, 4}
    assert hours[19] > 10 * hours[3]


def test_weeks_have_a_rhythm_on_the_tenants_clock(weeks):
    zone = ZoneInfo(CONFIG.timezone)
    days = Counter(each.created_at.astimezone(zone).weekday() for each in weeks)
    assert max(days, key=days.get) == 4
    assert min(days, key=days.get) == 6
    assert days[4] > 1.4 * days[6]


# --- incidents ----------------------------------------------------------------------------------


def test_an_analyst_finds_the_incidents_from_the_data_alone(weeks):
    unavailable = Counter(
        (each.country, floor_quarter(each.created_at))
        for each in weeks
        if each.decline_code == "issuer_unavailable"
    )
    found = incidents_between(CONFIG, NOON - DAYS * DAY, NOON)
    assert len(found) > 10
    quarters = {
        (incident.country, floor_quarter(incident.window.start + n * timedelta(minutes=10)))
        for incident in found
        for n in range(3)
    }
    suspicious = {place for place, n in unavailable.items() if n >= 6}
    assert len(suspicious) >= 5
    assert suspicious <= quarters


def test_in_an_incident_most_cards_of_the_country_fail_and_nothing_else(weeks):
    cards, others = [], []
    for incident in incidents_between(CONFIG, NOON - DAYS * DAY, NOON):
        for each in weeks:
            if each.created_at in incident.window:
                hit = each.method == "card" and each.country == incident.country
                (cards if hit else others).append(each)
    assert share(failed, cards) > 0.8
    assert share(lambda each: each.decline_code == "issuer_unavailable", cards) > 0.75
    assert share(failed, others) == pytest.approx(0.2, abs=0.08)


def test_live_payments_show_the_same_incident():
    incident = incidents_between(CONFIG, NOON - DAYS * DAY, NOON)[0]
    before, during = (
        [
            each
            for each in simulate(CONFIG, rng(), moment, count=3000)
            if each.method == "card" and each.country == incident.country
        ]
        for moment in (incident.window.start - MILLISECOND, incident.window.start)
    )
    assert share(failed, during) > 0.8
    assert share(failed, before) < 0.4


# --- what happens to live payments later --------------------------------------------------------


def test_refunds_of_live_payments_are_as_many_as_configured():
    generator = rng()
    ids = [f"{n:024x}" for n in range(100)]
    refunded = [pick_refund(CONFIG, generator, ids) for _ in range(50_000)]
    chosen = [payment_id for payment_id in refunded if payment_id]
    assert len(chosen) / len(refunded) == pytest.approx(0.8 * 0.03, abs=0.004)
    assert set(chosen) == set(ids)


def test_without_a_payment_that_succeeded_nothing_is_refunded():
    assert pick_refund(replace(CONFIG, refund_rate=1.0), rng(), []) is None


def test_live_retries_are_about_as_many_as_in_history():
    generator = rng()
    first = draft(
        status="failed",
        country="DE",
        decline_code="do_not_honor",
        created_at=NOON - timedelta(minutes=2),
    )
    again = [pick_retry(CONFIG, generator, NOON, [first]) for _ in range(10_000)]
    tried = [retry for retry in again if retry]
    assert len(tried) / len(again) == pytest.approx(0.2 * RETRIED[DeclineKind.SOFT], abs=0.012)
    codes = decline_codes(CONFIG)
    rate = chances(CONFIG, codes).again[0, codes.index("do_not_honor")]
    assert 1 - share(failed, tried) == pytest.approx(rate, abs=0.1)


def test_a_retry_is_the_same_purchase_at_another_time():
    sure = replace(CONFIG, success_rate=0.0)
    first = simulate(sure, rng(), NOON - timedelta(minutes=3))[0]
    generator = rng()
    again = next(filter(None, (pick_retry(sure, generator, NOON, [first]) for _ in range(1000))))
    varies = {"decline_code": again.decline_code, "authentication": again.authentication}
    assert again == replace(first, created_at=NOON, **varies)
    assert again.decline_code is not None


@pytest.mark.parametrize("age", [timedelta(), timedelta(seconds=59), timedelta(minutes=9)])
def test_nobody_retries_at_once_or_much_later(age):
    first = draft(status="failed", country="DE", created_at=NOON - age)
    generator = rng()
    assert not any(pick_retry(CONFIG, generator, NOON, [first]) for _ in range(1000))


def test_waiting_retries_and_refunds_do_not_change_the_stream():
    one, other = rng(), rng()
    pick_retry(CONFIG, one, NOON, [])
    pick_retry(CONFIG, other, NOON, [draft(status="failed", country="DE")] * 3)
    pick_refund(CONFIG, one, [])
    pick_refund(CONFIG, other, ["a", "b"])
    assert simulate(CONFIG, one, NOON) == simulate(CONFIG, other, NOON)
