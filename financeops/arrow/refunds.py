"""Refunds in columns: amounts in minor units in the canonical table, in major units in exports."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from financeops.core import wire
from financeops.core.acts import acts_from, acts_text
from financeops.core.errors import FinanceOpsError, InvalidValue


def exported_refunds(texts: pa.ChunkedArray, currencies: pa.ChunkedArray) -> pa.ChunkedArray:
    """Texts of an export, as the refunds of a payment's JSON, from canonical ones."""

    def export(text: str, currency: str) -> str:
        return wire.encode(wire.refunds_document(acts_from(text), currency)).decode()

    return _rewritten(texts, currencies, export)


def canonical_refunds(texts: pa.ChunkedArray, currencies: pa.ChunkedArray) -> pa.ChunkedArray:
    """Canonical texts from those of an export.

    Raises
    ------
    InvalidValue
        Names the column, and the first row (0 is the first) that is wrong.
    """

    def read(text: str, currency: str) -> str | None:
        documents = wire.decode(text)
        if not isinstance(documents, list):
            raise TypeError
        return acts_text(wire.refunds_from(documents, currency)) if documents else None

    return _rewritten(texts, currencies, read)


def _rewritten(
    texts: pa.ChunkedArray, currencies: pa.ChunkedArray, rewrite: Callable[[str, str], str | None]
) -> pa.ChunkedArray:
    """Rewrite those texts that there are: few payments are refunded in parts."""
    if texts.null_count == len(texts):
        return pa.chunked_array([pa.nulls(len(texts), pa.string())])
    written: list[Any] = [None] * len(texts)
    for row in pc.indices_nonzero(pc.is_valid(texts)).to_pylist():
        text, currency = texts[row].as_py(), currencies[row].as_py()
        try:
            written[row] = rewrite(text, currency)
        except (
            *(AttributeError, KeyError, TypeError, ValueError),
            *(FinanceOpsError, msgspec.DecodeError),
        ):
            problem = f"must be the JSON of a payment's refunds, not {text} (row {row})"
            raise InvalidValue("refunds", problem) from None
    return pa.chunked_array([pa.array(written, pa.string())])
