from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import polars as pl
import pytest
from statsmodels.tsa.exponential_smoothing.ets import ETSModel

from financeops.core.errors import InvalidValue
from financeops.core.periods import DAY
from financeops.frames.forecast import forecast
from financeops.frames.statistics.smoothing import last_week_again, outlook, relative_variance
from financeops.simulation.scenario import SimulationConfig
from financeops.simulation.simulate import simulate
from tests.builders import at, payment
from tests.frames.conftest import rows

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def daily_payments(amounts, *, until=NOW, **fields):
    """One payment at noon of each day, the last one on the day before `until`."""
    return [
        payment(
            id=f"{number}-{fields.get('currency')}",
            amount=amount,
            created_at=until - (len(amounts) - number) * DAY + timedelta(hours=12),
            **fields,
        )
        for number, amount in enumerate(amounts)
    ]


WEEKLY = [1000 + 100 * (day % 7) + (day * 37) % 97 for day in range(50)]


def test_each_of_the_next_days_has_a_forecast_on_every_kind_of_frame(kind, frame_of):
    given = [
        *daily_payments(WEEKLY),
        *daily_payments([9999] * 40, status="failed"),
        *daily_payments([2 * amount for amount in WEEKLY[:40]], currency="EUR", status="refunded"),
    ]
    frame = frame_of(kind, given)
    table = rows(forecast(frame, days=8, as_of=NOW))
    assert [row["currency"] for row in table] == ["EUR"] * 8 + ["USD"] * 8
    usd = table[8:]
    assert [row["day"] for row in usd] == [f"2026-03-0{day}" for day in range(2, 10)]
    assert [row["start"] for row in usd] == [NOW + n * DAY for n in range(8)]
    for number, row in enumerate(usd, start=50):
        assert row["low"] < row["volume"] < row["high"]
        assert row["volume"] == pytest.approx(1000 + 100 * (number % 7) + 48, abs=60)
        assert row["model"].startswith("ETS(A,")


def test_less_confidence_is_a_narrower_interval(frame_of):
    frame = frame_of("polars", daily_payments(WEEKLY))
    wide, narrow = (
        rows(forecast(frame, days=8, as_of=NOW, confidence=confidence))
        for confidence in (0.95, 0.5)
    )
    assert all(
        outer["low"] < inner["low"] < inner["high"] < outer["high"]
        for outer, inner in zip(wide, narrow, strict=True)
    )


def test_the_current_day_is_the_first_to_be_forecast(frame_of):
    given = [*daily_payments(WEEKLY), payment(id="now", amount=1, created_at=NOW)]
    table = rows(forecast(frame_of("polars", given), days=1))
    assert [row["day"] for row in table] == ["2026-03-02"]
    # The payments of that day so far are not a whole day.
    assert table[0]["volume"] > 900


def test_days_begin_in_the_time_zone(kind, frame_of):
    late = [payment(id="late", amount=1, created_at=NOW - timedelta(hours=1))]
    table = rows(
        forecast(frame_of(kind, daily_payments(WEEKLY) + late), days=1, timezone="Asia/Kolkata")
    )
    assert table[0]["day"] == "2026-03-02"
    assert table[0]["start"] == at("2026-03-01T18:30:00Z")


def test_a_short_history_is_refused_naming_the_days_needed(frame_of):
    given = daily_payments(WEEKLY) + daily_payments(WEEKLY[:20], currency="EUR")
    with pytest.raises(InvalidValue, match="28 whole days of each currency, but EUR has 19"):
        forecast(frame_of("polars", given), as_of=NOW)
    # The first day does not count, because it may be cut off.
    assert len(rows(forecast(frame_of("polars", daily_payments(WEEKLY[:29])), as_of=NOW))) == 14
    with pytest.raises(InvalidValue, match="but USD has 27"):
        forecast(frame_of("polars", daily_payments(WEEKLY[:28])), as_of=NOW)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"days": 0}, "days: must be at least 1, not 0"),
        ({"confidence": 1}, "confidence: must lie between 0 and 1, not 1"),
    ],
)
def test_invalid_parameters_are_refused(frame_of, options, message):
    with pytest.raises(InvalidValue, match=message):
        forecast(frame_of("polars", daily_payments(WEEKLY)), **options)


def test_without_payments_there_are_no_rows(kind, frame_of):
    assert rows(forecast(frame_of(kind, []))) == []


def test_a_day_without_payments_counts_as_zero_not_as_missing(frame_of):
    weekdays = [0 if day % 7 == 3 else 1000 + day % 5 for day in range(60)]
    given = [one for one in daily_payments(weekdays) if one.amount]
    table = rows(forecast(frame_of("polars", given), days=7, as_of=NOW))
    quiet = [row for number, row in enumerate(table, start=60) if number % 7 == 3]
    assert [row["volume"] for row in quiet] == [pytest.approx(0, abs=5)]
    assert all(row["low"] >= 0 for row in table)


@pytest.mark.parametrize(("level", "suffix"), [(500.0, " of log"), (0.0, "")])
def test_what_never_changes_needs_no_model(level, suffix):
    expected = outlook(np.full(30, level), days=9, confidence=0.9)
    assert expected.model == "seasonal naive" + suffix
    for values in (expected.middle, expected.low, expected.high):
        assert values == pytest.approx(np.full(9, level))


def test_an_erratic_history_still_has_finite_bounds():
    history = np.exp(np.random.default_rng(1).normal(20, 8, 28))
    expected = outlook(history, days=30, confidence=0.999)
    assert (expected.low <= expected.middle).all()
    assert (expected.middle <= expected.high).all()
    assert expected.high.max() <= 2**62 * 1.000001


def test_the_seasonal_naive_forecast_is_less_certain_each_week():
    history = np.array([1, 2, 3, 4, 5, 6, 7, 4, 5, 6, 7, 8, 9, 10], dtype=float)
    middle, deviation = last_week_again(history, 9)
    assert middle.tolist() == [4, 5, 6, 7, 8, 9, 10, 4, 5]
    assert deviation == pytest.approx([3] * 7 + [3 * 2**0.5] * 2)


@pytest.mark.parametrize("trend", [False, True])
def test_the_error_grows_as_in_statsmodels(trend):
    rng = np.random.default_rng(4)
    days = np.arange(90)
    values = 5 + 0.01 * days + 0.3 * (days % 7 == 4) + np.cumsum(rng.normal(0, 0.05, 90))
    fit = ETSModel(
        pd.Series(values, pd.date_range("2026-01-01", periods=90)),  # as predicting needs it
        error="add",
        trend="add" if trend else None,
        damped_trend=trend,
        seasonal="add",
        seasonal_periods=7,
    ).fit(disp=False)
    ahead = fit.get_prediction(start=90, end=109)
    assert relative_variance(fit, 20) == pytest.approx(ahead.forecast_variance / fit.mse, rel=1e-6)


def test_on_simulated_days_it_covers_what_comes_and_beats_last_week_again():
    inside, days_seen, errors, naive_errors = 0, 0, 0.0, 0.0
    for seed in range(5):
        config = SimulationConfig(tenant_id="tenant_1", seed=seed)
        drafts = simulate(
            config, np.random.default_rng(seed), NOW, count=8_000, since=NOW - 120 * DAY
        )
        names = ("currency", "status", "created_at", "amount")
        payments = pl.DataFrame({name: [getattr(one, name) for one in drafts] for name in names})
        cut = NOW - 14 * DAY
        expected = forecast(payments, as_of=cut, days=14)
        daily = np.zeros(120)
        for one in drafts:
            if one.status != "failed":
                daily[(one.created_at - (NOW - 120 * DAY)) // DAY] += one.amount
        came, last_week = daily[-14:], np.tile(daily[-21:-14], 2)
        volume, low, high = (expected[name].to_numpy() for name in ("volume", "low", "high"))
        inside += int(((low <= came) & (came <= high)).sum())
        days_seen += len(came)
        errors += np.abs(volume - came).sum()
        naive_errors += np.abs(last_week - came).sum()
    # Of 70 days at 95 %, and days of one series are not independent.
    assert 0.88 <= inside / days_seen <= 0.995
    assert errors < 0.9 * naive_errors
