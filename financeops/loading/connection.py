"""Connect to a server and load payments and figures as data frames."""

from __future__ import annotations

import weakref
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, TypedDict, Unpack, overload
from zoneinfo import ZoneInfo

import pyarrow as pa

from financeops.arrow.tables import SCHEMA, check_columns, check_frame, framed
from financeops.client import MetricsAnswer, Snapshot
from financeops.client.query import Facets, keywords_of, question_of
from financeops.core.choices import choice_of
from financeops.core.contract.agreements import DEFAULT_TENANT
from financeops.core.instants import Moment
from financeops.core.payments import Change, Status
from financeops.core.periods import Period
from financeops.core.questions import Question
from financeops.core.selection import Selection
from financeops.core.windows import ALL_TIME, check_order, ends_of, window_from
from financeops.loading.answers import DECLINES, METHODS, TRENDS, table_of
from financeops.loading.cache import MonthCache
from financeops.loading.filtering import filtered, needed_columns
from financeops.loading.live import live_changes
from financeops.loading.months import CachedPayments
from financeops.loading.rates import Day, rates_of
from financeops.loading.remote import Remote

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl


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
        Default: ``tenant_1``.
    token : str, optional
        Sent as ``Authorization: Bearer …`` with every request, for a proxy in front of the server
        that requires one. The server itself has no authentication yet.
    progress : bool
        Whether a load that takes longer than a second shows a progress bar.

    Returns
    -------
    Connection
        Its methods are synchronous and work in programs and in notebooks, whose event loop is
        already running. Close it, or use it in a ``with`` statement. While the server says that it
        is busy, requests are repeated for up to a minute.

    Raises
    ------
    Unavailable
        No server answers at that address; `financeops up` starts one.

    Examples
    --------
    >>> import financeops as fo
    >>> payments = fo.connect().payments(since="2026-11-01")  # doctest: +SKIP
    """
    connection = Connection(url, tenant or DEFAULT_TENANT, token, progress=progress)
    try:
        connection.check()
    except BaseException:
        connection.close()
        raise
    return connection


class FigureParams(Facets, total=False):
    """Which payments figures are of; see `Connection.metrics`."""

    since: Moment | None
    until: Moment | None
    period: Period | str | None
    currency: str | None
    method: str | None
    timezone: str | None


class PaymentParams(TypedDict, total=False):
    """Which payments are loaded and how; see `Connection.payments`."""

    status: str | None
    method: str | None
    currency: str | None
    columns: Iterable[str] | None
    cache: bool


class Connection:
    """One tenant of a server; see `connect`."""

    def __init__(self, url: str | None, tenant: str, token: str | None, *, progress: bool) -> None:
        self._remote = Remote(url, tenant, token, progress=progress)
        self._token = token
        self.url = self._remote.url
        self.tenant = tenant
        self._reporting_currency: str | None = None
        self._cached = CachedPayments(self._remote, MonthCache(self.url, tenant))
        # For those who forget to close it: when it is no longer used, at the latest on exit.
        self._finalizer = weakref.finalize(self, self._remote.close)

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
        """Close the connections. Closing again does nothing."""
        self._finalizer()

    def check(self) -> None:
        """Raise `Unavailable` unless the server and its database answer."""
        self._remote.ask(self._remote.client.ready)

    @overload
    def payments(
        self,
        since: Moment | None = None,
        until: Moment | None = None,
        *,
        frame: Literal["polars"],
        **params: Unpack[PaymentParams],
    ) -> pl.DataFrame: ...
    @overload
    def payments(
        self,
        since: Moment | None = None,
        until: Moment | None = None,
        *,
        frame: Literal["pandas"],
        **params: Unpack[PaymentParams],
    ) -> pd.DataFrame: ...
    @overload
    def payments(
        self,
        since: Moment | None = None,
        until: Moment | None = None,
        *,
        frame: Literal["pyarrow"],
        **params: Unpack[PaymentParams],
    ) -> pa.Table: ...
    @overload
    def payments(
        self,
        since: Moment | None = None,
        until: Moment | None = None,
        *,
        frame: str | None = None,
        **params: Unpack[PaymentParams],
    ) -> Any: ...
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
            without a zone is an error.
        status : {"success", "failed", "refunded"}, optional
        method, currency : str, optional
            Only these payments.
        columns : iterable of str, optional
            Which columns, in this order; all by default.
        frame : {"polars", "pandas", "pyarrow"}, optional
            Library of the data frame; by default Polars, else pandas, else PyArrow.
        cache : bool
            Keep the payments on this computer, month by month, and load only what is missing. They
            are kept in ``FINANCEOPS_CACHE_DIR``, else the user's folder for caches, in files that
            only this user can read. Each time, the server is asked whether they are still right.
            All months that overlap the window are loaded completely. False loads only the
            selection and keeps nothing.

        Returns
        -------
        polars.DataFrame, pandas.DataFrame or pyarrow.Table
            One row per payment, oldest first, equal times by id, in the canonical columns
            (`financeops.arrow.tables`): amounts are Int64 minor units, times UTC with milliseconds.
            Without payments it has the same columns and no rows. With the cache, all rows are
            of one moment; in any case they are at least as new as the call.

        Raises
        ------
        InvalidValue
            A parameter is wrong; the error names it.
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
        chosen = None if status is None else choice_of(Status, status, field="status")
        now = self._remote.months()
        window = window_from(since, until, ZoneInfo(now.timezone))
        check_order(window, names=("since", "until"))
        selection = Selection(status=chosen, method=method, currency=currency, window=window)
        if cache:
            tables = self._cached.tables(now, window, needed_columns(selection, names))
        else:
            tables = [self._remote.export(selection, self._remote.expected(selection))]
        found = [filtered(table, selection, names) for table in tables]
        return framed(pa.concat_tables([SCHEMA.empty_table().select(names), *found]), kind)

    def metrics(self, *, compare: bool = False, **params: Unpack[FigureParams]) -> MetricsAnswer:
        """The key figures, over all time unless a period or a window is given.

        Parameters
        ----------
        compare : bool
            Whether to add the figures of the period before, as ``previous``.
        **params
            ``period`` (``"day"``, ``"week"``, ``"month"``, ``"year"``), or ``since`` and
            ``until`` as in `payments`; ``currency``, by default the tenant's, or ``"reporting"``
            for all currencies, converted into the tenant's; ``method``;
            values of dimensions, such as ``country="DE"`` or ``processor="-"``, which are those
            without one; ``timezone``, in which hours and days begin: other than the tenant's only for windows of
            at most 7 days.

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
        question = keywords_of(self._question(**params))
        client = self._remote.client
        return self._remote.ask(client.metrics, self.tenant, compare=compare, **question)

    @overload
    def trends(
        self, *, frame: Literal["polars"], **params: Unpack[FigureParams]
    ) -> pl.DataFrame: ...
    @overload
    def trends(
        self, *, frame: Literal["pandas"], **params: Unpack[FigureParams]
    ) -> pd.DataFrame: ...
    @overload
    def trends(self, *, frame: Literal["pyarrow"], **params: Unpack[FigureParams]) -> pa.Table: ...
    @overload
    def trends(self, *, frame: str | None = None, **params: Unpack[FigureParams]) -> Any: ...
    def trends(self, *, frame: str | None = None, **params: Unpack[FigureParams]) -> Any:
        """Volume, count and success rate of each bucket, as a data frame, oldest first.

        Parameters
        ----------
        frame : {"polars", "pandas", "pyarrow"}, optional
        **params
            As in `metrics`; by default the last day.

        Returns
        -------
        data frame
            ``currency``; ``start`` of the bucket, UTC; ``amount``, its total volume,
            Int64 minor units; ``count``, attempts; ``success_rate``, percent, null without
            attempts. Empty buckets are included.

        Raises
        ------
        InvalidValue, NotFound, Unavailable
        """
        return self._table(self._remote.client.trends, TRENDS, params, frame)

    @overload
    def methods(
        self, *, frame: Literal["polars"], **params: Unpack[FigureParams]
    ) -> pl.DataFrame: ...
    @overload
    def methods(
        self, *, frame: Literal["pandas"], **params: Unpack[FigureParams]
    ) -> pd.DataFrame: ...
    @overload
    def methods(self, *, frame: Literal["pyarrow"], **params: Unpack[FigureParams]) -> pa.Table: ...
    @overload
    def methods(self, *, frame: str | None = None, **params: Unpack[FigureParams]) -> Any: ...
    def methods(self, *, frame: str | None = None, **params: Unpack[FigureParams]) -> Any:
        """Figures of each payment method, as a data frame, most attempts first.

        Parameters
        ----------
        frame : {"polars", "pandas", "pyarrow"}, optional
        **params
            As in `metrics`.

        Returns
        -------
        data frame
            ``currency``, ``method``; ``count``, attempts; ``volume``, Int64 minor units;
            ``success_rate``, percent; ``share``, percent of all attempts.

        Raises
        ------
        InvalidValue, NotFound, Unavailable
        """
        return self._table(self._remote.client.methods, METHODS, params, frame)

    @overload
    def declines(
        self, *, frame: Literal["polars"], **params: Unpack[FigureParams]
    ) -> pl.DataFrame: ...
    @overload
    def declines(
        self, *, frame: Literal["pandas"], **params: Unpack[FigureParams]
    ) -> pd.DataFrame: ...
    @overload
    def declines(
        self, *, frame: Literal["pyarrow"], **params: Unpack[FigureParams]
    ) -> pa.Table: ...
    @overload
    def declines(self, *, frame: str | None = None, **params: Unpack[FigureParams]) -> Any: ...
    def declines(self, *, frame: str | None = None, **params: Unpack[FigureParams]) -> Any:
        """Reasons why payments failed, as a data frame, the most frequent first.

        Parameters
        ----------
        frame : {"polars", "pandas", "pyarrow"}, optional
        **params
            As in `metrics`.

        Returns
        -------
        data frame
            ``currency``, ``decline_code``; ``count``, failures; ``volume`` of the failed
            attempts, Int64 minor units; ``share``, percent of all failures.

        Raises
        ------
        InvalidValue, NotFound, Unavailable
        """
        return self._table(self._remote.client.declines, DECLINES, params, frame)

    @overload
    def rates(
        self,
        since: Day | None = None,
        until: Day | None = None,
        *,
        base: str | None = None,
        quote: str | None = None,
        source: str | None = None,
        frame: Literal["polars"],
    ) -> pl.DataFrame: ...
    @overload
    def rates(
        self,
        since: Day | None = None,
        until: Day | None = None,
        *,
        base: str | None = None,
        quote: str | None = None,
        source: str | None = None,
        frame: Literal["pandas"],
    ) -> pd.DataFrame: ...
    @overload
    def rates(
        self,
        since: Day | None = None,
        until: Day | None = None,
        *,
        base: str | None = None,
        quote: str | None = None,
        source: str | None = None,
        frame: Literal["pyarrow"],
    ) -> pa.Table: ...
    @overload
    def rates(
        self,
        since: Day | None = None,
        until: Day | None = None,
        *,
        base: str | None = None,
        quote: str | None = None,
        source: str | None = None,
        frame: str | None = None,
    ) -> Any: ...
    def rates(
        self,
        since: Day | None = None,
        until: Day | None = None,
        *,
        base: str | None = None,
        quote: str | None = None,
        source: str | None = None,
        frame: str | None = None,
    ) -> Any:
        """Exchange rates that the server has, as a data frame, for ``fo.convert``.

        Parameters
        ----------
        since, until : date or str, optional
            Only rates of days from `since` until before `until`.
        base, quote, source : str, optional
            Only rates of one unit of `base`, in `quote`, as `source` says.
        frame : {"polars", "pandas", "pyarrow"}, optional

        Returns
        -------
        data frame
            One row per rate, oldest first, as ``fo.read_rates`` returns them.

        Raises
        ------
        InvalidValue, Unavailable
        """
        kind = check_frame(frame)
        chosen = {"base": base, "quote": quote, "source": source}
        return framed(rates_of(self._remote, since, until, **chosen), kind)

    def snapshot(self, **params: Unpack[FigureParams]) -> Snapshot:
        """All figures and the newest 100 payments, of one moment.

        Parameters
        ----------
        **params
            As in `metrics`; by default the last day.

        Returns
        -------
        Snapshot
            ``metrics``, ``previous``, ``trends``, ``methods``, ``declines``, ``payments``,
            ``as_of`` and ``seq``, the last change included: ``live(seq=…)`` continues after it.

        Raises
        ------
        InvalidValue, NotFound, Unavailable
        """
        question = keywords_of(self._question(**params))
        return self._remote.ask(self._remote.client.snapshot, self.tenant, **question)

    def live(self, *, seq: int | None = None) -> AsyncGenerator[Change, None]:
        """Yield changes as they happen, in order, each exactly once.

        It runs in the event loop that awaits it, for example a notebook's. After a lost connection
        it continues where it was.

        Parameters
        ----------
        seq : int, optional
            The last change already known, for example a snapshot's; by default the latest change.

        Yields
        ------
        Change
            ``seq``, ``at``, ``type``, ``payment`` as it is now, ``previous_status``.

        Raises
        ------
        FinanceOpsError
            The server no longer has the changes after `seq`: load the payments again.
        NotFound, Unavailable

        Examples
        --------
        >>> async for change in fo.connect().live():  # doctest: +SKIP
        ...     print(change.seq, change.type, change.payment.amount)
        """
        return live_changes(self.url, self.tenant, seq=seq, token=self._token)

    def _table(
        self,
        figures: Callable[..., Coroutine[Any, Any, list[Any]]],
        schema: pa.Schema,
        params: FigureParams,
        frame: str | None,
    ) -> Any:
        """Figures that the server answers with, as a data frame."""
        kind, question = check_frame(frame), self._question(**params)
        answers = self._remote.ask(figures, self.tenant, **keywords_of(question))
        return framed(table_of(answers, schema, self._currency_of(question)), kind)

    def _question(
        self,
        *,
        since: Moment | None = None,
        until: Moment | None = None,
        period: Period | str | None = None,
        currency: str | None = None,
        method: str | None = None,
        timezone: str | None = None,
        **facets: Unpack[Facets],
    ) -> Question:
        window = ALL_TIME
        if since is not None or until is not None:
            zone = ZoneInfo(timezone or self._remote.months().timezone)
            window = window_from(since, until, zone)
        start, end = ends_of(window)
        return question_of(
            period=period,
            start=start,
            end=end,
            currency=currency,
            method=method,
            timezone=timezone,
            **facets,
        )

    def _currency_of(self, question: Question) -> str:
        if self._reporting_currency is None:
            self._reporting_currency = self._remote.months().currency
        return question.currency or self._reporting_currency
