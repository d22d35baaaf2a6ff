"""The REST client."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from types import TracebackType
from typing import Any, BinaryIO, Self, Unpack
from urllib.parse import quote

from msgspec import UNSET
from yarl import URL

from financeops.client.address import authorization, server_url
from financeops.client.query import Facets, parameters_of, present, question_of, selection_of
from financeops.client.transport import Transport
from financeops.client.values import Changes, Snapshot, changes_of, snapshot_of
from financeops.client.verifying import verified
from financeops.core import wire
from financeops.core.contract import paths
from financeops.core.contract.agreements import IDEMPOTENCY_KEY, MAX_PAGE, MAX_RATE_DAYS
from financeops.core.contract.analytics import (
    BreakdownAnswer,
    DeclineAnswer,
    MethodAnswer,
    MetricsAnswer,
    TrendAnswer,
)
from financeops.core.contract.imports import (
    FinishRequest,
    ImportAnswer,
    Option,
    StartRequest,
)
from financeops.core.contract.operations import RezoneAnswer, VerificationAnswer, VerifyAnswer
from financeops.core.contract.payments import (
    BatchAnswer,
    FirstHistoryAnswer,
    MonthsAnswer,
    SeedAnswer,
)
from financeops.core.contract.rates import RatesAnswer, RatesRecomputed, RatesRecorded
from financeops.core.contract.webhooks import DeadLetterAnswer, ReplayAnswer
from financeops.core.dimensions import Dimension
from financeops.core.disputes import DisputeStatus
from financeops.core.fees import FeeKind
from financeops.core.payments import Payment, Status
from financeops.core.periods import Period
from financeops.core.rates import DayRates

_CHUNK = 1 << 18


class Question(Facets, total=False):
    """A `core.questions.Question` as keywords; each may be left out.

    Without `period` and without `start` and `end`: all time, or the last day if buckets are needed.
    A `timezone` other than the tenant's requires a window of at most 7 days.
    """

    period: Period | str | None
    start: datetime | None
    end: datetime | None
    currency: str | None
    method: str | None
    timezone: str | None


class Selection(Facets, total=False):
    """A `core.selection.Selection` as keywords; each may be left out."""

    status: Status | str | None
    method: str | None
    currency: str | None
    start: datetime | None
    end: datetime | None
    order_id: str | None


class Client:
    """The server's REST routes as methods.

    Use it as an async context manager, or `close` it.

    Parameters
    ----------
    url : str, optional
        Default: ``FINANCEOPS_URL``, else ``http://localhost:3001``.
    timeout : float
        Seconds that an answer may take; streamed answers and those of long operations may take as
        long as they need.
    token : str, optional
        Sent as ``Authorization: Bearer …``, for a proxy in front of the server that asks for one:
        the server itself has no login.

    Raises
    ------
    InvalidValue
        By every method: a parameter or field that the server refuses, named.
    NotFound
        By every method: an unknown tenant or payment.
    Unavailable
        By every method: the server, or its database, cannot be reached now.
    """

    def __init__(
        self, url: str | None = None, *, timeout: float = 30.0, token: str | None = None
    ) -> None:
        self.url = server_url(url)
        self._http = Transport(self.url, timeout=timeout, headers=authorization(token))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    async def metrics(
        self,
        tenant_id: str | None = None,
        *,
        compare: bool = False,
        **question: Unpack[Question],
    ) -> MetricsAnswer:
        """Key figures, over all time unless `period` or `start` and `end` are given.

        With `compare`, `previous` of the answer holds the same figures of the previous period.
        """
        query = parameters_of(tenant_id, question_of(**question))
        if compare:
            query["compare"] = "true"
        return await self._http.answer(MetricsAnswer, "GET", paths.METRICS, query)

    async def trends(
        self,
        tenant_id: str | None = None,
        **question: Unpack[Question],
    ) -> list[TrendAnswer]:
        """One element for each bucket, empty ones included, oldest first."""
        query = parameters_of(tenant_id, question_of(**question))
        return await self._http.answer(list[TrendAnswer], "GET", paths.TRENDS, query)

    async def methods(
        self,
        tenant_id: str | None = None,
        **question: Unpack[Question],
    ) -> list[MethodAnswer]:
        """Figures of each payment method, most attempts first."""
        query = parameters_of(tenant_id, question_of(**question))
        return await self._http.answer(list[MethodAnswer], "GET", paths.METHODS, query)

    async def declines(
        self,
        tenant_id: str | None = None,
        **question: Unpack[Question],
    ) -> list[DeclineAnswer]:
        """Figures of each decline code, most failures first."""
        query = parameters_of(tenant_id, question_of(**question))
        return await self._http.answer(list[DeclineAnswer], "GET", paths.DECLINES, query)

    async def breakdown(
        self,
        tenant_id: str | None = None,
        *,
        by: Dimension | str,
        **question: Unpack[Question],
    ) -> list[BreakdownAnswer]:
        """Figures of each value of a dimension, such as ``country``, most attempts first.

        Payments without a value are one row, whose `value` is None.
        """
        query = {**parameters_of(tenant_id, question_of(**question)), "by": str(by)}
        return await self._http.answer(list[BreakdownAnswer], "GET", paths.BREAKDOWN, query)

    async def snapshot(
        self,
        tenant_id: str | None = None,
        *,
        rollups: bool = False,
        by: Dimension | str | None = None,
        **question: Unpack[Question],
    ) -> Snapshot:
        """All figures and the newest payments, of one consistent moment.

        With `rollups` also what the figures are computed from, and with `by` that by a dimension.
        """
        query = parameters_of(tenant_id, question_of(**question))
        if rollups:
            query["rollups"] = "true"
        if by is not None:
            query["by"] = str(by)
        return snapshot_of(await self._http.json("GET", paths.SNAPSHOT, query))

    async def payment(self, payment_id: str, tenant_id: str | None = None) -> Payment:
        """One payment."""
        query = present(tenantId=tenant_id)
        path = paths.payment(_part(payment_id))
        return wire.payment_from(await self._http.json("GET", path, query))

    async def payments(
        self,
        tenant_id: str | None = None,
        *,
        limit: int | None = None,
        page: int = MAX_PAGE,
        **selection: Unpack[Selection],
    ) -> AsyncIterator[Payment]:
        """Payments, newest first, fetched page by page as they are asked for.

        Parameters
        ----------
        limit : int, optional
            Largest number of payments; default all.
        page : int
            Number of payments to fetch at once, 1 to 1,000.
        """
        query = parameters_of(tenant_id, selection_of(**selection))
        left = limit
        while left is None or left > 0:
            query["limit"] = str(page if left is None else min(left, page))
            async with self._http.request("GET", paths.PAYMENTS, query) as answer:
                documents = wire.decode(await answer.read())
                following = answer.links.get("next")
            for document in documents:
                yield wire.payment_from(document)
            if following is None:
                return
            # Use only the cursor: behind a proxy the server may have another address.
            query["before"] = URL(following["url"]).query["before"]
            left = None if left is None else left - len(documents)

    async def post_payment(
        self, payment: Mapping[str, Any], *, idempotency_key: str | None = None
    ) -> Payment:
        """Record one payment.

        Parameters
        ----------
        payment : mapping
            The fields of the REST contract: ``amount`` (a Decimal or int in major units),
            ``method``, ``status``, and optionally ``tenantId``, ``currency``, ``createdAt``
            (a datetime or text), ``reference`` and so on.
        idempotency_key : str, optional
            A payment sent again with the same key counts once.

        Raises
        ------
        Conflict
            When the key or reference was used for another payment.
        """
        headers = {IDEMPOTENCY_KEY: idempotency_key} if idempotency_key else {}
        answer = await self._http.json(
            "POST", paths.PAYMENTS, {}, body=wire.encode(payment), headers=headers
        )
        return wire.payment_from(answer)

    async def post_batch(
        self,
        payments: Iterable[Mapping[str, Any]],
        *,
        source: str | None = None,
        import_id: str | None = None,
    ) -> BatchAnswer:
        """Record up to 1,000 payments; valid ones are recorded even if others are not.

        With `import_id` they are rows of a file, with the fields by which `financeops import`
        recognises them.
        """
        query = present(source=source, importId=import_id)
        return await self._http.answer(
            BatchAnswer, "POST", paths.BATCH, query, body=wire.encode(list(payments))
        )

    async def start_import(
        self,
        tenant_id: str | None = None,
        *,
        file: str,
        size: int | None = None,
        options: Mapping[str, Option] | None = None,
    ) -> ImportAnswer:
        """Begin an import, or resume the same one if it was interrupted."""
        request = StartRequest(
            tenant_id=UNSET if tenant_id is None else tenant_id,
            file=file,
            size=size,
            options=dict(options or {}),
        )
        return await self._http.answer(
            ImportAnswer, "POST", paths.IMPORTS, {}, body=wire.encode(request)
        )

    async def finish_import(
        self, import_id: str, *, duplicate: int = 0, conflict: int = 0, rejected: int = 0
    ) -> ImportAnswer:
        """Report that all rows were sent, and how many of them changed nothing, and why."""
        request = FinishRequest(duplicate=duplicate, conflict=conflict, rejected=rejected)
        path = paths.finish(_part(import_id))
        return await self._http.answer(ImportAnswer, "POST", path, {}, body=wire.encode(request))

    async def imports(self, tenant_id: str | None = None) -> list[ImportAnswer]:
        """A tenant's imports, newest first."""
        query = present(tenantId=tenant_id)
        return await self._http.answer(list[ImportAnswer], "GET", paths.IMPORTS, query)

    async def find_import(self, import_id: str) -> ImportAnswer:
        """One import; raises `NotFound`."""
        path = paths.one_import(_part(import_id))
        return await self._http.answer(ImportAnswer, "GET", path, {})

    async def undo_import(self, import_id: str, tenant_id: str | None = None) -> ImportAnswer:
        """Undo an import; repeating it returns the same answer.

        Raises
        ------
        Conflict
            When later changes depend on it; the message names them.
        """
        path = paths.undo(_part(import_id))
        query = present(tenantId=tenant_id)
        return await self._http.answer(ImportAnswer, "POST", path, query, patient=True)

    async def dead_letters(
        self, tenant_id: str | None = None, *, limit: int | None = None
    ) -> list[DeadLetterAnswer]:
        """What a tenant's payment providers told and could not be recorded, newest first.

        Parameters
        ----------
        tenant_id : str, optional
        limit : int, optional
            At most 1,000; by default 100.
        """
        query = present(tenantId=tenant_id, limit=limit)
        return await self._http.answer(list[DeadLetterAnswer], "GET", paths.DEAD_LETTERS, query)

    async def replay(self, letter_id: str, tenant_id: str | None = None) -> ReplayAnswer:
        """Try again to record what a dead letter tells; raises `NotFound`."""
        path = paths.replay(_part(letter_id))
        query = present(tenantId=tenant_id)
        return await self._http.answer(ReplayAnswer, "POST", path, query, patient=True)

    async def refund(
        self,
        payment_id: str,
        tenant_id: str | None = None,
        *,
        amount: Decimal | int | None = None,
        reason: str | None = None,
        at: datetime | None = None,
        idempotency_key: str | None = None,
    ) -> Payment:
        """Refund a payment, or a part of it.

        Parameters
        ----------
        payment_id : str
        tenant_id : str, optional
        amount : Decimal or int, optional
            Major units. Default: what is left, and repeating it counts once.
        reason : str, optional
        at : datetime, optional
            When the money was given back; aware. Default: now.
        idempotency_key : str, optional
            A refund sent again with the same key counts once.

        Raises
        ------
        Conflict
            When the payment failed, or less than `amount` is left; when the key was used for
            another refund.
        """
        said = {"amount": amount, "reason": reason, "at": at}
        return await self._tell(paths.refund(_part(payment_id)), tenant_id, said, idempotency_key)

    async def dispute(
        self,
        payment_id: str,
        tenant_id: str | None = None,
        *,
        dispute_id: str,
        status: DisputeStatus | str,
        amount: Decimal | int | None = None,
        reason: str | None = None,
        at: datetime | None = None,
        idempotency_key: str | None = None,
    ) -> Payment:
        """Tell that a payment is disputed, or how its dispute ended; telling it again counts once.

        Parameters
        ----------
        payment_id : str
        tenant_id : str, optional
        dispute_id : str
            The sender's name for the dispute: a payment has one.
        status : {"open", "won", "lost"}
            It may go on from open to one of the others, in whatever order that is told.
        amount : Decimal or int, optional
            Major units. Default: what was told before, else the payment's amount.
        reason : str, optional
        at : datetime, optional
            When it was opened, or closed; aware. Default: now.
        idempotency_key : str, optional

        Raises
        ------
        Conflict
            When the payment failed or has another dispute, or that is recorded otherwise; when
            the key was used for something else.
        """
        said = {
            "id": dispute_id,
            "status": str(status),
            "amount": amount,
            "reason": reason,
            "at": at,
        }
        return await self._tell(paths.dispute(_part(payment_id)), tenant_id, said, idempotency_key)

    async def charge(
        self,
        payment_id: str,
        tenant_id: str | None = None,
        *,
        fees: Iterable[tuple[FeeKind | str, Decimal | int]],
        at: datetime | None = None,
        idempotency_key: str | None = None,
    ) -> Payment:
        """Tell more of what a payment costs: fees come in pieces, and add up.

        Parameters
        ----------
        payment_id : str
        tenant_id : str, optional
        fees : iterable of (kind, amount)
            Major units of the payment's currency; a credit is negative.
        at : datetime, optional
            When they arose; aware. Default: now.
        idempotency_key : str, optional
            Fees told again with the same key count once; without one, each time.

        Raises
        ------
        Conflict
            When there are too many; when the key was used for others.
        """
        listed = [{"kind": str(kind), "amount": amount} for kind, amount in fees]
        said = {"fees": listed, "at": at}
        return await self._tell(paths.fees(_part(payment_id)), tenant_id, said, idempotency_key)

    async def settle(
        self,
        payment_id: str,
        tenant_id: str | None = None,
        *,
        payout_id: str,
        settled_at: datetime,
        settled_amount: Decimal | int | None = None,
        settled_currency: str | None = None,
        idempotency_key: str | None = None,
    ) -> Payment:
        """Tell when and as what the money of a payment arrived; telling it again counts once.

        Parameters
        ----------
        payment_id : str
        tenant_id : str, optional
        payout_id : str
            The payout that it came with.
        settled_at : datetime
            Aware.
        settled_amount : Decimal or int, optional
            Major units of `settled_currency`, by default the payment's.
        settled_currency : str, optional
        idempotency_key : str, optional

        Raises
        ------
        Conflict
            When the payment failed, or was settled otherwise; when the key was used for something
            else.
        """
        said = {
            "payoutId": payout_id,
            "settledAt": settled_at,
            "settledAmount": settled_amount,
            "settledCurrency": settled_currency,
        }
        path = paths.settlement(_part(payment_id))
        return await self._tell(path, tenant_id, said, idempotency_key)

    async def _tell(
        self, path: str, tenant_id: str | None, said: Mapping[str, Any], key: str | None
    ) -> Payment:
        given = {name: value for name, value in said.items() if value is not None}
        answer = await self._http.json(
            "POST",
            path,
            present(tenantId=tenant_id),
            body=wire.encode(given) if given else None,
            headers={IDEMPOTENCY_KEY: key} if key else {},
        )
        return wire.payment_from(answer)

    async def rates(
        self,
        *,
        base: str | None = None,
        quote: str | None = None,
        source: str | None = None,
        start: date | None = None,
        end: date | None = None,
    ) -> AsyncIterator[RatesAnswer]:
        """Exchange rates by day, newest first, fetched page by page as they are asked for.

        Parameters
        ----------
        base, quote, source : str, optional
            Only rates of one unit of `base`, in `quote`, as `source` says.
        start, end : date, optional
            Only rates of days from `start` until before `end`.
        """
        asked = {"base": base, "quote": quote, "source": source, "from": start, "to": end}
        query = present(**asked, limit=MAX_RATE_DAYS)
        while True:
            async with self._http.request("GET", paths.RATES, query) as answer:
                days = wire.read(list[RatesAnswer], await answer.read())
                following = answer.links.get("next")
            for day in days:
                yield day
            if following is None:
                return
            query["before"] = URL(following["url"]).query["before"]

    async def record_rates(
        self, days: Iterable[DayRates | RatesAnswer], *, replace: bool = False, check: bool = False
    ) -> RatesRecorded:
        """Record exchange rates of up to 1,000 days, for all tenants: all of them, or none.

        Parameters
        ----------
        days : iterable of DayRates
            Each day, base and source once. Rates that are known count once.
        replace : bool
            Whether they may replace other rates of the same day, pair and source.
        check : bool
            Whether to record nothing, and only return what would be recorded.

        Raises
        ------
        Conflict
            Another rate is known, and `replace` is not set.
        """
        flags = {"replace": replace, "check": check}
        query = {name: "true" for name, flag in flags.items() if flag}
        sent = [
            {"date": day.date, "base": day.base, "source": day.source, "rates": day.rates}
            for day in days
        ]
        return await self._http.answer(
            RatesRecorded, "POST", paths.RATES, query, body=wire.encode(sent)
        )

    async def recompute_rates(
        self, tenant_id: str | None = None, *, start: date, end: date
    ) -> RatesRecomputed:
        """Convert a tenant's payments of some days again, by the rates that are known now.

        Parameters
        ----------
        start, end : date
            Days from `start` until before `end`, in the tenant's time zone.

        Raises
        ------
        NotFound
        Conflict
            Several sources give rates, and the server's settings do not say which is meant.
        """
        query = present(tenantId=tenant_id, **{"from": start, "to": end})
        return await self._http.answer(
            RatesRecomputed, "POST", paths.RECOMPUTE, query, patient=True
        )

    async def seed(self, *, count: int | None = None, days: int | None = None) -> SeedAnswer:
        """Fill an empty database with realistic historical payments."""
        query = present(count=count, days=days)
        return await self._http.answer(SeedAnswer, "POST", paths.SEED, query, patient=True)

    async def record_history(self, *, newest: int | None = None) -> FirstHistoryAnswer:
        """Start recording two simulated years; return at once, or when `newest` are recorded."""
        query = present(newest=newest)
        return await self._http.answer(
            FirstHistoryAnswer, "POST", paths.HISTORY, query, patient=True
        )

    async def history(self, tenant_id: str | None = None) -> FirstHistoryAnswer:
        """Progress of recording a tenant's simulated history; 0 of 0 if it has none."""
        query = present(tenantId=tenant_id)
        return await self._http.answer(FirstHistoryAnswer, "GET", paths.HISTORY, query)

    async def export_chunks(
        self,
        tenant_id: str | None = None,
        *,
        format: str = "csv",  # noqa: A002 - the parameter's name in the REST contract
        **selection: Unpack[Selection],
    ) -> AsyncIterator[bytes]:
        """Yield a file of every selected payment, in pieces as they arrive."""
        query = {**parameters_of(tenant_id, selection_of(**selection)), "format": format}
        async with self._http.request("GET", paths.EXPORT, query, patient=True) as answer:
            async for chunk in answer.content.iter_chunked(_CHUNK):
                yield chunk

    async def export(
        self,
        file: BinaryIO,
        tenant_id: str | None = None,
        *,
        format: str = "csv",  # noqa: A002 - the parameter's name in the REST contract
        **selection: Unpack[Selection],
    ) -> int:
        """Write every selected payment to a binary file as it arrives.

        Parameters
        ----------
        file : binary file
        format : {"csv", "parquet", "arrow", "ndjson"}

        Returns
        -------
        int
            Bytes written.
        """
        written = 0
        async for chunk in self.export_chunks(tenant_id, format=format, **selection):
            written += file.write(chunk)
        return written

    async def months(self, tenant_id: str | None = None) -> MonthsAnswer:
        """Number of payments in each month, as of one `seq`."""
        query = present(tenantId=tenant_id)
        return await self._http.answer(MonthsAnswer, "GET", paths.MONTHS, query)

    async def changes(
        self, tenant_id: str | None = None, *, after: int, limit: int | None = None
    ) -> Changes:
        """Changes after a number of the sequence, at most about `limit`."""
        query = present(tenantId=tenant_id, after=after, limit=limit)
        return changes_of(await self._http.json("GET", paths.CHANGES, query))

    async def verify(
        self,
        tenant_id: str,
        *,
        repair: bool = False,
        progress: Callable[[VerificationAnswer], None] | None = None,
    ) -> VerifyAnswer:
        """Compare kept totals and displayed figures with the payments; `repair` corrects them.

        The server does so in the background; `progress` is called with its state from time to
        time. Cancelling this stops the verification.

        Raises
        ------
        Unavailable
            Also when too many verifications are waiting.
        """
        return await verified(self._http, tenant_id, repair=repair, progress=progress)

    async def set_timezone(self, tenant_id: str, timezone: str) -> RezoneAnswer:
        """Give a tenant another time zone: the server recomputes its totals."""
        path, query = paths.timezone(_part(tenant_id)), {"timezone": timezone}
        return await self._http.answer(RezoneAnswer, "POST", path, query, patient=True)

    async def ready(self) -> None:
        """Return when the server and its database answer, else raise `Unavailable`."""
        async with self._http.request("GET", paths.READY, {}):
            pass


def _part(name: str) -> str:
    """A name quoted as one part of a path."""
    return quote(name, safe="")
