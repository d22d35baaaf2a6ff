"""Checks of single texts that senders write: ids, keys, names."""

from __future__ import annotations

import re

from financeops.core.card_numbers import holds_card_number
from financeops.core.contract.texts import (
    CONTROL,
    MAX_NAME,
    MAX_PAIRS,
    MAX_TEXT,
    MAX_VALUE,
    TENANT_PATTERN,
    WORD_PATTERN,
)
from financeops.core.errors import InvalidValue
from financeops.core.pairs import Pairs

TENANT_ID = re.compile(TENANT_PATTERN)
METHOD = re.compile(WORD_PATTERN)
DECLINE_CODE = re.compile(WORD_PATTERN)


def check_tenant_id(tenant_id: str, field: str = "tenantId") -> str:
    """Return the id if it is valid; raise `InvalidValue` naming `field` if not."""
    if not TENANT_ID.fullmatch(tenant_id):
        raise InvalidValue(field, "must be 1 to 64 letters, digits, '_', '-' or '.'")
    refuse_card_number(tenant_id, field)
    return tenant_id


def check_key(key: str, field: str) -> str:
    """Return an idempotency key, a reference or a customer ID if it is valid.

    Raises
    ------
    InvalidValue
        It has too few or too many characters, a control or invisible character, or blanks at its
        ends: a person cannot tell `` k1`` from ``k1``, nor can many files. Or it holds a card number.
    """
    return _check_text(key, field, most=MAX_TEXT)


def check_reason(text: str | None, field: str = "reason") -> str | None:
    """Return why something was done, if that is told and valid; raise `InvalidValue` as `check_key` does."""
    return None if text is None else check_key(text, field)


def check_pairs(pairs: Pairs, field: str) -> Pairs | None:
    """Return pairs of texts if they are valid, None if there are none; else raise `InvalidValue`."""
    if len(pairs) > MAX_PAIRS:
        raise InvalidValue(field, f"must have at most {MAX_PAIRS} pairs")
    for key, value in pairs.items():
        _check_text(key, field, most=MAX_NAME, what="a key ")
        named = f"{field}.{key}"
        if len(value) > MAX_VALUE:
            raise InvalidValue(named, f"must have at most {MAX_VALUE} characters")
        refuse_control_characters(value, named)
        refuse_card_number(value, named)
    return pairs or None


def _check_text(text: str, field: str, *, most: int, what: str = "") -> str:
    if not 1 <= len(text) <= most:
        raise InvalidValue(field, f"{what}must have 1 to {most} characters".lstrip())
    refuse_control_characters(text, field)
    if text != text.strip():
        raise InvalidValue(field, f"{what}must not begin or end with a blank: leave it out")
    refuse_card_number(text, field)
    return text


def refuse_card_number(text: str, field: str) -> None:
    """Raise `InvalidValue` if a text holds a full card number, without repeating it."""
    if holds_card_number(text):
        raise InvalidValue(
            field, "must not hold a card number: send its first digits as bin and its last as last4"
        )


def refuse_control_characters(text: str, field: str) -> None:
    """Raise `InvalidValue` if a text could steer a terminal, or look like another text."""
    if found := CONTROL.search(text):
        raise InvalidValue(
            field,
            f"must not hold control characters or invisible ones: U+{ord(found[0]):04X} is one",
        )
