"""Guard texts in CSV that a spreadsheet would take for a formula, and undo that.

A text that begins with ``= + - @``, also in full width or after blanks, or with a control
character such as a line break, is prefixed with an apostrophe. So is one that begins with
apostrophes followed by one of these: otherwise a reader could not tell whether an apostrophe was
the sender's or the guard's. Removing one apostrophe from such a text always restores what the
sender wrote.
"""

from __future__ import annotations

import re

_BLANKS = " \u00a0\u1680\u2000-\u200b\u2028\u2029\u202f\u205f\u3000\ufeff"
_WIDE = "\uff1d\uff0b\uff0d\uff20"
_CONTROLS = r"\x00-\x1f\x7f-" + chr(0x9F)
_START = rf"'*(?:[{_CONTROLS}]|[{_CONTROLS}{_BLANKS}]*[=+\-@{_WIDE}])"

GUARDED = rf"^'({_START})"
"""Pattern of a guarded text; its group is how the text began before. RE2 accepts it too."""

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
