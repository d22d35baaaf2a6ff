"""The product-limit estimate of Kaplan and Meier, for events at different ages."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import NamedTuple


class Step(NamedTuple):
    """The estimate at one age.

    `share` is the exact share with the event by that age; `low` and `high` are its interval.
    """

    age: int
    at_risk: int
    events: int
    share: Fraction
    low: float
    high: float


def kaplan_meier(
    events: Mapping[int, int], censored: Mapping[int, int], *, confidence: float
) -> list[Step]:
    """Share with the event by each age.

    Parameters
    ----------
    events : mapping of int to int
        Number of events at each age, from 1.
    censored : mapping of int to int
        Number last observed at each age, from 0, without the event; they count as at risk up to
        and including that age.
    confidence : float
        Of each interval, between 0 and 1.

    Returns
    -------
    list of Step
        One per age from 0 to the greatest; empty without events and censored.

    Notes
    -----
    ``share = 1 - S``, ``S`` the product of ``1 - events / at_risk`` over the ages up to this one.
    Intervals: variance of ``log S`` by Greenwood, ``sum of events / (at_risk (at_risk -
    events))``, on the scale ``log(-log S)``, which keeps them within 0 and 1. Where that is
    undefined: before the first event the upper bound is the exact binomial one, ``1 - (alpha /
    2)^(1 / at_risk)``; once all have the event, the upper bound is 1 and the lower ``(alpha /
    2)^(1 / at_risk)`` or, if greater, that of the age before.

    Sources: Kaplan, E. L. and Meier, P. (1958), JASA 53:457-481; Greenwood, M. (1926), The Natural
    Duration of Cancer, HMSO; Kalbfleisch, J. D. and Prentice, R. L. (2002), The Statistical
    Analysis of Failure Time Data, 2nd ed., Wiley, section 1.4; Clopper, C. J. and Pearson, E. S.
    (1934), Biometrika 26:404-413.
    """
    from scipy.special import ndtri  # noqa: PLC0415 - slow to import

    alpha = 1 - confidence
    quantile = -float(ndtri(alpha / 2))  # of the normal distribution
    at_risk = sum(events.values()) + sum(censored.values())
    surviving, share = Fraction(1), Fraction(0)
    greenwood = 0.0
    steps: list[Step] = []
    for age in range(max((*events, *censored), default=-1) + 1):
        happened = events.get(age, 0)
        if happened:  # multiplying by 1 costs as much
            surviving *= Fraction(at_risk - happened, at_risk)
            share = 1 - surviving
        if 0 < happened < at_risk:
            greenwood += happened / (at_risk * (at_risk - happened))
        exact = (alpha / 2) ** (1 / at_risk)
        if surviving == 0:
            low, high = max(exact, steps[-1].low if steps else 0.0), 1.0
        elif surviving < 1:
            if happened:
                low, high = _bounds(surviving, greenwood, quantile)
            else:
                low, high = steps[-1].low, steps[-1].high
        else:
            low, high = 0.0, 1 - exact if age else 0.0
        steps.append(Step(age, at_risk, happened, share, low, high))
        at_risk -= happened + censored.get(age, 0)
    return steps


def _bounds(surviving: Fraction, greenwood: float, quantile: float) -> tuple[float, float]:
    logarithm = math.log(surviving.numerator) - math.log(surviving.denominator)
    width = quantile * math.sqrt(greenwood) / -logarithm
    return (
        -math.expm1(logarithm * math.exp(-width)),
        -math.expm1(logarithm * math.exp(width)),
    )
