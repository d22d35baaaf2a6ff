"""Full card numbers are found in texts, however they are written; ordinary ids are not."""

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from financeops.core.card_numbers import holds_card_number, without_card_numbers

CARDS = [
    "4111111111111111",
    "5555555555554444",
    "378282246310005",
    "6011111111111117",
    "30569309025904",
    "4222222222222",
    "6304000000000000000",
]
"""Numbers that card schemes publish for tests, of 13 to 19 digits."""


@pytest.mark.parametrize("card", CARDS)
@pytest.mark.parametrize("written", ["{}", "card {} of ada", "pan{}x", "n=({})", '{{"a":"{}"}}'])
def test_a_card_number_is_found_in_any_text(card, written):
    assert holds_card_number(written.format(card))
    assert without_card_numbers(written.format(card)) == written.format("[card number]")


@pytest.mark.parametrize(
    "written",
    [
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "4111\u00a01111\u20111111\u20131111",
        "41 11 11111111 - 1 1 1 1",
        "3782 822463 10005",
        "4111 1111 1111 1111 123",  # with its verification code
        "12 4111111111111111",
        "2026-05-01 4111 1111 1111 1111",
        "\uff14\uff11\uff11\uff11111111111111",
    ],
)
def test_blanks_and_dashes_do_not_hide_a_card_number(written):
    assert holds_card_number(written)
    assert not holds_card_number(without_card_numbers(written))


def test_no_blank_and_no_dash_of_any_script_hides_a_card_number():
    every = [chr(code) for code in range(sys.maxunicode + 1)]
    between = [each for each in every if unicodedata.category(each) in {"Zs", "Pd"}]
    unseen = "\u00ad\u034f\u180b\u200c\u200d\u2060\ufe0f\ufeff\U000e0001\U000e0100"
    assert len(between) > 30
    for each in (*between, *unseen):
        assert holds_card_number(each.join(["4242"] * 4)), hex(ord(each))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "4111111111111112",  # fails the check
        "411111111111",  # too short
        "41111111111111111111",  # too long
        "0000000000000000",
        "550e8400-e29b-41d4-a716-446655440009",
        "69b0 0b40 a1b2",
        "4f4111111111111111000000",  # an id in hexadecimal digits
        "order 1042-1 of 2026-05-01",
    ],
)
def test_other_texts_hold_none(text):
    assert not holds_card_number(text)
    assert without_card_numbers(text) == text


def test_every_card_number_is_left_out_and_nothing_else():
    row = f"7,{CARDS[0]},ada,{CARDS[2]},2026-05-01"
    assert without_card_numbers(row) == "7,[card number],ada,[card number],2026-05-01"


@given(st.integers(12, 18), st.data())
def test_one_of_ten_last_digits_makes_a_card_number(length, data):
    digits = st.text("0123456789", min_size=length, max_size=length)
    begin = data.draw(digits.filter(lambda text: any(map(int, text))))
    assert sum(holds_card_number(f"{begin}{last}") for last in range(10)) == 1


@given(st.text(st.sampled_from("0123456789 -,ax"), max_size=60))
def test_nothing_is_left_to_find_in_what_is_shown(text):
    shown = without_card_numbers(text)
    assert not holds_card_number(shown)
    assert (shown == text) is not holds_card_number(text)
