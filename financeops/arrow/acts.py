"""What happened to payments, in columns: in minor units, but in major units in exports."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from financeops.core import wire
from financeops.core.act_texts import ACT_TEXTS
from financeops.core.errors import FinanceOpsError, InvalidValue
from financeops.core.payments import FIELDS


def exported_acts(name: str, texts: pa.ChunkedArray, currencies: pa.ChunkedArray) -> Any:
    """Texts of an export, as in a payment's JSON, from canonical ones; `name` is the column's."""
    write, _ = wire.ACTS[name]

    def export(text: str, currency: str) -> str:
        return wire.encode(write(ACT_TEXTS[name].read(text), currency)).decode()

    return _rewritten(name, texts, currencies, export)


def canonical_acts(name: str, texts: pa.ChunkedArray, currencies: pa.ChunkedArray) -> Any:
    """Canonical texts from those of an export.

    Raises
    ------
    InvalidValue
        Names the column, and the first row (0 is the first) that is wrong.
    """
    _, read = wire.ACTS[name]
    several = ACT_TEXTS[name].several

    def canonical(text: str, currency: str) -> str | None:
        documents = wire.decode(text)
        if isinstance(documents, list) is not several:
            raise TypeError
        return ACT_TEXTS[name].write(read(documents, currency)) if documents else None

    return _rewritten(name, texts, currencies, canonical)


def _rewritten(
    name: str,
    texts: pa.ChunkedArray,
    currencies: pa.ChunkedArray,
    rewrite: Callable[[str, str], str | None],
) -> pa.ChunkedArray:
    """Rewrite those texts that there are: most payments have none."""
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
            problem = f"must be the JSON of a payment's {name}, not {text} (row {row})"
            raise InvalidValue(FIELDS[name].json, problem) from None
    return pa.chunked_array([pa.array(written, pa.string())])
