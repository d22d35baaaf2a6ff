"""How surprising the figures of one hour are, given the same hours of previous weeks.

Each function gives two-sided p-values of many hours at once: twice the probability of the observed
value, or of one further out on the same side, if the hour is like those before it. Where that
probability is not known exactly it is bounded from above, so that of many calm hours at most a
share p has a p-value of p or less.

The level of an hour is never treated as known. The tests use the distribution of an hour *given the
sum over it and its baseline*, which does not depend on the unknown level. So they are valid for a
baseline of only four weeks.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_LEFT_OUT = 1e-9
"""Probability at each end of a beta distribution that an integral omits; added afterwards."""
_TILTS = np.geomspace(0.05, 30, 24)
"""Of Chernoff's bound, in standard deviations. It is valid for each; one near the best is good enough."""


def surprise_of_rates(
    succeeded: Integers,
    attempts: Integers,
    base_succeeded: Integers,
    base_attempts: Integers,
    *,
    weeks: Integers,
    correlation: float = 0.0,
) -> Floats:
    """Two-sided p-values of the success rate of hours: Fisher's exact test, doubled.

    Given the successes of an hour and its baseline together, those of the hour are
    hypergeometric, whatever the success rate is, when attempts succeed independently. When they do
    not, they are worth fewer independent attempts: the test is then also done with those, and the
    larger p-value is used.

    Parameters
    ----------
    succeeded, attempts, base_succeeded, base_attempts : arrays of int, shape (hours,)
        In each hour, and in all hours of its baseline together.
    weeks : array of int, shape (hours,)
        Number of hours in the baseline, at least 1.
    correlation : float
        Correlation between the outcomes of two attempts of the same hour (`correlation_of`), 0 to 1.

    Returns
    -------
    array of float, shape (hours,)
        1 where the hour or its baseline has no attempts.

    Notes
    -----
    Sources: Fisher, R. A. (1935), The Logic of Inductive Inference, JRSS 98:39-82; for counts
    divided by the design effect ``1 + (n - 1) correlation``, Rao, J. N. K. and Scott, A. J. (1992),
    A Simple Method for the Analysis of Clustered Binary Data, Biometrics 48:577-585.
    """
    exact = _fisher(succeeded, attempts, base_succeeded, base_attempts)
    if correlation <= 0:
        return exact
    fewer, good = _effective(succeeded, attempts, attempts, correlation)
    base_fewer, base_good = _effective(
        base_succeeded, base_attempts, base_attempts / weeks, correlation
    )
    return np.maximum(exact, _fisher(good, fewer, base_good, base_fewer))


def surprise_of_counts(
    counts: Integers, base_counts: Integers, weeks: Integers, shapes: Floats
) -> Floats:
    """Two-sided p-values of the number of events in hours.

    Given the sum over an hour and its baseline of `weeks` such hours, the number in the hour is
    binomial with probability ``1 / (weeks + 1)`` when counts are Poisson, and beta-binomial when
    they vary more: gamma-distributed levels of that shape.

    Parameters
    ----------
    counts, base_counts : arrays of int, shape (hours,)
        Events in each hour, and in all hours of its baseline together.
    weeks : array of int, shape (hours,)
        Number of hours in the baseline, at least 1.
    shapes : array of float, shape (hours,)
        Shape of the levels (`shapes_of`); infinite for Poisson counts.

    Returns
    -------
    array of float, shape (hours,)

    Notes
    -----
    Source: Przyborowski, J. and Wilenski, H. (1940), Homogeneity of Results in Testing Samples
    from Poisson Series, Biometrika 31:313-323; for the beta-binomial, Johnson, N. L., Kemp, A. W.
    and Kotz, S. (2005), Univariate Discrete Distributions, 3rd ed., section 6.2.2.
    """
    from scipy.stats import binom  # noqa: PLC0415 - slow to import

    total = counts + base_counts
    tails = np.ones(len(counts))
    poisson = np.isinf(shapes)
    n, x, share = total[poisson], counts[poisson], 1 / (weeks[poisson] + 1)
    tails[poisson] = np.minimum(binom.cdf(x, n, share), binom.sf(x - 1, n, share))
    for hour in np.flatnonzero(~poisson):
        n, x, shape = total[hour], counts[hour], shapes[hour]
        high = x * (weeks[hour] + 1) >= n
        # From the observed value outward, as far as there is any weight.
        spread = np.sqrt(n + n * n / (shape + 1))
        reach = int(12 * spread) + 100
        seen = np.arange(x, min(n, x + reach) + 1) if high else np.arange(max(0, x - reach), x + 1)
        tails[hour] = _beta_binomial(seen, n, shape, shape * weeks[hour]).sum()
    return _doubled(tails)


def surprise_of_sums(
    sums: Floats,
    numbers: Floats,
    sizes: Floats,
    weeks: Integers,
    shapes: Floats,
) -> Floats:
    """Bounds of the two-sided p-values of sums of amounts in hours.

    Given the amounts of an hour and its baseline, each of them is in the hour with the same
    probability, independently: 1 / (weeks + 1), or beta-distributed about it when levels vary. This
    accounts for a few large amounts among many small ones. The probability of such
    a sum is bounded by Chernoff's inequality; the bound is never too small.

    Parameters
    ----------
    sums : array of float, shape (hours,)
        Sum of the amounts in each hour.
    numbers : array of float, shape (hours, sizes)
        Number of amounts of each size in the hour and its baseline together.
    sizes : array of float, shape (hours, sizes)
        Mean amount of each size; any unit. 0 where the number is 0.
    weeks : array of int, shape (hours,)
        Number of hours in the baseline, at least 1.
    shapes : array of float, shape (hours,)
        As in `surprise_of_counts`.

    Returns
    -------
    array of float, shape (hours,)
        1 where there are no amounts.

    Notes
    -----
    Source: Chernoff, H. (1952), A Measure of Asymptotic Efficiency for Tests of a Hypothesis Based
    on the Sum of Observations, Ann. Math. Statist. 23:493-507.
    """
    bounds = np.ones(len(sums))
    some = (numbers > 0) & (sizes > 0)
    alike = np.isinf(shapes)
    for these, levels in (
        (np.flatnonzero(alike), _even(weeks[alike])),
        (np.flatnonzero(~alike), _varying(weeks[~alike], shapes[~alike])),
    ):
        for hour, shares, weights in zip(these, *levels, strict=True):
            if some[hour].any():
                amounts = numbers[hour, some[hour]], sizes[hour, some[hour]]
                bounds[hour] = _chernoff(float(sums[hour]), *amounts, shares, weights)
    return _doubled(bounds)


def shapes_of(history: Integers, levels: Floats) -> Floats:
    """Shape of the gamma distribution of the levels of hours, from the variation of counts.

    Parameters
    ----------
    history : array of int, shape (hours of a week, weeks)
        Counts of the same hours in several weeks, at least 2.
    levels : array of float, shape (hours,)
        Mean counts of the hours whose shapes are wanted.

    Returns
    -------
    array of float, shape (hours,)
        Infinite where counts vary no more than Poisson counts do.

    Notes
    -----
    The variance of a count with mean m is modelled as ``m + a m + b m^2`` with a, b >= 0: clusters
    such as retries give a, good and bad days b. Both are fitted to the variances of all hours of
    the week by least squares on variance / mean, because these are about equally precise. The variance of
    a gamma mixture of shape r is ``m + m^2 / r``, so ``r = m / (a + b m)``.

    Source: Anscombe, F. J. (1949), The Statistical Analysis of Insect Counts Based on the Negative
    Binomial Distribution, Biometrics 5:165-173, for the moments.
    """
    from scipy.optimize import nnls  # noqa: PLC0415 - slow to import

    means = history.mean(axis=1)
    seen = means > 0
    if history.shape[1] < 2 or not seen.any():
        return np.full(len(levels), np.inf)
    means = means[seen]
    excess = history[seen].var(axis=1, ddof=1) / means - 1
    (clusters, days), _ = nnls(np.column_stack([np.ones(len(means)), means]), excess)
    inverse = clusters + days * levels
    # A smaller value only affects the numerics.
    varies = (inverse > 1e-5) & (levels > 0)
    shapes: Floats = np.divide(levels, inverse, where=varies, out=np.full(len(levels), np.inf))
    return shapes


def correlation_of(succeeded: Integers, attempts: Integers) -> float:
    """How much more the success rate varies between hours than by chance.

    Parameters
    ----------
    succeeded, attempts : arrays of int, shape (hours of a week, weeks)
        Of the same hours in several weeks.

    Returns
    -------
    float
        Correlation between the outcomes of two attempts of an hour, at least 0, by moments:
        Pearson's chi-square of each hour's weeks against its own rate, less its degrees of
        freedom, in proportion to what a correlation of 1 would add.

    Notes
    -----
    Source: Williams, D. A. (1982), Extra-Binomial Variation in Logistic Linear Models, Applied
    Statistics 31:144-148.
    """
    total = attempts.sum(axis=1, keepdims=True)
    good = succeeded.sum(axis=1, keepdims=True)
    varies = (good > 0) & (good < total) & (attempts > 0)
    rate = good / np.maximum(total, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = (succeeded - attempts * rate) ** 2 / (attempts * rate * (1 - rate))
    free = 1 - attempts / np.maximum(total, 1)
    more = float((terms - free)[varies].sum())
    most = float((free * (attempts - 1))[varies].sum())
    return min(1.0, max(0.0, more / most)) if most > 0 else 0.0


def _fisher(
    succeeded: Integers, attempts: Integers, base_succeeded: Integers, base_attempts: Integers
) -> Floats:
    from scipy.stats import hypergeom  # noqa: PLC0415 - slow to import

    given = (attempts + base_attempts, succeeded + base_succeeded, attempts)
    below = hypergeom.cdf(succeeded, *given)
    above = hypergeom.sf(succeeded - 1, *given)
    return _doubled(np.minimum(below, above))


def _effective(
    succeeded: Integers, attempts: Integers, together: Floats | Integers, correlation: float
) -> tuple[Integers, Integers]:
    """The equivalent number of independent attempts, and how many of them succeeded."""
    effect = 1 + np.maximum(together - 1, 0) * correlation
    fewer = np.floor(attempts / effect).astype(np.int64)
    good = np.rint(fewer * succeeded / np.maximum(attempts, 1)).astype(np.int64)
    return fewer, good


def _beta_binomial(seen: Integers, n: int, a: float, b: float) -> Floats:
    """Probability of each number among n; scipy's own function is slow for a few of them."""
    from scipy.special import betaln  # noqa: PLC0415 - slow to import

    ways = -np.log(n + 1) - betaln(n - seen + 1, seen + 1)
    probabilities: Floats = np.exp(ways + betaln(seen + a, n - seen + b) - betaln(a, b))
    return probabilities


def _chernoff(
    value: float, numbers: Floats, sizes: Floats, shares: Floats, weights: Floats
) -> float:
    """Bound of the probability of a sum at least as far out as `value`, on the same side."""
    share = float(weights @ shares)
    total = float(numbers @ sizes)
    variance = share * (1 - share) * float(numbers @ sizes**2)
    variance += float(weights @ (shares - share) ** 2) * total**2
    side = 1.0 if value >= share * total else -1.0
    tilts = side * _TILTS / np.sqrt(variance)
    growth = np.expm1(np.outer(tilts, sizes))
    moments = np.log1p(shares[:, None, None] * growth) @ numbers  # log E exp(tilt x sum | share)
    peak = moments.max(axis=0)
    bounds = peak + np.log(weights @ np.exp(moments - peak)) - tilts * value
    return float(np.exp(min(bounds.min(), 0.0))) + 2 * _LEFT_OUT


def _even(weeks: Integers) -> tuple[Floats, Floats]:
    """Probability that an amount is in the hour, shape (hours, 1), and its weight."""
    shares = 1 / (weeks[:, None] + 1)
    return shares, np.ones_like(shares)


def _varying(weeks: Integers, shapes: Floats) -> tuple[Floats, Floats]:
    """The same when levels vary: probabilities and their weights, shape (hours, nodes)."""
    from scipy.stats import beta  # noqa: PLC0415 - slow to import

    a, b = shapes[:, None], (shapes * weeks)[:, None]
    low, high = beta.ppf(_LEFT_OUT, a, b), beta.isf(_LEFT_OUT, a, b)
    places, weights = np.polynomial.legendre.leggauss(24)
    shares = low + (high - low) * (places + 1) / 2
    weights = weights * beta.pdf(shares, a, b)
    return shares, weights / weights.sum(axis=1, keepdims=True)


def _doubled(tails: Floats) -> Floats:
    doubled: Floats = np.minimum(1.0, 2 * tails)
    return doubled
