"""The rules for texts that senders write, in fields, headers and files alike."""

from __future__ import annotations

import re
from typing import Annotated, Any

from msgspec import Meta, Struct

from financeops.core.pairs import Pairs

MAX_TEXT = 200
"""Most characters of a key, a reference or a customer ID."""

# With what cannot be seen or turns the direction of writing, so that two texts look alike: but for U+200C and U+200D,
# with which some languages are spelled.
_CONTROL = (
    r"\u0000-\u001f\u007f-\u009f"
    r"\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
)
_BLANK = r"\u0020\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_EDGE, _INSIDE = rf"[^{_CONTROL}{_BLANK}]", rf"[^{_CONTROL}]"

CONTROL = re.compile(rf"[{_CONTROL}]")
TEXT_PATTERN = rf"^{_EDGE}({_INSIDE}*{_EDGE})?$"
"""No control or invisible characters, no blanks at either end."""

LINE_PATTERN = rf"^{_INSIDE}*$"
"""No control or invisible characters."""

TENANT_PATTERN = "^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"
WORD_PATTERN = "^[a-z0-9_]{1,64}$"
COUNTRY_PATTERN = "^[A-Z]{2}$"
CURRENCY_PATTERN = "^[A-Z]{3}$"
PAYMENT_ID_PATTERN = "^[0-9a-fA-F]{24}$"
# In msgspec, as in Python, $ also matches before a line break at the end.
OPTION_PATTERN = r"^[a-z-]{1,64}(?!\n)$"
RATES_CURSOR_PATTERN = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}\|[a-z0-9_]{1,64}\|[A-Z]{3}$"
CURSOR_PATTERN = "^[0-9]{1,13}-[0-9a-fA-F]{24}$"

Text = Annotated[
    str,
    Meta(extra_json_schema={"minLength": 1, "maxLength": MAX_TEXT, "pattern": TEXT_PATTERN}),
]
TenantId = Annotated[str, Meta(extra_json_schema={"pattern": TENANT_PATTERN})]
Word = Annotated[str, Meta(extra_json_schema={"pattern": WORD_PATTERN})]
Country = Annotated[
    str,
    Meta(description="ISO 3166, two letters", extra_json_schema={"pattern": COUNTRY_PATTERN}),
]


class Rule(Struct, frozen=True):
    """What a text may be: its type in requests and, except for free text, its pattern.

    `problem` is the message of a refusal. Free text is what `core.checks.check_key` accepts.
    """

    sent: Any
    pattern: re.Pattern[str] | None = None
    problem: str = ""


FREE = Rule(Text)
WORD = Rule(Word, re.compile(WORD_PATTERN), "must be 1 to 64 of a-z, 0-9 and _")
BIN = Rule(
    Annotated[
        str,
        Meta(description="First digits of the card", extra_json_schema={"pattern": "^[0-9]{6,8}$"}),
    ],
    re.compile("^[0-9]{6,8}$"),
    "must be the first 6 to 8 digits of a card",
)
LAST4 = Rule(
    Annotated[
        str,
        Meta(description="Last digits of the card", extra_json_schema={"pattern": "^[0-9]{4}$"}),
    ],
    re.compile("^[0-9]{4}$"),
    "must be the last 4 digits of a card",
)
COUNTRY = Rule(Country, re.compile(COUNTRY_PATTERN), "must be an ISO 3166 code such as 'DE'")
CURRENCY = Rule(str, re.compile(CURRENCY_PATTERN))

MAX_PAIRS, MAX_NAME, MAX_VALUE = 20, 40, 500
"""Most pairs of metadata, most characters of their keys and of their values."""

PAIRS = Rule(
    Annotated[
        Pairs,
        Meta(
            description="Pairs of text, kept and given back",
            extra_json_schema={
                "maxProperties": MAX_PAIRS,
                "propertyNames": {
                    "minLength": 1,
                    "maxLength": MAX_NAME,
                    "pattern": TEXT_PATTERN,
                },
                "additionalProperties": {
                    "type": "string",
                    "maxLength": MAX_VALUE,
                    "pattern": LINE_PATTERN,
                },
            },
        ),
    ]
)
"""Pairs of texts: what `core.checks.check_pairs` accepts."""
