"""Payments by way of the cache, never stale.

The server tells how many payments, and refunded ones, each month holds at one `seq`, and how many
of both were taken back with an import. A kept month with the same counts, of the same history,
holds the same payments. One that is behind is completed from the change log; one that
cannot be is loaded whole. What changes while whole months are loaded is in the change log too and
is put in afterwards, so that all months together are true at one `seq`, whoever writes meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pyarrow as pa
import pyarrow.compute as pc

from financeops.arrow.tables import SCHEMA
from financeops.client import Client, MonthAnswer, MonthsAnswer
from financeops.core.errors import FinanceOpsError, Unavailable
from financeops.core.payments import Change, Payment
from financeops.core.periods import Window
from financeops.loading.background import Background
from financeops.loading.cache import Counts, KeptMonth, MonthCache, counts_of, empty_month
from financeops.loading.live import changes_between

_TRIES = 3
_MOST_CHANGES = 50_000
"""So far behind a kept month may be; further, loading it whole costs less."""

LoadMonths = Callable[[Window, int], pa.Table]
"""Loads all payments of a window, of which there are about so many."""


class CachedPayments:
    """All payments of a tenant's months, from the cache as far as that is right.

    Parameters
    ----------
    background : Background
    client : Client
    tenant_id : str
    cache : MonthCache
    load : callable
        How whole months are loaded from the server.
    """

    def __init__(
        self,
        background: Background,
        client: Client,
        tenant_id: str,
        *,
        cache: MonthCache,
        load: LoadMonths,
    ) -> None:
        self._background = background
        self._client = client
        self._tenant_id = tenant_id
        self._cache = cache
        self._load = load

    def months(self) -> MonthsAnswer:
        """The tenant's months at this moment."""
        return self._background.run(self._client.months(self._tenant_id))

    def tables(self, now: MonthsAnswer, window: Window, columns: list[str]) -> list[pa.Table]:
        """Payments of each month that reaches into a window, oldest first: whole months.

        Parameters
        ----------
        now : MonthsAnswer
            What `months` said a moment ago: the payments are those of then, or newer.
        columns : list of str
            Which columns are needed.

        Raises
        ------
        Unavailable
            The tenant's history was rewritten again and again meanwhile.
        """
        for _ in range(_TRIES):
            loaded = self._complete(now, window, columns)
            if loaded is not None:
                return loaded
            now = self.months()
        raise Unavailable("the payments were rewritten while they were loaded: load again")

    def _complete(
        self, now: MonthsAnswer, window: Window, columns: list[str]
    ) -> list[pa.Table] | None:
        """The months' payments; None when history or zone were changed meanwhile."""
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
            loaded = self._load(Window(run[0].start, run[-1].end), total)
            whole |= {month.month: _part(loaded, month) for month in run}
        later = self.months()
        if not _same_cut(now, later):
            return None
        changes = self._changes(now.seq, later.seq)
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
                if changes is not None and counts_of(table, later) == _counts(later, month):
                    self._cache.keep(later, month, table)
                tables[month.month] = table
        there = {month.month for month in later.months}  # one may have been taken back as a whole
        return [tables[name].select(columns) for name in sorted(tables.keys() & there)]

    def _kept(self, answer: MonthsAnswer, month: MonthAnswer) -> KeptMonth | None:
        """A month on disk that is not newer than an answer: older changes cannot be put into it."""
        kept = self._cache.find(answer, month)
        return kept if kept and kept.seq <= answer.seq else None

    def _fresh(
        self,
        now: MonthsAnswer,
        wanted: list[MonthAnswer],
        found: dict[str, KeptMonth | None],
        columns: list[str],
    ) -> dict[str, pa.Table]:
        """Months that are kept as they are now."""
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
        """Months that are kept as they once were and can be completed from the change log."""
        behind = [
            (month, kept)
            for month in wanted
            if month.month not in fresh and (kept := found[month.month])
        ]
        behind = [(month, kept) for month, kept in behind if now.seq - kept.seq <= _MOST_CHANGES]
        if not behind:
            return {}
        first = min(kept.seq for _, kept in behind)
        changes = self._changes(first, now.seq)
        if changes is None:
            return {}
        tables = {}
        for month, kept in behind:
            table = kept.table(SCHEMA.names)
            if table is None:
                continue
            # Those before it was kept are in it already; the latest of each payment counts.
            table = with_changes(table, _changed(changes, month))
            if counts_of(table, now) == _counts(now, month):
                self._cache.keep(now, month, table)
                tables[month.month] = table
        return tables

    def _changes(self, after: int, up_to: int) -> list[Change] | None:
        """What happened between two moments; None when the server no longer knows."""

        async def read() -> list[Change]:
            changes = changes_between(self._client, self._tenant_id, after, up_to)
            return [change async for change in changes]

        try:
            changes = self._background.run(read())
        except Unavailable:
            raise
        except FinanceOpsError:
            return None
        return changes if len(changes) == up_to - after else None


def with_changes(table: pa.Table, changes: Iterable[Change]) -> pa.Table:
    """A canonical table after changes, by time and then by id."""
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
    rows = [{name: getattr(payment, name) for name in SCHEMA.names} for payment in payments]
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def _within(answer: MonthsAnswer, window: Window) -> list[MonthAnswer]:
    return [
        month for month in answer.months if month.start < window.end and month.end > window.start
    ]


def _runs(wanted: list[MonthAnswer], have: Iterable[str]) -> list[list[MonthAnswer]]:
    """Months that are missing, those that follow one another together."""
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
    return Counts(month.payments, month.refunded, months.taken_back)


def _same_cut(before: MonthsAnswer, after: MonthsAnswer) -> bool:
    return (before.history, before.timezone) == (after.history, after.timezone)
