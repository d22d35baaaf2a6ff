"""Groups that figures are asked for: by any columns besides the currency."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from financeops.frames.engine.results import TEXT, Schema
from financeops.frames.engine.schema import Names, by_types, check_by


class Grouping(NamedTuple):
    """Columns to group by.

    `names` as they were asked for, `keys` as `payments_of` calls them; `schema` types the
    currency and them in a result.
    """

    names: Names
    keys: Names
    schema: Schema


def grouping(by: str | Iterable[str], payments: Any) -> Grouping:
    """Columns to group by, checked; InvalidValue naming the one that cannot be."""
    names = check_by(by, payments)
    keys = tuple(f"by_{n}" for n in range(len(names)))
    return Grouping(names, keys, {"currency": TEXT, **by_types(names, payments)})
