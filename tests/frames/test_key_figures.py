"""Key figures, methods, declines and segments on every kind of frame."""

from datetime import UTC, datetime, timedelta
from functools import partial

import polars as pl
import pyarrow as pa
import pytest

from financeops.core.errors import InvalidValue
from financeops.core.money import MAX_MINOR
from financeops.core.periods import Window
from financeops.frames.declines import declines
from financeops.frames.key_figures import METRICS, SEGMENTS, metrics, segments
from financeops.frames.methods import methods
from financeops.frames.trends import trends
from tests.builders import NOON, payment
from tests.frames.conftest import rows, table_of

SOME = [
    payment(amount=1850, created_at="2026-03-10T09:00:00Z", country="DE"),
    payment(amount=4000, created_at="2026-03-10T14:00:00Z", status="failed", country="DE"),
    payment(amount=999, created_at="2026-03-10T14:30:00Z", method="paypal", status="refunded"),
    payment(amount=70, created_at="2026-03-11T14:30:00Z", currency="JPY", country="JP"),
]


def test_one_row_of_key_figures_per_currency(kind, frame_of):
    yen, dollars = rows(metrics(frame_of(kind, SOME), timezone="Asia/Tokyo"))
    assert list(dollars) == list(METRICS)
    assert dollars == {
        "currency": "USD",
        "total_volume": 2849,
        "success_rate": 66.666667,
        "average_amount": 14.245,
        "peak_hour": 23,
        "top_payment_method": "card",
        "total_payments": 3,
        "succeeded_payments": 2,
        "failed_payments": 1,
        "refunded_payments": 1,
        "refunded_volume": 999,
        "net_volume": 1850,
        "refund_rate": 35.064935,
        "partially_refunded_payments": 0,
        "disputed_payments": 0,
        "disputed_volume": 0,
        "open_disputes": 0,
        "won_disputes": 0,
        "lost_disputes": 0,
        "lost_volume": 0,
        "dispute_rate": 0.0,
        "win_rate": None,
        "fee_volume": 0,
        "fee_rate": 0.0,
        "net_revenue": 1850,
        "authorization_rate": 66.666667,
        "orders": 3,
        "succeeded_orders": 2,
        "order_success_rate": 66.666667,
        "first_attempt_rate": 66.666667,
        "recovered_share": 0.0,
        "failures_authentication": 0,
        "failures_blocked": 0,
        "failures_declined": 1,
        "failures_technical": 0,
        "failures_abandoned": 0,
        "soft_declines": 0,
        "hard_declines": 0,
    }
    assert (yen["currency"], yen["total_volume"], yen["average_amount"]) == ("JPY", 70, 70.0)


def test_an_order_counts_where_its_first_attempt_is(kind, frame_of):
    """Three orders: recovered by the third attempt, lost, and succeeded at once; a payment without one."""
    day = timedelta(days=1)
    failed = partial(payment, status="failed", created_at=NOON - day)
    paid = partial(payment, method="paypal", decline_code=None)
    attempts = [
        failed(order_id="a", attempt=1, recovered_by=3),
        failed(order_id="a", attempt=2),
        paid(order_id="a", attempt=3),
        failed(order_id="b", attempt=1),
        failed(order_id="b", attempt=2, created_at=NOON),
        paid(order_id="c", attempt=1, status="refunded", created_at=NOON - day),
        paid(),
    ]
    names = ("orders", "succeeded_orders", "first_attempt_rate", "recovered_share")
    frame = frame_of(kind, attempts)
    for window, expected in (
        (None, (4, 3, 50.0, 50.0)),
        ((NOON - day, NOON), (3, 2, 33.333333, 50.0)),
        ((NOON, NOON + day), (1, 1, 100.0, None)),
    ):
        (row,) = rows(metrics(frame, window=window))
        assert tuple(row[name] for name in names) == expected
    counted = {row["method"]: row["orders"] for row in rows(segments(frame, by="method"))}
    assert counted == {"card": 2, "paypal": 2}


def test_null_where_there_is_no_data(kind, frame_of):
    (row,) = rows(metrics(frame_of(kind, [payment(status="failed")])))
    assert (row["success_rate"], row["average_amount"], row["refund_rate"]) == (0.0, None, None)
    assert row["total_volume"] == 0


def test_no_payments_no_rows_but_all_columns(kind, frame_of):
    frame = frame_of(kind, [])
    for result in (metrics(frame), methods(frame), declines(frame), segments(frame, by="country")):
        assert rows(result) == []
        assert type(result) is type(frame)


def test_a_window_is_half_open(kind, frame_of):
    moments = [NOON - timedelta(milliseconds=1), NOON, NOON + timedelta(hours=1)]
    frame = frame_of(kind, [payment(created_at=moment) for moment in moments])
    for window in ((NOON, NOON + timedelta(hours=1)), Window(NOON, NOON + timedelta(hours=1))):
        (row,) = rows(metrics(frame, window=window))
        assert row["total_payments"] == 1
    assert rows(metrics(frame, window=(NOON, NOON))) == []


def test_a_period_runs_up_to_the_latest_payment_or_a_given_moment(kind, frame_of):
    moments = [NOON - timedelta(days=n) for n in (0, 6, 8)]
    frame = frame_of(kind, [payment(created_at=moment) for moment in moments])
    (row,) = rows(metrics(frame, period="week"))
    assert row["total_payments"] == 2
    (row,) = rows(methods(frame, period="week", as_of=NOON - timedelta(days=8)))
    assert row["count"] == 1


def test_methods_most_attempts_first(kind, frame_of):
    found = rows(methods(frame_of(kind, SOME)))
    assert [(row["currency"], row["method"], row["count"]) for row in found] == [
        ("JPY", "card", 1),
        ("USD", "card", 2),
        ("USD", "paypal", 1),
    ]
    assert [row["share"] for row in found] == [100.0, 66.666667, 33.333333]
    assert [row["success_rate"] for row in found] == [100.0, 50.0, 100.0]
    assert [row["volume"] for row in found] == [70, 1850, 999]


def test_failures_are_counted_under_group_then_code_then_unknown(kind, frame_of):
    failed = [
        payment(status="failed", decline_code="do_not_honor", amount=5),
        payment(status="failed", decline_code="odd_one", decline_group="other", amount=7),
        payment(status="failed", decline_code=None, amount=11),
        payment(status="failed", decline_code=None, amount=13),
    ]
    found = rows(declines(frame_of(kind, [*failed, payment(amount=10**6)])))
    assert [tuple(row.values()) for row in found] == [
        ("USD", "unknown", 2, 24, 50.0),
        ("USD", "do_not_honor", 1, 5, 25.0),
        ("USD", "other", 1, 7, 25.0),
    ]


def test_a_frame_without_decline_groups_is_enough(kind, native_of):
    table = table_of([payment(status="failed")]).drop_columns(["decline_group"])
    (row,) = rows(declines(native_of(kind, table)))
    assert row["decline_code"] == "insufficient_funds"


def test_failures_are_counted_by_stage_and_kind(kind, frame_of):
    failed = [
        payment(status="failed", failure_stage="blocked", decline_kind="hard"),
        payment(status="failed", failure_stage="declined", decline_kind="soft", method="paypal"),
        payment(status="failed"),
    ]
    (row,) = rows(metrics(frame_of(kind, [*failed, payment()])))
    assert (row["failures_blocked"], row["failures_declined"]) == (1, 2)
    assert (row["hard_declines"], row["soft_declines"]) == (1, 1)
    assert (row["success_rate"], row["authorization_rate"]) == (25.0, 33.333333)
    found = rows(segments(frame_of(kind, failed), by="failure_stage"))
    assert [(row["failure_stage"], row["authorization_rate"]) for row in found] == [
        ("blocked", None),
        ("declined", 0.0),
        (None, 0.0),
    ]


def test_a_frame_without_stages_is_enough(kind, native_of):
    table = table_of([payment(status="failed", failure_stage="blocked")])
    (row,) = rows(metrics(native_of(kind, table.drop_columns(["failure_stage", "decline_kind"]))))
    assert (row["failures_declined"], row["soft_declines"], row["hard_declines"]) == (1, 0, 0)


@pytest.mark.parametrize("column", ["failure_stage", "decline_kind"])
def test_a_stage_that_does_not_exist_is_named(column, kind, native_of):
    table = table_of([payment(status="failed")])
    place = table.schema.get_field_index(column)
    frame = native_of(kind, table.set_column(place, column, pa.array(["elsewhere"])))
    with pytest.raises(InvalidValue, match=f"{column}: must be one of .* not 'elsewhere'"):
        metrics(frame)


def test_segments_have_the_figures_of_their_payments(kind, frame_of):
    frame = frame_of(kind, SOME)
    found = rows(segments(frame, by=["country", "method"], timezone="Asia/Tokyo"))
    keys = [(row["currency"], row["country"], row["method"]) for row in found]
    assert keys == [("JPY", "JP", "card"), ("USD", "DE", "card"), ("USD", None, "paypal")]
    assert list(found[0]) == ["currency", "country", "method", *SEGMENTS]
    german = [payment_ for payment_ in SOME if payment_.country == "DE"]
    (same,) = rows(metrics(frame_of(kind, german), timezone="Asia/Tokyo"))
    assert {name: found[1][name] for name in SEGMENTS} == {name: same[name] for name in SEGMENTS}


@pytest.mark.parametrize(
    ("values", "groups"),
    [
        (pa.array([3, 1, 1, None], pa.int32()), [1, 3, None]),
        (pa.array([True, False, None, None]), [False, True, None]),
        (pa.array([NOON.date(), NOON.date(), None, None]), [NOON.date(), None]),
        (pa.array(["b", "a", "a", None]).dictionary_encode(), ["a", "b", None]),
        (pa.nulls(4), [None]),
    ],
)
def test_columns_added_by_the_user_are_segments_too(kind, native_of, values, groups):
    if kind in {"pandas", "duckdb", "spark"} and values.type == pa.null():
        pytest.skip("a column of nulls has another type there")
    if kind == "pandas" and values.type in {pa.int32(), pa.bool_(), pa.date32()}:
        pytest.skip("NumPy has no nulls for these: pandas makes them floats and objects")
    if kind == "spark" and pa.types.is_dictionary(values.type):
        pytest.skip("Spark has no categories")
    table = table_of([payment()] * 4).append_column("own group", values)
    found = rows(segments(native_of(kind, table), by="own group"))
    assert [row["own group"] for row in found] == groups
    assert sum(row["total_payments"] for row in found) == 4


@pytest.mark.parametrize(
    ("by", "message"),
    [
        (["nowhere"], "nowhere: is missing"),
        (["country", "country"], "by: must not name country more than once$"),
        ("currency", "by: must not name currency: figures are per currency anyway$"),
        ("created_at", "created_at: must be text, integers, booleans or dates"),
    ],
)
def test_what_cannot_be_grouped_by_is_named(by, message):
    with pytest.raises(InvalidValue, match=message):
        segments(pl.from_arrow(table_of(SOME)), by=by)


def test_a_column_called_like_a_figure_is_refused():
    frame = pl.from_arrow(table_of(SOME)).with_columns(success_rate=pl.lit(1))
    with pytest.raises(InvalidValue, match="by: must not name success_rate"):
        segments(frame, by="success_rate")


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("amount", pa.array([None, 1], pa.int64()), "amount: must (not be null|be Int64)"),
        ("amount", pa.array([-1, 1], pa.int64()), "amount: must not be negative"),
        ("status", pa.array(["success", "pending"]), "status: must be one of .* not 'pending'"),
        ("status", pa.array(["success", None]), "status: must not be null|not None"),
        ("method", pa.array(["card", None]), "method: must not be null"),
        ("currency", pa.array(["USD", None]), "currency: must not be null"),
        ("created_at", pa.array([None, NOON]), "created_at: must not be null"),
    ],
)
def test_wrong_values_are_found_in_the_fold(kind, native_of, column, value, message):
    table = table_of([payment(), payment()])
    field = table.schema.field(column)
    place = table.schema.get_field_index(column)
    frame = native_of(kind, table.set_column(place, field, value.cast(field.type)))
    with pytest.raises(InvalidValue, match=message):
        metrics(frame, timezone="Europe/Berlin")
    with pytest.raises(InvalidValue, match=message):
        metrics(frame, window=(NOON - timedelta(days=1), NOON + timedelta(days=1)))


def test_a_payment_without_a_time_is_in_no_window_and_said(kind, native_of):
    table = table_of([payment(), payment(status="failed")])
    place = table.schema.get_field_index("created_at")
    times = pa.array([NOON, None], table.schema.field("created_at").type)
    frame = native_of(kind, table.set_column(place, "created_at", times))
    window = (NOON, NOON + timedelta(days=1))
    for ask in (methods, declines, partial(segments, by="country"), trends):
        with pytest.raises(InvalidValue, match="created_at: must not be null"):
            ask(frame, window=window)


def huge(kind, native_of, amounts):
    table = table_of([payment()] * len(amounts))
    place = table.schema.get_field_index("amount")
    return native_of(kind, table.set_column(place, "amount", pa.array(amounts, pa.int64())))


def test_sums_are_exact_where_rows_times_the_largest_would_overflow(kind, native_of):
    (row,) = rows(metrics(huge(kind, native_of, [2**62, 2**62 - 1, 0])))
    assert row["total_volume"] == 2**63 - 1


def test_a_sum_that_fits_no_result_is_an_error_and_never_another_number(kind, native_of):
    with pytest.raises(InvalidValue, match="total_volume: does not fit 64 bits"):
        metrics(huge(kind, native_of, [2**62, 2**62, 2**62, 2**62]))


def test_many_of_the_largest_amounts(frame_of):
    frame = pl.from_arrow(table_of([payment(amount=MAX_MINOR)]))
    (row,) = rows(metrics(pl.concat([frame] * 9000).sample(9000, seed=1)))
    assert row["total_volume"] == 9000 * MAX_MINOR


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"period": "decade"}, "period: must be one of 'day'"),
        ({"period": "day", "window": (NOON, NOON)}, "period: must not be given together"),
        ({"as_of": NOON}, "as_of: needs a period"),
        ({"period": "day", "as_of": datetime(2026, 1, 1)}, "as_of: must be a datetime with"),  # noqa: DTZ001
        ({"window": (NOON, datetime(2027, 1, 1))}, "window: must be a datetime with"),  # noqa: DTZ001
        ({"timezone": "Mars/Olympus"}, "timezone: must be an IANA"),
    ],
)
def test_invalid_parameters_are_named(params, message):
    frame = pl.from_arrow(table_of(SOME))
    for function in (metrics, methods, declines):
        with pytest.raises(InvalidValue, match=message):
            function(frame, **params)


def test_categories_are_text(frame_of):
    frame = frame_of("polars", SOME).with_columns(
        pl.col("status").cast(pl.Enum(["success", "failed", "refunded"])),
        pl.col("method", "currency", "decline_code").cast(pl.Categorical),
    )
    for function in (metrics, methods, declines):
        assert rows(function(frame)) == rows(function(frame_of("polars", SOME)))
    pandas = frame_of("pandas", SOME).astype({"status": "category", "method": "category"})
    assert rows(metrics(pandas)) == rows(metrics(frame_of("pandas", SOME)))


def test_a_lazy_frame_is_not_collected(frame_of):
    opened = []

    def watched(frame):
        opened.append(frame.columns)
        return frame

    lazy = frame_of("polars-lazy", SOME).map_batches(watched, schema=None, projection_pushdown=True)
    assert metrics(lazy).collect().height == 2
    assert opened
    assert all("id" not in columns for columns in opened)


def test_hours_are_those_of_utc_by_default(kind, frame_of):
    moment = datetime(2026, 3, 10, 23, 59, 59, 999000, tzinfo=UTC)
    (row,) = rows(metrics(frame_of(kind, [payment(created_at=moment)])))
    assert row["peak_hour"] == 23
