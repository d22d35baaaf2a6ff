"""What payment providers say beside the amount, as far as it has the form that payments have."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from financeops.core import wire
from financeops.core.contract.requests import PaymentRequest
from financeops.core.contract.texts import MAX_NAME, MAX_PAIRS, MAX_VALUE
from financeops.core.reading import read_request

_COUNTRY = re.compile(r"[A-Z]{2}")
_LAST4 = re.compile(r"[0-9]{4}")
_BIN = re.compile(r"[0-9]{6,8}")
_NO_WORD = re.compile(r"[^a-z0-9]+")
_LONGEST_WORD = 64

BANK = "bank_transfer"
CARD = "card"


def major(amount: int, decimals: int) -> Decimal:
    """Major units of an amount in the smallest unit that a provider counts in."""
    return Decimal(amount).scaleb(-decimals)


def request_of(values: Mapping[str, Any]) -> PaymentRequest:
    """The request that records a payment, of the values that are known; raises `InvalidValue`."""
    known = {name: value for name, value in values.items() if value is not None}
    return read_request(wire.encode(known))


def word(text: str | None) -> str | None:
    """A text as a word of a to z, 0 to 9 and _, such as a decline code: ``Not enough balance``."""
    if text is None:
        return None
    return _NO_WORD.sub("_", text.lower()).strip("_")[:_LONGEST_WORD].strip("_") or None


def country(text: str | None) -> str | None:
    """A code of a country, if it is one."""
    return text if text is not None and _COUNTRY.fullmatch(text) else None


def last4(text: str | None) -> str | None:
    """The last digits of a card, if they are."""
    return text if text is not None and _LAST4.fullmatch(text) else None


def bin_of(text: str | None) -> str | None:
    """The first digits of a card, if they are."""
    return text if text is not None and _BIN.fullmatch(text) else None


def pairs_of(pairs: Mapping[str, str]) -> dict[str, str] | None:
    """As many pairs as a payment may have: a provider allows more and longer ones."""
    kept = [
        (name, value)
        for name, value in sorted(pairs.items())
        if 0 < len(name) <= MAX_NAME and name == name.strip() and len(value) <= MAX_VALUE
    ]
    return dict(kept[:MAX_PAIRS]) or None
