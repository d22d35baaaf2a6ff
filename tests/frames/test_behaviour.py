"""Cohorts, retries, refunds, anomalies and forecasts are the same on every kind of frame."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from financeops.core.payments import Payment
from financeops.frames.anomalies import anomalies
from financeops.frames.cohorts import cohorts
from financeops.frames.forecast import forecast
from financeops.frames.refunds import refund_curve
from financeops.frames.retries import retries
from financeops.frames.rfm import rfm
from financeops.simulation.scenario import SimulationConfig
from financeops.simulation.simulate import simulate
from tests.frames.conftest import native, rows, table_of

NOW = datetime(2026, 4, 8, 5, tzinfo=UTC)

FUNCTIONS = {
    "cohorts": lambda frame: cohorts(frame, timezone="America/New_York"),
    "rfm": lambda frame: rfm(frame, timezone="America/New_York"),
    "retries": lambda frame: retries(frame, within=timedelta(hours=2), by="decline_code"),
    "refund_curve": lambda frame: refund_curve(frame, by=["method"]),
    "anomalies": lambda frame: anomalies(frame, by="method", timezone="America/New_York"),
    "forecast": lambda frame: forecast(frame, timezone="America/New_York"),
}


@pytest.fixture(scope="module")
def table():
    """Two months of two currencies, with clock changes in between."""
    drafts = [
        draft
        for currency, count in (("USD", 3000), ("JPY", 900))
        for draft in simulate(
            SimulationConfig(tenant_id="tenant_1", currency=currency, refund_rate=0.2),
            np.random.default_rng(count),
            NOW,
            count=count,
            since=NOW - timedelta(days=60),
        )
    ]
    return table_of(
        Payment(
            id=f"{number:024x}",
            updated_at=draft.refunded_at or draft.created_at,
            **{name: getattr(draft, name) for name in draft.__struct_fields__},
        )
        for number, draft in enumerate(drafts)
    )


@pytest.fixture(scope="module")
def answers(table):
    """The result of each function on the Polars frame."""
    return {name: rows(function(native("polars", table))) for name, function in FUNCTIONS.items()}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_kind_of_frame_gives_the_same_to_the_last_bit(kind, native_of, table, answers, name):
    assert len(answers[name]) > 10
    assert rows(FUNCTIONS[name](native_of(kind, table))) == answers[name]
