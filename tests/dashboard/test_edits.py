"""Sending only what changed gives exactly the whole."""

from hypothesis import given
from hypothesis import strategies as st

from financeops.dashboard.html.edits import edited, edits
from financeops.dashboard.html.markup import h
from tests.dashboard.markups import htmls


@given(st.lists(htmls, min_size=2, max_size=6))
def test_edits_of_any_sequence_give_the_last_html(sequence):
    shown = sequence[0]
    for html in sequence[1:]:
        shown = edited(shown, edits(shown, html))
        assert shown == html


def row(n, *, status="success"):
    return h("tr", h("td", f"12:00:{n:02}"), h("td", h("b", status)), h("td", n), data_key=n)


def feed(newest, count=12):
    rows = [row(n) for n in range(newest, newest - count, -1)]
    return h("section", h("p", f"{newest} events"), h("table", h("tbody", rows)), h("nav", "Older"))


def test_a_row_that_comes_and_one_that_leaves_are_all_that_is_sent_of_a_table():
    changes = edits(feed(40), feed(41))

    assert edited(feed(40), changes) == feed(41)
    gone, came, counted = changes
    assert gone[2] == ""
    assert came[2] == row(41)
    assert counted[2] == "<p>41 events"


def test_rows_that_are_all_new_send_their_values_only():
    old, new = feed(20), feed(40)
    changes = edits(old, new)

    assert edited(old, changes) == new
    assert not any("success" in html for _, _, html in changes)
