"""Where the money goes: waterfall, fees and disputes, alike on every library."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from financeops.core.activity import acts_of
from financeops.core.disputes import Disputed, DisputeStatus
from financeops.core.errors import InvalidValue
from financeops.core.fees import Fee, FeeKind
from financeops.core.metrics import activity as core_activity
from financeops.core.metrics import metrics as core_metrics
from financeops.core.periods import Window
from financeops.core.rollup import Rollup, acted, rollup_of, total
from financeops.frames.activity import activity
from financeops.frames.disputes import disputes
from financeops.frames.fees import fees
from financeops.frames.key_figures import metrics
from financeops.frames.waterfall import waterfall
from tests.builders import NOON, payment
from tests.frames.conftest import KINDS, native, rows, table_of
from tests.strategies import payments, zones

DAY = timedelta(days=1)


def fee(kind, amount):
    return Fee(at=NOON, kind=FeeKind(kind), amount=amount)


def disputed(status, amount, **fields):
    return Disputed(id="dp", status=DisputeStatus(status), amount=amount, **fields)


SOLD = [
    payment(id=f"{1:024}", amount=1000, fees=(fee("tax", 7), fee("processing", 35)), fee_amount=42),
    payment(id=f"{2:024}", amount=500, refunded_amount=200, created_at=NOON + DAY),
    payment(
        id=f"{3:024}",
        amount=300,
        refunded_amount=100,
        method="paypal",
        dispute=disputed("lost", 300, closed_at=NOON + DAY, reason="fraudulent"),
        fees=(fee("dispute", 1500), fee("tax", -2)),
        fee_amount=1498,
    ),
    payment(id=f"{4:024}", status="failed", fees=(fee("tax", 1),), fee_amount=1),
    payment(id=f"{5:024}", currency="JPY", dispute=disputed("open", 10**12, opened_at=NOON)),
]


def test_from_what_is_sold_to_what_is_kept(kind, frame_of):
    frame = frame_of(kind, SOLD)
    found = rows(waterfall(frame))
    assert [row["currency"] for row in found] == [*["JPY"] * 5, *["USD"] * 5]
    assert [(row["step"], row["volume"], row["left"], row["share"]) for row in found[5:]] == [
        ("total", 1800, 1800, 100.0),
        ("refunds", -300, 1500, -16.666667),
        ("disputes", -200, 1300, -11.111111),
        ("fees", -1541, -241, -85.611111),
        ("net", -241, -241, -13.388889),
    ]
    (dollars,) = (row for row in rows(metrics(frame)) if row["currency"] == "USD")
    assert (dollars["net_revenue"], dollars["lost_volume"]) == (-241, 200)
    by = rows(waterfall(frame, by="method", window=(NOON, NOON + DAY)))
    assert [row["left"] for row in by if row["method"] == "card" and row["step"] == "net"] == [
        *(1850, 957)
    ]
    assert rows(waterfall(frame_of(kind, []))) == []


def test_fees_by_kind(kind, frame_of):
    frame = frame_of(kind, SOLD)
    assert [tuple(row.values()) for row in rows(fees(frame))] == [
        ("USD", "processing", 1, 35, 1.944444),
        ("USD", "tax", 3, 6, 0.333333),
        ("USD", "dispute", 1, 1500, 83.333333),
    ]
    found = [tuple(row.values()) for row in rows(fees(frame, by="method"))]
    assert found[-1] == ("USD", "paypal", "dispute", 1, 1500, 500.0)
    (nothing,) = rows(fees(frame_of(kind, SOLD[3:4])))
    assert (nothing["volume"], nothing["fee_rate"]) == (1, None)
    assert rows(fees(frame_of(kind, SOLD[1:2]))) == []


def test_disputes_one_by_one(kind, frame_of):
    yen, dollars = rows(disputes(frame_of(kind, SOLD)))[::-1]
    assert dollars == {
        "id": f"{3:024}",
        "currency": "USD",
        "created_at": NOON,
        "amount": 300,
        "dispute_id": "dp",
        "disputed_amount": 300,
        "status": "lost",
        "opened_at": None,
        "closed_at": NOON + DAY,
        "reason": "fraudulent",
    }
    assert (yen["status"], yen["disputed_amount"], yen["opened_at"]) == ("open", 10**12, NOON)
    assert yen["closed_at"] is yen["reason"] is None
    assert rows(disputes(frame_of(kind, SOLD[:2]))) == []


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    given=st.lists(payments(currencies=st.just("USD")), min_size=1, max_size=8),
    zone=zones,
    kind=st.sampled_from(KINDS),
)
def test_all_that_disputes_and_fees_take_is_what_the_api_says(given, zone, kind):
    figures = core_metrics(total(rollup_of(each, zone) for each in given), currency="USD")
    frame = native(kind, table_of(given))
    (row,) = rows(metrics(frame, timezone=zone.key))
    for name in ("disputed_volume", "lost_volume", "fee_volume", "net_revenue", "won_disputes"):
        assert row[name] == getattr(figures, name), name
    assert rows(waterfall(frame))[-1]["volume"] == figures.net_revenue
    told = [each for each in given if each.dispute]
    assert len(rows(disputes(frame))) == len(told) == figures.disputed_payments
    listed = sum(sum(fee.amount for fee in each.fees or ()) for each in given)
    assert sum(row["volume"] for row in rows(fees(frame))) == listed


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    given=st.lists(payments(currencies=st.sampled_from(["USD", "JPY"])), max_size=8),
    from_=st.none() | st.integers(0, 10),
    length=st.integers(0, 30),
    kind=st.sampled_from(KINDS),
)
def test_what_happened_counts_when_it_happened(given, from_, length, kind):
    moments = sorted({act.at for each in given for act in acts_of(each)})
    start = moments[from_ % len(moments)] if moments and from_ is not None else NOON
    window = None if from_ is None else Window(start, start + length * DAY)
    acts: dict[str, list[Rollup]] = {}
    for each in given:
        for at, rollup in acted(each).items():
            if window is None or at in window:
                acts.setdefault(each.currency, []).append(rollup)
    found = rows(activity(native(kind, table_of(given)), window=window))
    assert found == [
        {"currency": currency, **core_activity(total(acts[currency]))} for currency in sorted(acts)
    ]


def test_activity_by_method_and_of_frames_that_know_little(kind, frame_of):
    frame = frame_of(kind, SOLD)
    found = {(row["currency"], row["method"]): row for row in rows(activity(frame, by="method"))}
    assert found.keys() == {("USD", "card"), ("USD", "paypal"), ("JPY", "card")}
    lost = found["USD", "paypal"]
    assert (lost["activity_disputes_lost_count"], lost["activity_disputes_lost_volume"]) == (1, 200)
    assert (lost["activity_fees_count"], lost["activity_fees_volume"]) == (2, 1498)
    # The dispute was opened and lost a day later, the refund has no time of its own.
    today = rows(activity(frame, by="method", window=(NOON, NOON + DAY)))
    paypal = next(row for row in today if row["method"] == "paypal")
    assert paypal["activity_disputes_lost_count"] == paypal["activity_disputes_opened_count"] == 0
    assert paypal["activity_refunds_volume"] == 100
    assert rows(activity(frame_of(kind, []))) == []
    few = pl.DataFrame({"amount": [5, 7], "currency": "USD", "created_at": NOON})
    few = few.with_columns(status=pl.Series(["refunded", "success"]))
    (row,) = rows(activity(few))
    assert (row["activity_refunds_count"], row["activity_refunds_volume"]) == (1, 5)


@pytest.mark.parametrize(
    ("function", "column", "text"),
    [
        (disputes, "dispute", "lost"),
        (metrics, "dispute", "lost"),
        (fees, "fees", "[1]"),
        (activity, "refunds", "{}"),
        (activity, "dispute", "lost"),
    ],
)
def test_a_text_that_is_something_else_is_refused(kind, native_of, function, column, text):
    table = table_of(SOLD[:1])
    place = table.schema.names.index(column)
    frame = native_of(kind, table.set_column(place, column, [[text]]))
    with pytest.raises(InvalidValue, match=f"^{column}: must "):
        rows(function(frame))


def test_a_column_of_the_result_is_no_group():
    frame = pl.from_arrow(table_of(SOLD)).with_columns(step=pl.lit("a"), kind=pl.lit("b"))
    for function, by in ((waterfall, "step"), (fees, "kind")):
        with pytest.raises(InvalidValue, match="must not name"):
            function(frame, by=by)
