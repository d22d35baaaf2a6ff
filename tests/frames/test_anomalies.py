from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from scipy.stats import binom

from financeops.core.errors import InvalidValue
from financeops.core.metrics import attempts, total_volume
from financeops.core.periods import HOUR
from financeops.core.rollup import rollup_of, total
from financeops.frames.anomalies import anomalies
from financeops.frames.engine.hourly import hours_between, same_hours_before, sizes_up_to
from financeops.simulation.incidents import incidents_between
from financeops.simulation.scenario import SimulationConfig
from financeops.simulation.simulate import simulate
from tests.builders import at, payment
from tests.frames.conftest import native, rows, table_of
from tests.strategies import instants, zones
from tests.strategies import payments as any_payments

WEEK = timedelta(days=7)
NOW = datetime(2026, 3, 2, tzinfo=UTC)
ORDINARY = SimulationConfig(tenant_id="tenant_1")
# Incidents affect payments by card; nobody has a card here.
CALM = replace(
    ORDINARY,
    methods=tuple(
        replace(method, name="debit") if method.name == "card" else method
        for method in ORDINARY.methods
    ),
)
FIGURES = ("payments", "success_rate", "volume")


def simulated(config, *, seed, an_hour, weeks):
    """A Polars frame of a number of weeks until `NOW`."""
    drafts = simulate(
        config,
        np.random.default_rng(seed),
        NOW,
        count=an_hour * 24 * 7 * weeks,
        since=NOW - weeks * WEEK,
    )
    names = ("currency", "status", "created_at", "amount", "method", "country")
    return pl.DataFrame({name: [getattr(draft, name) for draft in drafts] for name in names})


@cache
def weekly(*, weeks=5, an_hour=20, until=NOW):
    """The same payments every hour, of 10.00 USD each: every fifth fails."""
    hours = weeks * 7 * 24
    return tuple(
        payment(
            id=f"{hour}-{n}",
            amount=1000,
            status="success" if n % 5 else "failed",
            created_at=until - hour * HOUR + n * timedelta(minutes=2),
        )
        for hour in range(hours, 0, -1)
        for n in range(an_hour)
    )


def test_an_hour_is_compared_with_the_same_hour_of_the_weeks_before(kind, frame_of):
    start = NOW - 3 * HOUR
    given = [
        *(
            replace(one, status="failed")
            if start <= one.created_at < start + HOUR and one.created_at.minute < 24
            else one
            for one in weekly(weeks=3)
            if not start + HOUR <= one.created_at < start + 2 * HOUR  # an hour of silence
        ),
        payment(id="big", amount=900_000, created_at=NOW - HOUR),
    ]
    table = rows(
        anomalies(frame_of(kind, given), window=(start - HOUR, NOW), weeks=2, false_alarms=0.01)
    )
    calm, failing, silent, rich = table
    assert [row["hour"] for row in table] == [start - HOUR + n * HOUR for n in range(4)]
    assert [row["weeks"] for row in table] == [2, 2, 2, 2]
    assert [row["total_payments"] for row in table] == [20, 20, 0, 21]
    assert [row["expected_payments"] for row in table] == [20, 20, 20, 20]
    assert [row["success_rate"] for row in table] == [80, 35, None, pytest.approx(80.952381)]
    assert [row["expected_success_rate"] for row in table] == [80, 80, 80, 80]
    assert [row["total_volume"] for row in table] == [16_000, 7_000, 0, 916_000]
    assert [row["expected_volume"] for row in table] == [16_000] * 4

    assert [calm[f"{name}_anomaly"] for name in FIGURES] == [None, None, None]
    assert failing["success_rate_anomaly"] == "low"
    assert failing["payments_anomaly"] is None
    assert (silent["payments_anomaly"], silent["volume_anomaly"]) == ("low", "low")
    assert (silent["success_rate_p_value"], silent["success_rate_anomaly"]) == (None, None)
    # One payment, however large, may fall into any hour: that alone is not surprising.
    assert rich["volume_p_value"] > 0.1


def test_groups_are_tested_separately(kind, frame_of):
    start = NOW - HOUR
    given = [
        *weekly(weeks=2),
        *(
            replace(one, id=f"p-{one.id}", method="paypal", currency="EUR")
            for one in weekly(weeks=2)
            if one.created_at < start
        ),
    ]
    table = rows(
        anomalies(
            frame_of(kind, given), window=(start, NOW), weeks=1, by="method", false_alarms=0.01
        )
    )
    assert [(row["currency"], row["method"], row["payments_anomaly"]) for row in table] == [
        ("EUR", "paypal", "low"),
        ("USD", "card", None),
    ]


def test_without_weeks_before_nothing_is_expected(kind, frame_of):
    table = rows(anomalies(frame_of(kind, weekly(weeks=1, an_hour=2))))
    assert len(table) == 7 * 24 - 1 + 1
    assert {row["weeks"] for row in table} == {0}
    for row in table:
        assert [row[f"{name}_p_value"] for name in FIGURES] == [None, None, None]
        assert (row["expected_payments"], row["expected_volume"]) == (None, None)


def test_without_payments_there_are_no_rows(kind, frame_of):
    assert rows(anomalies(frame_of(kind, []))) == []
    empty = (NOW + timedelta(minutes=5), NOW + timedelta(minutes=10))
    assert rows(anomalies(frame_of(kind, weekly(weeks=1, an_hour=1)), window=empty)) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weeks": 0}, "weeks: must be at least 1, not 0"),
        ({"false_alarms": 0}, "false_alarms: must lie between 0 and 1"),
        ({"by": "created_at"}, "created_at: must be text, integers, booleans or dates"),
        ({"window": (NOW, NOW - HOUR)}, "window: must not end before it starts"),
    ],
)
def test_invalid_parameters_are_refused(frame_of, options, message):
    with pytest.raises(InvalidValue, match=message):
        anomalies(frame_of("polars", weekly(weeks=1, an_hour=1)), **options)


@pytest.mark.parametrize("an_hour", [4, 40])
def test_calm_simulated_weeks_raise_no_more_alarms_than_stated(an_hour):
    alarms = dict.fromkeys(FIGURES, 0)
    looked_at = dict.fromkeys(FIGURES, 0)
    for seed in range(3):
        payments = simulated(CALM, seed=seed, an_hour=an_hour, weeks=10)
        found = anomalies(payments, window=(NOW - 6 * WEEK, NOW), false_alarms=0.01)
        for name in FIGURES:
            alarms[name] += found[f"{name}_anomaly"].count()
            looked_at[name] += found[f"{name}_p_value"].count()
    for name in FIGURES:
        assert looked_at[name] > 2000
        assert alarms[name] <= binom.ppf(0.999, looked_at[name], 0.01)


def test_incidents_of_known_size_are_found():
    rng = np.random.default_rng(7)
    payments = simulated(CALM, seed=7, an_hour=150, weeks=5)
    starts = [NOW - n * 11 * HOUR for n in range(1, 12)]
    # In these hours, half of the payments that would have succeeded fail.
    hit = pl.any_horizontal(
        (pl.col("created_at") >= start) & (pl.col("created_at") < start + HOUR) for start in starts
    )
    unlucky = pl.Series(rng.random(payments.height) < 0.5)
    payments = payments.with_columns(
        status=pl.when(hit & unlucky).then(pl.lit("failed")).otherwise(pl.col("status"))
    )
    found = anomalies(payments)
    low = found.filter(pl.col("success_rate_anomaly") == "low")["hour"].to_list()
    busy = found.filter(pl.col("hour").is_in(starts) & (pl.col("total_payments") >= 60))
    assert busy.height >= 6
    assert set(busy["hour"]) <= set(low)
    assert len(set(low) - set(starts)) <= 1


def test_the_simulator_s_incidents_are_found_where_there_is_enough_to_see():
    """An issuer of one country fails for 20 minutes: nine in ten of its card payments."""
    payments = simulated(ORDINARY, seed=1, an_hour=300, weeks=5).filter(
        (pl.col("method") == "card") & (pl.col("country") == "US")
    )
    window = (NOW - 2 * WEEK, NOW)
    incidents = [
        incident for incident in incidents_between(ORDINARY, *window) if incident.country == "US"
    ]
    found = anomalies(payments, window=window, weeks=3)
    low = set(found.filter(pl.col("success_rate_anomaly") == "low")["hour"])

    def most_hit(incident):
        """The hour that contains most of it."""
        middle = incident.window.start + (incident.window.end - incident.window.start) / 2
        return middle.replace(minute=0, second=0, microsecond=0)

    hit = {most_hit(incident) for incident in incidents}
    assert len(hit) >= 2
    assert hit <= low
    touched = hit | {hour + step for hour in hit for step in (-HOUR, HOUR)}
    assert len(low - touched) <= 1


@settings(max_examples=30)
@given(
    st.lists(
        any_payments(
            currencies=st.sampled_from(["USD", "JPY"]), created=instants(NOW - 2 * WEEK, NOW)
        ),
        max_size=12,
    ),
    zones,
)
def test_hours_add_up_to_the_figures_of_the_window(given, zone):
    window = (NOW - WEEK, NOW + HOUR)
    found = rows(
        anomalies(native("polars", table_of(given)), window=window, weeks=1, timezone=zone.key)
    )
    if found:
        window = (found[0]["hour"], found[-1]["hour"] + HOUR)
    for currency in ("USD", "JPY"):
        mine = [row for row in found if row["currency"] == currency]
        everything = total(
            rollup_of(one, zone)
            for one in given
            if one.currency == currency and window[0] <= one.created_at < window[1]
        )
        assert sum(row["total_payments"] for row in mine) == attempts(everything)
        assert sum(row["total_volume"] for row in mine) == total_volume(everything)
        for row in mine:
            told = [row[f"{name}_p_value"] for name in FIGURES]
            assert all(p is None or 0 <= p <= 1 for p in told)


def test_the_same_hour_is_that_of_the_clock_across_clock_changes():
    zone = ZoneInfo("Europe/Berlin")  # moves its clock on 29 March 2026
    hours = hours_between(at("2026-03-20T00:00:00Z"), at("2026-04-03T00:00:00Z"), zone)
    noon = hours.index(at("2026-03-31T10:00:00Z"))
    (before,) = same_hours_before(hours, [noon], 2, zone, at("2026-03-23T00:00:00Z"))
    assert hours[before[0]] == at("2026-03-24T11:00:00Z")
    assert before[1] == -1


@given(instants(), zones)
def test_hours_are_consecutive_and_begin_on_the_hour(start, zone):
    hours = hours_between(start, start + timedelta(days=2), zone)
    assert hours[0] <= start < hours[0] + HOUR
    assert all(timedelta(0) < later - hour <= HOUR for hour, later in pairwise(hours))
    # Where a clock changes by half an hour, an hour begins between two others.
    assert sum(hour.astimezone(zone).minute != 0 for hour in hours) <= 1


def test_sizes_grow_by_the_root_of_two_up_to_the_largest():
    sizes = sizes_up_to(10**12)
    assert sizes[0] == 1
    assert sizes[-1] > 10**12
    assert all(later / size < 1.5 for size, later in pairwise(sizes[6:]))
    assert sizes_up_to(0) == [1]


def test_amounts_of_any_size_are_counted(native_of, kind):
    table = pa.table(
        {
            "currency": ["USD"] * 4,
            "status": ["success"] * 4,
            "amount": [0, 1, 10**12, 10**12],
            "created_at": pa.array(
                [NOW - 8 * 24 * HOUR, NOW - 8 * 24 * HOUR, NOW - HOUR, NOW],
                pa.timestamp("us", "UTC"),
            ),
        }
    )
    found = rows(anomalies(native_of(kind, table), window=(NOW - HOUR, NOW + HOUR), weeks=1))
    assert [row["total_volume"] for row in found] == [10**12, 10**12]
