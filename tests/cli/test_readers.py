from __future__ import annotations

import codecs
import csv
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from financeops.cli.importing import lines
from financeops.cli.importing.content import content_of
from financeops.cli.importing.occurrences import Occurrences
from financeops.cli.importing.readers import Format, Layout, check_encoding, delimiter_of, opened
from financeops.cli.importing.rejects import Rejects, rejects_path
from financeops.cli.importing.rows import Row
from financeops.core.errors import InvalidValue, Misconfigured


def rows_of(path, text, *, needed=("amount",), file_format=Format.CSV, **layout):
    path = path / "rows"
    if isinstance(text, pa.Table):
        parquet.write_table(text, path)
    else:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with opened(path, Layout(format=file_format, **layout), needed=needed) as table:
        return [row.values or (row.number, row.problem) for row in table.rows]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_a_delimiter_is_detected_by_the_needed_columns(tmp_path, delimiter):
    text = f"a{delimiter}amount\n1{delimiter}2\n"
    assert rows_of(tmp_path, text) == [{"a": "1", "amount": "2"}]


def test_runs_of_whitespace_can_separate_columns(tmp_path):
    text = " id  date   amount\n 00001 19970101  1.50\r\n\n"
    rows = rows_of(tmp_path, text, delimiter=delimiter_of("whitespace"))
    assert rows == [{"id": "00001", "date": "19970101", "amount": "1.50"}]


def test_a_byte_order_mark_is_not_part_of_the_first_column(tmp_path):
    assert rows_of(tmp_path, "\ufeffamount\n1\n") == [{"amount": "1"}]


def test_a_quoted_field_may_hold_delimiters_and_line_breaks(tmp_path):
    text = 'who,amount\n"a, ""b""\nc",1\nd,2\n'
    assert rows_of(tmp_path, text) == [
        {"who": 'a, "b"\nc', "amount": "1"},
        {"who": "d", "amount": "2"},
    ]


def test_a_stray_quote_affects_only_its_own_line(tmp_path):
    text = 'who,amount\n"a,1\n"b",2\nc,3\n"d,4\n'
    good = [{"who": "b", "amount": "2"}, {"who": "c", "amount": "3"}]
    first, *middle, last = rows_of(tmp_path, text)
    assert middle == good
    assert (first[0], last[0]) == (2, 5)


def test_a_line_without_end_is_one_bad_line(tmp_path, monkeypatch):
    monkeypatch.setattr(lines, "MAX_BYTES", 100)
    text = "who,amount\na," + "9" * 1000 + "\nb,2\n"
    assert rows_of(tmp_path, text) == [
        (2, "is longer than 100 bytes"),
        {"who": "b", "amount": "2"},
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
@pytest.mark.parametrize("mark", [codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE])
def test_utf_16_is_read_by_its_byte_order_mark(tmp_path, encoding, mark):
    text = "amount,who\n1,Jos\xe9\n".encode(
        "utf-16-le" if mark == codecs.BOM_UTF16_LE else "utf-16-be"
    )
    rows = rows_of(tmp_path, mark + text, encoding=encoding)
    assert rows == [{"amount": "1", "who": "Jos\xe9"}]


def test_a_line_that_only_a_carriage_return_ends_is_named(tmp_path):
    why = "ends with a carriage return alone"
    with pytest.raises(InvalidValue, match=f"no readable header line: {why}"):
        rows_of(tmp_path, b"amount,method\r1,card\r")


def test_an_empty_file_has_no_rows(tmp_path):
    assert rows_of(tmp_path, "\n \n") == []


@pytest.mark.parametrize("file_format", [Format.CSV, Format.NDJSON])
def test_a_pipe_can_be_read(file_format):
    text = b"amount\n1\n" if file_format is Format.CSV else b'{"amount": "1"}\n'
    reading, writing = os.pipe()
    os.write(writing, text)
    os.close(writing)
    path, layout = Path(f"/dev/fd/{reading}"), Layout(format=file_format)
    with opened(path, layout, needed=["amount"]) as table:
        rows = list(table.rows)
    os.close(reading)
    assert [(row.values, row.end) for row in rows] == [({"amount": "1"}, len(text))]


def test_occurrences_are_counted_by_content():
    occurrences = Occurrences()
    assert [occurrences.count(key) for key in (b"a", b"b", b"a", b"a", b"b")] == [1, 1, 2, 3, 2]
    occurrences.close()


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize(
    "names",
    [
        ["createdAt", "amount"],
        ["amount", "createdAt"],
        ["note, or none", "amount", "a;b", "createdAt"],
        ["x", "currency", "amount", "y"],
        ["created_at", "customer_id", "Betrag"],
    ],
)
def test_a_delimiter_is_detected_by_field_names_in_the_header(tmp_path, delimiter, names):
    # Only what its own delimiter would split is quoted, as files have it.
    header = [f'"{name}"' if delimiter in name else name for name in names]
    text = delimiter.join(header) + "\n" + delimiter.join(["18.50"] * len(names)) + "\n"
    assert rows_of(tmp_path, text, needed=()) == [dict.fromkeys(names, "18.50")]


def test_a_named_column_may_hold_another_delimiter(tmp_path):
    text = "day;Amount, USD\n2026-05-01;1\n"
    assert rows_of(tmp_path, text, needed=["Amount, USD"]) == [
        {"day": "2026-05-01", "Amount, USD": "1"}
    ]


@pytest.mark.parametrize("header", ["amount;x,createdAt", "amount\tx|status", "createdAt;a,amount"])
def test_two_equally_good_delimiters_require_an_option(tmp_path, header):
    with pytest.raises(InvalidValue, match=r"^--delimiter: is required"):
        rows_of(tmp_path, f"{header}\n", needed=())


def test_without_a_header_rows_determine_the_delimiter_or_it_is_required(tmp_path):
    text = "2026-05-01;18,50;a\n2026-05-02;19;b\n"
    columns = ["day", "amount", "who"]
    assert rows_of(tmp_path, text, columns=columns)[0]["amount"] == "18,50"
    with pytest.raises(InvalidValue, match=r"^--delimiter: is required: ',' and ';'"):
        rows_of(tmp_path, "2026-05-01;18,50\n2026-05-02;19,00\n", columns=["day", "amount"])
    assert rows_of(tmp_path, "2026-05-01;18,50\n2026-05-02;19\n", columns=["day", "amount"]) == [
        {"day": "2026-05-01", "amount": "18,50"},
        {"day": "2026-05-02", "amount": "19"},
    ]
    assert rows_of(tmp_path, "18.50\n", columns=["amount"]) == [{"amount": "18.50"}]


FIELDS = ["amount", "createdAt", "status", "currency", "reference", "note"]


@pytest.mark.parametrize("name", FIELDS)
@pytest.mark.parametrize("file_format", [Format.CSV, Format.PARQUET])
def test_a_file_with_two_columns_of_one_name_is_refused(tmp_path, name, file_format):
    names = ["other", name, "", name]
    content = ",".join(names) + "\n"
    if file_format is Format.PARQUET:
        content = pa.table([["1"]] * 4, names=names)
    with pytest.raises(InvalidValue, match=f"has the column '{name}' twice"):
        rows_of(tmp_path, content, file_format=file_format)


@pytest.mark.parametrize("name", FIELDS)
def test_a_row_with_two_keys_of_one_name_is_refused_whatever_their_spelling(tmp_path, name):
    escaped = f"\\u{ord(name[0]):04x}{name[1:]}"
    lines = [
        f'{{"{name}": 1, "{name}": 1}}',
        f'{{"{name}": 1, "x": 2, "{escaped}": 3}}',
        '{"x": 1}',
    ]
    *refused, good = rows_of(tmp_path, "\n".join(lines), file_format=Format.NDJSON)
    assert refused == [(1, f"{name}: is given twice"), (2, f"{name}: is given twice")]
    assert good == {"x": 1}


@pytest.mark.parametrize("blank", ["", " ", '""'])
def test_any_number_of_columns_without_a_name_fill_nothing(tmp_path, blank):
    text = f"{blank},amount,{blank},{blank}\n0,1.00,2,3\n"
    assert rows_of(tmp_path, text) == [{"amount": "1.00"}]
    assert rows_of(tmp_path, "0,1.00,2\n", columns=["", "amount", ""]) == [{"amount": "1.00"}]
    table = pa.table([["0"], ["1.00"], ["2"]], names=["", "amount", ""])
    assert rows_of(tmp_path, table, file_format=Format.PARQUET) == [{"amount": "1.00"}]


@pytest.mark.parametrize(
    "line",
    [
        '{"a": NaN}',
        '{"a": "\\ud800"}',
        "[" * 100_000,
        '{"a": ' + "9" * 5000 + "}",
        '{"a": 01}',
        "{}x",
    ],
)
def test_invalid_json_affects_only_its_own_line(tmp_path, line):
    bad, good = rows_of(tmp_path, f'{line}\n{{"a": 1}}\n', file_format=Format.NDJSON)
    assert good == {"a": 1}
    assert bad[0] == 1
    assert bad[1].startswith("is n")


def test_parquet_values_that_python_does_not_have_are_texts(tmp_path):
    moment = datetime(2026, 5, 1, tzinfo=UTC)
    table = pa.table(
        {
            "at": pa.array([moment, None], pa.timestamp("ns", "America/New_York")),
            "far": pa.array([10**16, 0], pa.timestamp("ms", "UTC")),
            "view": pa.array(["a", "b"], pa.string_view()),
            "large": pa.array(["a", "b"], pa.large_string()),
        }
    )
    first, second = rows_of(tmp_path, table, file_format=Format.PARQUET)
    assert (first["at"], first["view"], first["large"]) == (moment, "a", "a")
    assert isinstance(first["far"], str)
    assert second["far"] == datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("encoding", ["utf-8", "UTF8", "utf-8-sig", "utf_8_sig", "U8"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_utf_8_is_read_with_or_without_a_byte_order_mark(tmp_path, encoding, mark):
    text = f"{mark}amount,who\n1,Jos\xe9\n"
    rows = rows_of(tmp_path, text, encoding=check_encoding(encoding))
    assert rows == [{"amount": "1", "who": "Jos\xe9"}]


@pytest.mark.parametrize(
    "encoding", ["latin-1", "cp1252", "mac_roman", "shift_jis", "gb18030", "big5"]
)
def test_an_encoding_that_contains_ascii_is_accepted(encoding):
    assert check_encoding(encoding) == check_encoding(check_encoding(encoding))


@pytest.mark.parametrize(
    "encoding",
    [
        "undefined",
        "utf-16",
        "utf-32-le",
        "utf-7",
        "cp037",
        "rot13",
        "base64",
        "idna",
        "punycode",
        "x",
        "",
        "utf\x00",
        "-sig",
    ],
)
def test_any_other_encoding_is_refused_by_its_option(encoding):
    with pytest.raises(InvalidValue, match=r"^--encoding: must be an extension of ASCII"):
        check_encoding(encoding)


@pytest.mark.parametrize("name", ["sales.csv", "sales.ndjson", "sales.parquet"])
def test_rejects_never_go_to_the_file_that_is_imported(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    file = Path(name)
    file.write_text(json.dumps({"a": 1}))
    (tmp_path / "folder").mkdir()
    (tmp_path / "symbolic").symlink_to(file)
    (tmp_path / "hard").hardlink_to(file)
    names = [file, tmp_path / name, Path("folder", "..", name), Path("symbolic"), Path("hard")]
    for said in names:
        with pytest.raises(InvalidValue, match=r"^--rejects: .* is the file to import"):
            rejects_path(said, file)
    assert rejects_path(None, file) == Path(f"{name}.rejects.csv")
    assert rejects_path(Path("other.csv"), file) == Path("other.csv")
    Path(f"{name}.rejects.csv").symlink_to(file)
    with pytest.raises(InvalidValue, match=r"^--rejects: "):
        rejects_path(None, file)
    with pytest.raises(InvalidValue, match=r"^--rejects: "):
        rejects_path(Path(name), Path("symbolic"))


def test_a_row_nested_too_deeply_affects_only_itself(tmp_path):
    """Later processing of a row's values recurses for each level."""
    nested = [f'{{"amount": {"[" * depth}7{"]" * depth}}}' for depth in (10, 300, 600, 900, 20_000)]
    rows = rows_of(tmp_path, "\n".join(nested), file_format=Format.NDJSON)
    assert content_of(rows[0])
    assert [problem for _, problem in rows[1:]] == ["is nested too deeply"] * 4


def many_times(text):
    """A column that repeats a text a thousand times but stores it once."""
    return pa.DictionaryArray.from_arrays(pa.array([0] * 1000, pa.int32()), pa.array([text]))


HUGE = {
    "texts": (lambda: many_times("x" * 1_000_000), "more than 100,000,000 bytes"),
    "texts in a list": (
        lambda: pa.ListArray.from_arrays([0, 1000], many_times("x" * 1_000_000)),
        "more than 100,000,000 bytes",
    ),
    "a list": (
        lambda: pa.ListArray.from_arrays([0, 10_000_001], pa.nulls(10_000_001, pa.int8())),
        "10,000,001 values of",
    ),
}


@pytest.mark.parametrize("what", HUGE)
def test_a_small_file_that_stands_for_gigabytes_is_refused(tmp_path, what):
    column, says = HUGE[what]
    path = tmp_path / "rows"
    parquet.write_table(pa.table({"amount": column()}), path, compression="zstd")
    assert path.stat().st_size < 5000
    layout = Layout(format=Format.PARQUET)
    with (
        pytest.raises(InvalidValue, match=f"^FILE: .*{says}"),
        opened(path, layout, needed=()) as table,
    ):
        list(table.rows)


def test_texts_of_parquet_are_unchanged(tmp_path):
    texts = ["a", None, "", "a", "b"]
    table = pa.table(
        {
            "text": pa.array(texts, pa.large_string()),
            "known": pa.array(texts).dictionary_encode(),
            "bytes": pa.array([text and text.encode() for text in texts]),
            "list": [["a", None, "a"], None, [], ["b"], ["a"]],
        }
    )
    rows = rows_of(tmp_path, table, file_format=Format.PARQUET)
    assert rows == table.to_pylist()


def test_rejects_contain_no_formula(tmp_path):
    with Rejects(tmp_path / "rejects.csv") as rejects:
        rejects.add(Row(2, 9, "=cmd|' /C calc'!A0,1", None), "\uff1dcmd: is no amount")
        rejects.add(Row(3, 9, "plain,1", None), "amount: is missing")
    with (tmp_path / "rejects.csv").open(newline="") as file:
        _, *rows = csv.reader(file)
    guarded = ["'\uff1dcmd: is no amount", "'=cmd|' /C calc'!A0,1"]
    assert rows == [["2", *guarded], ["3", "amount: is missing", "plain,1"]]


@pytest.mark.parametrize("there", [True, False])
def test_rejects_are_not_written_through_a_link(tmp_path, there):
    target = tmp_path / "anothers"
    if there:
        target.write_text("precious")
    (tmp_path / "rejects.csv").symlink_to(target)
    row = Row(2, 9, "plain,1", None)
    with (
        Rejects(tmp_path / "rejects.csv") as rejects,
        pytest.raises(Misconfigured, match=r"rejects\.csv is a link: .*--rejects"),
    ):
        rejects.add(row, "amount: is missing")
    assert (target.read_text() if there else target.exists()) == ("precious" if there else False)


def test_rejects_are_not_written_to_a_pipe_that_nobody_reads(tmp_path):
    os.mkfifo(tmp_path / "rejects.csv")
    with (
        Rejects(tmp_path / "rejects.csv") as rejects,
        pytest.raises(Misconfigured, match=r"rejects\.csv is a pipe: .*--rejects"),
    ):
        rejects.add(Row(2, 9, "plain,1", None), "amount: is missing")
