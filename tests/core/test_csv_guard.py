"""Texts that a spreadsheet would run are guarded, and every text is restored."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from financeops.core.csv_guard import GUARDED, guard, unguard

TEXTS = st.text(
    st.sampled_from("'=+-@\t\r\n \u00a0\u3000\uff1d\uff0b\uff0d\uff20a7"), max_size=6
) | st.text(max_size=20)


@given(TEXTS)
def test_every_text_is_restored(text):
    assert unguard(guard(text)) == text
    assert re.sub(GUARDED, r"\1", guard(text)) == text


@given(TEXTS)
def test_no_guarded_text_begins_like_a_formula(text):
    assert not guard(text).startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    # As a spreadsheet reads it: leading blanks are ignored, and full-width signs are signs.
    assert not unicodedata.normalize("NFKC", guard(text)).lstrip().startswith(("=", "+", "-", "@"))


@given(TEXTS, TEXTS)
def test_two_texts_are_never_written_alike(one, other):
    assert (guard(one) == guard(other)) == (one == other)


@pytest.mark.parametrize("text", ["plain", "'plain", "", "'", "a=b", "ü"])
def test_a_harmless_text_is_left_unchanged(text):
    assert guard(text) == unguard(text) == text
