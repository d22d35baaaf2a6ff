"""What a row is known by, so that it is found again however the file is mapped."""

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
"""Where an export, or a data frame of ours, has a payment's id, and what it has beside that."""

_pairs = msgspec.json.Decoder(list[tuple[str, str]])


class Identities:
    """Names the rows of one file.

    Parameters
    ----------
    of_status : collection of str
        Columns that a change of status changes. One that holds a status is another, whatever its
        name.
    """

    def __init__(self, of_status: Collection[str]) -> None:
        self._of_status = frozenset(of_status)
        self._bases = Occurrences()
        self._meanings = Occurrences()

    def named(self, payment: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
        """A row's payment with what the server knows it by.

        `row` holds digests of the row as it is written (`content`), of the same without its status
        and with how often that came before in the file (`base`) and, where nothing else names the
        payment, of what the row means and how often that came before (`meaning`).
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
        """Content without what a change of status changes; None where nothing of it does."""
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
