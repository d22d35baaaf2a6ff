"""Find full card numbers in texts, which must neither be stored nor logged (PCI DSS 3.4, 3.5).

A card number is 13 to 19 digits that pass the Luhn check (ISO/IEC 7812-1), however blanks, dashes
and characters that nobody sees divide them. A text may hold more: then it is one if a group of digits is, or groups of the
lengths that are printed on cards. One number in ten passes the check by chance: so ids that are
evidently hexadecimal do not count.
"""

from __future__ import annotations

import re
import unicodedata

_SHORTEST, _LONGEST = 13, 19
_PRINTED = ((4, 4, 4, 4, 3), (4, 4, 4, 4), (4, 6, 5), (4, 6, 4), (4, 4, 4, 1))
_BLANKS = r" \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
_DASHES = (
    r"\-\u058a\u05be\u1400\u1806\u2010-\u2015\u2212\u2e17\u2e1a\u2e3a\u2e3b\u2e40\u2e5d"
    r"\u301c\u3030\u30a0\ufe31\ufe32\ufe58\ufe63\uff0d\U00010ead"
)
_UNSEEN = (
    r"\u00ad\u034f\u061c\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff"
    r"\U000e0001\U000e0020-\U000e007f\U000e0100-\U000e01ef"
)
_BETWEEN = f"[{_BLANKS}{_DASHES}{_UNSEEN}]"
_RUN = re.compile(rf"\d(?:{_BETWEEN}*\d){{{_SHORTEST - 1},}}")
_GROUP = re.compile(r"\d+")
_HEX_ID = re.compile(
    r"(?<![0-9a-z])(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?=\d*[a-f])[0-9a-f]{24,})(?![0-9a-z])",
    re.IGNORECASE,
)


def holds_card_number(text: str) -> bool:
    """Whether a text holds a full card number.

    Examples
    --------
    >>> [holds_card_number(text) for text in ("paid by 4111-1111 1111-1111", "order 1042-1")]
    [True, False]
    """
    return len(text) >= _SHORTEST and any(_spans(text))


def without_card_numbers(text: str) -> str:
    """The text with each card number in it replaced, for people who look for what was wrong.

    Examples
    --------
    >>> without_card_numbers("7,4111 1111 1111 1111,2026-05-01")
    '7,[card number],2026-05-01'
    """
    for start, end in reversed(_spans(text)):
        text = f"{text[:start]}[card number]{text[end:]}"
    return text


def _spans(text: str) -> list[tuple[int, int]]:
    """Where card numbers are."""
    if _RUN.search(text) is None:
        return []
    ids = [found.span() for found in _HEX_ID.finditer(text)]
    found = []
    for run in _RUN.finditer(text):
        if any(start < run.end() and run.start() < end for start, end in ids):
            continue
        found += _spans_in(run)
    return found


def _spans_in(run: re.Match[str]) -> list[tuple[int, int]]:
    groups = list(_GROUP.finditer(run[0]))
    if _is_card_number([group[0] for group in groups]):
        return [run.span()]
    found, at = [], 0
    while at < len(groups):
        lengths = tuple(len(group[0]) for group in groups[at:])
        counts = [1, *(len(each) for each in _PRINTED if lengths[: len(each)] == each)]
        taken = next(
            (n for n in counts if _is_card_number([group[0] for group in groups[at : at + n]])), 0
        )
        if taken:
            start, end = groups[at].start(), groups[at + taken - 1].end()
            found.append((run.start() + start, run.start() + end))
        at += taken or 1
    return found


def _is_card_number(groups: list[str]) -> bool:
    digits = [unicodedata.digit(each) for each in "".join(groups)]
    if not _SHORTEST <= len(digits) <= _LONGEST or not any(digits):
        return False
    doubled = [2 * digit - 9 * (digit > 4) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
