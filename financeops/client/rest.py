"""The REST client."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from datetime import datetime
from types import TracebackType
from typing import Any, BinaryIO, Self, TypedDict, Unpack
from urllib.parse import quote

from yarl import URL

from financeops.client.address import authorization, server_url
from financeops.client.answers import (
    BatchAnswer,
    ChangesAnswer,
    DeclineAnswer,
    HistoryAnswer,
    MethodAnswer,
    MetricsAnswer,
    MonthsAnswer,
    SeedAnswer,
    Snapshot,
    TrendAnswer,
    VerificationAnswer,
    VerifyAnswer,
    answer_of,
    changes_of,
    snapshot_of,
)
from financeops.client.query import Asked, query_of, question_of, selection_of
from financeops.client.transport import Transport
from financeops.client.verifying import verified
from financeops.core import wire
from financeops.core.contract.imports import ImportAnswer, Option
from financeops.core.payments import Payment, Status
from financeops.core.periods import Period

_PAGE = 1000
_CHUNK = 1 << 18


class Question(TypedDict, total=False):
    """A `core.questions.Question` as keywords; each may be left out.

    With neither `period` nor `start` and `end`: all time, where buckets are needed the last day.
    `timezone` other than the tenant's is for windows of at most 7 days.
    """

    period: Period | str | None
    start: datetime | None
    end: datetime | None
    currency: str | None
    method: str | None
    timezone: str | None


class Selection(TypedDict, total=False):
    """A `core.selection.Selection` as keywords; each may be left out."""

    status: Status | str | None
    method: str | None
    currency: str | None
    start: datetime | None
    end: datetime | None


class Client:
    """The server's REST routes as methods.

    Use it as an async context manager, or `close` it.

    Parameters
    ----------
    url : str, optional
        Default: ``FINANCEOPS_URL``, else ``http://localhost:3001``.
    timeout : float
        Seconds that an answer may take; those that are streamed or do long work take as long as
        they need.
    token : str, optional
        Sent as ``Authorization: Bearer …``, for a proxy in front of the server that asks for one:
        the server itself has no log-in.

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

        With `compare` its `previous` holds the same figures of the previous period.
        """
        query = _asked(tenant_id, question_of(**question))
        if compare:
            query["compare"] = "true"
        return answer_of(
            await self._http.json("GET", "/api/analytics/metrics", query), MetricsAnswer
        )

    async def trends(
        self,
        tenant_id: str | None = None,
        **question: Unpack[Question],
    ) -> list[TrendAnswer]:
        """One element for each bucket, empty ones included, oldest first."""
        query = _asked(tenant_id, question_of(**question))
        return answer_of(
            await self._http.json("GET", "/api/analytics/trends", query), list[TrendAnswer]
        )

    async def methods(
        self,
        tenant_id: str | None = None,
        **question: Unpack[Question],
    ) -> list[MethodAnswer]:
        """Figures of each payment method, most attempts first."""
        query = _asked(tenant_id, question_of(**question))
        return answer_of(
            await self._http.json("GET", "/api/analytics/methods", query), list[MethodAnswer]
        )

    async def declines(
        self,
        tenant_id: str | None = None,
        **question: Unpack[Question],
    ) -> list[DeclineAnswer]:
        """Figures of each decline code, most failures first."""
        query = _asked(tenant_id, question_of(**question))
        return answer_of(
            await self._http.json("GET", "/api/analytics/declines", query), list[DeclineAnswer]
        )

    async def snapshot(
        self,
        tenant_id: str | None = None,
        *,
        rollups: bool = False,
        **question: Unpack[Question],
    ) -> Snapshot:
        """All figures and the newest payments, of one consistent moment."""
        query = _asked(tenant_id, question_of(**question))
        if rollups:
            query["rollups"] = "true"
        return snapshot_of(await self._http.json("GET", "/api/analytics/snapshot", query))

    async def payment(self, payment_id: str, tenant_id: str | None = None) -> Payment:
        """One payment."""
        query = _present(tenantId=tenant_id)
        return wire.payment_from(
            await self._http.json("GET", f"/payments/{quote(payment_id, safe='')}", query)
        )

    async def payments(
        self,
        tenant_id: str | None = None,
        *,
        limit: int | None = None,
        page: int = _PAGE,
        **selection: Unpack[Selection],
    ) -> AsyncIterator[Payment]:
        """Payments, newest first, fetched page by page as they are asked for.

        Parameters
        ----------
        limit : int, optional
            How many at most; default all.
        page : int
            How many to fetch at once, 1 to 1,000.
        """
        query = _asked(tenant_id, selection_of(**selection))
        left = limit
        while left is None or left > 0:
            query["limit"] = str(page if left is None else min(left, page))
            async with self._http.request("GET", "/payments", query) as answer:
                documents = wire.decode(await answer.read())
                following = answer.links.get("next")
            for document in documents:
                yield wire.payment_from(document)
            if following is None:
                return
            # Only the cursor is taken: behind a proxy the server may know itself by another name.
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
            Sent again with the same key, the payment counts once.

        Raises
        ------
        Conflict
            When the key or reference was used for another payment.
        """
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        answer = await self._http.json(
            "POST", "/payments", {}, body=wire.encode(payment), headers=headers
        )
        return wire.payment_from(answer)

    async def post_batch(
        self,
        payments: Iterable[Mapping[str, Any]],
        *,
        source: str | None = None,
        import_id: str | None = None,
    ) -> BatchAnswer:
        """Record up to 1,000 payments; those that are valid are kept when others are not.

        With `import_id` they are rows of a file: `financeops import` says what each is known by.
        """
        query = _present(source=source, importId=import_id)
        return answer_of(
            await self._http.json(
                "POST", "/payments/batch", query, body=wire.encode(list(payments))
            ),
            BatchAnswer,
        )

    async def start_import(
        self,
        tenant_id: str | None = None,
        *,
        file: str,
        size: int | None = None,
        options: Mapping[str, Option] | None = None,
    ) -> ImportAnswer:
        """Begin an import, or go on with the same one that was broken off."""
        said = {"tenantId": tenant_id, "file": file, "size": size, "options": dict(options or {})}
        answer = await self._http.json("POST", "/api/imports", {}, body=wire.encode(said))
        return answer_of(answer, ImportAnswer)

    async def finish_import(
        self, import_id: str, *, duplicate: int = 0, conflict: int = 0, rejected: int = 0
    ) -> ImportAnswer:
        """Tell that all rows were sent, and what became of those that changed nothing."""
        said = {"duplicate": duplicate, "conflict": conflict, "rejected": rejected}
        path = f"/api/imports/{quote(import_id, safe='')}/finish"
        return answer_of(
            await self._http.json("POST", path, {}, body=wire.encode(said)), ImportAnswer
        )

    async def imports(self, tenant_id: str | None = None) -> list[ImportAnswer]:
        """A tenant's imports, newest first."""
        query = _present(tenantId=tenant_id)
        return answer_of(await self._http.json("GET", "/api/imports", query), list[ImportAnswer])

    async def find_import(self, import_id: str) -> ImportAnswer:
        """One import; raises `NotFound`."""
        path = f"/api/imports/{quote(import_id, safe='')}"
        return answer_of(await self._http.json("GET", path, {}), ImportAnswer)

    async def undo_import(self, import_id: str, tenant_id: str | None = None) -> ImportAnswer:
        """Take an import back; again gives the same answer.

        Raises
        ------
        Conflict
            When later acts depend on it; says which.
        """
        path = f"/api/imports/{quote(import_id, safe='')}/undo"
        query = _present(tenantId=tenant_id)
        return answer_of(await self._http.json("POST", path, query, patient=True), ImportAnswer)

    async def refund(self, payment_id: str, tenant_id: str | None = None) -> Payment:
        """Refund a payment; again gives the same answer and counts once.

        Raises
        ------
        Conflict
            When the payment failed: there is nothing to give back.
        """
        path = f"/payments/{quote(payment_id, safe='')}/refund"
        return wire.payment_from(await self._http.json("POST", path, _present(tenantId=tenant_id)))

    async def seed(self, *, count: int | None = None, days: int | None = None) -> SeedAnswer:
        """Fill an empty database with realistic historical payments."""
        query = _present(count=count, days=days)
        return answer_of(
            await self._http.json("POST", "/payments/seed", query, patient=True), SeedAnswer
        )

    async def record_history(self, *, newest: int | None = None) -> HistoryAnswer:
        """Have two years of a made-up business recorded; return when `newest` of it are, or at once."""
        query = _present(newest=newest)
        return answer_of(
            await self._http.json("POST", "/payments/history", query, patient=True), HistoryAnswer
        )

    async def history(self, tenant_id: str | None = None) -> HistoryAnswer:
        """How far the recording of a tenant's made-up history is; 0 of 0 where it has none."""
        query = _present(tenantId=tenant_id)
        return answer_of(await self._http.json("GET", "/payments/history", query), HistoryAnswer)

    async def export_chunks(
        self,
        tenant_id: str | None = None,
        *,
        format: str = "csv",  # noqa: A002 - the parameter's name in the REST contract
        **selection: Unpack[Selection],
    ) -> AsyncIterator[bytes]:
        """Every payment of the query as a file, in pieces as they arrive."""
        query = {**_asked(tenant_id, selection_of(**selection)), "format": format}
        async with self._http.request("GET", "/payments/export", query, patient=True) as answer:
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
        """Write every payment of the query to a binary file as it arrives.

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
        """How many payments each month holds, as of one `seq`."""
        query = _present(tenantId=tenant_id)
        return answer_of(await self._http.json("GET", "/payments/months", query), MonthsAnswer)

    async def changes(
        self, tenant_id: str | None = None, *, after: int, limit: int | None = None
    ) -> ChangesAnswer:
        """What happened after a number of the sequence, about `limit` changes at most."""
        query = _present(tenantId=tenant_id, after=after, limit=limit)
        return changes_of(await self._http.json("GET", "/payments/changes", query))

    async def verify(
        self,
        tenant_id: str,
        *,
        repair: bool = False,
        told: Callable[[VerificationAnswer], None] | None = None,
    ) -> VerifyAnswer:
        """Compare kept totals and shown figures with the payments; `repair` mends what it can.

        The server does so in the background and is asked how far it is, which `told` hears. Who
        cancels this ends that.

        Raises
        ------
        Unavailable
            Also where many verifications wait already.
        """
        return await verified(self._http, tenant_id, repair=repair, told=told)

    async def set_timezone(self, tenant_id: str, timezone: str) -> VerifyAnswer:
        """Give a tenant another time zone: the server cuts its totals anew."""
        path = f"/api/tenants/{quote(tenant_id, safe='')}/timezone"
        answer = await self._http.json("POST", path, {"timezone": timezone}, patient=True)
        return answer_of(answer, VerifyAnswer)

    async def ready(self) -> None:
        """Return when the server and its database answer, else raise `Unavailable`."""
        async with self._http.request("GET", "/ready", {}):
            pass


def _asked(tenant_id: str | None, asked: Asked) -> dict[str, str]:
    """Query of a question or selection."""
    return _present(tenantId=tenant_id, **query_of(asked))


def _present(**parameters: str | int | datetime | None) -> dict[str, str]:
    """Query parameters that were given, as text."""
    return {
        name: wire.timestamp(value) if isinstance(value, datetime) else str(value)
        for name, value in parameters.items()
        if value is not None
    }
