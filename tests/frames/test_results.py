"""Results are frames of the given kind, with the same types when there are no rows."""

from datetime import UTC, datetime

import duckdb
import narwhals as nw
import pytest

from financeops.core.errors import InvalidValue
from financeops.frames.engine.results import INSTANT, INTEGER, REAL, TEXT, collected, same_kind
from tests.builders import payment
from tests.frames.conftest import rows, table_of

SCHEMA = {"name": TEXT, "n": INTEGER, "hour": INTEGER, "rate": REAL, "at": INSTANT}
MORNING = datetime(2026, 3, 10, 8, 30, tzinfo=UTC)


def test_rows_come_back_as_they_were_put_in(kind, frame_of):
    columns = {
        "name": ['o\'card "x"', None],
        "n": [2**63 - 1, -(2**62) - 1],
        "hour": [14, None],
        "rate": [85.4, None],
        "at": [MORNING, None],
    }
    given = frame_of(kind, [payment()])
    result = same_kind(nw.from_native(given), columns, SCHEMA)
    assert type(result) is type(given)
    assert rows(result) == [
        {name: values[row] for name, values in columns.items()} for row in range(2)
    ]


def test_no_rows_have_types_too(kind, frame_of):
    given = nw.from_native(frame_of(kind, [payment()]))
    result = same_kind(given, dict.fromkeys(SCHEMA, ()), SCHEMA)
    schema = nw.from_native(result).collect_schema()
    assert rows(result) == []
    assert [schema[name] for name in ("name", "n", "rate")] == [nw.String, nw.Int64, nw.Float64]
    assert isinstance(schema["at"], nw.Datetime)
    assert schema["at"].time_zone is not None


def test_collected_integers_are_exact(kind, native_of):
    import pyarrow as pa

    table = pa.table({"n": [2**62, 2**62 - 1, 5]})
    frame = nw.from_native(native_of(kind, table)).lazy()
    assert collected(frame)["n"] == [2**62, 2**62 - 1, 5]
    assert all(type(value) is int for value in collected(frame.select(nw.col("n").max()))["n"])


@pytest.mark.parametrize("lost", ["pandas", "pandas-pyarrow"])
def test_pandas_index_starts_at_zero(lost, frame_of):
    given = frame_of(lost, [payment(), payment()]).iloc[1:]
    result = same_kind(nw.from_native(given), {"n": [None, 4]}, {"n": INTEGER})
    assert list(result.index) == [0, 1]


def test_a_relation_belongs_to_the_connection_that_it_came_from():
    connection = duckdb.connect()
    connection.from_arrow(table_of([payment()])).create("payments")
    given = nw.from_native(connection.table("payments"))
    result = same_kind(given, {"n": [3, 4]}, {"n": INTEGER})  # noqa: F841 - in the query
    assert rows(connection.sql("SELECT sum(n) AS n, count(*) AS m FROM result, payments")) == [
        {"n": 7, "m": 2}
    ]
    assert rows(
        connection.sql("SELECT count(*) AS views FROM duckdb_views() WHERE NOT internal")
    ) == [{"views": 0}]


@pytest.mark.parametrize("lost", [2**63, -(2**63), 10**30])
def test_what_does_not_fit_64_bits_is_an_error(lost, frame_of):
    given = nw.from_native(frame_of("polars", [payment()]))
    with pytest.raises(InvalidValue, match="n: does not fit 64 bits"):
        same_kind(given, {"n": [1, lost]}, {"n": INTEGER})
