"""Answers that hold payments and rollups, as values of `financeops.core`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from financeops.core import wire
from financeops.core.contract.analytics import (
    DeclineAnswer,
    MethodAnswer,
    MetricsAnswer,
    SnapshotAnswer,
    TrendAnswer,
)
from financeops.core.dimensions import Dimension, Listed
from financeops.core.payments import Change, Payment
from financeops.core.periods import Window
from financeops.core.rollup import Rollup


class Changes(Struct, frozen=True, kw_only=True):
    """The changes after a number of the sequence; `seq` is the latest number.

    `complete` is False, with no changes, when the server no longer has all of them.
    """

    seq: int
    complete: bool
    changes: list[Change]


class Snapshot(Struct, frozen=True, kw_only=True):
    """Everything a dashboard starts from, of one moment.

    `seq` is the last change counted in. With ``rollups=True`` `buckets` and `bucket_rollups`
    (one each, oldest first), `previous_window` and `previous_rollup` hold what the figures were
    computed from, so that later changes can be added exactly; with a dimension `by` also `details`,
    the window's payments by its values, of which `listed` are counted by themselves; `others` has
    the same for each dimension whose other values were asked for.
    """

    seq: int
    as_of: datetime
    metrics: MetricsAnswer
    previous: MetricsAnswer
    trends: list[TrendAnswer]
    methods: list[MethodAnswer]
    declines: list[DeclineAnswer]
    payments: list[Payment]
    buckets: tuple[Window, ...] = ()
    bucket_rollups: tuple[Rollup, ...] = ()
    previous_window: Window | None = None
    previous_rollup: Rollup | None = None
    by: Dimension | None = None
    details: Rollup | None = None
    listed: frozenset[str] = frozenset()
    others: Listed = {}


def changes_of(document: Mapping[str, Any]) -> Changes:
    """Changes from a `ChangesAnswer`, decoded with `financeops.core.wire.decode`."""
    return Changes(
        seq=document["seq"],
        complete=document["complete"],
        changes=[wire.change_from(change) for change in document["changes"]],
    )


def snapshot_of(document: Mapping[str, Any]) -> Snapshot:
    """Snapshot from a `SnapshotAnswer`, decoded with `financeops.core.wire.decode`."""
    answer = wire.read_document(SnapshotAnswer, {**document, "payments": []})
    rollups = answer.rollups
    buckets = rollups.buckets if rollups else []
    details = rollups.details if rollups else None
    others = (rollups.listed if rollups else None) or {}
    return Snapshot(
        seq=answer.seq,
        as_of=answer.as_of,
        metrics=answer.metrics,
        previous=answer.previous,
        trends=answer.trends,
        methods=answer.methods,
        declines=answer.declines,
        payments=[wire.payment_from(payment) for payment in document["payments"]],
        buckets=tuple(Window(bucket.start, bucket.end) for bucket in buckets),
        bucket_rollups=tuple(map(wire.rollup_from, buckets)),
        previous_window=Window(rollups.previous_from, rollups.previous_to) if rollups else None,
        previous_rollup=wire.rollup_from(rollups.previous) if rollups else None,
        by=details.by if details else None,
        details=wire.details_from(details) if details else None,
        listed=frozenset(details.listed if details else ()),
        others={name: frozenset(values) for name, values in others.items()},
    )
