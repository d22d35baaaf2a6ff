"""Types, names and nulls of each library: the figures are the same, or the error names the column."""

from datetime import UTC, datetime, timedelta
from functools import cache

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import financeops as fo
from financeops.core.errors import InvalidValue
from financeops.core.payments import Payment
from financeops.simulation.scenario import SimulationConfig
from financeops.simulation.simulate import simulate
from tests.frames.conftest import native, rows, table_of

NOW = datetime(2026, 4, 8, 5, tzinfo=UTC)
NEW_YORK = "America/New_York"
DAYS = {
    "window": (datetime(2026, 3, 27, tzinfo=UTC), datetime(2026, 4, 3, tzinfo=UTC)),
    "against": (datetime(2026, 3, 20, tzinfo=UTC), datetime(2026, 3, 27, tzinfo=UTC)),
}

FUNCTIONS = {
    "metrics": lambda frame: fo.metrics(frame, timezone=NEW_YORK),
    "activity": fo.activity,
    "metrics of a period": lambda frame: fo.metrics(frame, period="week"),
    "methods": fo.methods,
    "declines": fo.declines,
    "funnel": fo.funnel,
    "segments": lambda frame: fo.segments(frame, by=["country", "customer_id"]),
    "trends": lambda frame: fo.trends(frame, timezone=NEW_YORK),
    "compare": lambda frame: fo.compare(frame, **DAYS, by="country", rng=np.random.default_rng(7)),
    "explain_change": lambda frame: fo.explain_change(frame, **DAYS, by="method"),
    "cohorts": fo.cohorts,
    "rfm": fo.rfm,
    "retries": lambda frame: fo.retries(frame, by="decline_code"),
    "refund_curve": lambda frame: fo.refund_curve(frame, by="country"),
    "anomalies": lambda frame: fo.anomalies(frame, by="reference"),
    "forecast": fo.forecast,
}
NEEDS = {
    "amount": set(FUNCTIONS) - {"refund_curve"},
    "currency": set(FUNCTIONS),
    "method": {"metrics", "metrics of a period", "methods", "explain_change"},
    "status": set(FUNCTIONS),
    "created_at": set(FUNCTIONS) - {"methods", "declines", "funnel", "segments"},
    "refunded_at": {"refund_curve"},
    "customer_id": {"segments", "cohorts", "rfm", "retries"},
    "country": {"segments", "compare", "refund_curve"},
    "decline_code": {"declines", "retries"},
    "decline_group": {"declines", "retries"},
    "reference": {"anomalies"},
    "id": {"retries"},
}
"""Functions and the columns that they need."""

TEXTS = ["id", "currency", "method", "status", "reference", "customer_id", "country"]
TEXTS += ["decline_code", "decline_group"]


@cache
def six_weeks():
    """Six weeks, times in whole seconds, which every unit can represent."""
    config = SimulationConfig(tenant_id="tenant_1", currency="USD", refund_rate=0.2)
    drafts = simulate(
        config, np.random.default_rng(1), NOW, count=300, since=NOW - timedelta(days=45)
    )
    return table_of(
        Payment(
            id=f"{number:024x}",
            updated_at=whole(draft.refunded_at or draft.created_at),
            **{
                **{name: getattr(draft, name) for name in draft.__struct_fields__},
                "created_at": whole(draft.created_at),
                "refunded_at": draft.refunded_at and whole(draft.refunded_at),
                "reference": "even" if number % 2 else "odd",
            },
        )
        for number, draft in enumerate(drafts)
    )


def whole(moment):
    return moment.replace(microsecond=0)


@pytest.fixture
def table():
    return six_weeks()


@pytest.fixture(scope="module")
def answers():
    """The result of each function on the Polars frame."""
    return {
        name: rows(function(native("polars", six_weeks()))) for name, function in FUNCTIONS.items()
    }


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_pieces_of_an_arrow_table_do_not_change_the_answer(table, answers, name):
    pieces = pa.concat_tables(table.slice(at, 1) for at in range(table.num_rows))
    assert pieces["id"].num_chunks == table.num_rows
    # Arrow's threads take pieces in any order: what depends on it, as the least value of each customer could, is
    # wrong now and then.
    for _ in range(10 if name in {"cohorts", "retries"} else 1):
        assert rows(FUNCTIONS[name](pieces)) == answers[name]


def replaced(table, name, values):
    return table.set_column(table.schema.get_field_index(name), name, values)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize(
    ("unit", "zone"),
    [
        ("s", NEW_YORK),
        ("us", "America/Port-au-Prince"),
        ("ns", "Etc/GMT-3"),
    ],
)
def test_pandas_times_in_any_zone_and_unit_are_those_of_utc(table, answers, name, unit, zone):
    frame = native("pandas", table)
    times = {
        column: frame[column].dt.as_unit(unit).dt.tz_convert(zone)
        for column in ("created_at", "refunded_at")
    }
    assert rows(FUNCTIONS[name](frame.assign(**times))) == answers[name]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_only_the_refunds_may_be_in_another_zone(table, answers, unit):
    frame = native("pandas", table)
    times = frame["refunded_at"].dt.as_unit(unit).dt.tz_convert("America/Argentina/Buenos_Aires")
    found = FUNCTIONS["refund_curve"](frame.assign(refunded_at=times))
    assert rows(found) == answers["refund_curve"]


@pytest.mark.parametrize("kind", ["pandas-pyarrow", "pyarrow", "polars"])
@pytest.mark.parametrize("name", ["metrics of a period", "refund_curve"])
def test_times_of_arrow_in_another_zone_are_those_of_utc(table, answers, name, kind):
    for column in ("created_at", "refunded_at"):
        times = table[column].cast(pa.timestamp("us", tz="America/Argentina/Buenos_Aires"))
        table = replaced(table, column, times)
    assert rows(FUNCTIONS[name](native(kind, table))) == answers[name]


def as_view(values):
    return values.cast(pa.string_view())


def as_dictionary_of_views(values):
    coded = values.combine_chunks().dictionary_encode()
    return pa.chunked_array(
        [pa.DictionaryArray.from_arrays(coded.indices, as_view(coded.dictionary))]
    )


@pytest.mark.parametrize("kind", ["pandas-pyarrow", "pyarrow"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_texts_of_the_arrow_type_string_view_are_texts(table, answers, name, kind):
    for column in TEXTS:
        table = replaced(table, column, as_view(table[column]))
    assert rows(FUNCTIONS[name](native(kind, table))) == answers[name]


@pytest.mark.parametrize("kind", ["pandas-pyarrow", "pyarrow"])
@pytest.mark.parametrize("name", ["metrics", "segments", "retries"])
def test_dictionaries_of_string_views_are_texts(table, answers, name, kind):
    for column in TEXTS:
        table = replaced(table, column, as_dictionary_of_views(table[column]))
    assert rows(FUNCTIONS[name](native(kind, table))) == answers[name]


def test_a_polars_frame_converted_to_arrow_gives_the_same(table, answers):
    taken = pa.table(native("polars", table))
    assert str(taken.schema.field("currency").type) == "string_view"
    assert rows(fo.metrics(taken, timezone=NEW_YORK)) == answers["metrics"]


def doubled(kind, table, column, *, second=None):
    """A frame with the column twice, the second shifted by one row."""
    other = pa.chunked_array([*table[column].slice(1).chunks, *table[column].slice(0, 1).chunks])
    if kind == "duckdb":
        relation = native("duckdb", table.append_column("other", other))
        return relation.project(f'* EXCLUDE (other), other AS "{second or column}"')
    return native_with_names(
        kind, table.append_column("other", other), [*table.column_names, column]
    )


def native_with_names(kind, table, names):
    if kind == "pyarrow":
        return table.rename_columns(names)
    frame = native(kind, table)
    frame.columns = names
    return frame


@pytest.mark.parametrize("kind", ["pandas", "pandas-pyarrow", "pyarrow", "duckdb"])
@pytest.mark.parametrize("column", NEEDS)
def test_a_duplicate_column_is_refused_where_it_is_needed(table, answers, kind, column):
    frame = doubled(kind, table, column)
    for name, function in FUNCTIONS.items():
        if name in NEEDS[column]:
            with pytest.raises(InvalidValue, match=rf"^{column}: is the name of two columns"):
                function(frame)
        elif name in {"methods", "refund_curve"}:  # the others take their time
            assert rows(function(frame)) == answers[name]


def test_names_in_sql_ignore_case(table):
    with pytest.raises(InvalidValue, match=r"^amount: is the name of two"):
        fo.methods(doubled("duckdb", table, "amount", second="Amount"))


def nothing(kind, table, column, null):
    """A frame whose column contains nothing but nulls of some type."""
    if kind == "pandas":
        return native("pandas", table).assign(**{column: null})
    values = pa.nulls(table.num_rows, null)
    return native(kind, replaced(table, column, values))


NULLS = [
    *(("pandas", null) for null in (np.nan, pd.NaT, None, pd.NA)),
    *(
        (kind, null)
        for kind in ("pandas-pyarrow", "pyarrow", "polars", "duckdb")
        for null in (pa.null(), pa.float64(), pa.timestamp("ms"))
    ),
]


OF_NULLS = {**FUNCTIONS, "segments": lambda frame: fo.segments(frame, by="country")}


@cache
def answer_of_nulls(column, name):
    """The result of a function when a column contains nothing but nulls of its own type."""
    text = pa.timestamp("ms", tz="UTC") if column == "refunded_at" else pa.string()
    plain = replaced(six_weeks(), column, pa.nulls(six_weeks().num_rows, text))
    return rows(OF_NULLS[name](native("polars", plain)))


@pytest.mark.parametrize(("kind", "null"), NULLS)
@pytest.mark.parametrize(
    ("column", "name"),
    [
        ("decline_code", "declines"),
        ("decline_group", "declines"),
        ("customer_id", "cohorts"),
        ("customer_id", "rfm"),
        ("refunded_at", "refund_curve"),
        ("country", "segments"),
        ("country", "compare"),
        ("decline_code", "retries"),
        ("reference", "anomalies"),
    ],
)
def test_a_column_of_nulls_only_counts_as_nulls(table, kind, null, column, name):
    found = rows(OF_NULLS[name](nothing(kind, table, column, null)))
    assert found == answer_of_nulls(column, name)


def test_a_column_of_a_wrong_type_that_holds_a_value_is_still_refused(table):
    frame = native("pandas", table)
    numbers = frame.assign(decline_code=[1.0, *[np.nan] * (len(frame) - 1)])
    with pytest.raises(InvalidValue, match=r"^decline_code: must be text, not Float64"):
        fo.declines(numbers)
    naive = frame.assign(refunded_at=[pd.Timestamp("2026-04-01"), *[pd.NaT] * (len(frame) - 1)])
    with pytest.raises(InvalidValue, match=r"^refunded_at: must have a time zone"):
        fo.refund_curve(naive)


FAR = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
ASKS_WHEN = set(FUNCTIONS) - {
    "methods",
    "declines",
    "funnel",
    "segments",
    "compare",
    "explain_change",
}


@pytest.mark.parametrize("kind", ["polars", "pyarrow", "pandas-pyarrow", "duckdb"])
@pytest.mark.parametrize("far", [FAR, datetime(2100, 1, 1, tzinfo=UTC)])
def test_a_time_that_no_payment_can_have_is_refused_by_its_name(table, kind, far):
    """With a bucket for each day, this would take half a minute and a million rows."""
    times = [*table["created_at"].to_pylist()[1:], far]
    far_table = replaced(table, "created_at", pa.array(times, pa.timestamp("us", tz="UTC")))
    for name in ASKS_WHEN:
        with pytest.raises(InvalidValue, match=r"^created_at: must not lie after 2099"):
            FUNCTIONS[name](native(kind, far_table))
    for name in ("methods", "declines", "funnel", "segments"):
        assert len(rows(FUNCTIONS[name](native(kind, far_table)))) > 0


def test_a_refund_that_no_payment_can_have_is_refused_by_its_name(table):
    times = [far if (far := at) is None else FAR for at in table["refunded_at"].to_pylist()]
    frame = native(
        "polars", replaced(table, "refunded_at", pa.array(times, pa.timestamp("us", tz="UTC")))
    )
    with pytest.raises(InvalidValue, match=r"^refunded_at: must not lie after 2099"):
        fo.refund_curve(frame)


@pytest.mark.parametrize("as_of", [FAR, datetime(1, 1, 1, tzinfo=UTC)])
def test_as_of_must_be_a_time_that_payments_can_have(table, as_of):
    frame = native("polars", table)
    for function in (fo.rfm, fo.cohorts, fo.refund_curve, fo.forecast, fo.retries):
        with pytest.raises(InvalidValue, match=r"^as_of: must not lie"):
            function(frame, as_of=as_of)
    with pytest.raises(InvalidValue, match=r"^as_of: must not lie"):
        fo.metrics(frame, period="day", as_of=as_of)


@pytest.mark.parametrize("currency", ["HRK", "BGN"])
def test_a_withdrawn_currency_has_its_row(kind, native_of, table, currency):
    frame = native_of(kind, replaced(table, "currency", pa.array([currency] * table.num_rows)))
    (row,) = rows(fo.metrics(frame))
    assert row["currency"] == currency
    assert len(rows(fo.cohorts(frame))) > 0


def test_a_code_that_was_never_a_currency_is_refused(kind, native_of, table):
    frame = native_of(kind, replaced(table, "currency", pa.array(["ZZZ"] * table.num_rows)))
    for name in ("metrics", "segments", "compare", "cohorts"):
        with pytest.raises(InvalidValue, match=r"^currency: must be an ISO 4217 code"):
            FUNCTIONS[name](frame)


def test_a_narwhals_frame_is_accepted(table, answers):
    wrapped = nw.from_native(native("polars", table))
    assert rows(fo.methods(wrapped)) == answers["methods"]
    assert isinstance(fo.methods(wrapped), pl.DataFrame)
