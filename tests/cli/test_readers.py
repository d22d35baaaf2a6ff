from __future__ import annotations

import pytest

from financeops.cli import lines
from financeops.cli.occurrences import Occurrences
from financeops.cli.readers import Format, Layout, delimiter_of, opened


def rows_of(path, text, *, needed=("amount",), **layout):
    path = path / "rows"
    path.write_bytes(text.encode())
    with opened(path, Layout(format=Format.CSV, **layout), needed=needed) as table:
        return [row.values or (row.number, row.problem) for row in table.rows]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_a_delimiter_is_known_by_the_columns_that_are_needed(tmp_path, delimiter):
    text = f"a{delimiter}amount\n1{delimiter}2\n"
    assert rows_of(tmp_path, text) == [{"a": "1", "amount": "2"}]


def test_runs_of_blanks_can_separate_columns(tmp_path):
    text = " id  date   amount\n 00001 19970101  1.50\r\n\n"
    rows = rows_of(tmp_path, text, delimiter=delimiter_of("whitespace"))
    assert rows == [{"id": "00001", "date": "19970101", "amount": "1.50"}]


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path):
    assert rows_of(tmp_path, "\ufeffamount\n1\n") == [{"amount": "1"}]


def test_a_quoted_field_may_hold_delimiters_and_line_breaks(tmp_path):
    text = 'who,amount\n"a, ""b""\nc",1\nd,2\n'
    assert rows_of(tmp_path, text) == [
        {"who": 'a, "b"\nc', "amount": "1"},
        {"who": "d", "amount": "2"},
    ]


def test_a_stray_quote_costs_its_own_line_only(tmp_path):
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


def test_an_empty_file_has_no_rows(tmp_path):
    assert rows_of(tmp_path, "\n \n") == []


def test_occurrences_are_counted_by_content():
    occurrences = Occurrences()
    assert [occurrences.count(key) for key in (b"a", b"b", b"a", b"a", b"b")] == [1, 1, 2, 3, 2]
    occurrences.close()
