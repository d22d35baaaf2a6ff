"""A row has the same content in every format, whatever the order of its columns."""

from __future__ import annotations

import csv
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from financeops.cli.importing.content import content_of
from financeops.cli.importing.readers import Format, Layout, opened
from tests.strategies import EARLIEST, LATEST

_TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=12)
_MOMENT = st.datetimes(EARLIEST.replace(tzinfo=None), LATEST.replace(tzinfo=None))
_KINDS = {
    "text": (_TEXT | st.sampled_from(["007", "7", "+49151", "1,50", "NaN", "true"]), pa.string()),
    "whole": (st.integers(-(2**53) + 1, 2**53 - 1), pa.int64()),
    "double": (st.floats(allow_nan=False, allow_infinity=False), pa.float64()),
    "gap": (st.integers(-(2**53) + 1, 2**53 - 1).map(float), pa.float64()),
    "decimal": (st.decimals(-(10**9), 10**9, places=2), pa.decimal128(20, 2)),
    "flag": (st.booleans(), pa.bool_()),
    "day": (st.dates(date(1900, 1, 1), date(2999, 1, 1)), pa.date32()),
    "at": (_MOMENT.map(lambda at: at.replace(tzinfo=UTC)), pa.timestamp("us", "UTC")),
    "local": (_MOMENT, pa.timestamp("us")),
}
_row = st.fixed_dictionaries({name: values | st.none() for name, (values, _) in _KINDS.items()})


def contents(path: Path, file_format: Format):
    with opened(path, Layout(format=file_format), needed=list(_KINDS)) as table:
        return [content_of(row.values) for row in table.rows]


def as_json(value):
    if isinstance(value, Decimal):
        return float(value)
    return value.isoformat() if isinstance(value, date) else value


@settings(deadline=None, max_examples=50)
@given(rows=st.lists(_row, min_size=1, max_size=4), columns=st.permutations(list(_KINDS)))
def test_the_same_rows_have_the_same_content_as_csv_ndjson_and_parquet(rows, columns):
    with TemporaryDirectory() as name:
        folder = Path(name)
        with (folder / "a.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(rows)
        lines = [
            json.dumps({key: as_json(value) for key, value in row.items() if value is not None})
            for row in rows
        ]
        (folder / "a.ndjson").write_text("\n".join(lines))
        schema = pa.schema([(name, _KINDS[name][1]) for name in sorted(_KINDS)])
        parquet.write_table(pa.Table.from_pylist(rows, schema=schema), folder / "a.parquet")

        expected = contents(folder / "a.csv", Format.CSV)
        assert contents(folder / "a.ndjson", Format.NDJSON) == expected
        assert contents(folder / "a.parquet", Format.PARQUET) == expected


MOMENT = datetime(2026, 5, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    "forms",
    [
        ["7", "7.0", "7e0", " 7 ", 7, 7.0, Decimal("7.0"), Decimal("7E+0")],
        ["1000", "1E+3", 1000.0, Decimal("1E+3")],
        ["18.50", "18.5", 18.5, Decimal("18.500")],
        ["2026-05-01", "20260501", date(2026, 5, 1), datetime(2026, 5, 1), "2026-05-01 00:00Z"],  # noqa: DTZ001
        ["2026-05-01T10:00:00Z", "2026-05-01 12:00:00+02:00", "2026-05-01 10:00:00.000"],
        [MOMENT, "2026-05-01T10:00Z", MOMENT.astimezone(ZoneInfo("Asia/Tokyo")), "20260501100000"],
        ["true", "True", True],
        ["", "  ", None, float("nan")],
    ],
)
def test_forms_of_one_value_are_one_content(forms):
    assert len({content_of({"a": form, "b": "x"}) for form in forms}) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"id": "007"}, {"id": "7"}),
        ({"id": "+7"}, {"id": "7"}),
        ({"id": "x"}, {"id": "X"}),
        ({"id": "x"}, {"name": "x"}),
        ({"amount": "1", "fee": "2"}, {"amount": "2", "fee": "1"}),
        ({"amount": "1,850"}, {"amount": "1850"}),
        ({"amount": "1.5"}, {"amount": "-1.5"}),
        ({"at": "2026-05-01T10:00:00Z"}, {"at": "2026-05-01T10:00:00+02:00"}),
        ({"at": MOMENT}, {"at": MOMENT.replace(microsecond=1)}),
        ({"id": str(2**53)}, {"id": str(2**53 + 1)}),
        ({"a": 'x","b'}, {"a": "x", "b": ""}),
    ],
)
def test_different_rows_have_different_content(one, other):
    assert content_of(one) != content_of(other)


def test_numbers_of_any_size_are_accepted():
    sizes = ["1e9999", "1e-9999", "9" * 5000, "-0", 10**30, Decimal("1E+999999"), float("inf")]
    contents = {content_of({"a": size}) for size in sizes}
    assert len(contents) == len(sizes)
    assert content_of({"a": "-0"}) == content_of({"a": 0}) == content_of({"a": -0.0})
