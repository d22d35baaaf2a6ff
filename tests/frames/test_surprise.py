"""False alarms are counted in many hours that are calm by construction, each with its own baseline:
how many there may be is then binomial."""

import numpy as np
import pytest
from scipy.stats import betabinom, binom, hypergeom

from financeops.frames.engine.hourly import sizes_up_to
from financeops.frames.statistics.surprise import (
    correlation_of,
    shapes_of,
    surprise_of_counts,
    surprise_of_rates,
    surprise_of_sums,
)

HOURS, WEEKS = 168 * 60, 4
LEVELS = np.tile(np.geomspace(2, 200, 168), 60)
FOUR = np.full(HOURS, WEEKS)
POISSON = np.full(HOURS, np.inf)


def assert_honest(p_values):
    """No more alarms at any threshold than chance allows (exceeded once in 10,000 such tests)."""
    for threshold in (0.05, 0.01, 0.001):
        alarms = int((p_values <= threshold).sum())
        assert alarms <= binom.ppf(0.9999, len(p_values), threshold)


def poisson(rng, level):
    return rng.poisson(level)


def clusters(rng, level):
    """Three payments in ten are retried."""
    first = rng.poisson(level / 1.3)
    return first + rng.binomial(first, 0.3)


def good_and_bad_hours(rng, level):
    return rng.poisson(level * rng.gamma(50, 1 / 50, level.shape))


@pytest.mark.parametrize("draw", [poisson, clusters, good_and_bad_hours])
def test_numbers_of_calm_hours_raise_no_more_alarms_than_stated(draw):
    rng = np.random.default_rng(1)
    counts = draw(rng, np.repeat(LEVELS[:, None], WEEKS + 1, axis=1))
    hour, base = counts[:, 0], counts[:, 1:]
    means = counts.sum(axis=1) / (WEEKS + 1)
    # As in `anomalies`: variation is estimated from one week's hours at a time.
    shapes = np.concatenate(
        [shapes_of(base[at : at + 168], means[at : at + 168]) for at in range(0, HOURS, 168)]
    )
    assert_honest(surprise_of_counts(hour, base.sum(axis=1), FOUR, shapes))
    if draw is not poisson:
        # It matters: assuming Poisson, these hours would raise too many alarms.
        naive = surprise_of_counts(hour, base.sum(axis=1), FOUR, POISSON)
        assert (naive <= 0.001).mean() > 0.003


@pytest.mark.parametrize("correlation", [0.0, 0.02])
def test_rates_of_calm_hours_raise_no_more_alarms_than_stated(correlation):
    rng = np.random.default_rng(2)
    attempts = rng.poisson(np.repeat(LEVELS[:, None], WEEKS + 1, axis=1))
    more = 1 / correlation - 1 if correlation else np.inf
    rates = rng.beta(0.8 * more, 0.2 * more, attempts.shape) if correlation else 0.8
    succeeded = rng.binomial(attempts, rates)
    found = correlation_of(succeeded[:, 1:], attempts[:, 1:])
    assert found == pytest.approx(correlation, abs=0.002)
    p_values = surprise_of_rates(
        succeeded[:, 0],
        attempts[:, 0],
        succeeded[:, 1:].sum(axis=1),
        attempts[:, 1:].sum(axis=1),
        weeks=FOUR,
        correlation=found,
    )
    assert_honest(p_values)


@pytest.mark.parametrize("shape", [np.inf, 100.0])
def test_sums_of_calm_hours_raise_no_more_alarms_than_stated(shape):
    rng = np.random.default_rng(3)
    hours = 3000
    levels = np.ones((hours, WEEKS + 1))
    if shape != np.inf:
        levels = rng.gamma(shape, 1 / shape, levels.shape)
    places = np.array(sizes_up_to(10**9))
    sums, numbers, sizes = [], [], []
    for hour in range(hours):
        counts = rng.poisson(LEVELS[hour] * levels[hour])
        # One payment in ten is a hundred times as large: sums are extremely skewed.
        amounts = rng.lognormal(8, 1.2, counts.sum()) * rng.choice(
            [1, 100], counts.sum(), p=[0.9, 0.1]
        )
        amounts = amounts.astype(np.int64) + 1
        place = np.searchsorted(places, amounts, side="right")
        number = np.bincount(place, minlength=len(places) + 1)
        sums.append(amounts[: counts[0]].sum())
        numbers.append(number)
        sizes.append(np.bincount(place, amounts, len(places) + 1) / np.maximum(number, 1))
    p_values = surprise_of_sums(
        np.array(sums, dtype=float),
        np.array(numbers, dtype=float),
        np.array(sizes),
        np.full(hours, WEEKS),
        np.full(hours, shape),
    )
    assert_honest(p_values)
    # The bound is close to the probability.
    assert (p_values <= 0.1).mean() > 0.002


def test_p_values_are_those_of_the_distributions():
    weeks, shapes = np.array([4, 4, 1]), np.array([np.inf, 12.5, 3.0])
    counts, base = np.array([9, 40, 0]), np.array([60, 60, 7])
    found = surprise_of_counts(counts, base, weeks, shapes)
    assert found == pytest.approx(
        [
            2 * binom.cdf(9, 69, 0.2),
            2 * betabinom.sf(39, 100, 12.5, 50),
            2 * betabinom.cdf(0, 7, 3, 3),
        ]
    )
    rates = surprise_of_rates(
        np.array([3, 5]), np.array([10, 5]), np.array([36, 0]), np.array([40, 0]), weeks=weeks[:2]
    )
    assert rates == pytest.approx([2 * hypergeom.cdf(3, 50, 39, 10), 1])


def test_the_chernoff_bound_is_above_the_probability_and_not_far():
    """For amounts of one size the sum is a binomial number, whose tail is known."""
    seen = np.arange(21, 46)
    share = np.full(len(seen), 4)
    bounds = surprise_of_sums(
        seen * 500.0,
        np.full((len(seen), 1), 100.0),
        np.full((len(seen), 1), 500.0),
        share,
        np.full(len(seen), np.inf),
    )
    exact = np.minimum(1, 2 * binom.sf(seen - 1, 100, 0.2))
    assert (bounds >= exact).all()
    assert (bounds[seen >= 30] <= 12 * exact[seen >= 30]).all()


def test_hours_without_data_are_not_surprising():
    none, one = np.zeros(1, dtype=np.int64), np.ones(1, dtype=np.int64)
    assert surprise_of_counts(none, none, one, np.array([np.inf])) == [1]
    assert surprise_of_rates(none, none, one, one, weeks=one) == [1]
    assert surprise_of_sums(
        np.zeros(1), np.zeros((1, 2)), np.zeros((1, 2)), one, np.array([2.0])
    ) == [1]
    assert shapes_of(np.zeros((168, 4), dtype=np.int64), np.zeros(1)) == [np.inf]
    assert correlation_of(np.zeros((168, 4), dtype=np.int64), np.zeros((168, 4), np.int64)) == 0


@pytest.mark.parametrize(
    ("attempts", "rate", "found"), [(30, 0.5, 0.38), (60, 0.5, 0.85), (100, 0.5, 0.99)]
)
def test_a_fall_of_the_success_rate_is_found_as_often_as_stated(attempts, rate, found):
    rng = np.random.default_rng(4)
    base = rng.poisson(WEEKS * attempts, 4000)
    good = rng.binomial(base, 0.8)
    hour = rng.poisson(attempts, 4000)
    p_values = surprise_of_rates(
        rng.binomial(hour, rate), hour, good, base, weeks=np.full(4000, WEEKS)
    )
    assert (p_values <= 0.001).mean() == pytest.approx(found, abs=0.03)


@pytest.mark.parametrize(("usual", "found"), [(30, 0.25), (60, 0.71), (100, 0.96)])
def test_missing_payments_are_found_as_often_as_stated(usual, found):
    rng = np.random.default_rng(5)
    base = rng.poisson(WEEKS * usual, 4000)
    p_values = surprise_of_counts(
        rng.poisson(usual / 2, 4000), base, np.full(4000, WEEKS), np.full(4000, np.inf)
    )
    assert (p_values <= 0.001).mean() == pytest.approx(found, abs=0.03)
