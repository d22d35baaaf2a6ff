"""Load payments through the cache, never stale.

The server counts the payments of each month and what was given back of them at one `seq`, and
what was taken back with an import. A kept month with the same counts, of the same history,
contains the same payments. One that is behind is completed from the change log, or loaded whole
where the log is too short. Changes made while whole months are loaded are in the change log, too,
and are applied afterwards: so all months together are true at one `seq`, despite concurrent writes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from financeops.arrow.tables import SCHEMA, with_sums
from financeops.client import MonthAnswer, MonthsAnswer
from financeops.core.act_texts import ACT_TEXTS
from financeops.core.errors import Unavailable
from financeops.core.pairs import pairs_text
from financeops.core.payments import Change, Payment
from financeops.core.periods import EPOCH, Window
from financeops.core.selection import Selection
from financeops.loading.cache import Counts, KeptMonth, MonthCache, counts_of, empty_month
from financeops.loading.remote import Remote

_TRIES = 3
_MOST_CHANGES = 50_000
"""A kept month that is further behind is loaded whole, because that costs less."""


class CachedPayments:
    """All payments of a tenant's months, from the cache where it is right.

    Parameters
    ----------
    remote : Remote
        Where whole months and changes come from.
    cache : MonthCache
    """

    def __init__(self, remote: Remote, cache: MonthCache) -> None:
        self._remote = remote
        self._cache = cache

    def tables(self, now: MonthsAnswer, window: Window, columns: list[str]) -> list[pa.Table]:
        """Payments of each month that overlaps a window, oldest first: whole months.

        Parameters
        ----------
        now : MonthsAnswer
            The tenant's months a moment ago: the payments are those of that moment, or newer.
        columns : list of str
            Columns needed.

        Raises
        ------
        Unavailable
            The tenant's history was rewritten repeatedly meanwhile.
        """
        for _ in range(_TRIES):
            loaded = self._complete(now, window, columns)
            if loaded is not None:
                return loaded
            now = self._remote.months()
        raise Unavailable("the payments were rewritten while they were loaded: load again")

    def _complete(
        self, now: MonthsAnswer, window: Window, columns: list[str]
    ) -> list[pa.Table] | None:
        """Payments of the months; None when the history or the time zone changed meanwhile."""
        wanted = _within(now, window)
        found = {month.month: self._kept(now, month) for month in wanted}
        tables = self._fresh(now, wanted, found, columns)
        tables |= self._caught_up(now, wanted, found, tables)
        runs = _runs(wanted, tables.keys())
        if not runs:
            return [tables[month.month].select(columns) for month in wanted]
        whole: dict[str, pa.Table] = {}
        for run in runs:
            total = sum(month.payments for month in run)
            # East of UTC the first month begins before the earliest moment that one may ask for.
            start = max(run[0].start, EPOCH)
            whole_run = Selection(window=Window(start, run[-1].end))
            loaded = self._remote.export(whole_run, total)
            whole |= {month.month: _part(loaded, month) for month in run}
        later = self._remote.months()
        if not _same_cut(now, later):
            return None
        changes = self._remote.changes(now.seq, later.seq)
        for month in _within(later, window):
            table = whole.get(month.month)
            touched = _changed(changes or [], month)
            if table is None and touched:
                kept = self._kept(later, month)
                table = kept and kept.table(SCHEMA.names)
                if table is None:
                    if month.month in tables:  # another process has replaced it
                        return None
                    table = empty_month()
            if table is not None:
                table = with_changes(table, touched)
                if changes is not None and counts_of(table, later, month) == _counts(later, month):
                    self._cache.keep(later, month, table)
                tables[month.month] = table
        there = {
            month.month for month in later.months
        }  # all payments of one may have been taken back
        return [tables[name].select(columns) for name in sorted(tables.keys() & there)]

    def _kept(self, answer: MonthsAnswer, month: MonthAnswer) -> KeptMonth | None:
        """A month on disk that is not newer than an answer: older changes cannot be applied to it."""
        kept = self._cache.find(answer, month)
        return kept if kept and kept.seq <= answer.seq else None

    def _fresh(
        self,
        now: MonthsAnswer,
        wanted: list[MonthAnswer],
        found: dict[str, KeptMonth | None],
        columns: list[str],
    ) -> dict[str, pa.Table]:
        """Kept months that are up to date."""
        tables = {}
        for month in wanted:
            kept = found[month.month]
            if kept is not None and kept.counts == _counts(now, month):
                table = kept.table(columns)
                if table is not None:
                    tables[month.month] = table
        return tables

    def _caught_up(
        self,
        now: MonthsAnswer,
        wanted: list[MonthAnswer],
        found: dict[str, KeptMonth | None],
        fresh: dict[str, pa.Table],
    ) -> dict[str, pa.Table]:
        """Kept months that are behind, completed from the change log where possible."""
        behind = [
            (month, kept)
            for month in wanted
            if month.month not in fresh and (kept := found[month.month])
        ]
        behind = [(month, kept) for month, kept in behind if now.seq - kept.seq <= _MOST_CHANGES]
        if not behind:
            return {}
        first = min(kept.seq for _, kept in behind)
        changes = self._remote.changes(first, now.seq)
        if changes is None:
            return {}
        tables = {}
        for month, kept in behind:
            table = kept.table(SCHEMA.names)
            if table is None:
                continue
            # Changes before it was kept are already in it; the latest of each payment counts.
            table = with_changes(table, _changed(changes, month))
            if counts_of(table, now, month) == _counts(now, month):
                self._cache.keep(now, month, table)
                tables[month.month] = table
        return tables


def with_changes(table: pa.Table, changes: Iterable[Change]) -> pa.Table:
    """A canonical table with changes applied, sorted by time and id."""
    latest = {change.payment.id: change for change in changes}
    if not latest:
        return table
    changed = table_of(change.payment for change in latest.values() if not change.removed)
    ids = pa.array(list(latest), SCHEMA.field("id").type)
    others = table.filter(pc.invert(pc.is_in(table["id"], value_set=ids)))
    together = pa.concat_tables([others, changed])
    return together.sort_by([("created_at", "ascending"), ("id", "ascending")])


def table_of(payments: Iterable[Payment]) -> pa.Table:
    """Canonical table of payments."""
    rows = [
        {name: _cell(name, getattr(payment, name)) for name in SCHEMA.names} for payment in payments
    ]
    return with_sums(pa.Table.from_pylist(rows, schema=SCHEMA))


def _cell(name: str, value: Any) -> Any:
    if name in ACT_TEXTS:
        return value and ACT_TEXTS[name].write(value)
    return pairs_text(value) if isinstance(value, dict) else value


def _within(answer: MonthsAnswer, window: Window) -> list[MonthAnswer]:
    return [
        month for month in answer.months if month.start < window.end and month.end > window.start
    ]


def _runs(wanted: list[MonthAnswer], have: Iterable[str]) -> list[list[MonthAnswer]]:
    """Runs of consecutive months that are missing."""
    known = set(have)
    runs: list[list[MonthAnswer]] = [[]]
    for month in wanted:
        if month.month in known:
            runs.append([])
        else:
            runs[-1].append(month)
    return [run for run in runs if run]


def _part(table: pa.Table, month: MonthAnswer) -> pa.Table:
    at = pc.field("created_at")
    start, end = (
        pa.scalar(each, SCHEMA.field("created_at").type) for each in (month.start, month.end)
    )
    return table.filter((at >= start) & (at < end))


def _changed(changes: Iterable[Change], month: MonthAnswer) -> list[Change]:
    return [change for change in changes if month.start <= change.payment.created_at < month.end]


def _counts(months: MonthsAnswer, month: MonthAnswer) -> Counts:
    return Counts(
        payments=month.payments,
        refunded=month.refunded,
        returned=month.returned,
        revised=month.revised,
        taken_back=months.taken_back,
        renumbered=month.renumbered,
    )


def _same_cut(before: MonthsAnswer, after: MonthsAnswer) -> bool:
    return (before.history, before.timezone) == (after.history, after.timezone)
