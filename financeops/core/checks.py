"""Checks of single texts that senders write: ids, keys, names."""

from __future__ import annotations

import re

from financeops.core.contract.texts import CONTROL, MAX_TEXT, TENANT_PATTERN, WORD_PATTERN
from financeops.core.errors import InvalidValue

TENANT_ID = re.compile(TENANT_PATTERN)
METHOD = re.compile(WORD_PATTERN)


def check_tenant_id(tenant_id: str, field: str = "tenantId") -> str:
    """Return the id if it is valid; raise `InvalidValue` naming `field` if not."""
    if not TENANT_ID.fullmatch(tenant_id):
        raise InvalidValue(field, "must be 1 to 64 letters, digits, '_', '-' or '.'")
    return tenant_id


def check_key(key: str, field: str) -> str:
    """Return an idempotency key, a reference or a customer ID if it is valid.

    Raises
    ------
    InvalidValue
        It has too few or too many characters, a control character, or blanks at its ends: a
        person cannot tell `` k1`` from ``k1``, nor can many files.
    """
    if not 1 <= len(key) <= MAX_TEXT:
        raise InvalidValue(field, f"must have 1 to {MAX_TEXT} characters")
    refuse_control_characters(key, field)
    if key != key.strip():
        raise InvalidValue(field, "must not begin or end with a blank: leave it out")
    return key


def refuse_control_characters(text: str, field: str) -> None:
    """Raise `InvalidValue` if a text holds a control character: it could steer a terminal."""
    if found := CONTROL.search(text):
        raise InvalidValue(field, f"must not hold control characters: U+{ord(found[0]):04X} is one")
