"""Failed payments by stage and kind: a query of its own, for they are few and have two more keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import narwhals as nw

from financeops.core.choices import choice_of
from financeops.core.declines import DeclineKind, FailureStage
from financeops.core.payments import UNKNOWN_KIND, Status
from financeops.core.rollup import Count, Path, Rollup
from financeops.frames.engine.folding import (
    Chosen,
    Keys,
    folded,
    group_of,
    payments_in,
)
from financeops.frames.engine.given import Payments

STAGE, KIND = "failure_stage", "decline_kind"
"""The columns of where a payment failed and of which kind that is, which a frame may lack."""


def with_failures(
    given: Payments[Any], which: Chosen, found: dict[Keys, Rollup]
) -> dict[Keys, Rollup]:
    """The same rollups, with their failures by stage and kind."""
    by_stage = _failures(given, which)
    return {
        group: rollup + Rollup(further={"failures": by_stage.get(group, {})})
        for group, rollup in found.items()
    }


def _failures(given: Payments[Any], which: Chosen) -> dict[Keys, dict[Path, Count]]:
    """Failed payments of each currency and combination of the columns to group by.

    Returns
    -------
    dict of (currency, values to group by) to dict of ("", stage, kind) to (n, amount)
        A part of a rollup without methods.
    """
    currency = which.currency
    asked = [name for name in (STAGE, KIND) if name in given.columns]
    columns = [*([] if currency else ["currency"]), *asked]
    keys = [*columns, *given.keys]
    frame = payments_in(given, "status", "amount", *columns, window=which.window)
    frame = frame.filter(nw.col("status") == Status.FAILED.value)
    found: dict[Keys, dict[Path, Count]] = {}
    for part in folded(frame, *keys):
        value = dict(zip(keys, part.keys, strict=True))
        counts = found.setdefault(group_of(given, currency, value), {})
        path = ("", _stage(value), _kind(value))
        n, amount = counts.get(path, (0, 0))
        counts[path] = (n + part.n, amount + part.amount)
    return found


def _stage(value: Mapping[str, Any]) -> str:
    if (stage := value.get(STAGE)) is None:
        return str(FailureStage.DECLINED)
    return str(choice_of(FailureStage, str(stage), field=STAGE))


def _kind(value: Mapping[str, Any]) -> str:
    if (kind := value.get(KIND)) is None:
        return UNKNOWN_KIND
    return str(choice_of(DeclineKind, str(kind), field=KIND))
