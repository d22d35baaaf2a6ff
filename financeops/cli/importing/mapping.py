"""`--map` and `--default`: fields of a payment, and what fills them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from financeops.core.errors import InvalidValue
from financeops.core.fields import Kind
from financeops.core.payments import OPTIONAL

FIELDS = (
    *("amount", "currency", "method", "status", "createdAt"),
    *(field.json for field in OPTIONAL),
    *("refunds", "dispute"),
)
"""Fields of a payment that a file can fill."""

PAIR = re.compile(
    rf"({'|'.join(field.json for field in OPTIONAL if field.kind is Kind.PAIRS)})\.(.+)"
)
"""One pair of metadata, ``metadata.shop``, which a column of its own can fill."""

# A comma separates pairs only if another pair follows: a column may be called "Amount, USD".
_BETWEEN = re.compile(r",(?=[A-Za-z0-9]+(?:\.[^,=]+)?=)")


def pairs_of(texts: Iterable[str], *, option: str) -> dict[str, str]:
    """Parse ``--map`` or ``--default``: ``amount=dollars,createdAt=date``, any number of times.

    Raises
    ------
    InvalidValue
        When one is not a pair, does not name a field of a payment, or contradicts another.
    """
    pairs: dict[str, str] = {}
    for pair in (pair for text in texts for pair in _BETWEEN.split(text)):
        field, equals, value = pair.partition("=")
        if not equals or not value:
            raise InvalidValue(option, f"must be pairs such as amount=dollars, not {pair!r}")
        if field not in FIELDS and not PAIR.fullmatch(field):
            raise InvalidValue(option, f"{field!r} is not one of {', '.join(FIELDS)}")
        if pairs.setdefault(field, value) != value:
            raise InvalidValue(option, f"gives {field} twice: {pairs[field]!r} and {value!r}")
    return pairs
