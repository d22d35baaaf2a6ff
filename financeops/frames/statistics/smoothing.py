"""Exponential smoothing of daily figures with a weekly seasonality."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

WEEK = 7

_LARGEST = 2.0**62
"""Limit of the bounds, so that they fit integers of 64 bits; no business comes near."""


class Outlook(NamedTuple):
    """Forecast of the next days; arrays have shape (days,)."""

    model: str
    middle: Floats
    low: Floats
    high: Floats


def outlook(daily: Floats, *, days: int, confidence: float) -> Outlook:
    """Forecast a daily figure that is never negative.

    Parameters
    ----------
    daily : array of float, shape (history,)
        At least four weeks, oldest first.
    days : int
        How many days to look ahead.
    confidence : float
        Of each interval, between 0 and 1.

    Returns
    -------
    Outlook
        Medians and intervals, not negative, and the name of the model.

    Notes
    -----
    Of the models ETS(A,N,A) and ETS(A,Ad,A) - level and weekly seasonality, without and with a
    damped trend - the one with the lower AICc, fitted by maximum likelihood to the logarithms; to the
    figures themselves when one of them is 0, because 0 has no logarithm. The interval at h days is
    Student's t times the residuals' standard deviation times ``sqrt(1 + sum of c_j^2, j < h)``,
    ``c_j = alpha + beta (phi + ... + phi^j) + gamma [j is a multiple of 7]``. It ignores
    holidays, and treats the parameters as known.

    A fit that warns (it did not converge, or its arithmetic failed) or that leaves no residuals is
    not used. When none is left, the forecast is the same day of last week, "seasonal naive", with the standard
    deviation of the differences between weeks times ``sqrt(weeks ahead)``.

    Sources: Hyndman, R. J., Koehler, A. B., Ord, J. K. and Snyder, R. D. (2008), Forecasting with
    Exponential Smoothing, Springer, table 6.1; Hyndman, R. J. and Athanasopoulos, G. (2021),
    Forecasting: Principles and Practice, 3rd ed., OTexts, sections 5.5 and 8.6. The library is
    statsmodels.
    """
    from scipy.stats import t  # noqa: PLC0415 - slow to import

    positive = bool((daily > 0).all())
    # Scaled to about 1, where the optimizer works best.
    scale = float(daily.mean()) or 1.0
    values = np.log(daily / scale) if positive else daily / scale
    fits = [fit for trend in (False, True) if (fit := _fit(values, trend=trend)) is not None]
    if fits:
        best = min(fits, key=lambda fit: fit.aicc)
        model = ("ETS(A,Ad,A)" if best.model.trend else "ETS(A,N,A)") + " of log" * positive
        middle = np.asarray(best.forecast(days))
        freedom = len(values) - len(best.params)
        deviation = np.sqrt(float(np.sum(best.resid**2)) / freedom * relative_variance(best, days))
    else:
        model = "seasonal naive" + " of log" * positive
        middle, deviation = last_week_again(values, days)
        freedom = len(values) - WEEK
    width = float(t.isf((1 - confidence) / 2, freedom)) * deviation
    low, high = middle - width, middle + width
    if positive:
        largest = np.log(_LARGEST / scale)
        bounds = (np.exp(np.minimum(bound, largest)) for bound in (middle, low, high))
        return Outlook(model, *(scale * bound for bound in bounds))
    return Outlook(model, *(scale * np.maximum(bound, 0.0) for bound in (middle, low, high)))


def last_week_again(values: Floats, days: int) -> tuple[Floats, Floats]:
    """Seasonal naive forecast and its standard deviation, each shape (days,)."""
    ahead = np.arange(days)
    change = float(np.mean((values[WEEK:] - values[:-WEEK]) ** 2))
    return values[-WEEK + ahead % WEEK], np.sqrt(change * (ahead // WEEK + 1))


def relative_variance(fit: Any, days: int) -> Floats:
    """Variance of the error at 1, 2, … days over that at one day, of a statsmodels fit."""
    level, rhythm = float(fit.smoothing_level), float(fit.smoothing_seasonal)
    trend, damping = 0.0, 0.0
    if fit.model.trend:
        trend, damping = float(fit.smoothing_trend), float(fit.damping_trend)
    steps = np.arange(1, days)
    effects = level + trend * np.cumsum(damping**steps) + rhythm * (steps % WEEK == 0)
    variance: Floats = np.concatenate([[1.0], 1 + np.cumsum(effects**2)])
    return variance


def _fit(values: Floats, *, trend: bool) -> Any:
    """A fitted model; None when it is unreliable."""
    from statsmodels.tools.sm_exceptions import ConvergenceWarning  # noqa: PLC0415
    from statsmodels.tsa.exponential_smoothing.ets import (  # noqa: PLC0415 - it imports pandas
        ETSModel,
    )

    with warnings.catch_warnings():
        for doubt in (ConvergenceWarning, RuntimeWarning):
            warnings.simplefilter("error", doubt)
        try:
            fit = ETSModel(
                values,
                error="add",
                trend="add" if trend else None,
                damped_trend=trend,
                seasonal="add",
                seasonal_periods=WEEK,
            ).fit(disp=False)
        except (ConvergenceWarning, RuntimeWarning, ArithmeticError, np.linalg.LinAlgError):
            return None
    return fit if np.isfinite(fit.aicc) and float(np.sum(fit.resid**2)) > 0 else None
