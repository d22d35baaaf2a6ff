"""Confidence intervals of rates and counts, and of differences between them."""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist

from financeops.core.errors import InvalidValue

Interval = tuple[float, float]


def check_confidence(confidence: float) -> float:
    """Return the level; raise InvalidValue unless it lies between 0 and 1."""
    if not 0 < confidence < 1:
        raise InvalidValue("confidence", f"must lie between 0 and 1, not {confidence!r}")
    return confidence


def wilson(successes: int, n: int, *, confidence: float = 0.95) -> Interval | None:
    """Wilson's score interval of a rate.

    Parameters
    ----------
    successes, n : int
        Number of successes in `n` independent attempts.
    confidence : float
        Level, between 0 and 1.

    Returns
    -------
    tuple of (float, float) or None
        Lower and upper limit in percent; None when `n` is 0.

    Raises
    ------
    InvalidValue
        When `confidence` is not between 0 and 1.

    Notes
    -----
    (p + z²/2n ± z √(p(1-p)/n + z²/4n²)) / (1 + z²/n). It stays within 0 to 100 and is valid
    for small `n` and for rates near 0 and 100, where p ± z √(p(1-p)/n) is not.

    Source: Wilson, E. B. (1927), Probable Inference, the Law of Succession, and Statistical
    Inference, Journal of the American Statistical Association 22:209-212.

    Examples
    --------
    >>> from financeops.frames.statistics.intervals import wilson
    >>> low, high = wilson(81, 263)
    >>> round(low, 2), round(high, 2)
    (25.53, 36.62)
    """
    z = _z(confidence)
    if n == 0:
        return None
    p, correction = successes / n, z * z / n
    middle = p + correction / 2
    reach = z * sqrt(p * (1 - p) / n + correction / (4 * n))
    low = 0.0 if successes == 0 else (middle - reach) / (1 + correction)
    high = 1.0 if successes == n else (middle + reach) / (1 + correction)
    return 100 * low, 100 * high


def newcombe(
    successes: int, n: int, against_successes: int, against_n: int, *, confidence: float = 0.95
) -> Interval | None:
    """Newcombe's interval of the difference of two independent rates.

    Parameters
    ----------
    successes, n : int
        Of the rate.
    against_successes, against_n : int
        Of the rate that is subtracted.
    confidence : float
        Level, between 0 and 1.

    Returns
    -------
    tuple of (float, float) or None
        Limits of rate - other rate, in percentage points; None when either `n` is 0.

    Raises
    ------
    InvalidValue
        When `confidence` is not between 0 and 1.

    Notes
    -----
    Method 10 of the source: the distances of both rates to their Wilson limits, squared and added.

    Source: Newcombe, R. G. (1998), Interval Estimation for the Difference between Independent
    Proportions: Comparison of Eleven Methods, Statistics in Medicine 17:873-890.

    Examples
    --------
    >>> from financeops.frames.statistics.intervals import newcombe
    >>> low, high = newcombe(56, 70, 48, 80)
    >>> round(low, 2), round(high, 2)
    (5.24, 33.39)
    """
    one = wilson(successes, n, confidence=confidence)
    other = wilson(against_successes, against_n, confidence=confidence)
    if one is None or other is None:
        return None
    rate, against = 100 * successes / n, 100 * against_successes / against_n
    return _squared_and_added(rate, one, against, other)


def garwood(count: int, *, confidence: float = 0.95) -> Interval:
    """Exact interval of the mean of a Poisson count.

    Parameters
    ----------
    count : int
        The observed count.
    confidence : float
        Level, between 0 and 1.

    Returns
    -------
    tuple of (float, float)
        Limits of the expected count.

    Raises
    ------
    InvalidValue
        When `confidence` is not between 0 and 1.

    Notes
    -----
    Source: Garwood, F. (1936), Fiducial Limits for the Poisson Distribution, Biometrika
    28:437-442.

    Examples
    --------
    >>> from financeops.frames.statistics.intervals import garwood
    >>> low, high = garwood(10)
    >>> round(low, 3), round(high, 3)
    (4.795, 18.39)
    """
    from scipy.special import gammaincinv  # noqa: PLC0415 - slow to import

    tail = (1 - check_confidence(confidence)) / 2
    low = float(gammaincinv(count, tail)) if count else 0.0
    return low, float(gammaincinv(count + 1, 1 - tail))


def count_difference(count: int, against: int, *, confidence: float = 0.95) -> Interval:
    """Interval of the difference of two independent Poisson counts.

    Parameters
    ----------
    count, against : int
        The count, and the one that is subtracted.
    confidence : float
        Level, between 0 and 1.

    Returns
    -------
    tuple of (float, float)
        Limits of the expected count - the expected other count.

    Raises
    ------
    InvalidValue
        When `confidence` is not between 0 and 1.

    Notes
    -----
    The distances to Garwood's limits, squared and added, as `newcombe` does with rates.

    Source: Zou, G. Y. and Donner, A. (2008), Construction of Confidence Limits about Effect
    Measures: A General Approach, Statistics in Medicine 27:1693-1702.

    Examples
    --------
    >>> from financeops.frames.statistics.intervals import count_difference
    >>> low, high = count_difference(130, 100)
    >>> round(low, 1), round(high, 1)
    (-0.4, 60.7)
    """
    one, other = garwood(count, confidence=confidence), garwood(against, confidence=confidence)
    return _squared_and_added(count, one, against, other)


def _squared_and_added(
    value: float, interval: Interval, against: float, other: Interval
) -> Interval:
    difference = value - against
    low = difference - sqrt((value - interval[0]) ** 2 + (other[1] - against) ** 2)
    high = difference + sqrt((interval[1] - value) ** 2 + (against - other[0]) ** 2)
    return low, high


def _z(confidence: float) -> float:
    return NormalDist().inv_cdf((1 + check_confidence(confidence)) / 2)
