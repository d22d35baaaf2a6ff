"""The texts that hold what happened to a payment, by the field that they are of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from financeops.core.acts import LEAD, acts_from, acts_text
from financeops.core.disputes import LEAD as DISPUTE_LEAD
from financeops.core.disputes import dispute_from, dispute_text
from financeops.core.fees import fees_from, fees_text


class ActText(NamedTuple):
    """How values of a field are written as text, and read; `lead` is how each text begins."""

    write: Callable[[Any], str]
    read: Callable[[str | bytes], Any]
    lead: str
    several: bool = True


ACT_TEXTS = {
    "refunds": ActText(acts_text, acts_from, LEAD),
    "dispute": ActText(dispute_text, dispute_from, DISPUTE_LEAD, several=False),
    "fees": ActText(fees_text, fees_from, LEAD),
}
"""The fields of the kind `Kind.ACTS`; amounts in their texts are in minor units."""
