"""What identifies a row, so that it is recognised however the file is mapped."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from financeops.cli.importing.content import content_of
from financeops.cli.importing.occurrences import Occurrences
from financeops.core import wire
from financeops.core.payments import Status

_STATUSES = frozenset(status.value for status in Status)
_PAYMENT_ID = re.compile(r"[0-9a-fA-F]{24}")
_WRITTEN_BY_US = (
    ("_id", frozenset({"tenantId", "source", "updatedAt"})),
    ("id", frozenset({"tenant_id", "source", "updated_at"})),
)
"""The column of the payment's id in an export and in a data frame, and columns that prove it is one."""

_pairs = msgspec.json.Decoder(list[tuple[str, str]])


class Identities:
    """Identifies the rows of one file.

    Parameters
    ----------
    of_status : collection of str
        Columns that a change of status affects. Whatever its name, a column that holds a status
        counts as one too.
    """

    def __init__(self, of_status: Collection[str]) -> None:
        self._of_status = frozenset(of_status)
        self._bases = Occurrences()
        self._meanings = Occurrences()

    def named(self, payment: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
        """Return a row's payment with what the server recognises it by.

        `row` holds digests of the row as it is written (`content`); of the same without its status,
        with how often that came before in the file (`base`); and, if nothing else identifies the
        payment, of what the row means, with how often that came before (`meaning`).
        """
        content = content_of(values)
        digest = _digest(content)
        base = self._base(content)
        row = {
            "content": digest.hex(),
            "base": self._bases.named(digest if base is None else _digest(base)),
        }
        named = {**payment, "row": row}
        if export_id := _export_id(values):
            named["_id"] = export_id
        elif "reference" not in payment:
            row["meaning"] = f"row:{self._meanings.named(_digest(wire.encode(payment)))}"
        return named

    def _base(self, content: bytes) -> bytes | None:
        """Return the content without what a change of status affects; None if that is nothing."""
        pairs = _pairs.decode(content)
        kept = [
            pair
            for pair in pairs
            if pair[0] not in self._of_status and pair[1].lower() not in _STATUSES
        ]
        return None if len(kept) == len(pairs) else msgspec.json.encode(kept)


def _export_id(values: Mapping[str, Any]) -> str | None:
    for name, beside in _WRITTEN_BY_US:
        value = values.get(name)
        if isinstance(value, str) and _PAYMENT_ID.fullmatch(value) and beside <= values.keys():
            return value
    return None


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=16).digest()
