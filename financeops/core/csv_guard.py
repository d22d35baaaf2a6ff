"""Texts in CSV that a spreadsheet must not take for a formula, and the way back.

A text that begins with ``= + - @``, also in full width or after blanks, or with a control
character such as a line break, gets an apostrophe before it. So does one that begins with
apostrophes and then one of these: else nobody could tell afterwards whether an apostrophe was the
sender's or the guard's. Whoever takes one apostrophe off such a text has what the sender wrote,
whatever it was.
"""

from __future__ import annotations

import re

_BLANKS = " \u00a0\u1680\u2000-\u200b\u2028\u2029\u202f\u205f\u3000\ufeff"
_WIDE = "\uff1d\uff0b\uff0d\uff20"
_CONTROLS = r"\x00-\x1f\x7f-" + chr(0x9F)
_START = rf"'*(?:[{_CONTROLS}]|[{_CONTROLS}{_BLANKS}]*[=+\-@{_WIDE}])"

GUARDED = rf"^'({_START})"
"""Pattern of a text that was guarded; its group is how it began before. RE2 knows it too."""

_NEEDS_GUARD = re.compile(_START)
_GUARDED = re.compile(GUARDED)


def guard(text: str) -> str:
    """The text as it is written into a CSV file.

    Examples
    --------
    >>> [guard(text) for text in ("-7", "'-7", "plain", "'plain", "a-7")]
    ["'-7", "''-7", 'plain', "'plain", 'a-7']
    """
    return f"'{text}" if _NEEDS_GUARD.match(text) else text


def unguard(text: str) -> str:
    """The inverse of `guard`.

    Examples
    --------
    >>> [unguard(text) for text in ("'-7", "''-7", "plain", "'plain")]
    ['-7', "'-7", 'plain', "'plain"]
    """
    return text[1:] if _GUARDED.match(text) else text
