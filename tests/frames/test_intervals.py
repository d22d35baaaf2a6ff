"""Intervals are those of the literature, and have the stated coverage."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from financeops.core.errors import InvalidValue
from financeops.frames.statistics.intervals import count_difference, garwood, newcombe, wilson

TRIALS = st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
LEVELS = st.sampled_from([0.8, 0.95, 0.99])


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_as_in_newcombes_table_of_single_proportions(successes, n, low, high):
    assert wilson(successes, n) == pytest.approx((100 * low, 100 * high), abs=0.006)


@pytest.mark.parametrize(
    ("one", "other", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((10, 10), (0, 10), 0.6075, 1.0),
    ],
)
def test_newcombe_as_in_his_table_of_differences(one, other, low, high):
    assert newcombe(*one, *other) == pytest.approx((100 * low, 100 * high), abs=0.006)


@given(trials=TRIALS, confidence=LEVELS)
def test_wilson_as_in_statsmodels(trials, confidence):
    low, high = wilson(*trials, confidence=confidence)
    theirs = proportion_confint(*trials, alpha=1 - confidence, method="wilson")
    assert (low, high) == pytest.approx((100 * theirs[0], 100 * theirs[1]), abs=1e-9)
    assert 0 <= low <= 100 * trials[0] / trials[1] <= high <= 100


@given(one=TRIALS, other=TRIALS, confidence=LEVELS)
def test_newcombe_as_in_statsmodels(one, other, confidence):
    theirs = confint_proportions_2indep(
        *one, *other, method="newcomb", compare="diff", alpha=1 - confidence
    )
    assert newcombe(*one, *other, confidence=confidence) == pytest.approx(
        (100 * theirs[0], 100 * theirs[1]), abs=1e-9
    )


@pytest.mark.parametrize(
    ("count", "low", "high"),
    [(0, 0, 3.689), (1, 0.025, 5.572), (10, 4.795, 18.390), (100, 81.36, 121.63)],
)
def test_garwood_as_in_the_tables(count, low, high):
    assert garwood(count) == pytest.approx((low, high), abs=0.006)


@pytest.mark.parametrize("expected", [3, 40])
def test_the_difference_of_counts_is_covered_as_often_as_promised(expected):
    rng = np.random.default_rng(1)
    pairs = rng.poisson([expected, 2 * expected], size=(1500, 2))
    intervals = [count_difference(int(one), int(other)) for one, other in pairs]
    covered = np.mean([low <= -expected <= high for low, high in intervals])
    assert 0.935 <= covered <= 0.99


def test_without_attempts_there_is_no_rate():
    assert wilson(0, 0) is newcombe(0, 0, 1, 2) is newcombe(1, 2, 0, 0) is None


@pytest.mark.parametrize("confidence", [0, 1, 95, -0.5])
def test_a_level_lies_between_0_and_1(confidence):
    with pytest.raises(InvalidValue, match="confidence: must lie between 0 and 1"):
        garwood(3, confidence=confidence)
    with pytest.raises(InvalidValue, match="confidence: "):
        wilson(0, 0, confidence=confidence)
