"""Files as they come: packed, in another encoding, with amounts and times as people write them."""

from __future__ import annotations

import codecs
import gzip
import io
import os
import zipfile
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from pyarrow import parquet

from financeops.cli.importing.amounts import Separator, amount_of
from financeops.cli.importing.columns import Columns
from financeops.cli.importing.readers import Format, Layout, format_in, format_of, opened
from financeops.cli.importing.rows import Row
from financeops.cli.importing.separating import separators_in
from financeops.cli.importing.sources import kept
from financeops.cli.importing.times import instant_of
from financeops.core.errors import InvalidValue

TEXT = "amount,who\n1.50,José\n2.50,b\n"
ROWS = [{"amount": "1.50", "who": "José"}, {"amount": "2.50", "who": "b"}]


def zipped(files):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def zstd(content):
    packed = pa.BufferOutputStream()
    with pa.CompressedOutputStream(packed, "zstd") as stream:
        stream.write(content)
    return packed.getvalue().to_pybytes()


def in_parquet():
    packed = io.BytesIO()
    parquet.write_table(pa.Table.from_pylist(ROWS), packed)
    return packed.getvalue()


FILES = {
    "a.csv.gz": gzip.compress(TEXT.encode()[:9]) + gzip.compress(TEXT.encode()[9:]),
    "a.csv.zst": zstd(TEXT.encode()),
    "a.zip": zipped({"a.csv": TEXT, "__MACOSX/._a.csv": "x", "folder/": ""}),
    "a.csv": zstd(TEXT.encode()),  # its first bytes tell
    "b.csv": TEXT.encode("utf-16"),
    "c.csv": codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"),
    "c.csv.gz": gzip.compress(TEXT.encode("utf-16")),
    "a.ndjson.gz": gzip.compress(
        '{"amount": "1.50", "who": "José"}\n{"amount": "2.50", "who": "b"}\n'.encode()
    ),
    "a.parquet.gz": gzip.compress(in_parquet()),
    "b.zip": zipped({"a.parquet": in_parquet()}),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_unpacked_by_its_first_bytes(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(FILES[name])
    with opened(path, Layout(format=format_of(path)), needed=()) as table:
        assert [row.values for row in table.rows] == ROWS
    assert format_in(path) is format_of(path)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        (
            "a.zip",
            zipped({"a.csv": TEXT, "b.csv": TEXT}),
            r"a\.zip holds 2 files: a\.csv, b\.csv: there must be one",
        ),
        ("a.zip", zipped({}), r"a\.zip holds no file: there must be one"),
        ("a.zip", b"PK\x03\x04", r"a\.zip cannot be unpacked: File is not a zip file"),
        ("a.csv", zipped({"[Content_Types].xml": "", "x": ""}), r"a\.csv is a workbook: save"),
        (
            "a.csv.gz",
            gzip.compress(TEXT.encode())[:-9],
            r"a\.csv\.gz cannot be unpacked: Compressed",
        ),
        ("a.csv.zst", zstd(TEXT.encode())[:-9], r"a\.csv\.zst cannot be unpacked: "),
        ("a.csv", codecs.BOM_UTF16_LE + b"a", r"a\.csv begins as UTF-16 text, but is not: "),
    ],
)
def test_a_file_that_cannot_be_unpacked_is_said(tmp_path, name, content, says):
    path = tmp_path / name
    path.write_bytes(content)
    with (
        pytest.raises(InvalidValue, match=f"^FILE: .*{says}"),
        opened(path, Layout(format=format_of(path)), needed=()) as table,
    ):
        list(table.rows)


def test_a_pipe_is_kept_so_that_it_can_be_read_twice():
    reading, writing = os.pipe()
    os.write(writing, FILES["c.csv.gz"])
    os.close(writing)
    with kept(Path(f"/dev/fd/{reading}")) as path:
        for _ in range(2):
            with opened(path, Layout(format=format_in(path)), needed=()) as table:
                assert [row.values for row in table.rows] == ROWS
    os.close(reading)
    assert not path.exists()
    for there in (Path("missing.csv"), Path(__file__), Path()):
        with kept(there) as path:
            assert path is there


@pytest.mark.parametrize(
    ("text", "currency", "amount"),
    [
        ("1,234.50", "USD", "1234.50"),
        ("(12.00)", "USD", "-12"),
        ("-$12.00", "USD", "-12"),
        ("$-12.00", "CAD", "-12"),
        ("($1,234.50)", "USD", "-1234.50"),
        ("\u221212.00", "USD", "-12"),
        ("12.00 EUR", "EUR", "12"),
        ("EUR\u00a012.00", "EUR", "12"),
        ("12.00€", "EUR", "12"),
        ("US$12", "USD", "12"),
        ("¥1,200", "JPY", "1200"),
        ("£1,234,567.89", "GBP", "1234567.89"),
    ],
)
def test_amounts_are_read_as_people_write_them(text, currency, amount):
    read = amount_of(text, currency, separator=Separator.POINT, signed=True)
    assert read == Decimal(amount)
    swapped = text.translate(str.maketrans(",.", ".,"))
    assert amount_of(swapped, currency, separator=Separator.COMMA, signed=True) == read


@pytest.mark.parametrize(
    ("text", "currency"),
    [
        ("12.00 EUR", "USD"),
        ("$12.00", "EUR"),
        ("US$12", "CAD"),
        ("€12", "GBP"),
        ("$12 USD", "USD"),
        ("(-12)", "USD"),
        ("--12", "USD"),
        ("1,23.50", "USD"),
        ("12,345,6", "USD"),
        ("0,123.00", "USD"),
        ("12 of 14", "USD"),
        ("12,50", "USD"),
    ],
)
def test_an_amount_that_could_mean_another_is_refused(text, currency):
    with pytest.raises(InvalidValue, match=r"^amount: "):
        amount_of(text, currency, separator=Separator.POINT, signed=True)


def decided(*texts):
    rows = [Row(n, n, None, {"a": text, "b": "x"}) for n, text in enumerate(texts, 2)]
    return separators_in(rows, lambda _: ["a"]).get("a")


def test_what_separates_decimals_is_decided_once_for_a_column():
    assert decided("1,234", "5", "1,234.50") is Separator.POINT
    assert decided("1.234", "$1.234.567") is Separator.COMMA
    assert decided("1,234,567", "1,234") is Separator.POINT
    assert decided("1,5") is decided("1,2345") is decided("0,123") is Separator.COMMA
    assert decided("0.123") is decided("1234.567") is decided(".5") is Separator.POINT
    assert decided("1234", None, 5, Decimal("1.234"), "", "x") is None
    for texts in (["1,234"], ["12", "12.345 KWD", "(1.000)"]):
        with pytest.raises(
            InvalidValue, match=r"^--decimal: is required, point or comma: '.*in li"
        ):
            decided(*texts)


def test_each_column_of_a_file_has_its_own(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(
        "Day;Hour;amount;feeAmount;currency\n"
        "2026-05-01;10:00;1.234;1,234;EUR\n2026-05-01;;0,50;0.25;EUR\n2026-05-01;;1,5;0,25;EUR\n"
    )
    columns = Columns(
        named={"createdAt": "Day+Hour"},
        defaults={"method": "card", "status": "success"},
        tenant_id="shop",
        zone=ZoneInfo("Europe/Berlin"),
    )
    layout = Layout(format=Format.CSV)
    with opened(path, layout, needed=["Day"]) as table:
        rows = list(table.rows)
        columns = columns.fitted(table)
    columns = columns.separating(separators_in(rows, columns.amounts))
    first, second = [columns.payment(row.values) for row in rows[:2]]
    assert (first["amount"], first["feeAmount"]) == (1234, 1234)
    assert (second["amount"], second["feeAmount"]) == (Decimal("0.50"), Decimal("0.25"))
    assert (first["createdAt"], second["createdAt"]) == (
        "2026-05-01T08:00:00Z",
        "2026-04-30T22:00:00Z",
    )
    with pytest.raises(InvalidValue, match=r"^feeAmount: must be written like 1,850\.50 or"):
        columns.payment(rows[2].values)
    assert columns.unread(["Day", "Hour", "amount", "x"]) == ["x"]


@pytest.mark.parametrize(
    ("days", "moment"),
    [
        ("46143", "2026-05-01T00:00:00"),
        (46143.5, "2026-05-01T12:00:00"),
        ("46143.999988425925", "2026-05-01T23:59:59"),
        (0, None),
        ("2026-05-01", None),
        (10**9, None),
    ],
)
def test_the_days_that_a_spreadsheet_counts_are_read_if_that_is_said(days, moment):
    def at():
        value = Decimal(str(days)) if isinstance(days, float) else days
        utc = ZoneInfo("UTC")
        return instant_of(value, field="createdAt", zone=utc, date_format="excel")

    if moment is None:
        with pytest.raises(InvalidValue, match=r"^createdAt: must be a day as a spreadsheet"):
            at()
    else:
        assert at().isoformat() == f"{moment}+00:00"
