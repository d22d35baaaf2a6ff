"""Two windows are compared on every kind of frame."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from financeops.core.disputes import Disputed, DisputeStatus
from financeops.core.errors import InvalidValue
from financeops.frames.compare import compare
from financeops.frames.key_figures import metrics
from financeops.frames.statistics.bootstrap import classes_of
from financeops.frames.statistics.intervals import count_difference, garwood, newcombe, wilson
from tests.builders import NOON, payment
from tests.frames.conftest import rows, table_of

DAY = timedelta(days=1)
TODAY, YESTERDAY = (NOON, NOON + DAY), (NOON - DAY, NOON)


RATES = {
    "success_rate": ("succeeded_payments", "total_payments"),
    "order_success_rate": ("succeeded_orders", "orders"),
    "dispute_rate": ("disputed_payments", "succeeded_payments"),
}


def some(n, failed, amount, when, **fields):
    """Payments with an order each: of those that failed, some at an issuer, some recovered later."""
    return [
        payment(
            amount=amount + 7 * number,
            status="failed" if number < failed else "success",
            created_at=when + timedelta(minutes=number),
            **(lost(number) if number < failed else kept(number)),
            **fields,
        )
        for number in range(n)
    ]


def lost(number):
    stage = "technical" if number % 2 else "declined"
    recovered = {"recovered_by": 2} if number % 3 == 1 else {}
    return {"failure_stage": stage, "order_id": str(number), "attempt": 1, **recovered}


def kept(number):
    dispute = Disputed(id="dp", status=DisputeStatus.OPEN, amount=number)
    return {
        "order_id": str(number),
        "attempt": 2 if number % 5 == 0 else 1,
        "dispute": dispute if number % 7 == 0 else None,
    }


BOTH = [
    *some(40, 12, 1000, NOON),
    *some(50, 5, 1200, NOON - DAY, country="DE"),
    *some(3, 0, 500, NOON - 2 * DAY),
]


def test_values_are_those_of_metrics(kind, frame_of):
    frame = frame_of(kind, BOTH)
    found = {row["figure"]: row for row in rows(compare(frame, window=TODAY, against=YESTERDAY))}
    assert list(found) == [
        *("total_payments", "total_volume", "success_rate", "average_amount"),
        *("authorization_rate", "order_success_rate", "first_attempt_rate", "recovered_share"),
        "dispute_rate",
    ]
    (now,) = rows(metrics(frame, window=TODAY))
    (then,) = rows(metrics(frame, window=YESTERDAY))
    for figure, row in found.items():
        assert (row["value"], row["against"]) == (now[figure], then[figure])
        assert row["difference"] == pytest.approx(now[figure] - then[figure], abs=2e-6)
        change = 100 * (now[figure] - then[figure]) / then[figure]
        assert row["change"] == pytest.approx(change, abs=1e-4)
        assert row["low"] < row["value"] < row["high"]
        assert row["against_low"] < row["against"] < row["against_high"]
        assert row["difference_low"] < row["difference"] < row["difference_high"]
    for name, (part, whole) in RATES.items():
        rate, good, all_ = found[name], (now[part], then[part]), (now[whole], then[whole])
        assert (rate["low"], rate["high"]) == wilson(good[0], all_[0])
        difference = newcombe(good[0], all_[0], good[1], all_[1])
        assert (rate["difference_low"], rate["difference_high"]) == difference
    assert found["success_rate"]["value"] < found["authorization_rate"]["value"]
    assert found["success_rate"]["value"] != found["order_success_rate"]["value"]
    count = found["total_payments"]
    assert (count["low"], count["high"]) == garwood(40)
    assert (count["difference_low"], count["difference_high"]) == count_difference(40, 50)


def test_every_library_gives_the_same_bits(kind, frame_of):
    expected = rows(compare(pl.from_arrow(table_of(BOTH)), window=TODAY, against=YESTERDAY))
    assert rows(compare(frame_of(kind, BOTH), window=TODAY, against=YESTERDAY)) == expected


def test_segments_that_are_in_one_window_only(kind, frame_of):
    found = rows(compare(frame_of(kind, BOTH), window=TODAY, against=YESTERDAY, by="country"))
    german, unknown = found[:9], found[9:]
    assert [row["country"] for row in german] == ["DE"] * 9
    assert [row["country"] for row in unknown] == [None] * 9
    assert [row["value"] for row in german] == [0, 0, *[None] * 7]
    assert [row["against"] for row in unknown] == [0, 0, *[None] * 7]
    assert german[2]["difference"] is german[2]["difference_low"] is german[2]["low"] is None
    assert german[0]["change"] == -100
    assert unknown[0]["change"] is None


def test_the_generator_is_the_callers(frame_of):
    def of_seed(seed):
        rng = None if seed is None else np.random.default_rng(seed)
        frame = frame_of("polars", BOTH)
        return rows(compare(frame, window=TODAY, against=YESTERDAY, rng=rng))

    assert of_seed(7) == of_seed(7)
    assert of_seed(None) == of_seed(None)
    assert of_seed(7) != of_seed(8)


def test_a_higher_level_is_a_wider_interval(frame_of):
    frame = frame_of("polars", BOTH)
    usual = rows(compare(frame, window=TODAY, against=YESTERDAY))
    surer = rows(compare(frame, window=TODAY, against=YESTERDAY, confidence=0.999))
    for row, other in zip(usual, surer, strict=True):
        for name in ("", "against_", "difference_"):
            assert other[f"{name}low"] < row[f"{name}low"]
            assert other[f"{name}high"] > row[f"{name}high"]


@pytest.mark.parametrize("spread", [0.3, 1.0])
def test_volume_and_average_are_covered_as_often_as_promised(spread):
    rng = np.random.default_rng(3)
    covered = {"total_volume": 0, "average_amount": 0}
    mean = 5000 * np.exp(spread**2 / 2)
    times = 120
    for _ in range(times):
        n = rng.poisson(150)
        amounts = np.rint(5000 * rng.lognormal(0, spread, n)).astype(int)
        frame = pl.DataFrame(
            {"amount": amounts, "currency": "USD", "status": "success", "created_at": NOON}
        ).with_columns(pl.col("created_at").dt.replace_time_zone("UTC"))
        found = rows(compare(frame, window=TODAY, against=YESTERDAY, rng=rng))
        for row, truth in ((found[1], 150 * mean), (found[3], mean / 100)):
            covered[row["figure"]] += row["low"] <= truth <= row["high"]
    # 95 % of 120 is 114; fewer than 105 or all of them would be a wrong interval.
    assert all(105 <= hits < times for hits in covered.values()), covered


def test_many_amounts_are_drawn_in_classes_with_the_same_spread():
    rng = np.random.default_rng(5)
    amounts = np.rint(5000 * rng.lognormal(0, 1.0, 4000)).astype(int)
    counts = {int(amount): 1 for amount in amounts}
    sizes, means = classes_of(counts)
    assert len(sizes) < 1000
    assert sizes.sum() == len(counts)
    assert (sizes * means).sum() == pytest.approx(sum(counts), rel=1e-12)
    spread = np.sqrt((sizes * means**2).sum())
    exact = np.sqrt(sum(float(amount) ** 2 for amount in counts))
    assert spread == pytest.approx(exact, rel=1e-3)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"against": (NOON - DAY, NOON + timedelta(milliseconds=1))}, "against: must not overlap"),
        ({"against": (NOON, NOON - DAY)}, "against: must not end before it starts"),
        ({"confidence": 95}, "confidence: must lie between"),
        ({"by": "nowhere"}, "nowhere: is missing"),
    ],
)
def test_invalid_parameters_are_named(params, message):
    with pytest.raises(InvalidValue, match=message):
        compare(pl.from_arrow(table_of(BOTH)), **{"window": TODAY, "against": YESTERDAY} | params)


def test_nothing_in_both_windows_is_no_rows(kind, frame_of):
    assert rows(compare(frame_of(kind, []), window=TODAY, against=YESTERDAY)) == []
