"""A connection to a server for those who work with data frames."""

from __future__ import annotations

import weakref
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable
from types import TracebackType
from typing import Any, Self, TypedDict, Unpack
from zoneinfo import ZoneInfo

import pyarrow as pa

from financeops.arrow.tables import SCHEMA, check_columns, check_frame, framed
from financeops.client import Client, MetricsAnswer, Snapshot
from financeops.client.query import keywords_of, question_of
from financeops.core.choices import choice_of
from financeops.core.instants import Moment
from financeops.core.payments import Change, Status
from financeops.core.periods import Period, Window
from financeops.core.questions import Question
from financeops.core.selection import Selection
from financeops.core.windows import ALL_TIME, check_order, ends_of, window_from
from financeops.loading.arriving import received
from financeops.loading.background import Background
from financeops.loading.cache import MonthCache
from financeops.loading.figures import DECLINES, METHODS, TRENDS, table_of
from financeops.loading.filtering import filtered, needed_columns
from financeops.loading.live import live_changes
from financeops.loading.months import CachedPayments
from financeops.loading.progress import progress_bar

_DEFAULT_TENANT = "tenant_1"


def connect(
    url: str | None = None,
    tenant: str | None = None,
    token: str | None = None,
    *,
    progress: bool = True,
) -> Connection:
    """Connect to a server, for one tenant.

    Parameters
    ----------
    url : str, optional
        Default: ``FINANCEOPS_URL``, else ``http://localhost:3001``.
    tenant : str, optional
        Whose payments; default ``tenant_1``.
    token : str, optional
        Sent as ``Authorization: Bearer …`` with every request, for a proxy in front of the server
        that asks for one. The server itself has no log-in yet.
    progress : bool
        Whether a load that takes longer than a second shows a progress bar.

    Returns
    -------
    Connection
        Its methods are synchronous and work in a plain program as in a notebook, whose event loop
        already runs. Close it, or use it in a ``with`` statement.

    Raises
    ------
    Unavailable
        No server answers there; `financeops up` starts one.

    Examples
    --------
    >>> import financeops as fo
    >>> payments = fo.connect().payments(since="2026-11-01")  # doctest: +SKIP
    """
    connection = Connection(url, tenant or _DEFAULT_TENANT, token, progress=progress)
    try:
        connection.check()
    except BaseException:
        connection.close()
        raise
    return connection


class Asked(TypedDict, total=False):
    """What figures are asked for; each may be left out. See `Connection.metrics`."""

    since: Moment | None
    until: Moment | None
    period: Period | str | None
    currency: str | None
    method: str | None
    timezone: str | None


class Connection:
    """One tenant of a server; see `connect`."""

    def __init__(self, url: str | None, tenant: str, token: str | None, *, progress: bool) -> None:
        self._client = Client(url, token=token)
        self._token = token
        self._progress = progress
        self.url = self._client.url
        self.tenant = tenant
        self._background = Background()
        self._reporting_currency: str | None = None
        self._cached = CachedPayments(
            self._background,
            self._client,
            tenant,
            cache=MonthCache(self.url, tenant),
            load=self._load_months,
        )
        # Whoever forgets to close it: when it is not used any more, at the latest at the end.
        self._finalizer = weakref.finalize(self, _close, self._background, self._client)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<financeops connection to {self.url}, tenant {self.tenant}>"

    def close(self) -> None:
        """Close the connections. Again does nothing."""
        self._finalizer()

    def check(self) -> None:
        """Return when the server and its database answer, else raise `Unavailable`."""
        self._background.run(self._client.ready())

    def payments(
        self,
        since: Moment | None = None,
        until: Moment | None = None,
        *,
        status: str | None = None,
        method: str | None = None,
        currency: str | None = None,
        columns: Iterable[str] | None = None,
        frame: str | None = None,
        cache: bool = True,
    ) -> Any:
        """Payments as a data frame.

        Parameters
        ----------
        since, until : datetime, date or str, optional
            Only payments created at or after `since` and before `until`: an aware datetime, a
            date (its first moment in the tenant's time zone) or either as ISO 8601 text. A time
            without a zone is refused.
        status : {"success", "failed", "refunded"}, optional
        method, currency : str, optional
            Only these payments.
        columns : iterable of str, optional
            Which columns, in this order; all by default.
        frame : {"polars", "pandas", "pyarrow"}, optional
            Which library's data frame; by default Polars, else pandas, else PyArrow.
        cache : bool
            Keep the payments on this computer, month by month, and load only what is not there
            yet: ``FINANCEOPS_CACHE_DIR``, else the user's folder for caches, in files that only
            this user can read. It is asked of the server each time whether they are still right.
            The months that the window touches are loaded as a whole. False loads just what is
            asked for and keeps nothing.

        Returns
        -------
        polars.DataFrame, pandas.DataFrame or pyarrow.Table
            One row per payment, oldest first, equal times by id, in the canonical columns
            (`financeops.arrow.tables`): amounts are Int64 minor units, times UTC with milliseconds.
            Without payments it has no rows and the same columns. With the cache, all of one
            moment; in any case at least as new as when it was asked for.

        Raises
        ------
        InvalidValue
            A parameter; named.
        NotFound
            The tenant does not exist.
        Unavailable
            The server, or its database, cannot be reached now.

        Examples
        --------
        >>> failed = fo.connect().payments(
        ...     since="2026-11-01", status="failed", columns=["created_at", "decline_code"]
        ... )  # doctest: +SKIP
        """
        kind = check_frame(frame)
        names = check_columns(columns)
        meant = None if status is None else choice_of(Status, status, field="status")
        now = self._cached.months()
        window = window_from(since, until, ZoneInfo(now.timezone))
        check_order(window, names=("since", "until"))
        selection = Selection(status=meant, method=method, currency=currency, window=window)
        if cache:
            tables = self._cached.tables(now, window, needed_columns(selection, names))
        else:
            tables = [self._load(selection, self._expected(selection))]
        found = [filtered(table, selection, names) for table in tables]
        return framed(pa.concat_tables([SCHEMA.empty_table().select(names), *found]), kind)

    def metrics(self, *, compare: bool = False, **asked: Unpack[Asked]) -> MetricsAnswer:
        """The key figures, over all time unless a period or a window is given.

        Parameters
        ----------
        compare : bool
            Whether its ``previous`` holds the figures of the period before.
        **asked
            ``period`` (``"day"``, ``"week"``, ``"month"``, ``"year"``), or ``since`` and
            ``until`` as of `payments`; ``currency``, by default the tenant's; ``method``;
            ``timezone``, in which hours and days are cut: another than the tenant's only for
            windows of at most 7 days.

        Returns
        -------
        MetricsAnswer
            Volumes and average are `Decimal` in major units of its ``currency``, rates in
            percent; None where there is no data.

        Raises
        ------
        InvalidValue, NotFound, Unavailable

        Examples
        --------
        >>> fo.connect().metrics(period="week", compare=True).success_rate  # doctest: +SKIP
        """
        question = keywords_of(self._question(asked))
        return self._background.run(self._client.metrics(self.tenant, compare=compare, **question))

    def trends(self, *, frame: str | None = None, **asked: Unpack[Asked]) -> Any:
        """Volume, count and success rate of each bucket, as a data frame, oldest first.

        Parameters
        ----------
        frame : {"polars", "pandas", "pyarrow"}, optional
        **asked
            As of `metrics`; by default the last day.

        Returns
        -------
        data frame
            ``currency``; ``start`` of the bucket, UTC; ``amount``, its total volume,
            Int64 minor units; ``count``, attempts; ``success_rate``, percent, null without any.
            Empty buckets are there too.

        Raises
        ------
        InvalidValue, NotFound, Unavailable
        """
        return self._table(self._client.trends, TRENDS, asked, frame)

    def methods(self, *, frame: str | None = None, **asked: Unpack[Asked]) -> Any:
        """Figures of each payment method, as a data frame, most attempts first.

        Parameters
        ----------
        frame : {"polars", "pandas", "pyarrow"}, optional
        **asked
            As of `metrics`.

        Returns
        -------
        data frame
            ``currency``, ``method``; ``count``, attempts; ``volume``, Int64 minor units;
            ``success_rate``, percent; ``share``, percent of all attempts.

        Raises
        ------
        InvalidValue, NotFound, Unavailable
        """
        return self._table(self._client.methods, METHODS, asked, frame)

    def declines(self, *, frame: str | None = None, **asked: Unpack[Asked]) -> Any:
        """Why payments failed, as a data frame, the most frequent reason first.

        Parameters
        ----------
        frame : {"polars", "pandas", "pyarrow"}, optional
        **asked
            As of `metrics`.

        Returns
        -------
        data frame
            ``currency``, ``decline_code``; ``count``, failures; ``volume``, what was asked for,
            Int64 minor units; ``share``, percent of all failures.

        Raises
        ------
        InvalidValue, NotFound, Unavailable
        """
        return self._table(self._client.declines, DECLINES, asked, frame)

    def snapshot(self, **asked: Unpack[Asked]) -> Snapshot:
        """All figures and the newest 100 payments, of one moment.

        Parameters
        ----------
        **asked
            As of `metrics`; by default the last day.

        Returns
        -------
        Snapshot
            ``metrics``, ``previous``, ``trends``, ``methods``, ``declines``, ``payments``,
            ``as_of`` and ``seq``, the last change counted in: ``live(seq=…)`` goes on after it.

        Raises
        ------
        InvalidValue, NotFound, Unavailable
        """
        question = keywords_of(self._question(asked))
        return self._background.run(self._client.snapshot(self.tenant, **question))

    def live(self, *, seq: int | None = None) -> AsyncGenerator[Change, None]:
        """Changes as they happen, in order, none left out and none twice.

        It runs in the event loop that awaits it, so in a notebook's cell. After a lost connection
        it goes on where it was.

        Parameters
        ----------
        seq : int, optional
            The last change that is already known, for example a snapshot's; by default the last
            one that there is now.

        Yields
        ------
        Change
            ``seq``, ``at``, ``type``, ``payment`` as it is now, ``previous_status``.

        Raises
        ------
        FinanceOpsError
            The server no longer has what followed: load anew.
        NotFound, Unavailable

        Examples
        --------
        >>> async for change in fo.connect().live():  # doctest: +SKIP
        ...     print(change.seq, change.type, change.payment.amount)
        """
        return live_changes(self.url, self.tenant, seq=seq, token=self._token)

    def _load_months(self, window: Window, total: int) -> pa.Table:
        return self._load(Selection(window=window), total)

    def _load(self, selection: Selection, total: int | None) -> pa.Table:
        chunks = self._client.export_chunks(self.tenant, format="arrow", **keywords_of(selection))
        with progress_bar(total, shown=self._progress) as arrived:
            return received(self._background.items(chunks), arrived=arrived)

    def _expected(self, selection: Selection) -> int | None:
        """How many payments will come, for the progress bar; None where that is not simple."""
        every = selection.window == ALL_TIME and selection.status is None
        if not self._progress or not every:
            return None
        question = Question(currency=selection.currency, method=selection.method)
        found = self._background.run(self._client.metrics(self.tenant, **keywords_of(question)))
        alone = selection.currency is not None or len(found.currencies) == 1
        return found.total_payments if alone else None

    def _table(
        self,
        figures: Callable[..., Coroutine[Any, Any, list[Any]]],
        schema: pa.Schema,
        asked: Asked,
        frame: str | None,
    ) -> Any:
        """What a question of the client's is answered with, as a data frame."""
        kind, question = check_frame(frame), self._question(asked)
        answers = self._background.run(figures(self.tenant, **keywords_of(question)))
        return framed(table_of(answers, schema, self._currency_of(question)), kind)

    def _question(self, asked: Asked) -> Question:
        since, until = asked.get("since"), asked.get("until")
        window = ALL_TIME
        if since is not None or until is not None:
            zone = ZoneInfo(asked.get("timezone") or self._cached.months().timezone)
            window = window_from(since, until, zone)
        start, end = ends_of(window)
        return question_of(
            period=asked.get("period"),
            start=start,
            end=end,
            currency=asked.get("currency"),
            method=asked.get("method"),
            timezone=asked.get("timezone"),
        )

    def _currency_of(self, question: Question) -> str:
        if self._reporting_currency is None:
            self._reporting_currency = self._cached.months().currency
        return question.currency or self._reporting_currency


def _close(background: Background, client: Client) -> None:
    background.run(client.close())
    background.close()
